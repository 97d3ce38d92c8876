package embedded_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// opened opens what is on a shelf, and says what progress was shown and which
// files were there then.
func (s shelf) opened(t *testing.T, cfg embedded.Config) (rs []ledger.Record, progress int, after shelf, err error) {
	t.Helper()
	d := s.on(t)
	cfg.Progress = func(done, total int64) {
		if progress++; done > total || done <= 0 {
			t.Errorf("progress %d of %d", done, total)
		}
	}
	l, err := embedded.OpenFolder(t.Context(), d, cfg)
	if err != nil {
		return nil, progress, nil, err
	}
	rs, err = all(t.Context(), l)
	err = errors.Join(err, l.Sealed(t.Context()), l.Close())
	return rs, progress, filesOf(t, d), err
}

// TestIndexFiles checks that lookups, which hold no history, are made anew where
// they are missing or not those of the segments, with progress shown, and that
// those nobody needs are removed; a reader makes them in memory.
func TestIndexFiles(t *testing.T) {
	s, want := shelveSealed(t, 24)
	index := s.named(".index")
	merged := index[0]
	if len(index) < 2 || !strings.HasPrefix(merged, "00000000000000000001-") {
		t.Fatalf("lookups %q, the test wants a merged one and others", index)
	}
	cfg := sealing(tiny)
	cfg.Random = bytes.NewReader([]byte("another log's id"))
	other, _ := shelveWith(t, 24, cfg)
	earlier, _ := shelveWith(t, 12, sealing(tiny)) // with lookups that were merged since
	plain, quiet := 0, 0
	if _, quiet, _, _ = s.opened(t, sealing(tiny)); quiet == 0 {
		t.Fatal("opening shows no progress at all")
	}
	for what, c := range map[string]struct {
		spoil   func(s shelf)
		rebuilt bool
	}{
		"as it was":              {func(shelf) {}, false},
		"all missing":            {func(s shelf) { s.drop(index...) }, true},
		"the merged one missing": {func(s shelf) { s.drop(merged) }, true},
		"a flipped header":       {func(s shelf) { s[merged][40] ^= 1 }, true},
		"of another log":         {func(s shelf) { s[merged] = other[merged] }, true},
		"cut":                    {func(s shelf) { s[merged] = s[merged][:4096] }, true},
		"empty":                  {func(s shelf) { s[merged] = nil }, true},
		"of other segments":      {func(s shelf) { s[merged] = staleDigest(s[merged]) }, true},
		"unmerged ones as well": {func(s shelf) {
			for _, name := range earlier.named(".index") {
				s[name] = earlier[name]
			}
		}, false},
		"unmerged ones alone": {func(s shelf) {
			s.drop(merged)
			for _, name := range earlier.named(".index") {
				s[name] = earlier[name]
			}
		}, true},
		"one of events to come": {func(s shelf) {
			s["00000000000000000001-00000000000000009999.index"] = s[merged]
			s["00000000000000005000-00000000000000009999.index"] = s[merged]
		}, false},
	} {
		t.Run(what, func(t *testing.T) {
			s := s.clone()
			c.spoil(s)
			ro := sealing(tiny)
			ro.ReadOnly = true
			got, _, after, err := s.opened(t, ro)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("read-only: %v (-want +got):\n%s", err, diff)
			}
			if diff := cmp.Diff(s, after); diff != "" {
				t.Errorf("a reader changed files")
			}
			got, progress, after, err := s.opened(t, sealing(tiny))
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if (progress > quiet) != c.rebuilt {
				t.Errorf("progress was shown %d times, %d without anything to make", progress, quiet)
			}
			covers(t, after)
			d := after.on(t)
			if _, err := embedded.VerifyFolder(t.Context(), d); err != nil {
				t.Errorf("Verify = %v", err)
			}
			plain++
		})
	}
}

// staleDigest makes a lookup one of other segments, its checksum right.
func staleDigest(b []byte) []byte {
	b = bytes.Clone(b)
	b[64] ^= 1
	return resum(b)
}

// covers fails the test unless the lookups cover the sealed segments, each once.
func covers(t *testing.T, s shelf) {
	t.Helper()
	next := uint64(1)
	for _, name := range s.named(".index") {
		var first, last uint64
		if _, err := fmt.Sscanf(name, "%020d-%020d.index", &first, &last); err != nil || first != next {
			t.Errorf("lookup %s where one from position %d is due (%v)", name, next, err)
		}
		next = last + 1
	}
	if want := fmt.Sprintf("%020d.seg", next); s.segments()[0] != want {
		t.Errorf("lookups end before %d, the open segment is %s", next, s.segments()[0])
	}
}

// TestIndexPageRots checks that a page of a lookup that has rotted is found by
// who looks into it, named with what to do, and doubles no event.
func TestIndexPageRots(t *testing.T) {
	s, want := shelveSealed(t, 24)
	merged := s.named(".index")[0]
	s[merged][4096+20] ^= 1
	l := openWith(t, s.on(t), sealing(tiny))
	_, err := l.Find(t.Context(), want[0].ID)
	if d := damaged(t, "Find", err, merged); !strings.Contains(d.Reason, "remove this file and it is made again") {
		t.Errorf("the message says not what to do: %v", err)
	}
	_, err = l.Append(t.Context(), "visit-anna", ledger.Any(), ledgertest.Draft(0))
	damaged(t, "a retry", err, merged)
	_, err = l.Append(t.Context(), "visit-anna", ledger.Any(), ledgertest.Draft(9_999))
	damaged(t, "an append that cannot know whether it is new", err, merged)
	if rs, err := all(t.Context(), l); err != nil || len(rs) != len(want) {
		t.Errorf("%d events are read without a lookup, %v, want %d", len(rs), err, len(want))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = embedded.VerifyFolder(t.Context(), s.on(t))
	damaged(t, "Verify", err, merged)
	s.drop(merged)
	l = openWith(t, s.on(t), sealing(tiny))
	defer l.Close()
	if got, err := l.Find(t.Context(), want[0].ID); err != nil || got.Position != 1 {
		t.Errorf("after the file was removed: %v, %v", got, err)
	}
}

// TestManySegments checks a log of thousands of tiny segments: lookups are
// merged in levels, so there are few, and it opens, finds and verifies.
func TestManySegments(t *testing.T) {
	dir := t.TempDir()
	files := hasty{disk.Dir(dir)}
	const events = 4_200
	cfg := embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: header + 512}
	l, err := embedded.OpenFolder(t.Context(), files, cfg)
	if err != nil {
		t.Fatal(err)
	}
	streamOf := func(n uint64) ledger.StreamID { return ledger.StreamID(fmt.Sprintf("visit-%d", n%3)) }
	for n := range uint64(events) {
		if _, err := l.Append(t.Context(), streamOf(n), ledger.Any(), ledgertest.Draft(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(l.Sealed(t.Context()), l.Close()); err != nil {
		t.Fatal(err)
	}
	sealedFiles, err := filepath.Glob(filepath.Join(dir, "*.sealed"))
	if n := len(sealedFiles); err != nil || n < events/2 || n > events-1 { // two that wait become one
		t.Fatalf("%d sealed segments of %d full ones, %v", n, events-1, err)
	}
	runs, err := filepath.Glob(filepath.Join(dir, "*.index"))
	if most := len(sealedFiles)/64 + 12; err != nil || len(runs) > most {
		t.Errorf("%d lookups, %v, want at most %d", len(runs), err, most)
	}
	for _, gone := range runs[:3] {
		if err := os.Remove(gone); err != nil {
			t.Fatal(err)
		}
	}
	if l, err = embedded.OpenFolder(t.Context(), files, cfg); err != nil {
		t.Fatal(err)
	}
	for n := uint64(0); n < events; n += 97 {
		r, err := l.Find(t.Context(), ledgertest.Draft(n).ID)
		if err != nil || r.Position != n+1 || r.Revision != n/3 {
			t.Fatalf("event %d = %+v, %v", n, r, err)
		}
	}
	count := 0
	for r, err := range l.Read(t.Context(), ledger.Query{Stream: "visit-1", From: ledger.End, Backwards: true}) {
		if count++; err != nil || r.Stream != "visit-1" {
			t.Fatal(err)
		}
	}
	if count != events/3 {
		t.Errorf("%d events of one visit, want %d", count, events/3)
	}
	if err := errors.Join(l.Sealed(t.Context()), l.Close()); err != nil {
		t.Fatal(err)
	}
	report, err := embedded.Verify(t.Context(), dir, nil)
	if err != nil || report.Events != events || report.Sealed != len(sealedFiles) {
		t.Errorf("Verify = %+v, %v", report, err)
	}
}

// A hasty folder does not wait for the disk.
type hasty struct{ disk.Folder }

func (hasty) Sync() error { return nil }

func (h hasty) Open(name string, mode disk.Mode) (disk.File, error) {
	f, err := h.Folder.Open(name, mode)
	if err != nil {
		return nil, err
	}
	return hastyFile{f}, nil
}

type hastyFile struct{ disk.File }

func (hastyFile) Sync() error { return nil }
