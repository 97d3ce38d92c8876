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
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
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
	// means 64 MiB. A commit that needs more gets a longer one.
	SegmentBytes int64
}

const (
	lockName  = "LOCK"
	maxCommit = 4 << 20 // bytes after which a commit takes in no further append
)

// A Log keeps events in a folder. It is a [ledger.Log].
type Log struct {
	files  disk.Folder
	unlock io.Closer // nil if opened read-only
	id     logID
	seed   uint32
	cfg    Config
	torn   int64 // bytes of an incomplete commit that the opening found

	commits int // that the opening found

	once     sync.Once // of Close
	mu       sync.Mutex
	idx      index
	segments []*segment // append-only; the last is written to
	end      int64      // end of the last segment
	next     uint64     // position of the next event; ahead of idx while batches wait
	recorded int64      // last recorded time given, microseconds
	active   *batch     // takes in appends; nil if none came since the last was taken
	pending  map[ledger.ID]*batch
	changed  chan struct{} // closed when events became durable; nil if nobody waits
	stopped  error         // why nothing more is accepted
	free     []byte        // a buffer for the next batch
	quit     chan struct{} // closed when the log stops

	work chan struct{} // there is an active batch
	done chan struct{} // the committer has ended
	c    committer
}

// Open opens the log in dir and makes it if there is none. It reads all of it,
// checks every byte, cuts an incomplete commit at the end that was never
// acknowledged, and refuses to open what is damaged ([DamageError]) or in use
// ([ErrLocked]). The caller closes it.
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
		return openReadOnly(ctx, files, cfg, func() (bool, error) { return files.Locked(lockName) }, nil)
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

// OpenFolder is [Open] on any file layer and without a lock, for tests of what
// disks do. The caller sees to it that nobody else writes.
func OpenFolder(ctx context.Context, files disk.Folder, cfg Config) (*Log, error) {
	if cfg.ReadOnly {
		return openReadOnly(ctx, files, cfg, func() (bool, error) { return false, nil }, nil)
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
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	return openWriter(ctx, files, cfg)
}

// newLog returns a log over what a scan found.
func newLog(files disk.Folder, cfg Config, s *scan) *Log {
	return &Log{
		files: files, id: s.id, seed: s.id.seed(), cfg: cfg, torn: s.torn, commits: s.commits,
		idx: s.idx, segments: s.segments, end: s.end, next: s.idx.head() + 1, recorded: s.recorded,
		pending: make(map[ledger.ID]*batch), quit: make(chan struct{}),
		work: make(chan struct{}, 1), done: make(chan struct{}),
		c: committer{previous: s.lastCRC},
	}
}

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
	healthy := l.stopped == nil
	if healthy {
		l.stopped = ledger.ErrClosed
		close(l.quit)
		close(l.work)
	}
	l.mu.Unlock()
	var err error
	if !l.cfg.ReadOnly {
		<-l.done
		err = l.c.close(l.files)
	}
	for _, s := range l.segments {
		err = errors.Join(err, s.file.Close())
	}
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
	return l.idx.head(), l.stopped
}
