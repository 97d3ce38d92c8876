package evidence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
	"time"
)

// A Folder is the [Blobs] of a folder on a disk.
type Folder struct{ root *os.Root }

// OpenFolder opens dir and makes it if it is not there.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("evidence store: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("evidence store: %w", err)
	}
	for _, d := range []string{objects, staging} {
		if err := root.MkdirAll(d, 0o700); err != nil {
			_ = root.Close()
			return nil, fmt.Errorf("evidence store: %w", err)
		}
	}
	return &Folder{root}, nil
}

// Close gives the folder back. Objects opened before stay readable.
func (f *Folder) Close() error { return f.root.Close() }

// Create implements [Blobs].
func (f *Folder) Create(_ context.Context, name string, fill func(io.Writer) error) error {
	tmp := path.Join(staging, rand.Text())
	err := f.write(tmp, fill)
	if err == nil {
		err = f.publish(tmp, name)
	}
	if err != nil {
		_ = f.root.Remove(tmp) // it may not be there any more
	}
	return err
}

// write fills the temporary file and syncs it.
func (f *Folder) write(tmp string, fill func(io.Writer) error) error {
	file, err := f.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = fill(file); err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// publish gives the finished file its name and syncs the folders.
func (f *Folder) publish(tmp, name string) error {
	dir := path.Dir(name)
	if err := f.root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := f.root.Rename(tmp, name); err != nil {
		return err
	}
	return errors.Join(f.sync(dir), f.sync(path.Dir(dir)))
}

func (f *Folder) sync(dir string) error { return syncDir(f.root, dir) }

func syncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open implements [Blobs].
func (f *Folder) Open(_ context.Context, name string) (Blob, error) {
	file, err := f.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err
	}
	st, err := file.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%w: it is no regular file", ErrAltered)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return fileBlob{file, st.Size()}, nil
}

type fileBlob struct {
	*os.File
	size int64
}

func (b fileBlob) Size() int64 { return b.size }

// List implements [Blobs].
func (f *Folder) List(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		err := fs.WalkDir(f.root.FS(), path.Dir(prefix+"."), func(name string, e fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil // the folder was never made, or is gone since
			case err != nil:
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			case e.IsDir() && !strings.HasPrefix(name+"/", prefix) && !strings.HasPrefix(prefix, name+"/"):
				return fs.SkipDir
			case e.IsDir() || !strings.HasPrefix(name, prefix):
				return nil
			}
			st, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			if !yield(Entry{name, st.Size(), st.ModTime()}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(Entry{}, fmt.Errorf("evidence store: %w", err))
		}
	}
}

// Remove implements [Blobs].
func (f *Folder) Remove(_ context.Context, name string) error {
	err := f.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.sync(path.Dir(name))
}

// Sweep removes what writers that crashed before the given time left behind,
// and says how many files that were.
func (f *Folder) Sweep(before time.Time) (int, error) {
	entries, err := fs.ReadDir(f.root.FS(), staging)
	if err != nil {
		return 0, fmt.Errorf("evidence store: %w", err)
	}
	n := 0
	for _, e := range entries {
		st, err := e.Info()
		if err != nil || !st.ModTime().Before(before) {
			continue
		}
		if err := f.root.Remove(path.Join(staging, e.Name())); err != nil {
			return n, fmt.Errorf("evidence store: %w", err)
		}
		n++
	}
	return n, nil
}
