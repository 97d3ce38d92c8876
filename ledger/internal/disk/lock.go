package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrHeld means that another process, or another opening in this one, holds the
// lock. Its message carries what the holder wrote about itself.
var ErrHeld = errors.New("held")

// A reader that only looks whether somebody holds the lock has it for an
// instant; a writer therefore asks again before it gives up.
const (
	lockTries = 20
	lockPause = 10 * time.Millisecond
)

// Lock takes the folder for one writer and notes who has it in the file name.
// It is released by closing what it returns, or by the end of the process.
func (o *OS) Lock(ctx context.Context, name, holder string) (io.Closer, error) {
	path := filepath.Join(o.dir, name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640) //nolint:gosec // the operator's folder
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // a descriptor is small
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || try == lockTries {
			return nil, errors.Join(refused(path, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(lockPause):
		}
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if _, err := f.WriteAt([]byte(holder+"\n"), 0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Locked reports whether somebody holds the lock now.
func (o *OS) Locked(name string) (bool, error) {
	f, err := os.Open(filepath.Join(o.dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) // a descriptor is small
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

func refused(path string, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	who, readErr := os.ReadFile(path)
	if text := strings.TrimSpace(string(who)); readErr == nil && text != "" {
		return fmt.Errorf("%w by %s", ErrHeld, text)
	}
	return fmt.Errorf("%w by another process", ErrHeld)
}
