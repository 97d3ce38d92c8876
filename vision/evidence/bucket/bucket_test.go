package bucket

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
	"github.com/vouchledger/vouch/vision/evidence/evidencetest"
)

func TestBucket(t *testing.T) {
	query, dir := peer.S3(t)
	for name, more := range map[string]string{"whole": "", "a part of it": "&prefix=berlin/"} {
		t.Run(name, func(t *testing.T) {
			evidencetest.Run(t, func(t *testing.T) evidence.Blobs {
				b, err := Open(t.Context(), "s3://"+peer.Bucket(t, dir)+query+more)
				if err != nil {
					t.Fatal(err)
				}
				return b
			})
		})
	}
}

// TestABucketThatCannotBeUsedIsRefusedAtOnce opens what is no bucket of ours.
func TestABucketThatCannotBeUsedIsRefusedAtOnce(t *testing.T) {
	for _, address := range []string{"s3://", "s3:bucket", "/var/evidence", "s3://bucket?no_such=option", "s3://b?endpoint=%zz"} {
		if _, err := Open(t.Context(), address); err == nil {
			t.Errorf("Open(%q) = nil, want a refusal", address)
		}
	}
	query, dir := peer.S3(t)
	if _, err := Open(t.Context(), "s3://nobodys"+query); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("Open of a bucket that is not there = %v, want ErrNotFound", err)
	}
	name := peer.Bucket(t, dir)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	if _, err := Open(t.Context(), "s3://"+name+query); err == nil || strings.Contains(err.Error(), "another") {
		t.Errorf("Open with a wrong key = %v, want a refusal that does not show it", err)
	}
}

// TestAPartThatWasCutOffIsNoObject uploads parts and gives up, as the store does
// when the digest turns out to be another.
func TestAPartThatWasCutOffIsNoObject(t *testing.T) {
	query, dir := peer.S3(t)
	b, err := Open(t.Context(), "s3://"+peer.Bucket(t, dir)+query)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	lost := errors.New("another digest")
	err = b.Create(t.Context(), "sha256/aa/clip", func(w io.Writer) error {
		for range 20 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
		}
		return lost
	})
	if !errors.Is(err, lost) {
		t.Fatalf("Create = %v, want what fill said", err)
	}
	if _, err := b.Open(t.Context(), "sha256/aa/clip"); !errors.Is(err, evidence.ErrMissing) {
		t.Errorf("Open = %v, want ErrMissing", err)
	}
	for e, err := range b.List(t.Context(), "") {
		t.Errorf("List yields %v, %v, want nothing", e, err)
	}
}
