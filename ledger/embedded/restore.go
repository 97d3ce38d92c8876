package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// An Until says how much of a backup is restored; its zero value means all. An
// append is restored whole or not: one of which a part lies behind the end is
// left out.
type Until struct {
	Position uint64    // of the last event; 0 means no such end
	Time     time.Time // the last recorded time; zero means no such end
}

// RestoreConfig says how to restore.
type RestoreConfig struct {
	// Now is the clock that says in the lock file when the restoring began.
	// Required.
	Now func() time.Time

	// Progress, if set, is called now and then with how many events are
	// copied or checked, of how many: each is both.
	Progress func(done, total int64)
}

// A RestoreReport says what was restored.
type RestoreReport struct {
	Position uint64    `json:"position"` // of the last event, and how many there are
	Recorded time.Time `json:"recorded"` // when the log took that
	Backup   struct {
		Position uint64    `json:"position"`
		Recorded time.Time `json:"recorded"`
		Made     time.Time `json:"made"`
	} `json:"backup"` // what there was to restore from
	Log Report `json:"log"` // what [Verify] says of the log that was made
}

// Restore makes a log in the folder to out of the backup in from, up to the
// given end. The folder must be empty or not be there ([ErrNotEmpty]). What was
// made is read again from the first byte to the last before Restore returns;
// until all of it is there, the folder is not taken for a log. After an error it
// is empty again, unless the process died.
//
// The log keeps its id: it is the same history, from which another may go on. A
// damaged file of the backup is a [DamageError]; what lies before it can still
// be restored. No backup, or none that goes so far, is [ledger.ErrNotFound].
func Restore(ctx context.Context, from, to string, until Until, cfg RestoreConfig) (RestoreReport, error) {
	r, err := restoreDir(ctx, from, to, until, cfg)
	if err != nil {
		return RestoreReport{}, fmt.Errorf("restore log %s from %s: %w", to, from, err)
	}
	return r, nil
}

func restoreDir(ctx context.Context, from, to string, until Until, cfg RestoreConfig) (r RestoreReport, err error) {
	if cfg.Now == nil {
		return r, fmt.Errorf("%w: no clock", ledger.ErrInvalid)
	}
	target := disk.Dir(to)
	if err := target.Make(); err != nil {
		return r, err
	}
	entries, err := os.ReadDir(to)
	if err != nil {
		return r, err
	}
	for _, e := range entries {
		if e.Name() != lockName {
			return r, notEmpty(e.Name())
		}
	}
	unlock, err := lockTarget(ctx, target, cfg.Now())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, unlock.Close()) }()
	return RestoreFolder(ctx, disk.Dir(from), target, until, cfg)
}

func notEmpty(name string) error {
	return fmt.Errorf("%w: it holds %s; a log is restored into an empty folder only, "+
		"so that nothing of another history is left in it", ErrNotEmpty, name)
}

// RestoreFolder is [Restore] on any file layer and without a lock, for tests of
// what disks do.
func RestoreFolder(ctx context.Context, from, to disk.Folder, until Until, cfg RestoreConfig) (r RestoreReport, err error) {
	if until.Position > 0 && !until.Time.IsZero() {
		return r, fmt.Errorf("%w: restore to a position and to a time", ledger.ErrInvalid)
	}
	names, err := to.List()
	if err != nil {
		return r, err
	}
	for _, name := range names {
		if name != lockName {
			return r, notEmpty(name)
		}
	}
	b, err := openBackup(ctx, from, until)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	b.to, b.cfg = to, cfg
	if err := b.run(ctx); err != nil {
		return r, errors.Join(err, empty(to))
	}
	if r.Log, err = verify(ctx, to, func(done, _ int64) { b.tell(b.cut + uint64(done)) }, notLive); err != nil { //nolint:gosec // a count
		return r, fmt.Errorf("what was restored does not read back: %w", errors.Join(err, empty(to)))
	}
	if r.Log.Events != b.cut {
		return r, fmt.Errorf("what was restored does not read back: %w",
			errors.Join(fmt.Errorf("%d events, not %d", r.Log.Events, b.cut), empty(to)))
	}
	r.Position = b.cut
	if b.cut > 0 {
		r.Recorded = frame.Micro(b.recorded)
	}
	r.Backup.Position, r.Backup.Recorded, r.Backup.Made = b.list.Position, b.list.Recorded, b.list.Made
	return r, nil
}

// empty removes what a restoring has left. The segments go first: without them
// the witness says that something is missing.
func empty(files disk.Folder) error {
	names, err := files.List()
	if err != nil {
		return err
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == witnessName) != (b == witnessName) {
			if a == witnessName {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		if name != lockName {
			err = errors.Join(err, files.Remove(name))
		}
	}
	return errors.Join(err, files.Sync())
}

// A restoring is one on its way.
type restoring struct {
	to    disk.Folder
	until Until
	cfg   RestoreConfig

	from  disk.Folder // the backup, as the log that it is
	list  *manifest
	id    frame.LogID
	files []backupFile // those that are needed
	set   *set         // the sealed ones
	scan  *scan        // the open ones; nil if none is needed

	cut      uint64 // the last event that is restored
	recorded int64  // when the log took that
	whole    int    // how many sealed segments are restored as they are
}

// openBackup opens as much of a backup as is needed. One that is being replaced
// by the next is opened again.
func openBackup(ctx context.Context, from disk.Folder, until Until) (*restoring, error) {
	for try := 1; ; try++ {
		m, list, err := readManifest(from)
		if err != nil {
			return nil, err
		}
		if m == nil {
			return nil, fmt.Errorf("%w: no %s, so no backup was ever finished here", ledger.ErrNotFound, manifestName)
		}
		b := &restoring{list: m, until: until}
		if b.id, err = m.id(); err != nil {
			return nil, err
		}
		if b.files, err = until.needs(m); err != nil {
			return nil, err
		}
		if err = b.open(ctx, from); err == nil {
			return b, nil
		}
		err = errors.Join(err, b.close())
		_, now, again := readManifest(from)
		if again != nil || try > 1 && bytes.Equal(now, list) || try == readTries {
			return nil, b.explain(err)
		}
	}
}

// needs returns the files with the events up to the end, and the witness never:
// the restored log gets its own.
func (u Until) needs(m *manifest) ([]backupFile, error) {
	if u.Position > m.Position {
		return nil, fmt.Errorf("position %d: %w: the backup ends at %d", u.Position, ledger.ErrNotFound, m.Position)
	}
	var files []backupFile
	past := false
	for _, f := range m.Files {
		if f.First == 0 || past || u.Position > 0 && f.First > u.Position {
			continue
		}
		files = append(files, f)
		past = !u.Time.IsZero() && f.Last >= f.First && f.Recorded > u.Time.UnixMicro()
	}
	return files, nil
}

func (b *restoring) open(ctx context.Context, from disk.Folder) error {
	names, err := from.List()
	if err != nil {
		return err
	}
	at := make(map[string]string)
	var open []string
	for _, f := range b.files {
		if at[f.Name], err = f.locate(ctx, from, names); err != nil {
			return err
		}
		if !slices.Contains(names, at[f.Name]) {
			return &DamageError{File: f.Name, Position: f.First, Reason: "the backup lists it, but it is missing"}
		}
		if !f.sealed() {
			open = append(open, f.Name)
		}
	}
	b.from = backupView{from, at}
	shown, err := b.from.List()
	if err != nil {
		return err
	}
	g := &gathering{files: b.from, readOnly: true}
	if b.set, err = g.gather(ctx, shown); err != nil {
		return err
	}
	if len(open) == 0 {
		return nil
	}
	s := &scan{files: b.from, mode: disk.Read, set: b.set}
	if err := s.run(ctx, open); err != nil {
		return err
	}
	b.scan = s
	for _, seg := range s.found {
		f, _ := b.list.file(seg.name)
		if _, sum, err := sumFile(ctx, seg.file); err != nil || sum != f.SHA256 {
			return errors.Join(f.isAnother(), err)
		}
	}
	return nil
}

// isAnother is damage that no checksum of the file itself shows.
func (f backupFile) isAnother() error {
	return &DamageError{File: f.Name, Position: f.First, Reason: "it is not the file that the backup lists: its SHA-256 is not " + string(f.SHA256)}
}

func (b *restoring) close() error {
	var err error
	if b.scan != nil {
		err = b.scan.drop(0)
	}
	if b.set == nil {
		return err
	}
	for _, p := range b.set.parts {
		b.set.after = append(b.set.after, p)
	}
	for _, r := range b.set.runs {
		b.set.after = append(b.set.after, r)
	}
	return errors.Join(err, b.set.release())
}

// explain says of damage how far the backup can still be restored.
func (b *restoring) explain(err error) error {
	var d *DamageError
	if !errors.As(err, &d) {
		return err
	}
	if f, ok := b.list.file(d.File); ok && f.First > 1 {
		return fmt.Errorf("%w; the backup can still be restored up to position %d", err, f.First-1)
	}
	return err
}

func (b *restoring) tell(done uint64) {
	if b.cfg.Progress != nil {
		b.cfg.Progress(int64(done), int64(2*b.cut)) //nolint:gosec // counts
	}
}

// findEnd finds the last event that is restored. It lies in the last file that
// is needed, or before it.
func (b *restoring) findEnd() error {
	i := len(b.files) - 1
	f := b.files[i]
	frames, err := b.frames(i)
	if err != nil {
		return err
	}
	n := b.until.among(frames)
	b.cut = f.First - 1 + uint64(n) //nolint:gosec // a count
	switch {
	case n > 0:
		b.recorded = frames[n-1].Recorded()
	case i > 0:
		b.recorded = b.files[i-1].Recorded
	}
	b.whole = len(b.set.parts)
	if f.sealed() && n < len(frames) {
		b.whole--
	}
	if b.cut == 0 && (b.until != Until{}) {
		return fmt.Errorf("%w: no whole append was recorded up to there", ledger.ErrNotFound)
	}
	return nil
}

// among returns how many of a segment's events lie before the end.
func (u Until) among(frames []frame.Frame) int {
	n := len(frames)
	if u.Position > 0 {
		n = sort.Search(n, func(i int) bool { return frames[i].Position() > u.Position })
	}
	if !u.Time.IsZero() {
		n = sort.Search(n, func(i int) bool { return frames[i].Recorded() > u.Time.UnixMicro() })
	}
	if n < len(frames) { // not in the middle of an append
		index, _ := frames[n].Batch()
		n -= min(n, int(index))
	}
	return n
}

// frames returns the events of a file of the backup.
func (b *restoring) frames(i int) ([]frame.Frame, error) {
	if i >= len(b.set.parts) {
		return readOpen(b.scan.found[i-len(b.set.parts)])
	}
	p, f := b.set.parts[i], b.files[i]
	var u sealed.Unpacked
	if err := p.Check(&u); err != nil {
		return nil, err
	}
	if fmt.Sprintf("%x", p.Digest()) != f.Sealed {
		return nil, f.isAnother()
	}
	frames := make([]frame.Frame, 0, p.Count)
	for position := p.First; position <= p.Last(); position++ {
		e, err := u.Frame(position)
		if err != nil {
			return nil, err
		}
		frames = append(frames, e)
	}
	return frames, nil
}

// run makes the log. The witness comes first: until the last segment is there,
// it says that something is missing.
func (b *restoring) run(ctx context.Context) error {
	if err := b.findEnd(); err != nil {
		return b.explain(err)
	}
	if err := writeWitness(b.to, witnessName, b.id, b.cut, closedInOrder); err != nil {
		return err
	}
	if err := b.to.Sync(); err != nil {
		return err
	}
	w := &rewriter{files: b.to, id: b.id, segment: defaultSegment, next: 1}
	if err := b.copySealed(ctx, w); err != nil {
		return err
	}
	if err := errors.Join(b.rewrite(ctx, w), w.abandon()); err != nil {
		return err
	}
	b.tell(b.cut)
	return b.to.Sync()
}

// copySealed copies the sealed segments that are restored as they are, with
// their lookups, and brings w behind them.
func (b *restoring) copySealed(ctx context.Context, w *rewriter) (err error) {
	var parts []*sealed.Part
	defer func() {
		for _, p := range parts {
			err = errors.Join(err, p.Close())
		}
	}()
	for i, p := range b.set.parts[:b.whole] {
		f := b.files[i]
		sum, err := copyFile(ctx, b.from, f.Name, b.to, f.Name, func(int64) {})
		if err != nil {
			return err
		}
		if sum != f.SHA256 {
			if err = p.Check(new(sealed.Unpacked)); err == nil {
				err = f.isAnother()
			}
			return b.explain(err)
		}
		copied, err := examine(ctx, b.to, f.Name, f.Name)
		if err != nil {
			return fmt.Errorf("copy of %s does not read back as it was written; mistrust the disk: %w", f.Name, err)
		}
		if copied != f {
			return fmt.Errorf("copy of %s does not read back as it was written; mistrust the disk", f.Name)
		}
		restored, err := sealed.Open(b.to, f.Name)
		if err != nil {
			return err
		}
		parts = append(parts, restored)
		w.next, w.previous = p.Last()+1, p.Commit()
		b.tell(p.Last())
	}
	return writeLookups(ctx, b.to, parts)
}

// rewrite writes the events behind the sealed segments up to the end.
func (b *restoring) rewrite(ctx context.Context, w *rewriter) error {
	for i := b.whole; i < len(b.files); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		frames, err := b.frames(i)
		if err != nil {
			return b.explain(err)
		}
		for _, f := range frames {
			if f.Position() > b.cut {
				break
			}
			if err := w.add(f); err != nil {
				return err
			}
		}
	}
	return w.close()
}
