package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	case Read:
	case Write:
		flag = os.O_RDWR
	case Create:
		flag = os.O_RDWR | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(filepath.Join(o.dir, name), flag, 0o640) //nolint:gosec // the operator's folder
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
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

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
