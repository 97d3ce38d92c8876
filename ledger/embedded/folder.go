package embedded

import (
	"errors"
	"io/fs"
	"sync"
	"syscall"

	"github.com/vouchledger/vouch/ledger/internal/disk"
)

// A folder is the log's folder with one rule: names change one after the other,
// each change is made durable before the next begins, and after a change that
// could not be made durable there is no other. A second sync that succeeds would
// mean nothing.
type folder struct {
	disk.Folder

	mu     sync.Mutex
	failed error
}

// change makes a change of names and makes it durable. An error of do has left
// the names as they were, and is returned as it is; one of the sync is an
// errDisk.
func (f *folder) change(do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return f.failed
	}
	if err := do(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		f.failed = failed(err)
		return f.failed
	}
	return nil
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// isFull reports whether an error is that there is no room: that passes.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// errStopped gives up what is under way because the log stops.
var errStopped = errors.New("stopped")
