package tree_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vouchledger/vouch/ledger"
)

var errCut = errors.New("power is cut")

// A disk is a folder in memory that forgets, when power is cut, what was not
// made durable. It fails for ever from the cut on.
type disk struct {
	mu     sync.Mutex
	files  map[string]*file
	gone   map[string]*file // removed, and perhaps back after a cut
	left   int              // operations until the cut; below 0 there is none
	random *rand.Rand
}

type file struct {
	data    []byte
	durable []byte // what survives a cut; nil: perhaps nothing
}

func newDisk() *disk {
	return &disk{files: map[string]*file{}, gone: map[string]*file{}, left: -1, random: rand.New(rand.NewPCG(1, 2))}
}

// contents returns all files.
func (d *disk) contents() map[string]string {
	files := map[string]string{}
	for name, f := range d.files {
		files[name] = string(f.data)
	}
	return files
}

// step counts an operation. The last one before the cut is done by half.
func (d *disk) step() (half bool, err error) {
	if d.left == 0 {
		return false, errCut
	}
	if d.left > 0 {
		d.left--
	}
	return d.left == 0, nil
}

func (d *disk) Read(name string, room []byte) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return append(room[:0], f.data...), nil
}

func (d *disk) List(folder string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for name := range d.files {
		if folder == "." || strings.HasPrefix(name, folder+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (d *disk) Write(name string, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	half, err := d.step()
	if err != nil {
		return err
	}
	if f, ok := d.files[name]; ok && bytes.Equal(f.data, data) {
		return nil
	}
	data = bytes.Clone(data)
	if half {
		data = data[:d.random.IntN(len(data)+1)]
	}
	was := d.files[name]
	d.files[name] = &file{data: data}
	if was != nil && half {
		d.files[name] = was // a file that is there is replaced in one step
	}
	if half {
		return errCut
	}
	return nil
}

func (d *disk) Replace(name string, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	half, err := d.step()
	if err != nil {
		return err
	}
	if half && d.random.IntN(2) == 0 {
		return errCut // before it was renamed
	}
	d.files[name] = &file{data: bytes.Clone(data), durable: bytes.Clone(data)}
	if half {
		return errCut
	}
	return nil
}

func (d *disk) Sync(_ context.Context, names []string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		half, err := d.step()
		if err != nil {
			return err
		}
		f, ok := d.files[name]
		if !ok {
			return fs.ErrNotExist
		}
		if half && d.random.IntN(2) == 0 {
			return errCut
		}
		f.durable = bytes.Clone(f.data)
	}
	return nil
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.step(); err != nil {
		return err
	}
	f, ok := d.files[name]
	if !ok {
		return fs.ErrNotExist
	}
	d.gone[name] = f
	delete(d.files, name)
	return nil
}

// afterCut returns what is on the disk when power is back: what was durable,
// and of the rest anything: nothing, a part, zeros, or all.
func (d *disk) afterCut() *disk {
	back := newDisk()
	back.random = d.random
	keep := func(name string, f *file) {
		switch data := f.data; {
		case f.durable != nil:
			back.files[name] = &file{data: f.durable, durable: f.durable}
		case d.random.IntN(4) == 0: // nothing
		case d.random.IntN(3) == 0:
			back.files[name] = &file{data: data[:d.random.IntN(len(data)+1)]}
		case d.random.IntN(2) == 0:
			back.files[name] = &file{data: make([]byte, len(data))}
		default:
			back.files[name] = &file{data: data}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.gone)) {
		if d.random.IntN(2) == 0 {
			keep(name, d.gone[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		keep(name, d.files[name])
	}
	return back
}

// TestPowerCutAtAnyMoment sells, publishes and cuts power at every operation on
// the disk, and again while the tree recovers. Whatever is left, the published
// checkpoint is whole for tessera, and the tree goes on from it without
// contradicting it.
func TestPowerCutAtAnyMoment(t *testing.T) {
	const day = 330 // events between two checkpoints
	log := newLog()
	sell(t, log, 0, 6*day, "cola")
	cuts := 0
	for at := 1; ; at += 1 + at/40 {
		d, keys := newDisk(), t.TempDir()
		d.random = rand.New(rand.NewPCG(uint64(at), 7))
		d.left = at
		var err error
		for days := 1; days <= 6 && err == nil; days++ {
			err = publishUpTo(t, log, d, keys, uint64(days*day))
		}
		if err == nil {
			break // the cut came after everything
		}
		if !errors.Is(err, errCut) {
			t.Fatalf("cut at %d: %v, want errCut", at, err)
		}
		cuts++
		d = d.afterCut()
		checkWhole(t, log, d, keys, fmt.Sprintf("after a cut at %d", at))
		d.left = 1 + at%23
		if err := publishUpTo(t, log, d, keys, 6*day); err != nil && !errors.Is(err, errCut) {
			t.Fatalf("cut at %d, and while recovering: %v", at, err)
		}
		d = d.afterCut()
		if err := publishUpTo(t, log, d, keys, 6*day); err != nil {
			t.Fatalf("cut at %d: recovery = %v, want nil", at, err)
		}
		checkWhole(t, log, d, keys, fmt.Sprintf("recovered from a cut at %d", at))
	}
	if cuts < 40 {
		t.Errorf("power was cut %d times, want many", cuts)
	}
}

// publishUpTo publishes the first n events of log.
func publishUpTo(t *testing.T, log ledger.Log, d *disk, keys string, n uint64) error {
	s := open(t, upTo{log, n}, d, keys)
	defer s.close()
	return s.publish()
}

// upTo is a log as it was when it held n events.
type upTo struct {
	ledger.Log
	n uint64
}

func (u upTo) Read(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for r, err := range u.Log.Read(ctx, q) {
			if r.Position > u.n || !yield(r, err) {
				return
			}
		}
	}
}

func (u upTo) Head(context.Context) (uint64, error) { return u.n, nil }

// checkWhole requires that the published checkpoint, if there is one, covers a
// whole tree of log, for tessera and for us.
func checkWhole(t *testing.T, log ledger.Log, d *disk, keys, when string) {
	t.Helper()
	s := open(t, log, d, keys)
	defer s.close()
	if _, err := s.pub.Folder().Checkpoint(); err != nil {
		return
	}
	if c, _ := s.checkpoint(); c.Size > 0 {
		if err := s.fsck(); err != nil {
			t.Errorf("%s: tessera says %v at %d leaves", when, err, c.Size)
		}
	}
	for _, f := range s.findings() {
		t.Errorf("%s: %s", when, f)
	}
}
