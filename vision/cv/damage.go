//go:build opencv

package cv

// #include "bridge.h"
import "C"

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"gocv.io/x/gocv"
)

// sources counts the sources that were opened. Their numbers stay short enough
// for the name of a thread; that two sources a million openings apart share
// one is no harm.
var sources atomic.Int64

const maxSource = 1_000_000

// newSource numbers a source.
func newSource() int64 { return sources.Add(1) % maxSource }

// working runs f in a thread whose decoders are known to work for the source.
// It holds nobody up: a camera that does not answer is waited for half a
// minute, and the others open meanwhile.
func working(source int64, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.vouch_work_for(C.long(source))
	defer C.vouch_work_over()
	f()
}

// grab decodes the next picture into m. It reports whether there was one,
// whether the source's decoder complained since the last time, of a picture on
// its way, since decoders work ahead, and whether pictures have another size
// from here on: then m is empty.
func (r *Reader) grab(m *gocv.Mat) (ok, damaged, resized bool) {
	working(r.number, func() {
		if ok = C.vouch_grab(captureOf(r.cap)) == 0; !ok {
			return
		}
		if resized = C.vouch_resized(C.long(r.number)) != 0; !resized && m != nil {
			ok = C.vouch_retrieve(captureOf(r.cap), unsafe.Pointer(m.Ptr())) == 0
		}
	})
	return ok, C.vouch_complaints(C.long(r.number)) > 0, resized
}

// forget drops what decoders said of a source that is closed.
func forget(source int64) { C.vouch_forget(C.long(source)) }
