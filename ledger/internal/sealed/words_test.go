package sealed_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
	"github.com/vouchledger/vouch/ledger/internal/words"
)

// TestNextMorningHasTheSameWords checks that segments of one shop are packed with one
// dictionary and share it in memory, that a segment of something else gets its own, and
// that all of them read as they were written, whoever was read first.
func TestNextMorningHasTheSameWords(t *testing.T) {
	const n = 600
	var foreign []event
	for i := range n {
		body := fmt.Appendf(nil, `{"till":"till-%d","drawer":{"opened":%d,"by":"carl","why":"change for a guest"}}`, i%3, i)
		foreign = append(foreign, event{"till-1", "drawer.opened.v1", body})
	}
	mornings := [][]event{morning(n), morning(n), foreign, foreign, morning(n)}
	d, kept := newDisk(), new(sealed.Words)
	var parts []*sealed.Part
	var contents []sealed.Content
	var tables [][]byte
	for i, es := range mornings {
		c := content(log, uint64(i*n)+1, es)
		c.Words = kept
		if err := sealed.Write(d, c); err != nil {
			t.Fatal(err)
		}
		p, err := sealed.Open(d, sealed.Name(c.First))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := d.Bytes(p.Name())
		parts, contents = append(parts, p), append(contents, c)
		tables = append(tables, bytes.Join([][]byte{sectionOf(b, 5), sectionOf(b, 6)}, nil))
		alone := c
		alone.Words = nil
		_, own := seal(t, alone)
		if p.Bytes() > own.Bytes()*11/10 {
			t.Errorf("segment %d has %d bytes, and %d with words of its own", i, p.Bytes(), own.Bytes())
		}
	}
	cache := sealed.NewCache(1 << 20)
	for i := len(parts) - 1; i >= 0; i-- {
		cursor := sealed.Cursor{Cache: cache}
		for o := range uint32(n) {
			f, err := cursor.Frame(parts[i], o)
			if err != nil {
				t.Fatal(err)
			}
			if want := contents[i].Frames[f.Position()-contents[i].First]; !bytes.Equal(f[8:], want[8:]) {
				t.Fatalf("ordinal %d of segment %d = %x, want %x", o, i, []byte(f), []byte(want))
			}
		}
		readsAs(t, parts[i], contents[i])
	}
	for _, c := range []struct {
		a, b int
		same bool
	}{{0, 1, true}, {1, 2, false}, {2, 3, true}, {3, 4, false}} {
		if got := bytes.Equal(tables[c.a], tables[c.b]); got != c.same {
			t.Errorf("segments %d and %d have the same words: %v, want %v", c.a, c.b, got, c.same)
		}
		if got := parts[c.a].Dictionary() == parts[c.b].Dictionary(); got != c.same {
			t.Errorf("segments %d and %d share a dictionary: %v, want %v", c.a, c.b, got, c.same)
		}
	}
	if parts[0].Dictionary() == nil {
		t.Error("no dictionary is in memory")
	}
	scansOn(t, parts)
}

// scansOn checks that one scanner reads segments one after the other as each is read
// alone, and keeps the dictionary of the first for the second, which has the same.
func scansOn(t *testing.T, parts []*sealed.Part) {
	t.Helper()
	var s sealed.Scanner
	var walkers []*words.Walker
	for _, i := range []int{0, 1, 2, 3, 4, 0, 2} {
		if diff := cmp.Diff(scan(t, parts[i], nil), scanBy(t, &s, parts[i], nil)); diff != "" {
			t.Fatalf("segment %d (-alone +behind others):\n%s", i, diff)
		}
		walkers = append(walkers, s.First())
	}
	for i, same := range []bool{true, false, true, false, true, false} {
		if got := walkers[i] == walkers[i+1]; got != same {
			t.Errorf("the dictionary is kept after segment %d of the scan: %v, want %v", i, got, same)
		}
	}
}

// TestManyDictionaries checks that segments beyond the dictionaries that are kept in
// memory are read all the same.
func TestManyDictionaries(t *testing.T) {
	d, cache := newDisk(), sealed.NewCache(1<<20)
	shared := 0
	for i := range uint64(sealed.MaxShared + 3) {
		word := strings.Repeat(fmt.Sprintf("goods-%d-", i), 3)
		var es []event
		for range 20 {
			es = append(es, event{"visit-anna", "bottle.taken.v1", fmt.Appendf(nil, `{"what":%q}`, word)})
		}
		c := content(log, i*20+1, es)
		if err := sealed.Write(d, c); err != nil {
			t.Fatal(err)
		}
		p, err := sealed.Open(d, sealed.Name(c.First))
		if err != nil {
			t.Fatal(err)
		}
		cursor := sealed.Cursor{Cache: cache}
		f, err := cursor.Frame(p, 7)
		if err != nil || !strings.Contains(string(f.Body()), word) {
			t.Fatalf("segment %d = %s, %v", i, f, err)
		}
		if p.Dictionary() != nil {
			shared++
		}
	}
	if shared != sealed.MaxShared {
		t.Errorf("%d dictionaries in memory, want %d", shared, sealed.MaxShared)
	}
}

// TestStreamsOutOfOrder checks that a segment whose streams do not rise, under right
// checksums, is damage for a walk, which is merged with others by that order.
func TestStreamsOutOfOrder(t *testing.T) {
	var es []event
	for _, stream := range []ledger.StreamID{"visit-anna", "visit-bert", "visit-carl"} {
		es = append(es, event{stream, "bottle.taken.v1", []byte(`{"bottle":1}`)})
	}
	d, p := seal(t, content(log, 1, es))
	if got := len(scan(t, p, nil)); got != len(es) {
		t.Fatalf("%d events, want %d", got, len(es))
	}
	b, _ := d.Bytes(p.Name())
	b = bytes.ReplaceAll(b, []byte("bert"), []byte("zoes"))
	reseal(b)
	forged := newDisk()
	put(t, forged, p.Name(), b)
	q, err := sealed.Open(forged, p.Name())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = walk(new(sealed.Scanner), q, nil, func(ledger.Lent) bool { n++; return true })
	if !errors.Is(err, ledger.ErrCorrupt) || n != 2 || !strings.Contains(err.Error(), "visit-carl lies behind visit-zoes") {
		t.Errorf("after %d events: %v", n, err)
	}
}
