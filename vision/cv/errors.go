package cv

import "errors"

var (
	// ErrNoOpenCV is returned by everything in a binary built without the
	// tag opencv; build again with it.
	ErrNoOpenCV = errors.New("built without OpenCV (go build -tags opencv)")
	// ErrCannotOpen is returned when a source does not exist or does not
	// answer; check the path, the address or the device number.
	ErrCannotOpen = errors.New("cannot open the source")
	// ErrNotVideo is returned when a source opens but no frame of it
	// decodes; play it with ffplay, and re-encode it (ffmpeg -i in out.mp4)
	// if that fails too.
	ErrNotVideo = errors.New("no frame of it decodes")
	// ErrNotPicture is returned when a file or bytes are no JPEG, PNG or
	// other picture OpenCV reads; convert it to JPEG.
	ErrNotPicture = errors.New("not a picture that decodes")
	// ErrResized is returned for a file whose pictures change their size in its
	// middle; cut it there.
	ErrResized = errors.New("the size of the pictures changes")
	// ErrCannotWrite is returned when a clip or picture cannot be encoded;
	// check the folder and the free space, and that libavcodec has H.264.
	ErrCannotWrite = errors.New("cannot encode the picture or clip")
	// ErrModel is returned when a detector's files do not load or do not
	// fit together; check the pair of model and weights and the list of
	// names.
	ErrModel = errors.New("detector does not load")
	// ErrShape is returned when a buffer's length does not fit the width and
	// height it is given with; this is a fault of the caller.
	ErrShape = errors.New("buffer does not fit width and height")
)
