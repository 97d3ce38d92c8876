package sealed_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/damage"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

var (
	log   = frame.LogID([]byte("0123456789abcdef"))
	other = frame.LogID([]byte("another log's id"))
)

// An event is what a test wants to be sealed.
type event struct {
	stream ledger.StreamID
	kind   ledger.Kind
	body   []byte
}

// content makes a segment of events that starts with position first. Each
// stream has had three events before.
func content(id frame.LogID, first uint64, events []event) sealed.Content {
	c := sealed.Content{Log: id, First: first, Commit: 0xc0ffee}
	next := make(map[ledger.StreamID]uint64)
	opening := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for i, e := range events {
		r := ledger.Record{
			ID: ledger.DeriveID(ledger.ID{1}, fmt.Sprint(first, i)), Kind: e.kind, Stream: e.stream,
			Revision: 3 + next[e.stream], Position: first + uint64(i),
			Recorded: opening.Add(time.Duration(i) * time.Second), Occurred: opening, Actor: "device:cam-1", Body: e.body,
		}
		next[e.stream]++
		b := frame.Append(nil, &r, 0, 1)
		frame.Seal(id.Seed(), b)
		c.Frames = append(c.Frames, frame.Frame(b))
	}
	return c
}

// morning is some events of three visits and a till.
func morning(n int) []event {
	streams := []ledger.StreamID{"visit-bert", "visit-anna", "payment-1", "visit-annabel"}
	kinds := []ledger.Kind{"bottle.taken.v1", "bottle.returned.v1", "gate.exited.v1"}
	var es []event
	for i := range n {
		body := fmt.Appendf(nil, `{"bottle":%d,"slot":"A%d","seen":"%x"}`, i, i%7, i*i*7919)
		es = append(es, event{streams[i*i%len(streams)], kinds[i%3], body})
	}
	return es
}

func newDisk() *faultdisk.Disk { return faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil) }

// seal writes c to a new disk and opens it.
func seal(t interface {
	Helper()
	Fatal(args ...any)
}, c sealed.Content,
) (*faultdisk.Disk, *sealed.Part) {
	t.Helper()
	d := newDisk()
	if err := sealed.Write(d, c); err != nil {
		t.Fatal(err)
	}
	p, err := sealed.Open(d, sealed.Name(c.First))
	if err != nil {
		t.Fatal(err)
	}
	return d, p
}

// put writes a file.
func put(t testing.TB, d disk.Folder, name string, b []byte) {
	t.Helper()
	f, err := d.Open(name, disk.Create)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// check opens and checks the file.
func check(d disk.Folder, name string) error {
	p, err := sealed.Open(d, name)
	if err != nil {
		return err
	}
	return errors.Join(p.Check(new(sealed.Unpacked)), p.Close())
}

// TestReadsWhatWasWritten seals random mornings and reads every event back in
// each way there is: the ways agree with each other and with what was sealed.
func TestReadsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-c]{0,3}-?[é0-9]{0,4}`), 1, 40, rapid.ID[string]).Draw(rt, "streams")
		sizes := rapid.SampledFrom([]int{0, 1, 30, 300, 3_000, 50_000, 120_000})
		n := rapid.IntRange(1, 120).Draw(rt, "events")
		var es []event
		for range n {
			size := 0
			if rapid.IntRange(0, 9).Draw(rt, "large") == 0 {
				size = sizes.Draw(rt, "size")
			}
			es = append(es, event{
				ledger.StreamID(rapid.SampledFrom(names).Draw(rt, "stream")),
				rapid.SampledFrom([]ledger.Kind{"", "a", "bottle.taken.v1", "bottle.taken.v2"}).Draw(rt, "kind"),
				noise(uint64(size), size),
			})
		}
		c := content(log, rapid.Uint64Range(1, 1<<40).Draw(rt, "first"), es)
		_, p := seal(rt, c)
		if p.Log != c.Log || p.First != c.First || p.Count != uint64(n) || p.Commit() != c.Commit ||
			p.Recorded() != c.Frames[n-1].Recorded() {
			rt.Fatalf("part says %x, %d, %d, %x, %d", p.Log, p.First, p.Count, p.Commit(), p.Recorded())
		}
		readsAs(rt, p, c)
		filtersAs(rt, p, c)
	})
}

// noise is n bytes that do not compress.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// readsAs checks that the events of p are those of c, read one by one, by
// stream and as a whole.
func readsAs(t fataler, p *sealed.Part, c sealed.Content) {
	t.Helper()
	var u sealed.Unpacked
	if err := p.Check(&u); err != nil {
		t.Fatalf("Check = %v", err)
	}
	var plain sealed.Unpacked
	if err := p.Unpack(&plain); err != nil {
		t.Fatalf("Unpack = %v", err)
	}
	var cursor sealed.Cursor
	cached := sealed.Cursor{Cache: sealed.NewCache(60_000)} // some blocks of these
	scanned := scan(t, p, nil)
	raw := int64(0)
	for i, want := range c.Frames {
		position := c.First + uint64(i)
		raw += int64(len(want))
		whole, err := u.Frame(position)
		if err != nil || !bytes.Equal(whole, want) {
			t.Fatalf("position %d of the checked whole = %x, %v, want %x", position, whole, err, want)
		}
		o, err := p.Ordinal(position)
		if err != nil {
			t.Fatalf("Ordinal(%d) = %v", position, err)
		}
		one, err := cursor.Frame(p, o)
		if err != nil || !bytes.Equal(one[8:], want[8:]) || !bytes.Equal(one, plain.Ordinal(o)) {
			t.Fatalf("ordinal %d = %x, %v, want %x", o, one, err, want)
		}
		if again, err := cached.Frame(p, o); err != nil || !bytes.Equal(again, one) || !cached.Has(p, o) {
			t.Fatalf("ordinal %d through a cache = %x, %v", o, again, err)
		}
		if !sameRecord(scanned[o], one.Record()) {
			t.Fatalf("ordinal %d of a scan = %+v, want %+v", o, scanned[o], one.Record())
		}
		e, ok, err := p.Stream(ledger.StreamID(want.Stream()))
		if !ok || err != nil || uint64(o-e.Ordinal) != want.Revision()-e.Revision || o-e.Ordinal >= e.Count {
			t.Fatalf("Stream(%s) = %+v, %v, %v, where revision %d has ordinal %d", want.Stream(), e, ok, err, want.Revision(), o)
		}
	}
	if len(scanned) != len(c.Frames) {
		t.Fatalf("a scan has %d events, want %d", len(scanned), len(c.Frames))
	}
	if p.RawBytes() != raw {
		t.Fatalf("RawBytes() = %d, want %d", p.RawBytes(), raw)
	}
	for _, name := range []ledger.StreamID{"nobody", "visit-ann", "zzz"} {
		if e, ok, err := p.Stream(name); ok || err != nil {
			t.Fatalf("Stream(%s) = %+v, %v, %v", name, e, ok, err)
		}
	}
}

// sameRecord reports whether two records are the same, whatever nothing is written as.
func sameRecord(a, b ledger.Record) bool {
	same := bytes.Equal(a.Body, b.Body) && bytes.Equal(a.Metadata, b.Metadata)
	a.Body, a.Metadata, b.Body, b.Metadata = nil, nil, nil, nil
	return same && reflect.DeepEqual(a, b)
}

// scan returns the events of a walk through a segment, which may be given up anywhere.
func scan(t fataler, p *sealed.Part, want *sealed.Set) (records []ledger.Record) {
	t.Helper()
	return scanBy(t, new(sealed.Scanner), p, want)
}

// scanBy is scan by a scanner that may have read other segments before.
func scanBy(t fataler, s *sealed.Scanner, p *sealed.Part, want *sealed.Set) (records []ledger.Record) {
	t.Helper()
	for _, end := range []int{1, 3, math.MaxInt} {
		records = nil
		err := walk(s, p, want, func(l ledger.Lent) bool {
			r, err := l.Whole()
			if err != nil {
				t.Fatalf("Whole = %v", err)
			}
			r.Body, r.Metadata = bytes.Clone(r.Body), bytes.Clone(r.Metadata) // they are lent
			records = append(records, r)
			return len(records) < end
		})
		if err != nil {
			t.Fatalf("Walk = %v", err)
		}
	}
	return records
}

// walk calls visit for the events of a walk until it returns false.
func walk(s *sealed.Scanner, p *sealed.Part, want *sealed.Set, visit func(ledger.Lent) bool) error {
	w, err := s.Walk(p, want)
	if err != nil {
		return err
	}
	for {
		l, ok, err := w.Next()
		if err != nil || !ok || !visit(l) {
			return err
		}
	}
}

// filtersAs checks that what the tables say of prefixes and kinds is what
// [ledger.Query.Wants] says of each event, or more where they may.
func filtersAs(t fataler, p *sealed.Part, c sealed.Content) {
	t.Helper()
	for _, q := range []ledger.Query{
		{},
		{Prefixes: []string{"a"}},
		{Prefixes: []string{"ab", "c-"}},
		{Prefixes: []string{""}},
		{Prefixes: []string{"visit-anna", "visit-a"}},
		{Kinds: []ledger.Kind{"bottle.taken.v1"}},
		{Kinds: []ledger.Kind{"bottle.taken", "gate.exited.v1"}},
		{Kinds: []ledger.Kind{"a"}, Prefixes: []string{"b"}},
	} {
		wants, err := p.Wants(q)
		if err != nil {
			t.Fatalf("Wants(%+v) = %v", q, err)
		}
		set, err := p.Matching(q.Prefixes)
		if err != nil {
			t.Fatalf("Matching(%q) = %v", q.Prefixes, err)
		}
		any, matching := false, 0
		for i, f := range c.Frames {
			o, err := p.Ordinal(c.First + uint64(i))
			if err != nil {
				t.Fatalf("%v", err)
			}
			name, kind := ledger.StreamID(f.Stream()), ledger.Kind(f.Kind())
			byName := len(q.Prefixes) > 0 && (ledger.Query{Prefixes: q.Prefixes}).Wants(name, kind)
			if byName != set.Has(o) {
				t.Fatalf("Matching(%q) has %s: %v", q.Prefixes, name, set.Has(o))
			}
			if byName {
				matching++
			}
			any = any || (ledger.Query{Kinds: q.Kinds}).Wants(name, kind)
		}
		if n := len(scan(t, p, set)); n != matching {
			t.Fatalf("a scan of %q has %d events, want %d", q.Prefixes, n, matching)
		}
		if wants != any || set.N != matching {
			t.Fatalf("Wants(%+v) = %v and %d events match, want %v and %d", q, wants, set.N, any, matching)
		}
	}
}

// TestEveryFlippedByte checks that each byte of a file that is altered is found
// and named, with position and stream where it lies in a block.
func TestEveryFlippedByte(t *testing.T) {
	c := content(log, 101, morning(60))
	d, p := seal(t, c)
	size := p.Bytes()
	name := p.Name()
	seen, _ := d.Bytes(name)
	// The first block starts behind the header; the zeros behind the last end it.
	blocks := int64(64)
	for at := range size {
		seen[at] ^= 1 << (at % 8)
		err := check(d, name)
		var found *damage.Error
		switch {
		case !errors.As(err, &found) || found.File != name || !errors.Is(err, ledger.ErrCorrupt):
			t.Fatalf("byte %d of %d was changed, Check = %v", at, size, err)
		case found.Position < 101 || found.Position > 160 || found.Offset > at:
			t.Errorf("byte %d was changed: position %d, byte %d are named", at, found.Position, found.Offset)
		case at >= blocks && at < blocks+200:
			if found.Stream != "payment-1" && found.Stream != "visit-anna" || found.Offset < blocks {
				t.Errorf("byte %d of the first block: stream %q, byte %d are named", at, found.Stream, found.Offset)
			}
			if f := c.Frames[found.Position-101]; string(f.Stream()) != string(found.Stream) {
				t.Errorf("byte %d: position %d is of %s, not %s", at, found.Position, f.Stream(), found.Stream)
			}
		}
		seen[at] ^= 1 << (at % 8)
	}
	if err := check(d, name); err != nil {
		t.Errorf("nothing is changed any more: %v", err)
	}
}

// TestRotIsNotHandedOut checks that reading one event through a block that has
// rotted names the block's first event, and that other blocks are still read.
func TestRotIsNotHandedOut(t *testing.T) {
	var es []event
	for i := range 40 {
		es = append(es, event{ledger.StreamID(fmt.Sprintf("visit-%02d", i%20)), "a", noise(uint64(i), 10_000)})
	}
	c := content(log, 1, es)
	d, p := seal(t, c)
	seen, _ := d.Bytes(p.Name())
	seen[64+25_000] ^= 1 // in the second block: a visit of 20,000 bytes has its own
	hit := make(map[string]bool)
	for i, f := range c.Frames {
		var cursor sealed.Cursor
		o, err := p.Ordinal(uint64(i) + 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := cursor.Frame(p, o)
		var found *damage.Error
		switch {
		case err == nil && bytes.Equal(got[8:], f[8:]):
		case errors.As(err, &found) && found.Offset >= 64:
			hit[string(found.Stream)] = true
			if string(c.Frames[found.Position-1].Stream()) != string(found.Stream) {
				t.Errorf("position %d is not of %s", found.Position, found.Stream)
			}
		default:
			t.Errorf("position %d = %v", i+1, err)
		}
	}
	if len(hit) != 1 || !hit["visit-01"] {
		t.Errorf("damage is named in %v, want one block, that of visit-01", hit)
	}
	if err := p.Unpack(new(sealed.Unpacked)); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Unpack = %v", err)
	}
}

// TestFiles checks that files that were cut, made longer, swapped, renamed or
// taken from another log are found.
func TestFiles(t *testing.T) {
	d, p := seal(t, content(log, 1, morning(60)))
	own, _ := d.Bytes(p.Name())
	next := sealed.Name(61)
	for what, b := range map[string][]byte{
		"empty": {}, "cut to a bit": own[:100], "cut in a block": own[:500], "cut by one byte": own[:len(own)-1],
		"cut by the trailer": own[:len(own)-256], "the trailer alone": own[len(own)-256:],
		"longer": append(bytes.Clone(own), make([]byte, 4096)...), "a byte longer": append(bytes.Clone(own), 0),
		"twice": append(bytes.Clone(own), own...), "zeros": make([]byte, len(own)),
		"a trailer of another file": append(bytes.Clone(own[:len(own)-256]), trailerOf(t, content(log, 1, morning(59)))...),
		"a trailer of another log":  append(bytes.Clone(own[:len(own)-256]), trailerOf(t, content(other, 1, morning(60)))...),
	} {
		put(t, d, p.Name(), b)
		var found *damage.Error
		if err := check(d, p.Name()); !errors.As(err, &found) || found.File != p.Name() || found.Position != 1 {
			t.Errorf("%s: %v, want damage of position 1", what, err)
		}
	}
	put(t, d, next, own)
	var found *damage.Error
	if err := check(d, next); !errors.As(err, &found) || !strings.Contains(err.Error(), "segment of position 1 under the name of 61") {
		t.Errorf("renamed: %v", err)
	}
	if _, err := sealed.Open(d, sealed.Name(7)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func trailerOf(t *testing.T, c sealed.Content) []byte {
	t.Helper()
	d, p := seal(t, c)
	b, _ := d.Bytes(p.Name())
	return bytes.Clone(b[len(b)-256:])
}

// TestNames checks which names are those of sealed segments.
func TestNames(t *testing.T) {
	for name, want := range map[string]uint64{
		"00000000000000000001.sealed": 1, "00000000000000065536.sealed": 65536, "18446744073709551615.sealed": 1<<64 - 1,
		"00000000000000000000.sealed": 0, "1.sealed": 0, "0000000000000000000x.sealed": 0, "00000000000000000001.seg": 0,
		"99999999999999999999.sealed": 0, "00000000000000000001.sealed.tmp": 0, "": 0,
	} {
		got, ok := sealed.ParseName(name)
		if ok != (want > 0) || ok && (got != want || sealed.Name(got) != name) {
			t.Errorf("ParseName(%q) = %d, %v, want %d", name, got, ok, want)
		}
	}
}

// TestGolden checks that a file that was sealed by an earlier program still
// reads, and that header, tables and trailer are written as they were first.
// Blocks and names are compressed, which a new library may do in other bytes:
// they are compared unpacked. The bytes are on disks: if this test fails, change the code
// back, or make a new version of the format.
func TestGolden(t *testing.T) {
	c := content(log, 65537, morning(12))
	d, p := seal(t, c)
	made, _ := d.Bytes(p.Name())
	path := filepath.Join("testdata", p.Name()+".hex")
	if os.Getenv("VOUCH_REWRITE") != "" {
		if err := os.WriteFile(path, []byte(hex.Dump(made)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := undump(t, path)
	old := newDisk()
	put(t, old, p.Name(), first)
	q, err := sealed.Open(old, p.Name())
	if err != nil {
		t.Fatal(err)
	}
	readsAs(t, q, c)
	filtersAs(t, q, c)
	if diff := cmp.Diff(hex.Dump(first[:64]), hex.Dump(made[:64])); diff != "" {
		t.Errorf("header (-first +now):\n%s", diff)
	}
	for i, section := range []string{"blocks", "streams", "names", "kinds", "order"} {
		if section == "blocks" || section == "names" {
			continue
		}
		if diff := cmp.Diff(hex.Dump(sectionOf(first, i)), hex.Dump(sectionOf(made, i))); diff != "" {
			t.Errorf("section %s (-first +now):\n%s", section, diff)
		}
	}
}

// sectionOf returns a section of a file as its trailer names it.
func sectionOf(b []byte, i int) []byte {
	entry := b[len(b)-256+8+16*i:]
	at := uint64(entry[0]) | uint64(entry[1])<<8 | uint64(entry[2])<<16
	n := uint64(entry[8]) | uint64(entry[9])<<8 | uint64(entry[10])<<16
	return b[at : at+n]
}

// undump reads what hex.Dump wrote.
func undump(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for line := range strings.Lines(string(text)) {
		line = line[10:strings.IndexByte(line, '|')]
		part, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(line), " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, part...)
	}
	return b
}
