package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// OS is a folder of the operating system.
type OS struct{ dir string }

// Dir returns the folder dir. It is not looked at before it is used.
func Dir(dir string) *OS { return &OS{dir: dir} }

// Make creates the folder and those above it, durably. It is not an error if
// it exists.
func (o *OS) Make() error {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	return makeDir(dir)
}

func makeDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o750); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// Open opens a file of the folder.
func (o *OS) Open(name string, mode Mode) (File, error) {
	flag := os.O_RDONLY
	switch mode {
	case Read, Share:
	case Write, Posted:
		flag = os.O_RDWR
	case Create:
		flag = os.O_RDWR | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(filepath.Join(o.dir, name), flag, 0o640) //nolint:gosec // the operator's folder
	if err != nil {
		return nil, err
	}
	if mode == Share {
		if err := o.share(f, name); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	opened := &osFile{File: f}
	if mode == Posted {
		if err := opened.post(); err != nil {
			return nil, errors.Join(err, opened.Close())
		}
	}
	return opened, nil
}

// share marks f as being read. A writer that has just taken the file away for
// another use has it locked or has given it another name: then it is not there
// any more.
func (o *OS) share(f *os.File, name string) error {
	gone := &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) // a descriptor is small
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return gone
	}
	if err != nil {
		return err
	}
	mine, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(filepath.Join(o.dir, name))
	if err != nil {
		return err
	}
	if !os.SameFile(mine, named) {
		return gone
	}
	return nil
}

// Rename renames a file within the folder.
func (o *OS) Rename(from, to string) error {
	return os.Rename(filepath.Join(o.dir, from), filepath.Join(o.dir, to))
}

// Remove deletes a file of the folder.
func (o *OS) Remove(name string) error { return os.Remove(filepath.Join(o.dir, name)) }

// List returns the names of the folder's files, sorted.
func (o *OS) List() ([]string, error) {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Sync makes the names of the folder durable.
func (o *OS) Sync() error { return syncDir(o.dir) }

func syncDir(dir string) error {
	d, err := os.Open(dir) // the operator's folder
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}

type osFile struct {
	*os.File
	maps   [][]byte
	posted []byte // the first page, in mode Posted
}

// post maps the first page to be written. To write it there asks nothing of the
// system, which costs a hundredth of a call, and is seen by all at once as well.
func (f *osFile) post() error {
	const page = 4096
	size, err := f.Size()
	if err != nil || size < page { // a file that was cut is written as any other
		return err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return &os.PathError{Op: "map", Path: f.Name(), Err: err}
	}
	f.maps, f.posted = append(f.maps, b), b
	return nil
}

// WriteAt writes b at an offset.
func (f *osFile) WriteAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > int64(len(f.posted)) {
		return f.File.WriteAt(b, at)
	}
	err := Guard(func() error {
		copy(f.posted[at:], b)
		return nil
	})
	if err != nil {
		return 0, &os.PathError{Op: "write", Path: f.Name(), Err: err}
	}
	return len(b), nil
}

// Size returns the length in bytes.
func (f *osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Map maps a part of the file into memory.
func (f *osFile) Map(at int64, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	b, err := syscall.Mmap(int(f.Fd()), at, n, syscall.PROT_READ, syscall.MAP_SHARED) // a descriptor is small
	if err != nil {
		return nil, &os.PathError{Op: "map", Path: f.Name(), Err: err}
	}
	f.maps = append(f.maps, b)
	return b, nil
}

// Alone takes the file for itself if nobody reads it.
func (f *osFile) Alone() (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // a descriptor is small
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// Close unmaps and closes the file.
func (f *osFile) Close() error {
	var err error
	for _, b := range f.maps {
		err = errors.Join(err, syscall.Munmap(b))
	}
	f.maps = nil
	return errors.Join(err, f.File.Close())
}
