package evidencetest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

// resumed sends a clip in parts over a line that is cut in the second.
func resumed(t *testing.T, s shop) {
	clip := bytes.Repeat([]byte("a hand in plain sight. "), 10_000)
	d, total := ledger.DigestOf(clip), int64(len(clip))
	owner := evidence.Owner{Visit: "v1", Original: true}
	send := func(first, bytes int64, r io.Reader) (int64, error) {
		return s.PutPart(t.Context(), owner, evidence.Range{First: first, Bytes: bytes, Total: total}, r, d)
	}
	part := func(first, end int64) io.Reader { return bytes.NewReader(clip[first:end]) }
	if next, err := send(0, 100_000, part(0, 100_000)); err != nil || next != 100_000 {
		t.Fatalf("first part = %d, %v, want all of it", next, err)
	}
	lost := errors.New("the line was cut")
	cut := io.MultiReader(part(100_000, 150_000), iotest.ErrReader(lost))
	if _, err := send(100_000, 100_000, cut); !errors.Is(err, lost) {
		t.Errorf("cut part = %v, want %v", err, lost)
	}
	if _, err := send(100_000, 100_000, part(100_000, 150_000)); !errors.Is(err, evidence.ErrOffset) {
		t.Errorf("short part = %v, want ErrOffset", err)
	}
	var off *evidence.OffsetError
	if _, err := send(0, total, part(0, total)); !errors.As(err, &off) || off.Want != 100_000 {
		t.Errorf("from the start again = %v, want it sent on to byte 100000", err)
	}
	if next, err := s.Offset(t.Context(), owner, d); err != nil || next != 100_000 {
		t.Errorf("Offset = %d, %v, want 100000", next, err)
	}
	if s.Has(t.Context(), d) {
		t.Error("half a clip counts as there")
	}
	for e, err := range s.blobs.List(t.Context(), "parts/") {
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(s.raw(t, e.Name), []byte("plain sight")) {
			t.Errorf("%s can be read without a key", e.Name)
		}
	}
	if next, err := send(100_000, total-100_000, part(100_000, total)); err != nil || next != total {
		t.Fatalf("rest = %d, %v, want all", next, err)
	}
	if b, err := s.Read(t.Context(), d); err != nil || !bytes.Equal(b, clip) {
		t.Errorf("Read = %d bytes, %v, want the clip", len(b), err)
	}
	s.wantParts(t, 0)
	wrong := ledger.DigestOf([]byte("another clip"))
	for i, want := range []error{nil, evidence.ErrMismatch} {
		at := evidence.Range{First: int64(i) * 4, Bytes: 4, Total: 8}
		if _, err := s.PutPart(t.Context(), evidence.Owner{}, at, strings.NewReader("four"), wrong); !errors.Is(err, want) {
			t.Errorf("part %d of other bytes = %v, want %v", i, err, want)
		}
	}
	s.wantParts(t, 0) // the device begins anew
	if _, err := s.PutPart(t.Context(), evidence.Owner{}, evidence.Range{Bytes: 4, Total: 8}, strings.NewReader("four"), wrong); err != nil {
		t.Fatal(err)
	}
	//nolint:forbidigo // files carry the time of the system
	if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil || n != 1 {
		t.Errorf("Sweep = %d, %v, want the part that nobody went on with", n, err)
	}
	s.wantParts(t, 0)
}

func (s shop) wantParts(t *testing.T, want int) {
	t.Helper()
	n := 0
	for _, err := range s.blobs.List(t.Context(), "parts/") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != want {
		t.Errorf("parts = %d, want %d", n, want)
	}
}

// originals keeps a frame and its blurred copy for one visit.
func originals(t *testing.T, s shop) {
	frame, blurred := []byte("a bystander"), []byte("a blur")
	d := ledger.DigestOf(frame)
	if _, err := s.PutAs(t.Context(), evidence.Owner{Visit: "v1", Original: true}, bytes.NewReader(frame), d); err != nil {
		t.Fatal(err)
	}
	s.put(t, "v1", blurred)
	if got := s.nameOf(t, d); !strings.HasSuffix(got, ".v1-original") {
		t.Errorf("the original lies at %s, want it under its own key", got)
	}
	b, err := s.Read(t.Context(), d)
	if err != nil || !bytes.Equal(b, frame) {
		t.Errorf("Read = %q, %v, want the original", b, err)
	}
	if err := s.Destroy("v1"); err != nil {
		t.Fatal(err)
	}
	for _, d := range []ledger.Digest{d, ledger.DigestOf(blurred)} {
		if _, err := s.Read(t.Context(), d); !errors.Is(err, evidence.ErrExpired) {
			t.Errorf("Read after the visit's keys were destroyed = %v, want ErrExpired", err)
		}
	}
	late := []byte("late")
	_, err = s.PutAs(t.Context(), evidence.Owner{Visit: "v1", Original: true}, bytes.NewReader(late), ledger.DigestOf(late))
	if !errors.Is(err, evidence.ErrExpired) {
		t.Errorf("a late original = %v, want ErrExpired", err)
	}
	if err := s.RemoveFor(t.Context(), "v1", d); err != nil {
		t.Fatal(err)
	}
	s.wantObjects(t, 1)
}
