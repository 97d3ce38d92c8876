package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/convoy"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// Config says how to open a log.
type Config struct {
	// Now is the clock that gives events their recorded time. Required unless
	// ReadOnly.
	Now func() time.Time

	// Random is where the id of a new log comes from; nil means crypto/rand.
	Random io.Reader

	// Progress, if set, is called now and then while the log is opened, with
	// the bytes of segments that were read and that there are.
	Progress func(done, total int64)

	// ReadOnly opens what is durable at this moment and changes nothing. It may
	// be done beside a running writer.
	ReadOnly bool

	// SegmentBytes is the length of a new segment file, a multiple of 512; 0
	// means 32 MiB. A commit that needs more gets a longer one.
	SegmentBytes int64

	// KeepFull is how many full segments stay open before the oldest is
	// sealed; 0 seals each at once. What is open is read without unpacking, and
	// takes more room on disk and in memory.
	KeepFull int

	// CacheBytes bounds the unpacked blocks of sealed segments that are kept in
	// memory once they were read; 0 means 16 MiB, less than 0 none.
	CacheBytes int
}

const (
	lockName  = "LOCK"
	maxCommit = 4 << 20  // bytes after which a commit takes in no further append
	firstRoom = 64 << 10 // for which the first commit has room; the later ones have what is needed

	// defaultCache is some 600 visits. Of more the memory was not in a processor's cache
	// when it is used again, and a visit that was not read before takes a fifth longer.
	defaultCache = 16 << 20
)

// A Log keeps events in a folder. It is a [ledger.Log].
type Log struct {
	files  *folder
	unlock io.Closer // nil if opened read-only
	id     frame.LogID
	seed   uint32 // of the checksums of frames
	cfg    Config
	torn   int64 // bytes of an incomplete commit that the opening found
	spares *spares
	whole  unpacks
	rooms  sync.Pool // of *room
	cache  *sealed.Cache

	once sync.Once // of Close
	set  atomic.Pointer[set]

	// What every append reads and writes under the lock lies together, away from
	// what it reads without.
	_        [64]byte
	mu       sync.Mutex
	durable  uint64 // last position that is durable; only the committer changes it
	next     uint64 // position of the next event; ahead of durable while batches wait
	recorded int64  // last recorded time given, microseconds
	active   *batch // takes in appends; nil if none came since the last was taken
	stopped  error  // why nothing more is accepted
	idx      index

	committing *batch // on its way to the disk; nil if none

	changed chan struct{} // closed when events became durable; nil if nobody waits
	failed  error         // the error of the disk that stopped the log; nil if none
	free    batch         // of which the next one takes the memory
	room    int           // bytes that the next one has room for
	quit    chan struct{} // closed when the log stops

	work chan struct{} // there is an active batch
	done chan struct{} // the committer has ended
	c    committer

	written  convoy.Place // where the committer waits for frames
	released convoy.Place // where the committer waits for those whom it has released

	full    chan struct{} // there is a segment to be sealed
	sealing chan struct{} // the sealer has ended
	sealer  sealer
	rebuilt int // lookups that the opening made anew
}

// Open opens the log in dir and makes it if there is none. It reads what is not
// sealed and checks every byte of it, opens what is sealed, makes lookups that
// are missing, cuts an incomplete commit at the end that was never acknowledged,
// and refuses to open what is damaged ([DamageError]) or in use ([ErrLocked]).
// The caller closes it.
func Open(ctx context.Context, dir string, cfg Config) (*Log, error) {
	files := disk.Dir(dir)
	l, err := openDir(ctx, files, dir, cfg)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	return l, nil
}

func openDir(ctx context.Context, files *disk.OS, dir string, cfg Config) (*Log, error) {
	if cfg.ReadOnly {
		l, _, err := openReadOnly(ctx, files, cfg, func() (bool, error) { return files.Locked(lockName) })
		return l, err
	}
	if cfg.Now == nil {
		return nil, fmt.Errorf("%w: no clock", ledger.ErrInvalid)
	}
	if err := files.Make(); err != nil {
		return nil, err
	}
	unlock, err := files.Lock(ctx, lockName, holder(cfg.Now()))
	if errors.Is(err, disk.ErrHeld) {
		return nil, fmt.Errorf("%w: %s is %w", ErrLocked, filepath.Join(dir, lockName), err)
	}
	if err != nil {
		return nil, err
	}
	l, err := OpenFolder(ctx, files, cfg)
	if err != nil {
		return nil, errors.Join(err, unlock.Close())
	}
	l.unlock = unlock
	return l, nil
}

// holder is what a writer says about itself in the lock file.
func holder(now time.Time) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("process %d on %s since %s", os.Getpid(), host, now.UTC().Format(time.RFC3339))
}

// lockTarget takes a folder that a backup or a restore writes to.
func lockTarget(ctx context.Context, target *disk.OS, now time.Time) (io.Closer, error) {
	unlock, err := target.Lock(ctx, lockName, holder(now))
	if errors.Is(err, disk.ErrHeld) {
		return nil, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return unlock, err
}

// OpenFolder is [Open] on any file layer and without a lock, for tests of what
// disks do. The caller sees to it that nobody else writes.
func OpenFolder(ctx context.Context, files disk.Folder, cfg Config) (*Log, error) {
	if cfg.ReadOnly {
		l, _, err := openReadOnly(ctx, files, cfg, func() (bool, error) { return false, nil })
		return l, err
	}
	if cfg.Now == nil {
		return nil, fmt.Errorf("%w: no clock", ledger.ErrInvalid)
	}
	if cfg.SegmentBytes == 0 {
		cfg.SegmentBytes = defaultSegment
	}
	if n := cfg.SegmentBytes; n < minSegment || n > maxSegment || n%sector != 0 {
		return nil, fmt.Errorf("%w: segments of %d bytes", ledger.ErrInvalid, n)
	}
	if cfg.KeepFull < 0 {
		return nil, fmt.Errorf("%w: %d full segments kept open", ledger.ErrInvalid, cfg.KeepFull)
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	return openWriter(ctx, files, cfg)
}

// newLog returns a log over what a scan found.
func newLog(files disk.Folder, cfg Config, s *scan) *Log {
	if cfg.CacheBytes == 0 {
		cfg.CacheBytes = defaultCache
	}
	l := &Log{
		files: &folder{Folder: files}, id: s.id, seed: s.id.Seed(), cfg: cfg, torn: s.torn, rebuilt: s.rebuilt,
		idx: s.idx, durable: s.head(), next: s.head() + 1, recorded: s.recorded,
		quit: make(chan struct{}),
		work: make(chan struct{}, 1), done: make(chan struct{}),
		written: convoy.NewPlace(), released: convoy.NewPlace(), room: firstRoom,
		full: make(chan struct{}, 1), sealing: make(chan struct{}),
		c: committer{previous: s.lastCRC, seg: s.idx.last()},
	}
	l.cache = sealed.NewCache(cfg.CacheBytes)
	l.spares = &spares{files: l.files, size: cfg.SegmentBytes}
	l.set.Store(s.set)
	return l
}

// start starts the goroutines of a log that is open for writing.
func (l *Log) start() {
	go l.run()
	go l.sealFull()
	l.wakeSealer()
}

// hold takes hold of the present set of sealed segments. Let it go with
// release.
func (l *Log) hold() (*set, error) {
	for {
		if s := l.set.Load(); s.hold() {
			return s, nil
		}
		l.mu.Lock()
		stopped := l.stopped
		l.mu.Unlock()
		if stopped != nil && l.set.Load().holds.Load() == 0 {
			return nil, stopped
		}
	}
}

// release lets go of a set. An error of closing a file that nobody needs any
// more concerns nobody.
func release(s *set) { _ = s.release() }

// Cut returns how many bytes of a commit that was never finished were found
// behind the end when the log was opened, and cut unless it was opened
// read-only. Anything above zero is worth a line in the operator's log.
func (l *Log) Cut() int64 { return l.torn }

// Close waits for what is being appended, settles the witness and releases the
// folder. Closing again does nothing.
func (l *Log) Close() error {
	var err error
	l.once.Do(func() { err = l.close() })
	return err
}

func (l *Log) close() error {
	l.mu.Lock()
	if l.stopped == nil {
		l.stopped = ledger.ErrClosed
		close(l.quit)
	}
	l.mu.Unlock()
	var err error
	if !l.cfg.ReadOnly {
		<-l.done
		<-l.sealing
		err = errors.Join(l.c.close(l.failed == nil, l.durable), l.spares.close())
	}
	l.mu.Lock()
	open := l.idx.open
	l.mu.Unlock()
	for _, s := range open {
		err = errors.Join(err, s.take().Close())
	}
	last := l.set.Load()
	for _, p := range last.parts {
		last.after = append(last.after, p)
	}
	for _, r := range last.runs {
		last.after = append(last.after, r)
	}
	err = errors.Join(err, last.release())
	if l.unlock != nil {
		err = errors.Join(err, l.unlock.Close())
	}
	return err
}

// Head returns the position of the last durable record.
func (l *Log) Head(ctx context.Context) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped != nil {
		return 0, l.stopped
	}
	return l.durable, nil
}
