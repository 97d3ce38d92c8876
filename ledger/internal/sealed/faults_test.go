package sealed_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// TestPauseGivesUp checks that a sealing that is given up leaves nothing.
func TestPauseGivesUp(t *testing.T) {
	enough := errors.New("the shop closes")
	for after := range 3 {
		c := content(log, 1, []event{{"a", "k", noise(1, 50_000)}, {"b", "k", noise(2, 50_000)}, {"c", "k", noise(3, 50_000)}})
		calls := 0
		c.Pause = func() error {
			if calls++; calls > after {
				return enough
			}
			return nil
		}
		d := newDisk()
		if err := sealed.Write(d, c); !errors.Is(err, enough) || calls != after+1 {
			t.Errorf("Write = %v after %d pauses, want %v", err, calls, enough)
		}
		if names, err := d.List(); len(names) > 0 || err != nil {
			t.Errorf("what was given up has left %q, %v", names, err)
		}
	}
}

// TestWriteFaults lets each change of the disk fail in each way: the file is
// there whole under its name, or its name is not there.
func TestWriteFaults(t *testing.T) {
	c := content(log, 1, append(morning(40), event{"visit-large", "k", noise(1, 700_000)}))
	whole := newDisk()
	if err := sealed.Write(whole, c); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for op := range whole.Ops() {
		for _, fault := range []faultdisk.Fault{faultdisk.Kill, faultdisk.NoSpace, faultdisk.IOError} {
			what := fmt.Sprintf("fault %d at change %d", fault, op)
			d := faultdisk.New(rand.New(rand.NewPCG(uint64(op), uint64(fault))), func(o faultdisk.Op) faultdisk.Fault {
				if o.N == op {
					return fault
				}
				return faultdisk.None
			})
			err := sealed.Write(d, c)
			d.Restart()
			names, listErr := d.List()
			if listErr != nil {
				t.Fatal(listErr)
			}
			if err == nil {
				t.Errorf("%s: Write = nil", what)
			}
			refused++
			if slices.Contains(names, sealed.Name(1)) {
				t.Errorf("%s: %v, and the name is there", what, err)
			}
			if fault != faultdisk.Kill && len(names) > 0 {
				t.Errorf("%s: %v has left %q", what, err, names)
			}
			d.SetFault(nil)
			if err := errors.Join(sealed.Write(d, c), d.Sync()); err != nil {
				t.Errorf("%s: sealing again: %v", what, err)
			}
			d.PowerLoss()
			if err := check(d, sealed.Name(1)); err != nil {
				t.Errorf("%s: after sealing again and a power cut: %v", what, err)
			}
		}
	}
	if refused < 12 {
		t.Errorf("%d faults, want some more", refused)
	}
}

// reseal makes every checksum of a file that may be altered hold again, as far
// as the file goes, so that a fuzzer gets past them.
func reseal(b []byte) {
	const trailer = 256
	if len(b) < 64+trailer {
		return
	}
	le, table := binary.LittleEndian, crc32.MakeTable(crc32.Castagnoli)
	id := frame.LogID(b[16:32])
	le.PutUint32(b[60:], crc32.Checksum(b[:60], table))
	end := b[len(b)-trailer:]
	part := func(at, n uint64) []byte {
		if at > uint64(len(b)-trailer) || n > uint64(len(b)-trailer)-at {
			return nil
		}
		return b[at : at+n]
	}
	blocks := part(le.Uint64(end[8:]), uint64(le.Uint32(end[16:])))
	for ; len(blocks) >= 24; blocks = blocks[24:] {
		if packed := part(le.Uint64(blocks), uint64(le.Uint32(blocks[8:]))); packed != nil {
			le.PutUint32(blocks[20:], frame.Checksum(id.Seed(), packed))
		}
	}
	for i := range 7 {
		entry := end[8+16*i:]
		if s := part(le.Uint64(entry), uint64(le.Uint32(entry[8:]))); s != nil {
			le.PutUint32(entry[12:], crc32.Checksum(s, table))
		}
	}
	le.PutUint32(end[252:], frame.Checksum(id.Seed(), end[:252]))
}

// FuzzOpen checks that any bytes open or are damage, whatever is asked of them,
// and that what passes the check is what its events say.
func FuzzOpen(f *testing.F) {
	for _, n := range []int{1, 12, 60} {
		d := newDisk()
		if err := sealed.Write(d, content(log, 1, morning(n))); err != nil {
			f.Fatal(err)
		}
		b, _ := d.Bytes(sealed.Name(1))
		f.Add(b, uint32(0), uint32(0), true)
		for at := uint32(0); at < uint32(len(b)); at += 13 { // small
			f.Add(b, at, uint32(0xff), true)
			f.Add(b, uint32(len(b))-1-at%250, 1<<31|at, true) // small
		}
		f.Add(b[:len(b)-7], uint32(70), uint32(3), false)
	}
	f.Add([]byte("VOUCHSLD"), uint32(0), uint32(0), false)
	f.Fuzz(func(t *testing.T, b []byte, at, with uint32, again bool) {
		b = slices.Clone(b)
		for i := range uint32(4) {
			if uint64(at)+uint64(i) < uint64(len(b)) {
				b[at+i] ^= byte(with >> (8 * i))
			}
		}
		if again {
			reseal(b)
		}
		d := newDisk()
		put(t, d, sealed.Name(1), b)
		p, err := sealed.Open(d, sealed.Name(1))
		if err != nil {
			if !errors.Is(err, ledger.ErrCorrupt) {
				t.Fatalf("Open = %v", err)
			}
			return
		}
		defer p.Close()
		for what, err := range askAll(p) {
			if err != nil && !errors.Is(err, ledger.ErrCorrupt) {
				t.Errorf("%s = %v", what, err)
			}
		}
		var u sealed.Unpacked
		if err := p.Check(&u); err != nil {
			if !errors.Is(err, ledger.ErrCorrupt) {
				t.Errorf("Check = %v", err)
			}
			return
		}
		c := sealed.Content{Log: p.Log, First: p.First, Commit: p.Commit()}
		for position := p.First; position <= p.Last(); position++ {
			fr, err := u.Frame(position)
			if err != nil {
				t.Fatal(err)
			}
			c.Frames = append(c.Frames, fr)
		}
		readsAs(t, p, c)
	})
}

// askAll asks a segment everything that can be asked.
func askAll(p *sealed.Part) map[string]error {
	errs := make(map[string]error)
	_, _, errs["Stream"] = p.Stream("visit-anna")
	_, errs["Wants"] = p.Wants(ledger.Query{Kinds: []ledger.Kind{"x"}})
	set, err := p.Matching([]string{"visit-", "p"})
	errs["Matching"] = err
	if err == nil {
		errs["Scan"] = walk(new(sealed.Scanner), p, set, func(ledger.Lent) bool { return true })
	}
	errs["EachStream"] = p.EachStream(func([]byte, sealed.Extent) error { return nil })
	errs["Unpack"] = p.Unpack(new(sealed.Unpacked))
	var cursor sealed.Cursor
	for position := p.First; position <= p.Last() && position < p.First+100; position++ {
		o, err := p.Ordinal(position)
		if err == nil {
			_, err = cursor.Frame(p, o)
		}
		if err != nil {
			errs["Frame"] = err
		}
	}
	return errs
}

// TestOpenOnDisk checks on real files that tables are read from mapped memory,
// and that a file that is cut behind the log's back is an error and no crash.
func TestOpenOnDisk(t *testing.T) {
	dir := t.TempDir()
	files := disk.Dir(dir)
	c := content(log, 1, morning(3000))
	if err := sealed.Write(files, c); err != nil {
		t.Fatal(err)
	}
	p, err := sealed.Open(files, sealed.Name(1))
	if err != nil {
		t.Fatal(err)
	}
	readsAs(t, p, c)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err = sealed.Open(files, sealed.Name(1)); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := os.Truncate(dir+"/"+sealed.Name(1), 100); err != nil {
		t.Fatal(err)
	}
	if err := disk.Guard(func() error { _, err := p.Ordinal(1); return err }); err == nil {
		t.Error("a table that is not there any more was read")
	}
	if err := p.Check(new(sealed.Unpacked)); err == nil {
		t.Error("a file that is not there any more passes the check")
	}
}
