package relay

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
)

// longest bounds a line; what is longer is handed on in pieces.
const longest = 64 << 10

// A Reader follows a file that another program appends lines to. The file may not be
// there yet, and may be begun anew. Make it with [Follow].
type Reader struct {
	path string
	f    *os.File
	at   int64  // bytes of f that were read
	part []byte // of a line that is still being written
	buf  [longest]byte
}

// Follow begins to follow a file, with the one before it if there is one.
func Follow(path string) *Reader { return &Reader{path: path} }

// Next hands on the lines that were written since the last time, without their ends.
// The bytes are the reader's again when hear returns.
func (r *Reader) Next(hear func(line []byte)) error {
	if r.f == nil {
		if err := r.next(); err != nil || r.f == nil {
			return err
		}
	}
	for {
		// Asked before it is read: when there is another file, nothing is written into
		// this one any more.
		over, err := r.over()
		if err == nil {
			err = r.read(hear)
		}
		if err != nil || !over {
			return err
		}
		if err := r.next(); err != nil {
			return err
		}
	}
}

// Close closes the file.
func (r *Reader) Close() error {
	if r.f == nil {
		return nil
	}
	return r.f.Close()
}

// open opens a file, or returns nil if there is none.
func open(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // it will be there when its writer is
	}
	return f, err
}

// over reports whether the file is not the one that is written into any more.
func (r *Reader) over() (bool, error) {
	now, err := os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	own, err := r.f.Stat()
	return err == nil && !os.SameFile(own, now), err
}

// read hands on what the file has.
func (r *Reader) read(hear func(line []byte)) error {
	if st, err := r.f.Stat(); err != nil {
		return err
	} else if st.Size() < r.at {
		r.at, r.part = 0, nil // begun anew where it lies
	}
	for {
		n, err := r.f.ReadAt(r.buf[:], r.at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		r.at += int64(n)
		b := append(r.part, r.buf[:n]...)
		for {
			line, rest, whole := bytes.Cut(b, []byte("\n"))
			if !whole {
				break
			}
			hear(line)
			b = rest
		}
		if len(b) > longest {
			hear(b)
			b = nil
		}
		r.part = bytes.Clone(b)
		if n < len(r.buf) {
			return nil
		}
	}
}

// next goes on with the file that follows the one that is over, or begins with the one
// before, if there is any. The newest is opened before it is asked which came before
// that: so none is passed over that is begun meanwhile.
func (r *Reader) next() error {
	newest, err := open(r.path)
	if err != nil {
		return err
	}
	before, err := open(r.path + Before)
	if err != nil {
		if newest != nil {
			_ = newest.Close() // only read
		}
		return err
	}
	next, other := newest, before
	if before != nil && !same(before, r.f) && !same(before, newest) { // it is the first, or was begun anew twice
		next, other = before, newest
	}
	if other != nil {
		_ = other.Close() // only read
	}
	if next == nil {
		return nil
	}
	if r.f != nil {
		_ = r.f.Close() // only read
	}
	r.f, r.at, r.part = next, 0, nil
	return nil
}

func same(a, b *os.File) bool {
	if a == nil || b == nil {
		return false
	}
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}
