package leaf_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree/leaf"
)

func id(last byte) ledger.ID {
	return ledger.ID{0x01, 0x93, 0x57, 0, 0, 1, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, last}
}

// records are one of each shape: a shop's own event, and a foreign one with
// everything that a leaf can say.
func records() map[string]ledger.Record {
	at := time.Date(2026, 11, 23, 13, 2, 7, 123456000, time.UTC)
	return map[string]ledger.Record{
		"own": {
			ID: id(1), Kind: ledger.KindGateEntered, Stream: "visit-01935700-0001-7000-8000-000000000001",
			Revision: 1, Position: 7, Recorded: at.Add(40 * time.Millisecond), Occurred: at, Actor: "device:gate-1",
			Body: []byte(`{"visit":"01935700-0001-7000-8000-000000000001"}`),
		},
		"foreign": {
			ID: id(2), Kind: "TillClosed", Stream: "Kasse 3 · Müller", Revision: 4, Position: 1 << 40,
			Recorded: at, Occurred: time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), Actor: "",
			Cause: id(1), Trace: "4bf92f3577b34da6a3ce929d0e0e4736", Body: []byte{0, 1, 2, 0xff},
			Metadata: []byte(`{"$correlationId":"x"}`), Binary: true,
		},
	}
}

// TestLeafBytes holds the stored form of version 1: whoever has a leaf of today
// can check it for ever.
func TestLeafBytes(t *testing.T) {
	for name, r := range records() {
		file := filepath.Join("testdata", name+".leaf.hex")
		got, err := leaf.Append(nil, &r)
		if err != nil {
			t.Fatalf("Append(%s) = %v, want nil", name, err)
		}
		if os.Getenv("VOUCH_REWRITE") != "" {
			if err := os.WriteFile(file, []byte(hex.EncodeToString(got)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("Append(%s) = %x, want %x", name, got, want)
		}
		e, err := leaf.Decode(want)
		if err != nil {
			t.Fatalf("Decode(%s) = %v, want nil", name, err)
		}
		if diff := cmp.Diff(leaf.Of(&r), e); diff != "" {
			t.Errorf("Decode(%s) (-want +got):\n%s", name, diff)
		}
	}
}

// TestLeafCommitsToEverything: whatever is changed in an event, its leaf is
// another one.
func TestLeafCommitsToEverything(t *testing.T) {
	changes := map[string]func(*ledger.Record){
		"id":       func(r *ledger.Record) { r.ID[15]++ },
		"kind":     func(r *ledger.Record) { r.Kind += "x" },
		"stream":   func(r *ledger.Record) { r.Stream += "x" },
		"revision": func(r *ledger.Record) { r.Revision++ },
		"position": func(r *ledger.Record) { r.Position++ },
		"recorded": func(r *ledger.Record) { r.Recorded = r.Recorded.Add(time.Microsecond) },
		"occurred": func(r *ledger.Record) { r.Occurred = r.Occurred.Add(-time.Microsecond) },
		"actor":    func(r *ledger.Record) { r.Actor += "x" },
		"cause":    func(r *ledger.Record) { r.Cause[3]++ },
		"trace":    func(r *ledger.Record) { r.Trace = "0bf92f3577b34da6a3ce929d0e0e4736" },
		"body":     func(r *ledger.Record) { r.Body = append(bytes.Clone(r.Body), ' ') },
		"metadata": func(r *ledger.Record) { r.Metadata = append(bytes.Clone(r.Metadata), ' ') },
		"binary":   func(r *ledger.Record) { r.Binary = !r.Binary },
		// A letter that moves from one field into the next is a change.
		"border": func(r *ledger.Record) { r.Kind += ledger.Kind(r.Stream[:1]); r.Stream = r.Stream[1:] },
	}
	for name, r := range records() {
		before, err := leaf.Append(nil, &r)
		if err != nil {
			t.Fatal(err)
		}
		for what, change := range changes {
			changed := r
			change(&changed)
			after, err := leaf.Append(nil, &changed)
			if err != nil {
				t.Fatalf("Append(%s with another %s) = %v, want nil", name, what, err)
			}
			if bytes.Equal(before, after) {
				t.Errorf("%s with another %s has the same leaf", name, what)
			}
			e, err := leaf.Decode(before)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Record(changed.Body, changed.Metadata); (what == "body" || what == "metadata") != errors.Is(err, ledger.ErrCorrupt) {
				t.Errorf("Record() of %s with another %s = %v", name, what, err)
			}
		}
	}
}

// TestLeafRoundTrip: what a leaf says of any event is what the event was.
func TestLeafRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := ledger.Record{
			ID:       ledger.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")),
			Kind:     ledger.Kind(rapid.StringN(1, 50, ledger.MaxKindBytes).Draw(t, "kind")),
			Stream:   ledger.StreamID(rapid.StringN(1, 120, ledger.MaxStreamBytes).Draw(t, "stream")),
			Revision: rapid.Uint64().Draw(t, "revision"), Position: rapid.Uint64().Draw(t, "position"),
			Recorded: time.UnixMicro(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "recorded")).UTC(),
			Occurred: time.UnixMicro(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "occurred")).UTC(),
			Actor:    rapid.StringN(0, 50, ledger.MaxActorBytes).Draw(t, "actor"),
			Body:     rapid.SliceOf(rapid.Byte()).Draw(t, "body"),
			Binary:   rapid.Bool().Draw(t, "binary"),
		}
		if rapid.Bool().Draw(t, "more") {
			r.Cause = id(9)
			r.Trace = rapid.StringMatching(`[0-9a-f]{32}`).Draw(t, "trace")
			r.Metadata = rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "metadata")
		}
		b, err := leaf.Append(nil, &r)
		if err != nil {
			t.Fatalf("Append() = %v, want nil", err)
		}
		e, err := leaf.Decode(b)
		if err != nil {
			t.Fatalf("Decode(%x) = %v, want nil", b, err)
		}
		again, err := e.Record(r.Body, r.Metadata)
		if err != nil {
			t.Fatalf("Record() = %v, want nil", err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatalf("record of its leaf (-want +got):\n%s", diff)
		}
	})
}

// TestLeafRefuses what it could not give back, and stays within tlog-tiles.
func TestLeafRefuses(t *testing.T) {
	r := records()["own"]
	for what, change := range map[string]func(*ledger.Record){
		"a time of nanoseconds": func(r *ledger.Record) { r.Occurred = r.Occurred.Add(1) },
		"an upper-case trace":   func(r *ledger.Record) { r.Trace = strings.Repeat("AB", 16) },
		"a short trace":         func(r *ledger.Record) { r.Trace = "ab" },
		"a stream of a book":    func(r *ledger.Record) { r.Stream = ledger.StreamID(strings.Repeat("x", leaf.MaxBytes)) },
	} {
		bad := r
		change(&bad)
		if _, err := leaf.Append(nil, &bad); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("Append(%s) = %v, want ErrInvalid", what, err)
		}
	}
	largest := ledger.Record{
		Kind: ledger.Kind(strings.Repeat("k", ledger.MaxKindBytes)), Stream: ledger.StreamID(strings.Repeat("s", ledger.MaxStreamBytes)),
		Actor: strings.Repeat("a", ledger.MaxActorBytes), Cause: id(1), Trace: strings.Repeat("a", 32), Metadata: []byte("m"),
		Body: make([]byte, ledger.MaxBodyBytes-1), Recorded: time.Unix(0, 0), Occurred: time.Unix(0, 0),
	}
	if b, err := leaf.Append(nil, &largest); err != nil || len(b) > 2000 {
		t.Errorf("the largest event's leaf has %d bytes, %v; want some 1,100", len(b), err)
	}
}

// FuzzDecode: any bytes are a leaf in the one form, or refused.
func FuzzDecode(f *testing.F) {
	for _, r := range records() {
		b, err := leaf.Append(nil, &r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
		f.Add(append(bytes.Clone(b), 0))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := leaf.Decode(b)
		if err != nil {
			if !errors.Is(err, ledger.ErrCorrupt) {
				t.Fatalf("Decode(%x) = %v, want ErrCorrupt", b, err)
			}
			return
		}
		r := ledger.Record{
			ID: e.ID, Kind: e.Kind, Stream: e.Stream, Revision: e.Revision, Position: e.Position, Recorded: e.Recorded,
			Occurred: e.Occurred, Actor: e.Actor, Cause: e.Cause, Trace: e.Trace, Binary: e.Binary,
		}
		if e.Metadata != ([sha256.Size]byte{}) {
			r.Metadata = []byte("m")
		}
		again, err := leaf.Append(nil, &r)
		if err != nil {
			t.Fatalf("Append(Decode(%x)) = %v, want nil", b, err)
		}
		// The digests stand for bytes that a leaf does not hold.
		at := len(again) - sha256.Size
		if len(r.Metadata) > 0 {
			at -= sha256.Size
		}
		if len(again) != len(b) || !bytes.Equal(again[:at], b[:at]) {
			t.Fatalf("Decode accepts %x, Append gives %x", b, again)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	r := records()["own"]
	r.Body = bytes.Repeat([]byte("x"), 300)
	var buf []byte
	for b.Loop() {
		buf, _ = leaf.Append(buf[:0], &r)
	}
	b.ReportMetric(float64(len(buf)), "leaf-bytes")
}
