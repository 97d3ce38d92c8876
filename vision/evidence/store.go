package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
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
	// loose is the owner of what no visit has named yet.
	loose = "loose"
)

// Config holds the settings of a store.
type Config struct {
	MaxBytes int64 // largest object; 0 means DefaultMaxBytes
	Keys     *Keys // nil stores objects as they are
}

// A Store keeps objects. It may be used by many goroutines and by several
// processes at once.
type Store struct {
	blobs Blobs
	keys  *Keys
	max   int64
}

// An Info says what is stored under a digest.
type Info struct {
	Digest  ledger.Digest
	Bytes   int64
	Existed bool // set by Put: the object had been there before
}

// A Copy is one stored form of an object. A store with keys has one for each
// visit that the object was put for.
type Copy struct {
	Digest ledger.Digest
	Bytes  int64     // as stored, with what encryption adds
	Stored time.Time // by the clock of what keeps it
	owner  string
}

// Visit returns the visit that a key of is needed for the copy, or none.
func (c Copy) Visit() ledger.VisitID { return ownerOf(c.owner).Visit }

// Name returns where in the store the copy lies.
func (c Copy) Name() string {
	if c.owner == "" {
		return file(c.Digest)
	}
	return file(c.Digest) + "." + c.owner
}

// key returns whose key it is: a loose object has one of its own.
func (c Copy) key() string {
	if c.owner == loose {
		return loose + "-" + path.Base(file(c.Digest))
	}
	return c.owner
}

// Open opens the store in the folder dir and makes it if it is not there.
func Open(dir string, cfg Config) (*Store, error) {
	f, err := OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	return New(f, cfg), nil
}

// New returns a store on blobs, which it closes in the end. The keys stay the
// caller's.
func New(blobs Blobs, cfg Config) *Store {
	s := &Store{blobs: blobs, keys: cfg.Keys, max: cfg.MaxBytes}
	if s.max <= 0 {
		s.max = DefaultMaxBytes
	}
	return s
}

// Close gives back what the store stands on.
func (s *Store) Close() error { return s.blobs.Close() }

// MaxBytes returns the largest object the store takes.
func (s *Store) MaxBytes() int64 { return s.max }

// PutBytes stores b under its own digest.
func (s *Store) PutBytes(ctx context.Context, b []byte) (Info, error) {
	return s.Put(ctx, bytes.NewReader(b), ledger.DigestOf(b))
}

// Put stores what r gives under want, for no visit yet. An object that any
// visit has is not stored again. See [Store.PutFor].
func (s *Store) Put(ctx context.Context, r io.Reader, want ledger.Digest) (Info, error) {
	return s.PutFor(ctx, "", r, want)
}

// PutFor stores what r gives under want for a visit, as [Store.PutAs] does.
func (s *Store) PutFor(ctx context.Context, v ledger.VisitID, r io.Reader, want ledger.Digest) (Info, error) {
	return s.PutAs(ctx, Owner{Visit: v}, r, want)
}

// PutAs stores what r gives under want for an owner, all or nothing. Bytes that
// have another digest are refused with a *MismatchError; a visit whose evidence
// has expired with [ErrExpired]. When it returns nil the object is durable.
// Putting an object that is there already checks the bytes, and changes nothing.
func (s *Store) PutAs(ctx context.Context, o Owner, r io.Reader, want ledger.Digest) (Info, error) {
	if err := errors.Join(want.Validate(), o.validate()); err != nil {
		return Info{}, err
	}
	c := Copy{Digest: want, owner: s.owner(o)}
	there, err := s.holds(ctx, c)
	if err != nil {
		return Info{}, err
	}
	if there {
		sum := sha256.New()
		n, err := s.copy(ctx, sum, r, want)
		if err != nil {
			return Info{}, err
		}
		return Info{Digest: want, Bytes: n, Existed: true}, agree(want, sum)
	}
	n, err := s.create(ctx, c, r)
	return Info{Digest: want, Bytes: n}, err
}

// holds reports whether c need not be stored: it is there, or is for no visit
// and another copy can be read.
func (s *Store) holds(ctx context.Context, c Copy) (bool, error) {
	all, err := s.copies(ctx, c.Digest)
	for _, other := range all {
		if other.owner == c.owner {
			return true, err
		}
		if c.owner == loose && s.readable(other) {
			return true, err
		}
	}
	return false, err
}

func (s *Store) readable(c Copy) bool {
	if c.owner == "" {
		return true
	}
	_, err := s.keys.get(c.key())
	return err == nil
}

func (s *Store) create(ctx context.Context, c Copy, r io.Reader) (n int64, err error) {
	err = s.blobs.Create(ctx, c.Name(), func(w io.Writer) error {
		return s.seal(c, w, func(w io.Writer) error {
			sum := sha256.New()
			if n, err = s.copy(ctx, io.MultiWriter(w, sum), r, c.Digest); err != nil {
				return err
			}
			return agree(c.Digest, sum)
		})
	})
	if err != nil {
		return 0, fmt.Errorf("evidence %s: %w", c.Digest, err)
	}
	return n, nil
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

// file returns where an object lies. The digest must be valid.
func file(d ledger.Digest) string {
	hex := strings.TrimPrefix(string(d), "sha256:")
	return path.Join(objects, hex[:2], hex)
}

// parseName returns the copy that lies under a name.
func parseName(name string) (Copy, bool) {
	hex, owner, _ := strings.Cut(path.Base(name), ".")
	c := Copy{Digest: ledger.Digest("sha256:" + hex), owner: owner}
	if c.Digest.Validate() != nil || validName(owner) != nil {
		return c, false
	}
	return c, c.Name() == name
}

// copies lists the copies of an object.
func (s *Store) copies(ctx context.Context, d ledger.Digest) (all []Copy, err error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	for e, err := range s.blobs.List(ctx, file(d)) {
		if err != nil {
			return all, fmt.Errorf("evidence %s: %w", d, err)
		}
		if c, ok := parseName(e.Name); ok {
			c.Bytes, c.Stored = e.Bytes, e.Stored
			all = append(all, c)
		}
	}
	return all, nil
}

// Dead reports whether the key of a copy was destroyed.
func (s *Store) Dead(c Copy) bool {
	if c.owner == "" || s.keys == nil {
		return false
	}
	_, err := s.keys.get(c.key())
	return errors.Is(err, ErrExpired)
}

// Loose reports whether a copy waits for a visit that names it.
func (c Copy) Loose() bool { return c.owner == loose }

// Copies yields every stored copy, by digest. What is none is left out;
// [Store.Verify] names it.
func (s *Store) Copies(ctx context.Context) iter.Seq2[Copy, error] {
	return func(yield func(Copy, error) bool) {
		for e, err := range s.blobs.List(ctx, objects+"/") {
			c, ok := parseName(e.Name)
			c.Bytes, c.Stored = e.Bytes, e.Stored
			if (err != nil || ok) && !yield(c, err) {
				return
			}
		}
	}
}

// Stat says how large an object is, or that it is missing or has expired. It
// does not read the bytes; [Store.Check] does.
func (s *Store) Stat(ctx context.Context, d ledger.Digest) (Info, error) {
	o, err := s.Get(ctx, d)
	if err != nil {
		return Info{}, err
	}
	return Info{Digest: d, Bytes: o.Size()}, o.Close()
}

// Has reports whether an object is there and can be read.
func (s *Store) Has(ctx context.Context, d ledger.Digest) bool {
	all, _ := s.copies(ctx, d)
	for _, c := range all {
		if s.readable(c) {
			return true
		}
	}
	return false
}

// Get opens an object for reading and seeking, so that a player may ask for any
// part of a long clip. The caller closes it.
func (s *Store) Get(ctx context.Context, d ledger.Digest) (*Object, error) {
	all, err := s.copies(ctx, d)
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("evidence %s: %w", d, ErrMissing)
	for _, c := range all {
		var o *Object
		if o, err = s.open(ctx, c); err == nil {
			return o, nil
		}
	}
	return nil, err
}

// Check reads an object again and says whether it still has its digest.
func (s *Store) Check(ctx context.Context, d ledger.Digest) error {
	o, err := s.Get(ctx, d)
	if err != nil {
		return err
	}
	return check(ctx, o)
}

// CheckCopy reads a copy again and says whether it still has its digest.
func (s *Store) CheckCopy(ctx context.Context, c Copy) error {
	o, err := s.open(ctx, c)
	if err != nil {
		return err
	}
	return check(ctx, o)
}

func check(ctx context.Context, o *Object) error {
	sum := sha256.New()
	_, err := io.Copy(sum, &contextReader{ctx: ctx, r: o})
	if err = errors.Join(err, o.Close()); err != nil {
		return fmt.Errorf("evidence %s: %w", o.digest, err)
	}
	if err := agree(o.digest, sum); err != nil {
		return fmt.Errorf("%w: %w", ErrAltered, err)
	}
	return nil
}

// Read returns an object's bytes after checking them.
func (s *Store) Read(ctx context.Context, d ledger.Digest) ([]byte, error) {
	o, err := s.Get(ctx, d)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(o)
	if err = errors.Join(err, o.Close()); err != nil {
		return nil, fmt.Errorf("evidence %s: %w", d, err)
	}
	if got := ledger.DigestOf(b); got != d {
		return nil, fmt.Errorf("%w: %w", ErrAltered, &MismatchError{Want: d, Got: got})
	}
	return b, nil
}

// Remove takes an object away, with all its copies. Removing what is not there
// is no error.
func (s *Store) Remove(ctx context.Context, d ledger.Digest) error {
	all, err := s.copies(ctx, d)
	for _, c := range all {
		err = errors.Join(err, s.RemoveCopy(ctx, c))
	}
	return err
}

// RemoveCopy takes one copy away, and the key of a loose one before.
func (s *Store) RemoveCopy(ctx context.Context, c Copy) error {
	var err error
	if c.owner == loose && s.keys != nil {
		err = s.keys.forget(c.key())
	}
	if err == nil {
		err = s.blobs.Remove(ctx, c.Name())
	}
	if err != nil {
		return fmt.Errorf("evidence %s: %w", c.Digest, err)
	}
	return nil
}

// HasCopy reports whether a copy is stored.
func (s *Store) HasCopy(ctx context.Context, c Copy) (bool, error) {
	b, err := s.blobs.Open(ctx, c.Name())
	if errors.Is(err, ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("evidence %s: %w", c.Digest, err)
	}
	return true, b.Close()
}

// CopyTo copies a copy to another store as it is, without its key.
func (s *Store) CopyTo(ctx context.Context, to *Store, c Copy) error {
	b, err := s.blobs.Open(ctx, c.Name())
	if err != nil {
		return fmt.Errorf("evidence %s: %w", c.Digest, err)
	}
	err = to.blobs.Create(ctx, c.Name(), func(w io.Writer) error {
		_, err := io.Copy(w, &contextReader{ctx: ctx, r: io.NewSectionReader(b, 0, b.Size())})
		return err
	})
	if err = errors.Join(err, b.Close()); err != nil {
		return fmt.Errorf("evidence %s: %w", c.Digest, err)
	}
	return nil
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
