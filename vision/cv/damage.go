//go:build opencv

package cv

// #include "bridge.h"
import "C"

import (
	"runtime"
	"sync/atomic"
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

// watched runs read and reports whether the source's decoder complained since
// the last time: of a frame on its way, since decoders work ahead.
func (r *Reader) watched(read func() bool) (ok, damaged bool) {
	working(r.number, func() { ok = read() })
	return ok, C.vouch_complaints(C.long(r.number)) > 0
}

// forget drops what decoders complained of for a source that is closed.
func forget(source int64) { C.vouch_complaints(C.long(source)) }
