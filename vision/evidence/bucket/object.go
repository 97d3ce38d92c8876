package bucket

import (
	"context"
	"errors"
	"io"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/vouchledger/vouch/vision/evidence"
)

// An object reads a stored one in steps of readAhead, of which it keeps the
// last: who plays a clip reads on from where they are. It is of one request,
// whose context ends its reads.
type object struct {
	ctx    context.Context //nolint:containedctx // io.ReaderAt has none
	bucket *blob.Bucket
	name   string
	size   int64

	mu    sync.Mutex
	at    int64 // where block begins
	block []byte
}

func (o *object) Size() int64  { return o.size }
func (o *object) Close() error { return nil }

// ReadAt implements io.ReaderAt.
func (o *object) ReadAt(p []byte, off int64) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for n < len(p) {
		pos := off + int64(n)
		if pos >= o.size {
			return n, io.EOF
		}
		if pos < o.at || pos >= o.at+int64(len(o.block)) {
			if err := o.fetch(pos - pos%readAhead); err != nil {
				return n, err
			}
		}
		n += copy(p[n:], o.block[pos-o.at:])
	}
	return n, nil
}

// fetch reads the block that begins at pos.
func (o *object) fetch(pos int64) error {
	o.block = nil
	r, err := o.bucket.NewRangeReader(o.ctx, o.name, pos, min(readAhead, o.size-pos), nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return evidence.ErrMissing
	}
	if err != nil {
		return err
	}
	block := make([]byte, min(readAhead, o.size-pos))
	_, err = io.ReadFull(r, block)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	o.at, o.block = pos, block
	return nil
}
