package bench

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"
)

// A mask is a set of processors, as the kernel has it.
type mask [16]uint64

// onOneProcessor runs a program that has one processor for all its threads: one
// that this process may use. Whatever it asks for, decoding in several threads
// or goroutines, runs there.
func onOneProcessor(cmd *exec.Cmd) error {
	// A child inherits the processors of the thread that starts it. The thread is
	// not used again: a locked one ends with its goroutine.
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		var all mask
		if err := affinity(syscall.SYS_SCHED_GETAFFINITY, &all); err != nil {
			done <- err
			return
		}
		one := mask{}
		for i := len(all)*64 - 1; i >= 0; i-- { // the last: interrupts tend to go to the first
			if all[i/64]&(1<<(i%64)) != 0 {
				one[i/64] = 1 << (i % 64)
				break
			}
		}
		if err := affinity(syscall.SYS_SCHED_SETAFFINITY, &one); err != nil {
			done <- err
			return
		}
		done <- cmd.Run()
	}()
	return <-done
}

// affinity asks or tells the kernel which processors this thread has.
func affinity(call uintptr, m *mask) error {
	_, _, errno := syscall.RawSyscall(call, 0, unsafe.Sizeof(*m), uintptr(unsafe.Pointer(m))) //nolint:gosec // the kernel writes into m, which is as large as it says
	if errno != 0 {
		return fmt.Errorf("processors of a thread: %w", errno)
	}
	return nil
}
