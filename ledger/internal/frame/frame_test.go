package frame_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// samples are one of our own events and one of a foreign program, with every
// field set.
func samples() []ledger.Record {
	own := ledger.Record{
		ID: ledger.ID(bytes.Repeat([]byte{0x11}, 16)), Cause: ledger.ID(bytes.Repeat([]byte{0x22}, 16)),
		Kind: "bottle.taken.v1", Stream: "visit-anna", Revision: 3, Position: 258,
		Recorded: time.Date(2026, 3, 1, 9, 30, 0, 123456000, time.UTC),
		Occurred: time.Date(2026, 3, 1, 9, 29, 59, 0, time.UTC),
		Actor:    "device:cam-1", Trace: "0af7651916cd43dd8448eb211c80319c", Body: []byte(`{"slot":"A1"}`),
	}
	foreign := own
	foreign.Stream, foreign.Kind, foreign.Binary = "weather", "measured", true
	foreign.Metadata, foreign.Body = []byte{0xfe, 0xff}, []byte{0, 1, 2, 3}
	return []ledger.Record{own, foreign}
}

var log = frame.LogID([]byte("0123456789abcdef"))

func encode(r *ledger.Record) []byte {
	b := frame.Append(nil, r, 1, 2)
	frame.Seal(log.Seed(), b)
	return b
}

// TestGoldenBytes checks that frames are written as they were written first.
// The bytes are on disks: if this test fails, change the code back, or make a
// new version of the format.
func TestGoldenBytes(t *testing.T) {
	got := ""
	for _, r := range samples() {
		b := encode(&r)
		got += string(r.Stream) + "\n" + hex.Dump(b)
		f, err := frame.Parse(log.Seed(), b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, f.Record()); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
	}
	const path = "testdata/golden.txt"
	if os.Getenv("VOUCH_REWRITE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("stored bytes (-want +got):\n%s", diff)
	}
}

// TestNothingOfWhatWasThereBeforeStays checks that a frame says the same in room
// that was used before: a commit's buffer is.
func TestNothingOfWhatWasThereBeforeStays(t *testing.T) {
	for _, r := range append(samples(), ledger.Record{}) {
		want := frame.Append(nil, &r, 1, 2)
		used := bytes.Repeat([]byte{0xa5}, frame.Size(&r))
		frame.Put(used, &r, 1, 2)
		if !bytes.Equal(used, want) {
			t.Errorf("frame of %s:\n%swant\n%s", r.Stream, hex.Dump(used), hex.Dump(want))
		}
	}
}

// TestEveryFlippedByte checks that no altered byte of a frame is read.
func TestEveryFlippedByte(t *testing.T) {
	for _, r := range samples() {
		b := encode(&r)
		for at := range b {
			b[at] ^= 1 << (at % 8)
			if f, err := frame.Parse(log.Seed(), b); err == nil {
				t.Errorf("byte %d was changed, Parse = %x", at, []byte(f))
			}
			b[at] ^= 1 << (at % 8)
		}
	}
}

// TestDecoderKeepsNothing checks that records stay as they are when the bytes
// that they were read from change, and when many are read by one decoder.
func TestDecoderKeepsNothing(t *testing.T) {
	var d frame.Decoder
	var got, want []ledger.Record
	for i := range 5000 {
		r := samples()[i%2]
		r.Position, r.Body = uint64(i), bytes.Repeat([]byte{byte(i)}, i%700) // small
		b := encode(&r)
		f, err := frame.Parse(log.Seed(), b)
		if err != nil {
			t.Fatal(err)
		}
		got, want = append(got, d.Record(f)), append(want, r)
		clear(b)
	}
	same := cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) })
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	got[0].Body = append(got[0].Body, "more"...)
	if !bytes.Equal(got[1].Body, want[1].Body) {
		t.Error("appending to one body changed the next")
	}
}

// FuzzFrame checks that what Parse accepts is the one encoding of one event,
// and that it accepts nothing under another log's seed.
func FuzzFrame(f *testing.F) {
	for _, r := range samples() {
		b := encode(&r)
		f.Add(b)
		f.Add(b[:frame.HeaderBytes])
		r.Trace, r.Actor, r.Body, r.Cause = "", "", nil, ledger.ID{}
		f.Add(encode(&r))
	}
	seed := log.Seed()
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := frame.Length(b)
		if err != nil || n > len(b) {
			if _, err := frame.Parse(seed, b); err == nil {
				t.Fatal("accepted a frame without a length")
			}
			return
		}
		b = bytes.Clone(b)
		frame.Seal(seed, b) // otherwise nothing but checksums is ever tried
		fr, err := frame.Parse(seed, b)
		if err != nil {
			return
		}
		rec := fr.Record()
		index, count := fr.Batch()
		again := frame.Append(nil, &rec, int(index), int(count))
		frame.Seal(seed, again)
		if !bytes.Equal(again, fr) {
			t.Errorf("accepted\n%x, which encodes to\n%x", []byte(fr), again)
		}
		if _, err := frame.Parse(seed+1, b); err == nil {
			t.Error("accepted a frame of another log")
		}
	})
}
