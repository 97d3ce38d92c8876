package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// parts is where the parts of uploads lie that have not ended.
const parts = "parts"

// A Range is the place of a part in its object.
type Range struct {
	First, Bytes int64 // of the part
	Total        int64 // of the object
}

// An OffsetError says from which byte on an upload goes on. It is an [ErrOffset].
type OffsetError struct{ Want int64 }

// Error names the byte.
func (e *OffsetError) Error() string { return fmt.Sprintf("%v: byte %d is due", ErrOffset, e.Want) }

// Is makes errors.Is(err, ErrOffset) true.
func (e *OffsetError) Is(target error) bool { return target == ErrOffset }

// A part is a stored one.
type part struct {
	name         string
	first, bytes int64
}

// prefix returns where the parts of an upload lie.
func prefix(c Copy) string {
	name := path.Base(file(c.Digest))
	if c.owner != "" {
		name += "." + c.owner
	}
	return path.Join(parts, name[:2], name) + "/"
}

// PutPart keeps a part of an object for an owner, sealed like the object. What
// was kept survives a crash and a lost line; the next part begins where it ends,
// and another is refused with an *OffsetError. The last part makes the object,
// as [Store.PutAs] does, and the parts are forgotten, also if together they have
// another digest. next is how many bytes are there.
func (s *Store) PutPart(ctx context.Context, o Owner, at Range, r io.Reader, want ledger.Digest) (next int64, err error) {
	if err := errors.Join(want.Validate(), o.validate()); err != nil {
		return 0, err
	}
	switch {
	case at.Total > s.max:
		return 0, fmt.Errorf("evidence %s: %w: more than %d bytes", want, ErrTooLarge, s.max)
	case at.First < 0 || at.Bytes <= 0 || at.Bytes > at.Total || at.First > at.Total-at.Bytes:
		return 0, fmt.Errorf("evidence %s: %w: %d bytes from %d on of %d", want, ledger.ErrInvalid, at.Bytes, at.First, at.Total)
	}
	c := Copy{Digest: want, owner: s.owner(o)}
	there, next, err := s.parts(ctx, c)
	if err != nil {
		return 0, err
	}
	if at.First != next {
		return next, fmt.Errorf("evidence %s: %w", want, &OffsetError{next})
	}
	name := fmt.Sprintf("%s%012d-%d", prefix(c), at.First, at.Bytes)
	err = s.blobs.Create(ctx, name, func(w io.Writer) error {
		return s.seal(c, w, func(w io.Writer) error {
			n, err := io.Copy(w, &contextReader{ctx: ctx, r: io.LimitReader(r, at.Bytes+1)})
			if err == nil && n != at.Bytes {
				err = fmt.Errorf("%w: %d bytes where %d were announced", ErrOffset, n, at.Bytes)
			}
			return err
		})
	})
	if err != nil {
		return next, fmt.Errorf("evidence %s: %w", want, err)
	}
	if next += at.Bytes; next < at.Total {
		return next, nil
	}
	there = append(there, part{name, at.First, at.Bytes})
	_, err = s.PutAs(ctx, o, &chain{ctx: ctx, s: s, c: c, left: there}, want)
	if err == nil || errors.Is(err, ErrMismatch) || errors.Is(err, ErrAltered) {
		err = errors.Join(err, s.removeParts(ctx, there))
	}
	return next, err
}

// Offset returns how many bytes of an upload that has not ended are there.
func (s *Store) Offset(ctx context.Context, o Owner, d ledger.Digest) (int64, error) {
	if err := errors.Join(d.Validate(), o.validate()); err != nil {
		return 0, err
	}
	_, next, err := s.parts(ctx, Copy{Digest: d, owner: s.owner(o)})
	return next, err
}

// parts returns the parts of an upload that follow each other from the first
// byte on, and where they end.
func (s *Store) parts(ctx context.Context, c Copy) (all []part, next int64, err error) {
	for e, err := range s.blobs.List(ctx, prefix(c)) { // by name, which is by place
		if err != nil {
			return nil, 0, fmt.Errorf("evidence %s: %w", c.Digest, err)
		}
		first, bytes, _ := strings.Cut(path.Base(e.Name), "-")
		p := part{name: e.Name}
		var err1, err2 error
		p.first, err1 = strconv.ParseInt(first, 10, 64)
		p.bytes, err2 = strconv.ParseInt(bytes, 10, 64)
		if err1 == nil && err2 == nil && p.bytes > 0 && p.first == next {
			all, next = append(all, p), next+p.bytes
		}
	}
	return all, next, nil
}

func (s *Store) removeParts(ctx context.Context, all []part) (err error) {
	for _, p := range slices.Backward(all) { // what is left always begins at the first byte
		err = errors.Join(err, s.blobs.Remove(ctx, p.name))
	}
	return err
}

// A chain reads parts one after the other.
type chain struct {
	ctx  context.Context //nolint:containedctx // as long as the call that reads
	s    *Store
	c    Copy
	left []part
	open *Object
}

// Read implements io.Reader.
func (r *chain) Read(b []byte) (int, error) {
	for {
		if r.open == nil {
			if len(r.left) == 0 {
				return 0, io.EOF
			}
			var err error
			if r.open, err = r.s.openAs(r.ctx, r.c, r.left[0].name); err != nil {
				return 0, err
			}
			r.left = r.left[1:]
		}
		n, err := r.open.Read(b)
		if err == nil {
			return n, nil
		}
		cerr := r.open.Close()
		r.open = nil
		if !errors.Is(err, io.EOF) || cerr != nil {
			return n, errors.Join(err, cerr)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// Sweep removes what writers that crashed before the given time left behind in
// a folder, and the parts of uploads that nobody has gone on with since, and
// says how many of both there were.
func (s *Store) Sweep(ctx context.Context, before time.Time) (int, error) {
	n := 0
	if f, ok := s.blobs.(*Folder); ok {
		var err error
		if n, err = f.Sweep(before); err != nil {
			return n, err
		}
	}
	for e, err := range s.blobs.List(ctx, parts+"/") {
		if err != nil {
			return n, fmt.Errorf("evidence store: %w", err)
		}
		if !e.Stored.Before(before) {
			continue
		}
		if err := s.blobs.Remove(ctx, e.Name); err != nil {
			return n, fmt.Errorf("evidence store: %w", err)
		}
		n++
		if err := s.forgetPart(ctx, e.Name); err != nil {
			return n, err
		}
	}
	return n, nil
}

// forgetPart forgets the key that a loose part was sealed to, if no object has
// come of it.
func (s *Store) forgetPart(ctx context.Context, name string) error {
	c, ok := parseName(file(ledger.Digest("sha256:"+strings.Split(path.Base(path.Dir(name)), ".")[0])) + "." + loose)
	if s.keys == nil || !ok || !strings.HasSuffix(path.Dir(name), "."+loose) {
		return nil
	}
	if there, err := s.HasCopy(ctx, c); there || err != nil {
		return err
	}
	return s.keys.forget(c.key())
}
