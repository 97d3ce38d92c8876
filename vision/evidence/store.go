package evidence

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// DefaultMaxBytes is the largest object a store takes unless told otherwise:
// about fifty minutes of clip, or any key frame.
const DefaultMaxBytes = 64 << 20

const (
	objects = "sha256"
	staging = "tmp"
)

// Config holds the settings of a store.
type Config struct {
	MaxBytes int64 // largest object; 0 means DefaultMaxBytes
}

// A Store keeps objects in one folder. It may be used by many goroutines and
// by several processes at once.
type Store struct {
	root *os.Root
	max  int64
}

// An Info says what is stored under a digest.
type Info struct {
	Digest  ledger.Digest
	Bytes   int64
	Existed bool // set by Put: the object had been there before
}

// Open opens the store in dir and creates the folder if it is not there.
func Open(dir string, cfg Config) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("evidence store: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("evidence store: %w", err)
	}
	s := &Store{root: root, max: cfg.MaxBytes}
	if s.max <= 0 {
		s.max = DefaultMaxBytes
	}
	for _, d := range []string{objects, staging} {
		if err := root.MkdirAll(d, 0o700); err != nil {
			_ = root.Close()
			return nil, fmt.Errorf("evidence store: %w", err)
		}
	}
	return s, nil
}

// Close gives the folder back. Files opened before stay readable.
func (s *Store) Close() error { return s.root.Close() }

// MaxBytes returns the largest object the store takes.
func (s *Store) MaxBytes() int64 { return s.max }

// PutBytes stores b under its own digest.
func (s *Store) PutBytes(ctx context.Context, b []byte) (Info, error) {
	return s.Put(ctx, strings.NewReader(string(b)), ledger.DigestOf(b))
}

// Put stores what r gives under want, all or nothing. Bytes that have another
// digest are refused with a *MismatchError. When Put returns nil the object
// is durable. Putting an object that is there already checks the bytes, and
// changes nothing.
func (s *Store) Put(ctx context.Context, r io.Reader, want ledger.Digest) (Info, error) {
	if err := want.Validate(); err != nil {
		return Info{}, err
	}
	have, err := s.Stat(want)
	if err == nil {
		sum := sha256.New()
		n, err := s.copy(ctx, sum, r, want)
		if err != nil {
			return Info{}, err
		}
		return Info{Digest: want, Bytes: n, Existed: true}, agree(want, sum)
	}
	if !errors.Is(err, ErrMissing) {
		return have, err
	}
	tmp := path.Join(staging, rand.Text())
	n, err := s.write(ctx, tmp, r, want)
	if err == nil {
		err = s.publish(tmp, want)
	}
	if err != nil {
		_ = s.root.Remove(tmp) // it may not be there any more
		return Info{}, err
	}
	return Info{Digest: want, Bytes: n}, nil
}

// write fills the temporary file and syncs it.
func (s *Store) write(ctx context.Context, tmp string, r io.Reader, want ledger.Digest) (int64, error) {
	f, err := s.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("evidence %s: %w", want, err)
	}
	sum := sha256.New()
	n, err := s.copy(ctx, io.MultiWriter(f, sum), r, want)
	if err == nil {
		err = agree(want, sum)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return n, err
}

// copy copies at most the limit and notices a cancelled context between
// chunks.
func (s *Store) copy(ctx context.Context, w io.Writer, r io.Reader, want ledger.Digest) (int64, error) {
	n, err := io.Copy(w, &contextReader{ctx: ctx, r: io.LimitReader(r, s.max+1)})
	switch {
	case err != nil:
		return 0, fmt.Errorf("evidence %s: %w", want, err)
	case n > s.max:
		return 0, fmt.Errorf("evidence %s: %w: more than %d bytes", want, ErrTooLarge, s.max)
	case n == 0:
		return 0, fmt.Errorf("evidence %s: %w", want, ErrEmpty)
	}
	return n, nil
}

func agree(want ledger.Digest, sum hash.Hash) error {
	if got := ledger.Digest(fmt.Sprintf("sha256:%x", sum.Sum(nil))); got != want {
		return &MismatchError{Want: want, Got: got}
	}
	return nil
}

// publish gives the finished file its name and syncs the folders.
func (s *Store) publish(tmp string, d ledger.Digest) error {
	name := file(d)
	dir := path.Dir(name)
	if err := s.root.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("evidence %s: %w", d, err)
	}
	if err := s.root.Rename(tmp, name); err != nil {
		return fmt.Errorf("evidence %s: %w", d, err)
	}
	for _, folder := range []string{dir, objects} {
		if err := s.sync(folder); err != nil {
			return fmt.Errorf("evidence %s: %w", d, err)
		}
	}
	return nil
}

func (s *Store) sync(dir string) error {
	f, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// file returns where an object lies. The digest must be valid.
func file(d ledger.Digest) string {
	hex := strings.TrimPrefix(string(d), "sha256:")
	return path.Join(objects, hex[:2], hex)
}

// Stat says how large an object is, or that it is missing. It does not read
// the bytes; [Store.Check] does.
func (s *Store) Stat(d ledger.Digest) (Info, error) {
	if err := d.Validate(); err != nil {
		return Info{}, err
	}
	st, err := s.root.Stat(file(d))
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, fmt.Errorf("evidence %s: %w", d, ErrMissing)
	}
	if err != nil {
		return Info{}, fmt.Errorf("evidence %s: %w", d, err)
	}
	if !st.Mode().IsRegular() {
		return Info{}, fmt.Errorf("evidence %s: %w: it is no regular file", d, ErrAltered)
	}
	return Info{Digest: d, Bytes: st.Size()}, nil
}

// Has reports whether an object is there.
func (s *Store) Has(d ledger.Digest) bool {
	_, err := s.Stat(d)
	return err == nil
}

// Get opens an object for reading and seeking without checking its bytes, so
// that a player may ask for any part of a long clip. The caller closes it.
func (s *Store) Get(d ledger.Digest) (*os.File, error) {
	if _, err := s.Stat(d); err != nil {
		return nil, err
	}
	f, err := s.root.Open(file(d))
	if err != nil {
		return nil, fmt.Errorf("evidence %s: %w", d, err)
	}
	return f, nil
}

// Check reads an object again and says whether it still has its digest.
func (s *Store) Check(ctx context.Context, d ledger.Digest) error {
	f, err := s.Get(d)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, &contextReader{ctx: ctx, r: f}); err != nil {
		return fmt.Errorf("evidence %s: %w", d, err)
	}
	if err := agree(d, sum); err != nil {
		return fmt.Errorf("%w: %w", ErrAltered, err)
	}
	return nil
}

// Read returns an object's bytes after checking them.
func (s *Store) Read(d ledger.Digest) ([]byte, error) {
	f, err := s.Get(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("evidence %s: %w", d, err)
	}
	if got := ledger.DigestOf(b); got != d {
		return nil, fmt.Errorf("%w: %w", ErrAltered, &MismatchError{Want: d, Got: got})
	}
	return b, nil
}

// Remove takes an object away, for retention. Removing what is not there is
// no error.
func (s *Store) Remove(d ledger.Digest) error {
	if err := d.Validate(); err != nil {
		return err
	}
	if err := s.root.Remove(file(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("evidence %s: %w", d, err)
	}
	return s.sync(objects)
}

// Sweep removes what writers that crashed before the given time left behind,
// and says how many files that were.
func (s *Store) Sweep(before time.Time) (int, error) {
	entries, err := fs.ReadDir(s.root.FS(), staging)
	if err != nil {
		return 0, fmt.Errorf("evidence store: %w", err)
	}
	n := 0
	for _, e := range entries {
		st, err := e.Info()
		if err != nil || !st.ModTime().Before(before) {
			continue
		}
		if err := s.root.Remove(path.Join(staging, e.Name())); err != nil {
			return n, fmt.Errorf("evidence store: %w", err)
		}
		n++
	}
	return n, nil
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
