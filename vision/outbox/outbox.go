package outbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
)

// Defaults of Config.
const (
	DefaultMaxBytes   = 4 << 30 // about two days of a busy shelf
	DefaultMinBackoff = 500 * time.Millisecond
	DefaultMaxBackoff = 30 * time.Second
	DefaultTimeout    = 30 * time.Second
)

// Config says where messages are kept and where they go.
type Config struct {
	Server string           // "https://vouch.example", without path
	Key    string           // bearer key; may be empty
	Now    func() time.Time // clock of this device
	Notify func(Outcome)    // told of every answer and every failed try; may be nil

	Seal       *age.X25519Identity // messages lie encrypted to it; nil: as they are
	Client     *http.Client        // nil: one with Timeout that follows no redirect
	Timeout    time.Duration       // of one try; 0: DefaultTimeout
	MinBackoff time.Duration       // 0: DefaultMinBackoff
	MaxBackoff time.Duration       // 0: DefaultMaxBackoff
	MaxBytes   int64               // of the queue; 0: DefaultMaxBytes
}

// An Outbox is a durable queue in one folder. Put, Status and Revive may be
// called by many goroutines; Run by one.
type Outbox struct {
	dir  string
	cfg  Config
	lock *os.File

	mu      sync.Mutex
	queue   []entry // in order
	bytes   int64
	next    uint64
	dead    int
	failed  string        // why the last try failed; empty if it did not
	changed chan struct{} // closed and replaced at every change
}

type entry struct {
	seq    uint64
	bytes  int64
	queued time.Time
}

// Status says how far the outbox is behind.
type Status struct {
	Depth  int       // messages waiting
	Bytes  int64     // of those
	Oldest time.Time // when the first of them was put; zero if none waits
	Dead   int       // messages refused for good
	Error  string    // why the last try failed; empty if it did not
}

// Open opens the outbox in dir, makes the folder if it is not there, and
// finds what an earlier process left.
func Open(dir string, cfg Config) (*Outbox, error) {
	for _, d := range []string{"queue", "dead", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
	}
	// A message is as durable as the names of the folders it lies in.
	for _, d := range []string{dir, filepath.Dir(filepath.Clean(dir))} {
		if err := syncDir(d); err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
	}
	held, err := lock(dir)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	o := &Outbox{dir: dir, cfg: cfg.withDefaults(), lock: held, changed: make(chan struct{})}
	if err := o.scan(); err != nil {
		_ = held.Close()
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return o, nil
}

func (c Config) withDefaults() Config {
	c.Server = strings.TrimRight(c.Server, "/")
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MinBackoff == 0 {
		c.MinBackoff = DefaultMinBackoff
	}
	if c.MaxBackoff == 0 {
		c.MaxBackoff = DefaultMaxBackoff
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Notify == nil {
		c.Notify = func(Outcome) {}
	}
	if c.Client == nil {
		c.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // the key goes to this server and no other
		}}
	}
	return c
}

// Close gives the folder to others. Run must have returned.
func (o *Outbox) Close() error { return o.lock.Close() }

func (o *Outbox) scan() error {
	if err := os.RemoveAll(filepath.Join(o.dir, "tmp")); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(o.dir, "tmp"), 0o700); err != nil {
		return err
	}
	seqs, err := list(filepath.Join(o.dir, "queue"))
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		st, err := os.Stat(o.path("queue", seq))
		if err != nil {
			return err
		}
		o.queue = append(o.queue, entry{seq: seq, bytes: st.Size(), queued: st.ModTime()})
		o.bytes += st.Size()
		o.next = seq + 1
	}
	dead, err := list(filepath.Join(o.dir, "dead"))
	if err != nil {
		return err
	}
	o.dead = len(dead)
	if len(dead) > 0 {
		o.next = max(o.next, dead[len(dead)-1]+1)
	}
	return nil
}

// list returns the numbers of the messages in a folder, in order.
func list(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var seqs []uint64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".item")
		if !ok {
			continue
		}
		seq, err := strconv.ParseUint(name, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s in %s is not ours: move it away", e.Name(), dir)
		}
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	return seqs, nil
}

func (o *Outbox) path(folder string, seq uint64) string {
	return filepath.Join(o.dir, folder, fmt.Sprintf("%020d.item", seq))
}

// Put takes a message. When it returns nil the message survives a crash and
// will be sent after all that were put before. A file is copied; it may be
// removed afterwards.
func (o *Outbox) Put(it Item) error {
	if it.Method == "" {
		it.Method = http.MethodPost
	}
	if err := it.validate(); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	r, n, sum, err := it.body()
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	defer r.Close() //nolint:errcheck // only read
	if o.bytes+n > o.cfg.MaxBytes {
		return fmt.Errorf("%w: %d messages with %d bytes wait", ErrFull, len(o.queue), o.bytes)
	}
	queued := o.cfg.Now()
	size, err := o.write(head{Item: it, Queued: queued.UTC(), Bytes: n, SHA256: sum}, r)
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	o.queue = append(o.queue, entry{seq: o.next, bytes: size, queued: queued})
	o.bytes += size
	o.next++
	o.tell()
	return nil
}

// write stores the message as number o.next: all of it or nothing.
func (o *Outbox) write(h head, body io.Reader) (int64, error) {
	line, err := json.Marshal(h)
	if err != nil {
		return 0, err
	}
	if len(line) >= maxHead {
		return 0, fmt.Errorf("%w: its head has %d bytes", ErrItem, len(line))
	}
	tmp := o.path("tmp", o.next)
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	size, err := o.fill(f, line, body)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = move(tmp, o.path("queue", o.next))
	}
	if err != nil {
		_ = os.Remove(tmp)
		return 0, err
	}
	return size, nil
}

// fill writes a message, sealed if it is to be, and syncs it.
func (o *Outbox) fill(f *os.File, line []byte, body io.Reader) (size int64, err error) {
	buf := bufio.NewWriter(f)
	w, err := seal(buf, o.cfg.Seal)
	if err != nil {
		return 0, err
	}
	if _, err = w.Write(append(line, '\n')); err == nil {
		_, err = io.Copy(w, body)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = buf.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// move renames a file and makes the new name durable.
func move(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// tell wakes everyone who waits for a change. The lock must be held.
func (o *Outbox) tell() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// Status says how far the outbox is behind.
func (o *Outbox) Status() Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := Status{Depth: len(o.queue), Bytes: o.bytes, Dead: o.dead, Error: o.failed}
	if len(o.queue) > 0 {
		s.Oldest = o.queue[0].queued
	}
	return s
}

// Revive puts the dead letters back into the queue, in their old places, and
// says how many there were. Use it when the reason for the refusals is gone.
func (o *Outbox) Revive() (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	seqs, err := list(filepath.Join(o.dir, "dead"))
	if err != nil {
		return 0, fmt.Errorf("outbox: %w", err)
	}
	defer o.tell()
	for i, seq := range seqs {
		h, err := o.load(o.path("dead", seq))
		if errors.Is(err, ErrDamaged) {
			continue
		}
		if err != nil {
			return i, fmt.Errorf("outbox: %w", err)
		}
		if err := move(o.path("dead", seq), o.path("queue", seq)); err != nil {
			return i, fmt.Errorf("outbox: %w", err)
		}
		if err := os.Remove(o.answer(seq)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return i, fmt.Errorf("outbox: %w", err)
		}
		e := entry{seq: seq, bytes: h.Bytes, queued: h.Queued}
		at, _ := slices.BinarySearchFunc(o.queue, e, func(a, b entry) int {
			return int(int64(a.seq) - int64(b.seq)) //nolint:gosec // counted from 0
		})
		o.queue = slices.Insert(o.queue, at, e)
		o.bytes += e.bytes
		o.dead--
	}
	return len(seqs), nil
}

func (o *Outbox) answer(seq uint64) string {
	return strings.TrimSuffix(o.path("dead", seq), ".item") + ".json"
}
