package embedded

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/lookup"
)

var (
	// ErrDiverged means that a backup is not the beginning of the log that was
	// to be backed up into it: it is of another log, it holds events that the
	// log does not have, or somebody has written to it. Nothing was changed.
	// Keep it, find out which of the two is right, and back up into another
	// folder.
	ErrDiverged = errors.New("the backup is not the beginning of this log")

	// ErrBackup means that a backup was to be opened for writing. It would be no
	// backup any more. Restore it into another folder, or open it read-only.
	ErrBackup = errors.New("the folder is a backup, which is not written to: restore it with vouch restore")

	// ErrNotEmpty means that a folder holds something already. Name an empty
	// folder, or one that is not there.
	ErrNotEmpty = errors.New("the folder is not empty")
)

// copyBytes is how much is copied between two looks at the context.
const copyBytes = 1 << 20

// BackupConfig says how to make a backup.
type BackupConfig struct {
	// Now is the clock that dates the backup. Required.
	Now func() time.Time

	// Quick believes that sealed segments that an earlier backup has copied
	// are as they were. Otherwise each is read again, and copied again if it
	// does not hold.
	Quick bool

	// Progress, if set, is called now and then with the bytes of the backup
	// that are in place and that there will be.
	Progress func(done, total int64)
}

// A BackupReport says what a backup holds.
type BackupReport struct {
	Position uint64    `json:"position"` // of the last event, and how many there are
	Recorded time.Time `json:"recorded"` // when the log took that; zero if there is none
	Made     time.Time `json:"made"`
	Segments int       `json:"segments"` // sealed and open
	Sealed   int       `json:"sealed"`
	Copied   int64     `json:"copied"`  // bytes
	Reused   int64     `json:"reused"`  // bytes of sealed segments that were there
	Resumed  int       `json:"resumed"` // sealed segments that a backup that was cut short had copied

	// Healed names files that the backup had and that did not hold any more:
	// they were copied again. The disk that the backup lies on is to be
	// watched.
	Healed []string `json:"healed,omitempty"`
}

// Backup copies the log in from to the folder to, which it makes if need be. It
// may run beside a writer; the backup then ends with what was durable when it
// began. Sealed segments that an earlier backup has copied are not copied again.
// Every byte is read back and checked before the backup counts; an earlier
// backup in the same folder can be restored until then, whatever happens.
//
// The folder is a log, which [Verify] reads, and a list of its files,
// backup.json. It cannot be opened for writing ([ErrBackup]): [Restore] it first.
// A backup that does not begin the log is [ErrDiverged], damage of the log a
// [DamageError].
func Backup(ctx context.Context, from, to string, cfg BackupConfig) (BackupReport, error) {
	r, err := backupDir(ctx, from, to, cfg)
	if err != nil {
		return BackupReport{}, fmt.Errorf("back up log %s to %s: %w", from, to, err)
	}
	return r, nil
}

func backupDir(ctx context.Context, from, to string, cfg BackupConfig) (r BackupReport, err error) {
	source, target := disk.Dir(from), disk.Dir(to)
	if cfg.Now == nil {
		return r, fmt.Errorf("%w: no clock", ledger.ErrInvalid)
	}
	here, err := os.Stat(from)
	if err != nil {
		return r, err
	}
	if err := target.Make(); err != nil {
		return r, err
	}
	if there, err := os.Stat(to); err != nil || os.SameFile(here, there) {
		return r, errors.Join(fmt.Errorf("%w: a backup of a folder into itself", ledger.ErrInvalid), err)
	}
	unlock, err := lockTarget(ctx, target, cfg.Now())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, unlock.Close()) }()
	return backupFolder(ctx, source, target, cfg, func() (bool, error) { return source.Locked(lockName) })
}

// BackupFolder is [Backup] on any file layer and without locks, for tests of
// what disks do.
func BackupFolder(ctx context.Context, from, to disk.Folder, cfg BackupConfig) (BackupReport, error) {
	return backupFolder(ctx, from, to, cfg, notLive)
}

func notLive() (bool, error) { return false, nil }

// A backup is one on its way.
type backup struct {
	cfg    BackupConfig
	source disk.Folder
	target disk.Folder
	log    *Log // what is durable in the source
	set    *set // its sealed part
	names  []string
	had    *manifest // the earlier backup; nil if there is none
	next   manifest
	at     map[string]string // where the files of the next one lie until it counts
	report BackupReport
	done   int64
	total  int64
}

func backupFolder(
	ctx context.Context, source, target disk.Folder, cfg BackupConfig, live func() (bool, error),
) (r BackupReport, err error) {
	b := &backup{cfg: cfg, source: source, target: target, at: make(map[string]string)}
	if b.had, _, err = readManifest(target); err != nil {
		return r, err
	}
	if b.names, err = settleBackup(ctx, target, b.had); err != nil {
		return r, err
	}
	if b.log, _, err = openReadOnly(ctx, source, Config{ReadOnly: true}, live); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.log.Close()) }()
	if b.set, err = b.log.hold(); err != nil {
		return r, err
	}
	defer release(b.set)
	if err := b.had.begins(ctx, b.log); err != nil {
		return r, err
	}
	if err := b.copy(ctx); err != nil {
		return r, err
	}
	if err := b.check(ctx); err != nil {
		return r, err
	}
	err = b.commit(ctx)
	return b.report, err
}

// begins checks that the backup is the beginning of a log.
func (m *manifest) begins(ctx context.Context, l *Log) error {
	if m == nil {
		return nil
	}
	if id, err := m.id(); err != nil || id != l.id {
		return errors.Join(err, fmt.Errorf("%w: it is of the log with id %s, this one has %x", ErrDiverged, m.Log, l.id))
	}
	if m.Position > l.durable {
		return fmt.Errorf("%w: it holds events up to position %d, the log ends at %d; was the log restored from an older backup?",
			ErrDiverged, m.Position, l.durable)
	}
	s, err := l.hold()
	if err != nil {
		return err
	}
	defer release(s)
	c := newCursor(l)
	defer c.close()
	for _, f := range m.Files {
		if f.Last < f.First || f.First == 0 {
			continue
		}
		if f.sealed() && f.Last <= s.last() {
			if p := s.part(f.First); p.Name() == f.Name && f.Sealed == fmt.Sprintf("%x", p.Digest()) {
				continue
			}
		}
		sum := newSum()
		for position := f.First; position <= f.Last; position++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			e, err := c.frame(position, false)
			if err != nil {
				return err
			}
			sumFrame(sum, e)
		}
		if digestOf(sum) != f.Events {
			return fmt.Errorf("%w: its events from %d to %d, in %s, are others", ErrDiverged, f.First, f.Last, f.Name)
		}
	}
	return nil
}

// copy puts the files of the next backup into the folder, where nothing is in
// force yet.
func (b *backup) copy(ctx context.Context) error {
	l := b.log
	b.next = manifest{Format: manifestFormat, Log: hex.EncodeToString(l.id[:]), Made: b.cfg.Now().UTC().Round(0), Position: l.durable}
	for _, p := range b.set.parts {
		b.total += p.Bytes()
	}
	for _, seg := range l.idx.open {
		b.total += seg.end
	}
	for _, p := range b.set.parts {
		f, err := b.part(ctx, p)
		if err != nil {
			return err
		}
		b.next.Files = append(b.next.Files, f)
	}
	if err := b.lookups(ctx); err != nil {
		return err
	}
	if err := b.openPart(ctx); err != nil {
		return err
	}
	staged := witnessName + stagedSuffix
	if err := writeWitness(b.target, staged, l.id, l.durable, closedInOrder); err != nil {
		return err
	}
	w := backupFile{Name: witnessName}
	var err error
	if w.Bytes, w.SHA256, err = sumOf(ctx, b.target, staged); err != nil {
		return err
	}
	b.next.Files, b.at[witnessName] = append(b.next.Files, w), staged
	if b.had != nil {
		for _, f := range b.had.Files {
			if _, ok := b.next.file(f.Name); !ok {
				b.next.Replaces = append(b.next.Replaces, f.Name)
			}
		}
	}
	return nil
}

func (b *backup) tell(n int64) {
	b.done += n
	if b.cfg.Progress != nil {
		b.cfg.Progress(b.done, max(b.total, b.done))
	}
}

// openPart writes the events that are not sealed.
func (b *backup) openPart(ctx context.Context) (err error) {
	w := &rewriter{files: b.target, id: b.log.id, suffix: stagedSuffix, segment: defaultSegment, next: b.set.last() + 1}
	if n := len(b.set.parts); n > 0 {
		w.previous = b.set.parts[n-1].Commit()
	}
	defer func() { err = errors.Join(err, w.abandon()) }()
	for _, seg := range b.log.idx.open {
		if err := ctx.Err(); err != nil {
			return err
		}
		frames, err := readOpen(seg)
		if err != nil {
			return err
		}
		for _, f := range frames {
			if err := w.add(f); err != nil {
				return err
			}
		}
		b.tell(seg.end)
	}
	if err := w.close(); err != nil {
		return err
	}
	for _, f := range w.written {
		staged := f.Name + stagedSuffix
		if f.Bytes, f.SHA256, err = sumOf(ctx, b.target, staged); err != nil {
			return err
		}
		b.report.Copied += f.Bytes
		b.next.Files, b.at[f.Name] = append(b.next.Files, f), staged
	}
	return nil
}

// check opens the next backup as the log that it will be, and compares the
// events of its open part with what was to be written. Sealed segments have
// been compared one by one.
func (b *backup) check(ctx context.Context) (err error) {
	c, _, err := openReadOnly(ctx, backupView{b.target, b.at}, Config{ReadOnly: true}, notLive)
	if err != nil {
		return fmt.Errorf("what was copied does not read back: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if c.id != b.log.id || c.durable != b.log.durable {
		return fmt.Errorf("what was copied does not read back: %d events of log %x, not %d of %x", c.durable, c.id, b.log.durable, b.log.id)
	}
	for _, seg := range c.idx.open {
		frames, err := readOpen(seg)
		if err != nil {
			return err
		}
		sum := newSum()
		for _, f := range frames {
			sumFrame(sum, f)
		}
		if f, ok := b.next.file(seg.name); !ok || digestOf(sum) != f.Events {
			return fmt.Errorf("what was copied does not read back: %s holds other events", seg.name)
		}
	}
	for _, f := range b.next.Files {
		if f.Last >= f.First && f.First > 0 {
			b.next.Recorded = time.UnixMicro(f.Recorded).UTC()
		}
	}
	return nil
}

// commit makes the next backup the one that counts, and brings its files into
// force.
func (b *backup) commit(ctx context.Context) error {
	if err := b.target.Sync(); err != nil {
		return err
	}
	if err := writeList(b.target, b.next.encode()); err != nil {
		return err
	}
	// From here on this is the backup. What follows is done by the next one if
	// it is cut short.
	names, err := settleBackup(ctx, b.target, &b.next)
	if err != nil {
		return err
	}
	if err := b.sweep(names); err != nil {
		return err
	}
	r := &b.report
	r.Position, r.Recorded, r.Made = b.next.Position, b.next.Recorded, b.next.Made
	r.Sealed, r.Segments = len(b.set.parts), len(b.next.Files)-1
	return b.target.Sync()
}

// writeList puts a list in the place of the one before.
func writeList(files disk.Folder, list []byte) error {
	temp := manifestName + tempSuffix
	f, err := files.Open(temp, disk.Create)
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(list, 0); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := files.Rename(temp, manifestName); err != nil {
		return err
	}
	return files.Sync()
}

// sweep removes what no backup needs: copies that were never finished, and
// indexes that do not fit any more.
func (b *backup) sweep(names []string) error {
	fits := make(map[string]bool)
	for at, spans := 0, groups(b.set.parts); len(spans) > 0; spans = spans[1:] {
		members := b.set.parts[at : at+spans[0].Parts]
		at += spans[0].Parts
		fits[span(members).Name()] = true
	}
	for _, name := range names {
		_, _, index := lookup.ParseName(name)
		if strings.HasSuffix(name, stagedSuffix) || strings.HasSuffix(name, tempSuffix) || index && !fits[name] {
			if err := b.target.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// settleBackup brings the files of a backup into force as far as that was cut
// short, and returns the names of the folder. A file of a log that the list does
// not know is not ours to touch.
func settleBackup(ctx context.Context, files disk.Folder, m *manifest) ([]string, error) {
	names, err := files.List()
	if err != nil {
		return nil, err
	}
	changes, err := m.unsettled(ctx, files, names)
	if err != nil {
		return nil, err
	}
	if len(changes) > 0 {
		// The list is seen, but its name may not be durable; it has to be before
		// that of any file it replaces is gone.
		if err := files.Sync(); err != nil {
			return nil, err
		}
		for _, change := range changes {
			if err := change(); err != nil {
				return nil, err
			}
		}
		if err := files.Sync(); err != nil {
			return nil, err
		}
		if names, err = files.List(); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if _, ok := m.file(name); ok || !isLogFile(name) {
			continue
		}
		if m == nil {
			return nil, fmt.Errorf("%w: %s is there, but no backup; name a folder for backups alone", ErrNotEmpty, name)
		}
		return nil, fmt.Errorf("%w: it holds %s, which no backup has written: somebody has opened it for writing", ErrDiverged, name)
	}
	return names, nil
}

// unsettled returns the changes that bring the files of a backup into force.
func (m *manifest) unsettled(ctx context.Context, files disk.Folder, names []string) (changes []func() error, err error) {
	if m == nil {
		return nil, nil
	}
	for _, f := range m.Files {
		at, err := f.locate(ctx, files, names)
		if err != nil {
			return nil, err
		}
		if at == f.Name {
			continue
		}
		ok, err := f.holds(ctx, files, at)
		if err != nil {
			return nil, err
		}
		if ok { // otherwise a later backup that was cut short has begun it anew
			changes = append(changes, func() error { return files.Rename(at, f.Name) })
		}
	}
	for _, name := range m.Replaces {
		if _, ok := m.file(name); !ok && slices.Contains(names, name) {
			changes = append(changes, func() error { return files.Remove(name) })
		}
	}
	return changes, nil
}
