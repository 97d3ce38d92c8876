//go:build amd64 || arm64

package disk

import "syscall"

// dontNeed is POSIX_FADV_DONTNEED.
const dontNeed = 4

// Forget asks the kernel to let go of what it has in memory of a file that was
// synced, so that who reads next reads the disk. It is a request: a page that
// somebody else has mapped stays.
func (f *osFile) Forget() {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		_, _, _ = syscall.Syscall6(syscall.SYS_FADVISE64, fd, 0, 0, dontNeed, 0, 0)
	})
}
