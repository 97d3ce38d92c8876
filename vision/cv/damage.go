//go:build opencv

package cv

// #include "bridge.h"
import "C"

import (
	"os"
	"runtime"
	"strconv"
	"sync"
)

// opening keeps two sources from opening at once, so that a thread that appears
// meanwhile is known to be a decoder of the one that opens. Threads of Go that
// appear too do no harm: no decoder complains in them.
var opening sync.Mutex

// threads lists the threads of this process; none where the system does not
// say.
func threads() map[int64]bool {
	list, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil
	}
	all := make(map[int64]bool, len(list))
	for _, e := range list {
		if n, err := strconv.ParseInt(e.Name(), 10, 64); err == nil {
			all[n] = true
		}
	}
	return all
}

// decoders runs open and returns the threads that appeared by it.
func decoders(open func() error) ([]C.long, error) {
	opening.Lock()
	defer opening.Unlock()
	before := threads()
	err := open()
	var mine []C.long
	for n := range threads() {
		if !before[n] {
			mine = append(mine, C.long(n))
		}
	}
	return mine, err
}

// watched runs read and reports whether the source's decoder complained since
// the last time: of a frame on its way, since decoders work ahead.
func (r *Reader) watched(read func() bool) (ok, damaged bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ok = read()
	asked := append(r.decoders[:len(r.decoders):len(r.decoders)], C.vouch_thread())
	return ok, C.vouch_complaints(&asked[0], C.int(len(asked))) > 0
}
