// Package keyfile keeps keys that can be destroyed: one age identity a file, and
// a mark in place of one that is gone for good. What is sealed to a destroyed key
// is noise in every copy, so the folder must lie where nothing keeps what was
// deleted, and apart from what is sealed.
//
// # Invariants
//
//   - A key that was destroyed is never made again, by whatever comes late.
//   - Two processes that make a key at once have the same one.
//   - No error holds any part of a key.
package keyfile

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"filippo.io/age"
)

// destroyed is what a file holds in place of a key that is gone for good.
const destroyed = "destroyed\n"

var (
	// ErrNone means that no key was ever made under the name.
	ErrNone = errors.New("no such key")

	// ErrDestroyed means that the key is gone for good.
	ErrDestroyed = errors.New("the key was destroyed")

	// ErrBroken means that a file holds no key. Restore it from a copy.
	ErrBroken = errors.New("the file holds no key")
)

// A Folder holds keys by name. It may be used by many goroutines and processes.
//
//	DIR/ab/NAME    an age identity, or "destroyed"; ab is of the SHA-256 of the name
type Folder struct{ root *os.Root }

// Open opens the keys in dir and makes the folder if it is not there.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root}, nil
}

// Close gives the folder back.
func (f *Folder) Close() error { return f.root.Close() }

// file returns where a key lies.
func file(name string) string {
	return fmt.Sprintf("%02x/%s", sha256.Sum256([]byte(name))[0], name)
}

// Get returns a key, or [ErrNone], [ErrDestroyed] or [ErrBroken].
func (f *Folder) Get(name string) (*age.X25519Identity, error) {
	b, err := f.read(name)
	if err != nil {
		return nil, err
	}
	id, err := age.ParseX25519Identity(strings.TrimSuffix(string(b), "\n"))
	if err != nil {
		return nil, ErrBroken // the text of the error could hold the key
	}
	return id, nil
}

// Destroyed reports whether a key is gone for good, without reading it as a key:
// many are asked about at once.
func (f *Folder) Destroyed(name string) bool {
	_, err := f.read(name)
	return errors.Is(err, ErrDestroyed)
}

func (f *Folder) read(name string) ([]byte, error) {
	in, err := f.root.Open(file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(in, 1<<10))
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	if string(b) == destroyed {
		return nil, ErrDestroyed
	}
	return b, nil
}

// Make returns a key and makes it if there was none.
func (f *Folder) Make(name string) (*age.X25519Identity, error) {
	id, err := f.Get(name)
	if !errors.Is(err, ErrNone) {
		return id, err
	}
	id, err = age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	// A link fails where a rename would take the place of a key that another
	// process has just made and used.
	err = f.place(file(name), id.String()+"\n", f.root.Link)
	if errors.Is(err, fs.ErrExist) {
		return f.Get(name)
	}
	if err != nil {
		return nil, err
	}
	return id, nil
}

// Destroy destroys a key for good, also if there never was one: what is sent late
// is refused. The bytes are written over where they lie, as far as the disk
// allows, before the mark takes their place.
func (f *Folder) Destroy(name string) error {
	if f.Destroyed(name) {
		return nil
	}
	if err := f.scramble(file(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.place(file(name), destroyed, f.root.Rename)
}

func (f *Folder) scramble(name string) error {
	out, err := f.root.OpenFile(name, os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	noise := make([]byte, 128)
	_, _ = rand.Read(noise) // never fails
	_, err = out.WriteAt(noise, 0)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// Forget removes a key and leaves no mark, for what may be made again.
func (f *Folder) Forget(name string) error {
	err := f.root.Remove(file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = f.sync(path.Dir(file(name)))
	}
	return err
}

// place writes a file beside name, syncs it and gives it its name.
func (f *Folder) place(name, content string, give func(from, to string) error) error {
	dir := path.Dir(name)
	if err := f.root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp := path.Join(dir, ".tmp-"+rand.Text())
	out, err := f.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.root.Remove(tmp) //nolint:errcheck // a rename has taken it away
	_, err = io.WriteString(out, content)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	if err := give(tmp, name); err != nil {
		return err
	}
	return errors.Join(f.sync(dir), f.sync("."))
}

func (f *Folder) sync(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// CopyTo copies all keys to another folder, in which a key that was destroyed on
// either side is destroyed afterwards.
func (f *Folder) CopyTo(to *Folder) error {
	return fs.WalkDir(f.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		b, err := fs.ReadFile(f.root.FS(), name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // forgotten since
		}
		if err != nil {
			return err
		}
		there, err := fs.ReadFile(to.root.FS(), name)
		if err == nil && (string(b) != destroyed || string(there) == destroyed) {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		give := to.root.Link
		if string(b) == destroyed {
			give = to.root.Rename
		}
		if err := to.place(name, string(b), give); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}
