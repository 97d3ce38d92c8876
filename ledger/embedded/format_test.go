package embedded

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// sample is one event with every field set.
func sample() ledger.Record {
	return ledger.Record{
		ID: ledger.ID(bytes.Repeat([]byte{0x11}, 16)), Cause: ledger.ID(bytes.Repeat([]byte{0x22}, 16)),
		Kind: "bottle.taken.v1", Stream: "visit-anna", Revision: 3, Position: 258,
		Recorded: time.Date(2026, 3, 1, 9, 30, 0, 123456000, time.UTC),
		Occurred: time.Date(2026, 3, 1, 9, 29, 59, 0, time.UTC),
		Actor:    "device:cam-1", Trace: "0af7651916cd43dd8448eb211c80319c", Body: []byte(`{"slot":"A1"}`),
	}
}

var sampleID = frame.LogID([]byte("0123456789abcdef"))

// TestGoldenBytes checks that commits, segment headers and witnesses are written as they were written first. The bytes are on disks: if this test
// fails, change the code back, or make a new version of the format.
func TestGoldenBytes(t *testing.T) {
	r := sample()
	commit, _ := sealCommit(seedsOf(sampleID, 200), frame.Append(make([]byte, commitHeader), &r, 1, 2), r.Position, 1, 0xdeadbeef)
	w := witness{id: sampleID}
	got := strings.Join([]string{
		"segment header", hex.Dump(encodeSegmentHeader(sampleID, 258, 64<<20, false)[:segmentFields]),
		"header of a segment used again", hex.Dump(encodeSegmentHeader(sampleID, 258, 64<<20, true)[:segmentFields]),
		"commit of one event", hex.Dump(commit[:256]),
		"witness", hex.Dump(w.encode(258, stillOpen)),
	}, "\n")
	path := "testdata/golden.txt"
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
	if _, err := parseCommitHead(seedsOf(sampleID, 200), commit); err != nil {
		t.Error(err)
	}
	if _, err := parseCommitHead(seedsOf(sampleID, 1), commit); err == nil {
		t.Error("a commit of another life of the file holds")
	}
}

// forge writes a segment whose checksums are right, with the given events.
func forge(t *testing.T, rs ...ledger.Record) *faultdisk.Disk {
	t.Helper()
	buf := make([]byte, commitHeader)
	for i := range rs {
		buf = frame.Append(buf, &rs[i], i, len(rs))
	}
	buf, _ = sealCommit(seedsOf(sampleID, 1), buf, rs[0].Position, len(rs), 0)
	return rawSegment(t, buf)
}

// rawSegment writes a segment that holds the bytes.
func rawSegment(t *testing.T, commits []byte) *faultdisk.Disk {
	t.Helper()
	const size = 16 << 10
	d := faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil)
	from, err := makeSpare(d, "0.spare", size)
	if err != nil {
		t.Fatal(err)
	}
	seg, err := makeSegment(d, from, sampleID, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = seg.file.WriteAt(commits[:min(len(commits), size-segmentHeader)], segmentHeader)
	if err = errors.Join(err, seg.file.Sync(), seg.file.Close(), d.Sync()); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestForged checks that history that is wrong under right checksums, as a
// faulty program would write it, is damage.
func TestForged(t *testing.T) {
	for what, spoil := range map[string]func(a, b *ledger.Record){
		"":                             func(_, _ *ledger.Record) {},
		"event id":                     func(a, b *ledger.Record) { b.ID = a.ID },
		"revision 2 where 1 is due":    func(_, b *ledger.Record) { b.Revision = 2 },
		"revision 0 where 1 is due":    func(_, b *ledger.Record) { b.Revision = 0 },
		"revision 1 where 0 is due":    func(_, b *ledger.Record) { b.Stream = "visit-bert" },
		"position 3 where 2 is due":    func(_, b *ledger.Record) { b.Position = 3 },
		"commit starts with":           func(a, b *ledger.Record) { a.Position, b.Position = 2, 3 },
		"before the event ahead of it": func(_, b *ledger.Record) { b.Recorded = b.Recorded.Add(-time.Microsecond) },
		"no event id":                  func(_, b *ledger.Record) { b.ID = ledger.ID{} },
	} {
		a, b := sample(), sample()
		a.Position, a.Revision, b.Position, b.Revision, b.ID = 1, 0, 2, 1, ledger.ID{9}
		spoil(&a, &b)
		_, err := VerifyFolder(t.Context(), forge(t, a, b))
		if what == "" && err == nil {
			continue
		}
		if !errors.Is(err, ledger.ErrCorrupt) || !strings.Contains(err.Error(), what) {
			t.Errorf("Verify = %v, want damage: %q", err, what)
		}
	}
}

// TestVerifyDecodes checks that Verify looks into bodies of known kinds, and
// counts those it does not know.
func TestVerifyDecodes(t *testing.T) {
	a := sample()
	a.Position, a.Revision = 1, 0
	report, err := VerifyFolder(t.Context(), forge(t, a))
	if err != nil || report.Events != 1 || report.Unknown != 1 || report.Kinds[a.Kind] != 1 || report.Streams != 1 {
		t.Errorf("Verify = %+v, %v, want one event of an unknown kind", report, err)
	}
	a.Kind, a.Body = ledger.Kinds()[0], []byte(`{"a": 1}`)
	if _, err := VerifyFolder(t.Context(), forge(t, a)); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Verify = %v, want a body out of stored form to be damage", err)
	}
}

// FuzzOpen checks that a log with any bytes in it opens or is damage, and that
// what can be opened for writing reads the same before and after.
func FuzzOpen(f *testing.F) {
	a, b := sample(), sample()
	a.Position, a.Revision, b.Position, b.Revision, b.ID = 1, 0, 2, 1, ledger.ID{9}
	one, crc := sealCommit(seedsOf(sampleID, 1), frame.Append(make([]byte, commitHeader), &a, 0, 1), 1, 1, 0)
	two, _ := sealCommit(seedsOf(sampleID, 1), frame.Append(make([]byte, commitHeader), &b, 0, 1), 2, 1, crc)
	f.Add(append(bytes.Clone(one), two...), 0, byte(0))
	f.Add(append(bytes.Clone(one), two[:100]...), 0, byte(0))
	f.Add(append(bytes.Clone(two), one...), 40, byte(1))
	f.Add([]byte(commitMagic), 3, byte(255))
	f.Fuzz(func(t *testing.T, commits []byte, at int, flip byte) {
		commits = bytes.Clone(commits)
		if at >= 0 && at < len(commits) {
			commits[at] ^= flip
		}
		d := rawSegment(t, commits)
		report, err := VerifyFolder(t.Context(), d)
		if err != nil && !errors.Is(err, ledger.ErrCorrupt) {
			t.Fatalf("Verify = %v, want damage", err)
		}
		l, openErr := OpenFolder(t.Context(), d, Config{Now: time.Now, SegmentBytes: minSegment})
		if openErr != nil {
			if !errors.Is(openErr, ledger.ErrCorrupt) {
				t.Fatalf("Open = %v, want damage", openErr)
			}
			return // a torn tail without a witness, for instance
		}
		head, headErr := l.Head(t.Context())
		if err = errors.Join(headErr, l.Close()); err != nil {
			t.Fatal(err)
		}
		if again, err := VerifyFolder(t.Context(), d); err != nil || again.Events != head || again.SHA256 != report.SHA256 {
			t.Errorf("Verify after opening = %+v, %v, before %+v", again, err, report)
		}
	})
}

var _ disk.Folder = (*faultdisk.Disk)(nil)
