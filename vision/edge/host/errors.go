package host

import "errors"

// ErrGaveUp means that decoders hang and the process is better begun anew;
// whoever started it should start it again.
var ErrGaveUp = errors.New("begin the process anew")

// errClosed ends a queue that nobody reads from any more.
var errClosed = errors.New("the run is over")
