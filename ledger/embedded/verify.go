package embedded

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/lookup"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// A Report says what [Verify] has checked.
type Report struct {
	Segments int                 `json:"segments"` // open and sealed
	Sealed   int                 `json:"sealed"`
	Commits  int                 `json:"commits"` // in open segments
	Events   uint64              `json:"events"`  // also the last position
	Streams  int                 `json:"streams"`
	Kinds    map[ledger.Kind]int `json:"kinds"`
	Unknown  int                 `json:"unknown"` // events of kinds that this program does not know; bodies not checked
	Bytes    int64               `json:"bytes"`   // of the frames together
	SHA256   ledger.Digest       `json:"sha256"`  // over all frames in order
	Torn     int64               `json:"torn"`    // bytes of an incomplete commit at the end, never acknowledged
}

// Verify reads the log in dir from the first byte to the last and checks
// frames, positions, revisions, ids and, for the kinds it knows, that each body
// is in stored form; of sealed segments also their tables and digests, and that
// the lookups are those of the events. It changes nothing and may be run beside
// a writer; then it ends with what was durable when it began. Damage is a
// [DamageError].
func Verify(ctx context.Context, dir string, progress func(done, total int64)) (Report, error) {
	files := disk.Dir(dir)
	r, err := verify(ctx, files, progress, func() (bool, error) { return files.Locked(lockName) })
	if err != nil {
		return Report{}, fmt.Errorf("verify log %s: %w", dir, err)
	}
	return r, nil
}

// VerifyFolder is [Verify] on any file layer.
func VerifyFolder(ctx context.Context, files disk.Folder) (Report, error) {
	return verify(ctx, files, nil, func() (bool, error) { return false, nil })
}

func verify(
	ctx context.Context, files disk.Folder, progress func(done, total int64), live func() (bool, error),
) (Report, error) {
	l, scanned, err := openReadOnly(ctx, files, Config{ReadOnly: true}, live)
	if err != nil {
		return Report{}, err
	}
	v := verifier{
		log: l, sum: sha256.New(), next: make(map[ledger.StreamID]uint64), ids: newIDTable(maphash.MakeSeed(), 0), progress: progress,
		report: Report{Kinds: make(map[ledger.Kind]int), Torn: scanned.torn, Commits: scanned.commits},
	}
	if err = v.run(ctx); err == nil {
		err = scanned.broken // history holds; what was derived from it does not
	}
	if err = errors.Join(err, l.Close()); err != nil {
		return Report{}, err
	}
	return v.report, nil
}

// A verifier goes through a log event by event.
type verifier struct {
	log      *Log
	progress func(done, total int64)
	report   Report
	sum      hash.Hash

	head     uint64
	recorded int64
	next     map[ledger.StreamID]uint64
	ids      *idTable
	decode   frame.Decoder
	cursor   cursor
}

func (v *verifier) run(ctx context.Context) error {
	set, err := v.log.hold()
	if err != nil {
		return err
	}
	defer release(set)
	v.cursor = newCursor(v.log)
	defer v.cursor.close()
	total := int64(v.log.durable) //nolint:gosec // a count
	var u sealed.Unpacked
	for i, r := range set.runs {
		var want lookup.Tables
		for k, p := range set.parts[set.at[i] : set.at[i]+r.Parts] {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := v.part(p, &u, &want, r.First, k); err != nil {
				return err
			}
			v.tell(total)
		}
		if err := checkRun(r, want); err != nil {
			return err
		}
	}
	for position := set.last() + 1; position <= v.log.durable; position++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := v.cursor.frame(position, false)
		if err != nil {
			return err
		}
		if err := v.event(f, v.log.idx.last().name); err != nil {
			return err
		}
	}
	v.tell(total)
	r := &v.report
	r.Sealed, r.Segments = len(set.parts), len(set.parts)+len(v.log.idx.open)
	r.Events, r.Streams = v.head, len(v.next)
	r.SHA256 = ledger.Digest(fmt.Sprintf("sha256:%x", v.sum.Sum(nil)))
	return nil
}

func (v *verifier) tell(total int64) {
	if v.progress != nil {
		v.progress(int64(v.head), total) //nolint:gosec // a count
	}
}

// part checks a sealed segment, the k-th of a lookup that starts with position
// first, and adds what the lookup must say of it to want.
func (v *verifier) part(p *sealed.Part, u *sealed.Unpacked, want *lookup.Tables, first uint64, k int) error {
	if err := p.Check(u); err != nil {
		return err
	}
	for position := p.First; position <= p.Last(); position++ {
		f, err := u.Frame(position)
		if err != nil {
			return err
		}
		if err := v.event(f, p.Name()); err != nil {
			return err
		}
	}
	t, err := tables(p, u)
	if err != nil {
		return err
	}
	want.Before = max(want.Before, t.Before)
	for _, e := range t.IDs {
		want.IDs = append(want.IDs, e+lookup.Entry(p.First-first))
	}
	for _, e := range t.Streams {
		want.Streams = append(want.Streams, e+lookup.Entry(k)) //nolint:gosec // a count
	}
	return nil
}

// checkRun compares a lookup with what it must say.
func checkRun(r *lookup.Run, want lookup.Tables) error {
	return disk.Guard(func() error {
		got, err := r.Tables()
		if err != nil {
			return err
		}
		slices.Sort(want.IDs)
		slices.Sort(want.Streams)
		if !slices.Equal(got.IDs, want.IDs) || !slices.Equal(got.Streams, want.Streams) ||
			got.Before != 0 && got.Before != want.Before {
			return &DamageError{File: r.Name(), Position: r.First, Reason: "it does not say what the segments say" +
				" (an index holds no history: remove this file and it is made again)"}
		}
		return nil
	})
}

// event checks one event against all before it and looks into its body if its
// kind is known.
func (v *verifier) event(f frame.Frame, file string) error {
	rec := v.decode.Record(f)
	bad := func(format string, args ...any) error {
		return &DamageError{File: file, Position: f.Position(), Stream: rec.Stream, Reason: fmt.Sprintf(format, args...)}
	}
	switch {
	case rec.Position != v.head+1:
		return bad("position %d where %d is due", rec.Position, v.head+1)
	case rec.Revision != v.next[rec.Stream]:
		return bad("revision %d where %d is due", rec.Revision, v.next[rec.Stream])
	case f.Recorded() < v.recorded:
		return bad("recorded at %v, before the event ahead of it", rec.Recorded)
	case rec.ID.IsZero():
		return bad("no event id")
	}
	print := fingerprint(v.ids.seed, rec.ID)
	for _, p := range v.ids.having(nil, print) {
		other, err := v.log.findAmong([]uint64{p}, rec.ID)
		if err == nil {
			return bad("event id %s again, first at position %d", rec.ID, other.Position)
		}
		if !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
	}
	v.head, v.recorded, v.next[rec.Stream] = rec.Position, f.Recorded(), rec.Revision+1
	v.ids.add(rec.ID, print, rec.Position)
	v.sum.Write(f)
	v.report.Bytes += int64(len(f))
	v.report.Kinds[rec.Kind]++
	if !rec.Stream.Own() {
		v.report.Unknown++
		return nil
	}
	_, err := ledger.Decode(rec)
	switch {
	case errors.Is(err, ledger.ErrUnknownKind):
		v.report.Unknown++
		return nil
	case err != nil:
		return bad("%v", err)
	}
	return nil
}
