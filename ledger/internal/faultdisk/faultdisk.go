// Package faultdisk is a disk in memory that fails as real ones do.
//
// The one idea: a file has two contents, what readers see (the kernel's memory)
// and what is on the platter, and a sync brings the first to the second. When
// the process is killed the first stays; when power fails, each sector written
// since the last sync is new, old or torn, and of the names changed since the
// last sync of the folder a prefix remains. A write can come short, a disk can
// be full, and a sync can fail once and then claim success, as on Linux.
//
// It does not move bits on its own: a test that wants rot flips them in what
// Bytes returns.
package faultdisk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"

	"github.com/vouchledger/vouch/ledger/internal/disk"
)

// sector is the unit that a disk writes whole or not.
const sector = 512

// ErrKilled is what every operation of a killed process gives.
var ErrKilled = errors.New("the process was killed")

// An Op is something that changes the disk.
type Op struct {
	N    int    // 0, 1, 2 … since the disk was made
	Call string // write, sync, create, rename, remove, sync folder
	Name string
	Grow bool // a write that makes the file longer
}

// A Fault is what happens instead.
type Fault int

// The faults.
const (
	None    Fault = iota
	Kill          // the operation happens in part or not at all, and nothing after it
	NoSpace       // a write comes short with ENOSPC
	IOError       // EIO; after a failed sync a part is on disk and the rest is forgotten
	Lie           // a sync does nothing and says that it did
)

// A Disk is one folder on such a disk. It is a [disk.Folder].
type Disk struct {
	mu     sync.Mutex
	rand   *rand.Rand
	fault  func(Op) Fault
	ops    int
	epoch  int // grows at each restart; handles of earlier epochs are dead
	killed bool
	names  map[string]*node   // as the kernel shows them
	past   []map[string]*node // as they were after each change since the last sync, the synced state first
}

// A node is one file.
type node struct {
	seen  []byte         // as the kernel shows it
	disk  []byte         // as it is on the platter
	dirty map[int64]bool // sectors that may differ

	shared int // handles that tell of themselves
}

// New returns an empty disk. Random decides what a crash leaves; fault is asked
// before each change and may be nil.
func New(random *rand.Rand, fault func(Op) Fault) *Disk {
	d := &Disk{rand: random, fault: fault, names: make(map[string]*node)}
	d.past = []map[string]*node{{}}
	return d
}

// SetFault changes what is asked before each change.
func (d *Disk) SetFault(fault func(Op) Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// Ops returns how many changes there were.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// Restart starts a new process after the one before was killed. What it had
// written is seen, durable or not.
func (d *Disk) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.killed = false
	d.epoch++
}

// PowerLoss takes away what was not durable, as chance has it, and restarts.
func (d *Disk) PowerLoss() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names = maps.Clone(d.past[d.rand.IntN(len(d.past))])
	d.past = []map[string]*node{maps.Clone(d.names)}
	for _, name := range slices.Sorted(maps.Keys(d.names)) {
		d.names[name].lose(d.rand)
	}
	d.killed = false
	d.epoch++
}

// Bytes returns the content of a file to be changed behind the log's back, both
// as it is seen and as it is on the platter.
func (d *Disk) Bytes(name string) (seen, platter []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.names[name]
	return n.seen, n.disk
}

// lose decides for each unsynced sector what a power cut left of it.
func (n *node) lose(r *rand.Rand) {
	length := len(n.disk)
	if len(n.seen) > length {
		length += r.IntN(len(n.seen) - length + 1)
	}
	n.disk = append(n.disk, make([]byte, max(0, length-len(n.disk)))...)
	for _, s := range slices.Sorted(maps.Keys(n.dirty)) {
		from, to := s*sector, min((s+1)*sector, int64(len(n.disk)))
		if from >= to || from >= int64(len(n.seen)) {
			continue
		}
		old, now := n.disk[from:to], n.seen[from:min(to, int64(len(n.seen)))]
		switch r.IntN(4) {
		case 0: // old
		case 1: // torn: garbage, but only where old and new differ
			for i := range now {
				if old[i] != now[i] {
					old[i] = byte(r.Uint32())
				}
			}
		default:
			copy(old, now)
		}
	}
	n.seen, n.dirty = bytes.Clone(n.disk), make(map[int64]bool)
}

// begin counts a change and returns its fault. The lock must be held.
func (d *Disk) begin(epoch int, call, name string, grow bool) (Fault, error) {
	if d.killed || epoch != d.epoch {
		return Kill, ErrKilled
	}
	op := Op{N: d.ops, Call: call, Name: name, Grow: grow}
	d.ops++
	if d.fault == nil {
		return None, nil
	}
	switch f := d.fault(op); f {
	case Kill:
		d.killed = true
		return f, ErrKilled
	case NoSpace:
		return f, &os.PathError{Op: call, Path: name, Err: syscall.ENOSPC}
	case IOError:
		return f, &os.PathError{Op: call, Path: name, Err: syscall.EIO}
	case None, Lie:
		return f, nil
	default:
		panic(fmt.Sprintf("faultdisk: fault %d", f))
	}
}

// change makes a change of names that a power cut may take back.
func (d *Disk) change(do func()) {
	do()
	d.past = append(d.past, maps.Clone(d.names))
}

// Open implements [disk.Folder].
func (d *Disk) Open(name string, mode disk.Mode) (disk.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.killed {
		return nil, ErrKilled
	}
	if mode == disk.Create {
		if _, err := d.begin(d.epoch, "create", name, true); err != nil {
			return nil, err
		}
		d.change(func() { d.names[name] = &node{dirty: make(map[int64]bool)} })
	}
	n := d.names[name]
	if n == nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f := &file{
		disk: d, node: n, name: name, epoch: d.epoch,
		write: mode == disk.Write || mode == disk.Create || mode == disk.Posted, shared: mode == disk.Share,
	}
	if f.shared {
		n.shared++
	}
	return f, nil
}

// Rename implements [disk.Folder].
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.begin(d.epoch, "rename", to, false); err != nil {
		return err
	}
	if d.names[from] == nil {
		return &os.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	d.change(func() {
		d.names[to] = d.names[from]
		delete(d.names, from)
	})
	return nil
}

// Remove implements [disk.Folder].
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == nil {
		return &os.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if _, err := d.begin(d.epoch, "remove", name, false); err != nil {
		return err
	}
	d.change(func() { delete(d.names, name) })
	return nil
}

// List implements [disk.Folder].
func (d *Disk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.killed {
		return nil, ErrKilled
	}
	return slices.Sorted(maps.Keys(d.names)), nil
}

// Sync implements [disk.Folder].
func (d *Disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.begin(d.epoch, "sync folder", "", false); err != nil {
		return err
	}
	d.past = []map[string]*node{maps.Clone(d.names)}
	return nil
}

// A file is a handle.
type file struct {
	disk   *Disk
	node   *node
	name   string
	epoch  int
	write  bool
	shared bool
	closed bool
}

// usable reports why the handle cannot be used. The lock must be held.
func (f *file) usable() error {
	switch {
	case f.closed:
		return &os.PathError{Op: "use", Path: f.name, Err: os.ErrClosed}
	case f.disk.killed || f.epoch != f.disk.epoch:
		return ErrKilled
	}
	return nil
}

// ReadAt implements [disk.File].
func (f *file) ReadAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.usable(); err != nil {
		return 0, err
	}
	if at >= int64(len(f.node.seen)) {
		return 0, io.EOF
	}
	n := copy(b, f.node.seen[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements [disk.File].
func (f *file) WriteAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.usable(); err != nil {
		return 0, err
	}
	if !f.write {
		return 0, &os.PathError{Op: "write", Path: f.name, Err: fs.ErrPermission}
	}
	_, err := f.disk.begin(f.epoch, "write", f.name, at+int64(len(b)) > int64(len(f.node.seen)))
	if err != nil {
		b = b[:f.disk.rand.IntN(len(b)+1)]
	}
	f.node.put(b, at)
	return len(b), err
}

func (n *node) put(b []byte, at int64) {
	if len(b) == 0 {
		return
	}
	end := at + int64(len(b))
	if grow := end - int64(len(n.seen)); grow > 0 {
		n.seen = append(n.seen, make([]byte, grow)...)
	}
	copy(n.seen[at:], b)
	for s := at / sector; s*sector < end; s++ {
		n.dirty[s] = true
	}
}

// Sync implements [disk.File].
func (f *file) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.usable(); err != nil {
		return err
	}
	fault, err := f.disk.begin(f.epoch, "sync", f.name, false)
	n := f.node
	switch fault {
	case Kill:
		return err // the kernel may or may not go on; the sectors stay unsynced
	case IOError, NoSpace:
		seen := bytes.Clone(n.seen)
		n.lose(f.disk.rand)
		n.seen = seen // readers see what the disk does not have, and it counts as clean
		return err
	case Lie:
		return nil
	case None:
	}
	if len(n.disk) < len(n.seen) {
		n.disk = append(n.disk, make([]byte, len(n.seen)-len(n.disk))...)
	}
	for s := range n.dirty {
		from, to := s*sector, min((s+1)*sector, int64(len(n.seen)))
		copy(n.disk[from:to], n.seen[from:to])
	}
	clear(n.dirty)
	return nil
}

// Size implements [disk.File].
func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.node.seen)), f.usable()
}

// Map implements [disk.File]. What it returns is what is seen, now and later.
func (f *file) Map(at int64, n int) ([]byte, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.usable(); err != nil {
		return nil, err
	}
	if at+int64(n) > int64(len(f.node.seen)) {
		return nil, &os.PathError{Op: "map", Path: f.name, Err: io.ErrUnexpectedEOF}
	}
	return f.node.seen[at : at+int64(n) : at+int64(n)], nil
}

// Alone implements [disk.File].
func (f *file) Alone() (bool, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.node.shared == 0, f.usable()
}

// Close implements [disk.File]. Like the real one it makes nothing durable.
func (f *file) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return &os.PathError{Op: "close", Path: f.name, Err: os.ErrClosed}
	}
	f.closed = true
	if f.shared {
		f.node.shared--
	}
	return nil
}
