package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/vouchledger/vouch/ledger"
)

// An Object is open evidence, read from any place. It need not be checked: the
// bytes of a sealed one are authentic or cannot be read, those of another are
// as [Store.Check] finds them.
type Object struct {
	*io.SectionReader
	blob   Blob
	source *source
	sealed bool
	digest ledger.Digest
}

// Close gives back what the object holds.
func (o *Object) Close() error { return o.blob.Close() }

// Read implements io.Reader.
func (o *Object) Read(p []byte) (int, error) {
	n, err := o.SectionReader.Read(p)
	return n, o.explain(err)
}

// ReadAt implements io.ReaderAt.
func (o *Object) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.SectionReader.ReadAt(p, off)
	return n, o.explain(err)
}

// explain says of an error of decryption that the object was altered, unless
// its bytes could not be had.
func (o *Object) explain(err error) error {
	// A bare io.EOF is the end; a wrapped one is a cut header.
	if err == nil || err == io.EOF || !o.sealed || o.source.err != nil { //nolint:errorlint // as said
		return err
	}
	return fmt.Errorf("evidence %s: %w: %w", o.digest, ErrAltered, err)
}

// A source remembers why bytes could not be had.
type source struct {
	io.ReaderAt
	err error
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.ReaderAt.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// open opens one copy of an object.
func (s *Store) open(ctx context.Context, c Copy) (*Object, error) { return s.openAs(ctx, c, c.Name()) }

// openAs opens what is sealed like a copy and lies under a name.
func (s *Store) openAs(ctx context.Context, c Copy, name string) (*Object, error) {
	var id *age.X25519Identity
	if c.owner != "" {
		var err error
		if id, err = s.keys.get(c.key()); err != nil {
			return nil, fmt.Errorf("evidence %s: %w", c.Digest, err)
		}
	}
	b, err := s.blobs.Open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("evidence %s: %w", c.Digest, err)
	}
	o := &Object{blob: b, source: &source{ReaderAt: b}, sealed: id != nil, digest: c.Digest}
	if id == nil {
		o.SectionReader = io.NewSectionReader(b, 0, b.Size())
		return o, nil
	}
	plain, size, err := age.DecryptReaderAt(o.source, b.Size(), id)
	if err != nil {
		return nil, errors.Join(o.explain(err), b.Close())
	}
	o.SectionReader = io.NewSectionReader(plain, 0, size)
	return o, nil
}

// seal writes what fill writes to w, encrypted to the owner of c.
func (s *Store) seal(c Copy, w io.Writer, fill func(io.Writer) error) error {
	if c.owner == "" {
		return fill(w)
	}
	if o := ownerOf(c.owner); o.Original && s.keys.Destroyed(o.Visit) {
		return fmt.Errorf("%w: of %s", ErrExpired, o.Visit) // before there were two keys there was one to destroy
	}
	id, err := s.keys.make(c.key())
	if err != nil {
		return err
	}
	sealed, err := age.Encrypt(w, id.Recipient())
	if err != nil {
		return err
	}
	if err := fill(sealed); err != nil {
		return err
	}
	return sealed.Close()
}
