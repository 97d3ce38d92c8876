package evidence

import (
	"context"
	"io"
	"iter"
	"time"
)

// Blobs keeps bytes under names, for a [Store]. Names are of letters, digits,
// dots, dashes and slashes. It may be used by many goroutines and by several
// processes at once. Package evidencetest holds what every kind must do.
type Blobs interface {
	// Create makes an object of what fill writes. Until it returns nil nothing
	// has the name, however it ends; then the object is durable. Of two that
	// create the same name both return nil and one of the two is there.
	Create(ctx context.Context, name string, fill func(io.Writer) error) error
	// Open opens an object. What is not there is [ErrMissing].
	Open(ctx context.Context, name string) (Blob, error)
	// List yields the objects whose name begins with prefix, by name.
	List(ctx context.Context, prefix string) iter.Seq2[Entry, error]
	// Remove takes an object away. Removing what is not there is no error.
	Remove(ctx context.Context, name string) error
	// Close gives back what it holds.
	Close() error
}

// A Blob is an open object of [Blobs].
type Blob interface {
	io.ReaderAt
	io.Closer
	// Size returns how many bytes it has.
	Size() int64
}

// An Entry is an object in a list of [Blobs].
type Entry struct {
	Name   string
	Bytes  int64
	Stored time.Time // by the clock of what keeps it
}
