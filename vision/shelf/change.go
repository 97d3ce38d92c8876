package shelf

import "image"

// Action is what happened to an item.
type Action string

// The actions a shelf camera can tell apart.
const (
	Take   Action = "take"
	Return Action = "return"
	// Move is a return to another slot than the item came from.
	Move Action = "move"
)

// Change is what was taken from or returned to a slot.
type Change struct {
	// ID numbers the changes of a monitor. Open says that Purpose is not known
	// yet: [Monitor.Settled] will tell it.
	ID       int
	Open     bool
	Purpose  Purpose
	Slot     string
	SKU      string
	Action   Action
	Quantity int
	// Frame is the frame in which it happened, Before the last frame that
	// showed the slot at rest before it, Decided the frame in which it became
	// certain.
	Frame, Before, Decided int
	// Item and Act are how sure the monitor is what it was and what was done
	// with it, 0 to 1. Who did it a shelf camera cannot know.
	Item, Act float64
	// Left is how many items are in the slot after it and LeftSure how sure
	// that is; what stands behind the front item a camera does not see.
	Left     int
	LeftSure float64
	// Home is the slot where the item belongs, if that is another one. Untidy
	// says that after it something stands in the slot that belongs elsewhere.
	Home   string
	Untidy bool
	// Unseen says that it happened while the camera was blind, at some time
	// from Before to Frame.
	Unseen bool
	// Place is where the item stands or stood, in pixels of the planogram.
	Place image.Rectangle
}
