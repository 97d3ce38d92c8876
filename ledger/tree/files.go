package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/ledger"
)

// Files is a folder. Names are relative, with slashes. A missing file is
// [fs.ErrNotExist].
type Files interface {
	// Read returns the whole of a file, in room if it fits there.
	Read(name string, room []byte) ([]byte, error)
	// List returns the names of the files below a folder; none if it is not
	// there.
	List(folder string) ([]string, error)
	// Write makes a file. It is there for readers when Write returns, and
	// durable after Sync. A file that holds other bytes is replaced in one
	// step; one that holds the same is left alone.
	Write(name string, data []byte) error
	// Replace makes or replaces a file in one step, durably.
	Replace(name string, data []byte) error
	// Sync makes files and their names durable.
	Sync(ctx context.Context, names []string) error
	// Remove deletes a file. It need not be durable.
	Remove(name string) error
}

// Dir is a folder of the operating system.
type Dir struct {
	root string

	mu      sync.Mutex
	folders map[string]bool // known to be there; true: made, its name not yet durable
}

// NewDir returns the folder root. It is made when something is written.
func NewDir(root string) *Dir { return &Dir{root: root, folders: map[string]bool{}} }

// syncers is how many files are made durable at once: enough for a file system
// to gather them into few commits.
const syncers = 8

func (d *Dir) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

// Read implements [Files].
func (d *Dir) Read(name string, room []byte) ([]byte, error) {
	return readFile(d.path(name), room)
}

// List implements [Files].
func (d *Dir) List(folder string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(d.path(folder), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(d.root, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

// Write implements [Files].
func (d *Dir) Write(name string, data []byte) error {
	path := d.path(name)
	if err := d.makeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	err := writeNew(path, data)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	// What lies there was never covered by a checkpoint, or is being mended.
	return d.Replace(name, data)
}

// Replace implements [Files].
func (d *Dir) Replace(name string, data []byte) error {
	path := d.path(name)
	if err := d.makeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeNew(tmp, data); err != nil {
		return err
	}
	if err := syncPath(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640) //nolint:gosec // the operator's folder
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// makeFolder makes a folder and those above it, and notes which are new.
func (d *Dir) makeFolder(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.make(path)
}

func (d *Dir) make(path string) error {
	if _, ok := d.folders[path]; ok {
		return nil
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.make(filepath.Dir(path)); err != nil {
			return err
		}
		if err := os.Mkdir(path, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		d.folders[path] = true
		return nil
	}
	if err == nil {
		d.folders[path] = false
	}
	return err
}

// Sync implements [Files].
func (d *Dir) Sync(ctx context.Context, names []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(syncers)
	folders := map[string]bool{}
	for _, name := range names {
		path := d.path(name)
		folders[filepath.Dir(path)] = true
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return syncPath(path)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, fresh := range d.folders {
		if fresh {
			folders[filepath.Dir(path)] = true
		}
	}
	for path := range folders {
		if err := syncPath(path); err != nil {
			return err
		}
	}
	for path := range d.folders {
		d.folders[path] = false
	}
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Remove implements [Files].
func (d *Dir) Remove(name string) error { return os.Remove(d.path(name)) }

// missing says what a file that is not there means: tiles are derived, but
// what a checkpoint covers must be there.
func missing(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w: the file is missing", name, ledger.ErrCorrupt)
	}
	return fmt.Errorf("%s: %w", name, err)
}
