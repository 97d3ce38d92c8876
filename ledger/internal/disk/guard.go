package disk

import (
	"fmt"
	"runtime/debug"
)

// Guard runs do, which uses memory that [File.Map] gave, and returns a fault
// of that memory as an error: a disk that cannot be read, or a file that was
// cut behind our back, is a signal there.
func Guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if fault, ok := p.(interface{ Addr() uintptr }); ok {
			err = fmt.Errorf("mapped memory at %#x: the disk does not give it", fault.Addr())
			return
		}
		panic(p)
	}()
	return do()
}
