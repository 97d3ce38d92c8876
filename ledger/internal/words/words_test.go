package words_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/words"
)

// frameOf returns the frame of r with a checksum of zero, as blocks keep it.
func frameOf(r ledger.Record, index, count int) frame.Frame {
	return frame.Append(nil, &r, index, count)
}

// joined returns frames one behind the other.
func joined(frames []frame.Frame) []byte {
	var b []byte
	for _, f := range frames {
		b = append(b, f...)
	}
	return b
}

type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// comesBack packs frames in blocks of n and unpacks each, and returns how many bytes
// they and the dictionary take.
func comesBack(t tester, frames []frame.Frame, n int) int {
	t.Helper()
	p := words.Learn(frames)
	w, f := p.Tables()
	d, err := words.Open(w, f)
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	size := len(w) + len(f)
	var u words.Unpacker
	walker := words.NewWalker(&d, new(frame.Names))
	for len(frames) > 0 {
		block := frames[:min(n, len(frames))]
		frames = frames[len(block):]
		packed, plain := p.Pack(nil, block)
		if plain > len(packed) {
			t.Fatalf("%d plain bytes of %d", plain, len(packed))
		}
		size += len(packed)
		want := joined(block)
		got := make([]byte, len(want))
		if err := u.Unpack(&d, got, packed); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("Unpack = %v (-want +got):\n%s", err, cmp.Diff(hex.Dump(want), hex.Dump(got)))
		}
		walked(t, walker, block, packed)
		for _, wrong := range []int{len(want) - 1, len(want) + 1} {
			if err := u.Unpack(&d, make([]byte, wrong), packed); err == nil {
				t.Fatalf("%d bytes unpack into %d", len(want), wrong)
			}
		}
		if err := u.Unpack(&d, got, packed[:len(packed)-1]); err == nil {
			t.Fatalf("a block without its last byte unpacks")
		}
	}
	return size
}

// sameRecord reports whether two records are the same, whatever nothing is written as.
func sameRecord(a, b ledger.Record) bool {
	same := bytes.Equal(a.Body, b.Body) && bytes.Equal(a.Metadata, b.Metadata)
	a.Body, a.Metadata, b.Body, b.Metadata = nil, nil, nil, nil
	return same && reflect.DeepEqual(a, b)
}

// walked checks that a walker through the block sees its frames, whether it is asked
// for bodies or not.
func walked(t tester, w *words.Walker, block []frame.Frame, packed []byte) {
	t.Helper()
	for _, ask := range []bool{true, false} {
		w.Begin(packed)
		n := 0
		for ; w.More(); n++ {
			l, ok := w.Next()
			if !ok || n == len(block) {
				t.Fatalf("event %d of %d: Next = %t", n, len(block), ok)
			}
			got, want := *l.Record, block[n].Record()
			if ask {
				var err error
				if got, err = l.Whole(); err != nil {
					t.Fatalf("event %d: Whole = %v", n, err)
				}
			} else {
				want.Body, got.Body = nil, nil
			}
			if !sameRecord(want, got) {
				t.Fatalf("event %d (-frame +walker):\n%s", n, cmp.Diff(want, got))
			}
			if !w.Done() {
				t.Fatalf("event %d does not end", n)
			}
		}
		if n != len(block) {
			t.Fatalf("a walker sees %d of %d events", n, len(block))
		}
	}
}

var opening = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// visit is what a shopper does: n takes from a shelf, each with its price.
func visit(chance *rand.Rand, position *uint64, n int) (frames []frame.Frame) {
	id := func() (id ledger.ID) {
		for i := range id {
			id[i] = byte(chance.Uint32())
		}
		return id
	}
	visit := id().String()
	add := func(kind ledger.Kind, cause ledger.ID, body string) ledger.ID {
		*position += 1 + chance.Uint64N(40)
		at := opening.Add(time.Duration(*position) * time.Millisecond)
		r := ledger.Record{
			ID: id(), Kind: kind, Stream: ledger.StreamID("visit-" + visit), Revision: uint64(len(frames)), Position: *position,
			Recorded: at, Occurred: at.Add(-time.Duration(chance.IntN(900)) * time.Millisecond), Actor: "device:cam-1",
			Cause: cause, Body: []byte(body),
		}
		frames = append(frames, frameOf(r, 0, 1))
		return r.ID
	}
	for range n {
		sku := chance.IntN(20)
		take := add("item.taken.v1", ledger.ID{}, fmt.Sprintf(
			`{"store":"corner","slot":"A%d","sku":"sku-%02d","confidence":%d,"visit":%q,"clip":[{"digest":%q}]}`,
			sku, sku, 800+chance.IntN(200), visit, ledger.DigestOf(fmt.Append(nil, chance.Uint64()))))
		add("item.priced.v1", take, fmt.Sprintf(
			`{"detection":%q,"sku":"sku-%02d","unit":{"amount_minor":%d,"currency":"USD"},"key":"v1/corner/%s/1"}`,
			take, sku, 100+sku*sku, visit))
	}
	return frames
}

// TestAMorningIsSmall checks that what a shop says over and over takes a fraction of
// its bytes, dictionary and all, whatever block it is in.
func TestAMorningIsSmall(t *testing.T) {
	chance, position := rand.New(rand.NewPCG(1, 2)), uint64(0)
	var frames []frame.Frame
	for range 60 {
		frames = append(frames, visit(chance, &position, 10)...)
	}
	raw := len(joined(frames))
	for _, n := range []int{1, 20, 60, len(frames)} {
		if size := comesBack(t, frames, n); size > raw/3 {
			t.Errorf("%d bytes of a morning take %d in blocks of %d, want a third", raw, size, n)
		}
	}
}

// TestALongDayComesBack checks that a segment of more events than are learnt from comes
// back, and what is in none of those as well.
func TestALongDayComesBack(t *testing.T) {
	chance, position := rand.New(rand.NewPCG(7, 8)), uint64(0)
	var frames []frame.Frame
	for len(frames) < 33_000 {
		frames = append(frames, visit(chance, &position, 10)...)
	}
	odd := ledger.Record{Kind: "said.once.v1", Stream: "visit-x", Recorded: opening, Occurred: opening, Body: []byte(`{"once":"never again"}`)}
	frames[1] = frameOf(odd, 0, 1)
	raw := len(joined(frames))
	if size := comesBack(t, frames, 60); size > raw/2 {
		t.Errorf("%d bytes of a day take %d, want half", raw, size)
	}
}

// TestTomorrowIsSaidInTheSameWords checks that the dictionary of one day suits the next
// one, which comes back, and neither another shop's events nor those that say nothing twice.
func TestTomorrowIsSaidInTheSameWords(t *testing.T) {
	chance, position := rand.New(rand.NewPCG(3, 4)), uint64(0)
	day := func() (frames []frame.Frame) {
		for range 100 {
			frames = append(frames, visit(chance, &position, 10)...)
		}
		return frames
	}
	packer := words.Learn(day())
	tomorrow := day()
	if !packer.Suits(tomorrow) {
		t.Error("yesterday's dictionary does not suit today")
	}
	packed, _ := packer.Pack(nil, tomorrow)
	w, f := packer.Tables()
	d, err := words.Open(w, f)
	if err != nil {
		t.Fatal(err)
	}
	var u words.Unpacker
	whole := joined(tomorrow)
	out := make([]byte, len(whole))
	if err := u.Unpack(&d, out, packed); err != nil || !bytes.Equal(out, whole) {
		t.Errorf("Unpack = %v, and the same bytes: %v", err, bytes.Equal(out, whole))
	}
	for what, body := range map[string]func(i int) string{
		"other events":  func(i int) string { return fmt.Sprintf(`{"till":%d,"note":"opened by hand"}`, i) },
		"nothing twice": func(i int) string { return fmt.Sprintf(`{"%x":"%x"}`, chance.Uint64(), chance.Uint64()) },
	} {
		var frames []frame.Frame
		for i := range 1000 {
			r := ledger.Record{Kind: "other.v1", Stream: "till-1", Revision: uint64(i), Recorded: opening, Occurred: opening, Body: []byte(body(i))}
			frames = append(frames, frameOf(r, 0, 1))
		}
		if packer.Suits(frames) {
			t.Errorf("the dictionary suits %s", what)
		}
	}
}

// TestWhateverComesBack checks that frames of any content come back to the byte.
func TestWhateverComesBack(t *testing.T) {
	bodies := rapid.OneOf(
		rapid.SampledFrom([]string{
			``, `{}`, `[]`, `""`, `0`, `-0`, `-`, `00`, `1e5`, `123456789012345678`, `-12345678901234567`, `{"a":"`, `{"a":"\"`,
			`{"a":"\\"}`, `{"a":"\\\"","b":[1,2,"x",{"c":[]},{"c":[[3,4],[]]}],"d":true}`, `]]]]`, `{"a": "x" , "b":null}`,
			`["018f2c3a-1111-7aaa-8bbb-123456789abc","x018f2c3a-1111-7aaa-8bbb-123456789abcy","018F2C3A-1111-7aaa-8bbb-123456789abc"]`,
			`{"d":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}`, `{"v":"abc","w":"c"}`,
			"{\"nul\":\"\x00\xff\"}", `{"same":"a","same":"a"}`, `{"same":"b","same":"a"}`,
		}),
		rapid.StringMatching(`(\{"[a-c]":("[a-c]{0,3}"|[0-9]{1,3})(,"[a-c]":\[("[a-c]"(,"[a-c]"){0,4})?\])?\}){1,2}`),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 16, 16), 1, 5).Draw(t, "ids")
		n := rapid.IntRange(1, 40).Draw(t, "events")
		var frames []frame.Frame
		for i := range n {
			small := rapid.Bool().Draw(t, "small")
			r := ledger.Record{
				Kind:     rapid.SampledFrom([]ledger.Kind{"", "a", "item.taken.v1"}).Draw(t, "kind"),
				Stream:   rapid.SampledFrom([]ledger.StreamID{"", "a", "a-", "-c", "b-c", "b-c-d", "visit-018f2c3a-1111-7aaa-8bbb-123456789abc"}).Draw(t, "stream"),
				Revision: uint64(i), Position: uint64(i) + 1, Actor: rapid.SampledFrom([]string{"", "engine", "a"}).Draw(t, "actor"),
				Recorded: opening, Occurred: opening.Add(time.Duration(i) * time.Second),
				Body: []byte(bodies.Draw(t, "body")), Binary: rapid.Bool().Draw(t, "binary"),
			}
			r.ID = ledger.ID(rapid.SampledFrom(ids).Draw(t, "id"))
			index, count := 0, 1
			if !small {
				r.Cause = ledger.ID(rapid.SampledFrom(ids).Draw(t, "cause"))
				r.Trace = rapid.SampledFrom([]string{"", "0af7651916cd43dd8448eb211c80319c"}).Draw(t, "trace")
				r.Metadata = rapid.SampledFrom([][]byte{nil, []byte("{}"), {0, 1, 2}}).Draw(t, "metadata")
				r.Revision, r.Position = rapid.Uint64().Draw(t, "revision"), rapid.Uint64().Draw(t, "position")
				r.Recorded = time.UnixMicro(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "recorded")).UTC()
				index, count = rapid.IntRange(0, 1<<16-1).Draw(t, "index"), rapid.IntRange(0, 1<<16-1).Draw(t, "count")
			}
			frames = append(frames, frameOf(r, index, count))
		}
		comesBack(t, frames, rapid.IntRange(1, n).Draw(t, "block"))
	})
}

// TestGolden checks that what was packed by an earlier program still unpacks, and is
// still packed so. The bytes are on disks: if this test fails, change the code back, or
// make a new version of the format.
func TestGolden(t *testing.T) {
	chance, position := rand.New(rand.NewPCG(3, 4)), uint64(65536)
	frames := append(visit(chance, &position, 2), visit(chance, &position, 1)...)
	p := words.Learn(frames)
	w, f := p.Tables()
	packed, _ := p.Pack(nil, frames)
	got := "words\n" + hex.Dump(w) + "forms\n" + hex.Dump(f) + "block\n" + hex.Dump(packed)
	path := filepath.Join("testdata", "block.hex")
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
		t.Errorf("packed (-first +now):\n%s", diff)
	}
	comesBack(t, frames, len(frames))
}

// FuzzUnpack checks that any bytes unpack or do not, that nothing is written where
// there is no room, and that a walker sees what unpacks.
func FuzzUnpack(f *testing.F) {
	chance, position := rand.New(rand.NewPCG(5, 6)), uint64(0)
	frames := append(visit(chance, &position, 3), visit(chance, &position, 2)...)
	p := words.Learn(frames)
	w, forms := p.Tables()
	packed, _ := p.Pack(nil, frames)
	size := uint32(len(joined(frames)))
	for at := range packed {
		for _, with := range []byte{0, 1, 0x7f, 0xff} {
			changed := bytes.Clone(packed)
			changed[at] ^= with
			f.Add(w, forms, changed, size)
		}
	}
	for at := range forms {
		changed := bytes.Clone(forms)
		changed[at] ^= 0x81
		f.Add(w, changed, packed, size)
	}
	f.Add(w[:len(w)/2], forms, packed, size)
	f.Add([]byte{}, []byte{1, 0, 0, 0}, []byte{}, uint32(0))
	f.Fuzz(func(t *testing.T, w, forms, packed []byte, size uint32) {
		size %= 1 << 16
		d, err := words.Open(w, forms)
		if err != nil {
			return
		}
		room := bytes.Repeat([]byte{0xaa}, int(size)+64)
		var u words.Unpacker
		if err := u.Unpack(&d, room[:size], packed); err == nil {
			var frames []frame.Frame
			for b := room[:size]; len(b) > 0; {
				f, err := frame.Next(b)
				if err != nil {
					return // for the caller to see
				}
				frames, b = append(frames, f), b[len(f):]
			}
			walked(t, words.NewWalker(&d, new(frame.Names)), frames, packed)
		}
		through := words.NewWalker(&d, new(frame.Names))
		for through.Begin(packed); through.More(); {
			if l, ok := through.Next(); !ok {
				break
			} else if _, err := l.Whole(); err != nil || !through.Done() {
				break
			}
		}
		if !bytes.Equal(room[size:], bytes.Repeat([]byte{0xaa}, 64)) {
			t.Error("it has written behind its room")
		}
	})
}
