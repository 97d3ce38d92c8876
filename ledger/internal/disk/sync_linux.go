package disk

import (
	"errors"
	"os"
	"syscall"
)

// Sync is fdatasync: the content and, where it grew, the length. Writing in
// place into zero-filled files, that spares the journal of the file system.
func (f *osFile) Sync() error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var sync error
	err = conn.Control(func(fd uintptr) {
		for {
			sync = syscall.Fdatasync(int(fd)) // a descriptor is small
			if !errors.Is(sync, syscall.EINTR) {
				return
			}
		}
	})
	if err = errors.Join(err, sync); err != nil {
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	return nil
}
