// Package bucket keeps evidence in an S3-compatible object store.
//
// It is the only package that knows the SDK of one. An object is written under
// the condition that none has its name, so it is never overwritten; an upload
// that is given up is aborted and leaves nothing that has a name. Objects above
// a few megabytes go in parts: give the bucket a lifecycle rule that removes
// incomplete multipart uploads after a day, for a server that was killed between
// two parts.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

// readAhead is how much is asked for at once: a key frame or a clip of half a
// minute in one request.
const readAhead = 1 << 20

// Is reports whether address names a bucket and not a folder.
func Is(address string) bool { return strings.HasPrefix(address, s3blob.Scheme+"://") }

// Blobs is the [evidence.Blobs] of a bucket.
type Blobs struct{ bucket *blob.Bucket }

// Open opens the bucket at an address such as
// s3://bucket?endpoint=https://s3.example.org&region=eu-central-1, with
// prefix=shop/ for a part of it. Who we are is in AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY, or wherever else the SDK looks for it. A bucket that
// cannot be reached is refused at once.
func Open(ctx context.Context, address string) (*Blobs, error) {
	u, err := url.Parse(address)
	if err != nil || !Is(address) || u.Host == "" {
		return nil, fmt.Errorf("evidence store: %w: the address of a bucket is s3://BUCKET?endpoint=URL&region=NAME", ledger.ErrInvalid)
	}
	q := u.Query()
	prefix := q.Get("prefix")
	q.Del("prefix")
	if q.Get("endpoint") != "" && q.Get("use_path_style") == "" {
		q.Set("use_path_style", "true") // others than AWS rarely have a host name for each bucket
	}
	u.RawQuery = q.Encode()
	b, err := new(s3blob.URLOpener).OpenBucketURL(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("evidence store: %w", err)
	}
	ok, err := b.IsAccessible(ctx)
	if err == nil && !ok {
		err = ledger.ErrNotFound
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("evidence store: bucket %s: %w", u.Host, err), b.Close())
	}
	if prefix != "" {
		b = blob.PrefixedBucket(b, prefix)
	}
	return &Blobs{b}, nil
}

// Close implements [evidence.Blobs].
func (s *Blobs) Close() error { return s.bucket.Close() }

// Create implements [evidence.Blobs].
func (s *Blobs) Create(ctx context.Context, name string, fill func(io.Writer) error) error {
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	w, err := s.bucket.NewWriter(ctx, name, &blob.WriterOptions{
		IfNotExist: true, ContentType: "application/octet-stream",
	})
	if err != nil {
		return err
	}
	if err := fill(w); err != nil {
		abort()       // before Close, which would finish the object
		_ = w.Close() // says that it was aborted
		return err
	}
	err = w.Close()
	if gcerrors.Code(err) == gcerrors.FailedPrecondition {
		return nil // another has just put the same
	}
	return err
}

// Open implements [evidence.Blobs].
func (s *Blobs) Open(ctx context.Context, name string) (evidence.Blob, error) {
	a, err := s.bucket.Attributes(ctx, name)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, evidence.ErrMissing
	}
	if err != nil {
		return nil, err
	}
	return &object{ctx: ctx, bucket: s.bucket, name: name, size: a.Size}, nil
}

// List implements [evidence.Blobs].
func (s *Blobs) List(ctx context.Context, prefix string) iter.Seq2[evidence.Entry, error] {
	return func(yield func(evidence.Entry, error) bool) {
		for it := s.bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
			o, err := it.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(evidence.Entry{}, fmt.Errorf("evidence store: %w", err))
				return
			}
			if !yield(evidence.Entry{Name: o.Key, Bytes: o.Size, Stored: o.ModTime}, nil) {
				return
			}
		}
	}
}

// Remove implements [evidence.Blobs].
func (s *Blobs) Remove(ctx context.Context, name string) error {
	err := s.bucket.Delete(ctx, name)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return err
}
