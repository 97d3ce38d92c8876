package lens

// Trouble is why a camera cannot be judged by.
type Trouble string

// The troubles. All but Full mean that nothing is judged until they are over.
const (
	// Clear is no trouble.
	Clear Trouble = ""
	// Dark is a picture in which nothing can be seen: black or burnt out.
	Dark Trouble = "dark"
	// Frozen is the same picture again and again; a sensor is never that
	// quiet.
	Frozen Trouble = "frozen"
	// Moved is a camera that looks elsewhere than where the planogram was
	// drawn, or that was pushed.
	Moved Trouble = "moved"
	// Resized is a stream whose pictures have another size than the
	// planogram.
	Resized Trouble = "resized"
	// Torn is a picture the decoder could not put together: it complained, or
	// most of the picture is flat where there was structure.
	Torn Trouble = "torn"
	// Broken is a stream that ends long before it said it would.
	Broken Trouble = "broken"
	// Full is a disk that takes no more evidence or messages. What is seen is
	// still told, without pictures, and kept in memory until it can be stored.
	Full Trouble = "full"
)
