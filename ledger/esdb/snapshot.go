package esdb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A snapshot is an index as a file. It is a cache: one that is damaged, of
// another cluster or of another namespace is dropped, and the cluster is read
// from the start.
//
// Numbers are big-endian and 8 bytes; a text is its length and its bytes.
//
//	"VOUCHIDX" | 1 | namespace | since | count | head | id of the event at head (16) | top
//	ids:     n | n × (id (16) | position)                 rising by id
//	streams: n | n × (name | next revision)               rising by name
//	marks:   n | n × position
//	falls:   n | n × (from | until | top)
//	doubles: n | n × (id (16) | first | second)
//	SHA-256 of all before (32)
//
// Times are microseconds since 1970; the zero time is the least number.
const (
	snapshotMagic   = "VOUCHIDX"
	snapshotVersion = 1
	zeroTime        = -1 << 63
)

var errSnapshot = errors.New("not a usable snapshot")

type encoder struct{ b []byte }

func (e *encoder) number(n uint64)  { e.b = binary.BigEndian.AppendUint64(e.b, n) }
func (e *encoder) text(s string)    { e.number(uint64(len(s))); e.b = append(e.b, s...) }
func (e *encoder) id(id ledger.ID)  { e.b = append(e.b, id[:]...) }
func (e *encoder) time(t time.Time) { e.number(uint64(micros(t))) } //nolint:gosec // back in decoder.time

func micros(t time.Time) int64 {
	if t.IsZero() {
		return zeroTime
	}
	return t.UnixMicro()
}

// encode returns the snapshot of x. The lock is held.
func (x *index) encode(namespace string, since uint64) []byte {
	e := &encoder{b: make([]byte, 0, 256+24*len(x.at)+8*len(x.marks))}
	e.b = append(e.b, snapshotMagic...)
	e.number(snapshotVersion)
	e.text(namespace)
	e.number(since)
	e.number(x.count)
	e.number(x.head)
	e.id(x.headID)
	e.time(x.top)
	e.number(uint64(len(x.at)))
	for _, id := range slices.SortedFunc(maps.Keys(x.at), func(a, b ledger.ID) int { return bytes.Compare(a[:], b[:]) }) {
		e.id(id)
		e.number(x.at[id])
	}
	e.number(uint64(len(x.next)))
	for _, s := range slices.Sorted(maps.Keys(x.next)) {
		e.text(string(s))
		e.number(x.next[s])
	}
	e.number(uint64(len(x.marks)))
	for _, m := range x.marks {
		e.number(m)
	}
	e.number(uint64(len(x.falls)))
	for _, f := range x.falls {
		e.number(f.From)
		e.number(f.Until)
		e.time(f.Top)
	}
	e.number(uint64(len(x.doubles)))
	for _, d := range x.doubles {
		e.id(d.ID)
		e.number(d.First)
		e.number(d.Second)
	}
	sum := sha256.Sum256(e.b)
	return append(e.b, sum[:]...)
}

// A decoder reads what an encoder wrote. Having run out it reads zeros, and
// failed says so.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.failed, d.b = true, nil
		return make([]byte, min(n, sha256.Size))
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) number() uint64 { return binary.BigEndian.Uint64(d.bytes(8)) }
func (d *decoder) text() string   { return string(d.bytes(d.number())) }
func (d *decoder) id() ledger.ID  { return ledger.ID(d.bytes(16)) }

func (d *decoder) time() time.Time {
	us := int64(d.number()) //nolint:gosec // as encoder.time wrote it
	if us == zeroTime {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// times calls f as often as the file says, but not beyond its end.
func (d *decoder) times(f func()) {
	for n := d.number(); n > 0 && !d.failed; n-- {
		f()
	}
}

// decodeIndex reads a snapshot. It accepts what encode gives for this namespace
// and since, and nothing else.
func decodeIndex(b []byte, namespace string, since uint64) (*index, error) {
	if len(b) < sha256.Size {
		return nil, fmt.Errorf("%w: cut after %d bytes", errSnapshot, len(b))
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(want[:], sum) {
		return nil, fmt.Errorf("%w: its checksum does not match", errSnapshot)
	}
	d := &decoder{b: body}
	if magic := string(d.bytes(uint64(len(snapshotMagic)))); magic != snapshotMagic || d.number() != snapshotVersion {
		return nil, fmt.Errorf("%w: not one of version %d", errSnapshot, snapshotVersion)
	}
	if ns, from := d.text(), d.number(); ns != namespace || from != since {
		return nil, fmt.Errorf("%w: it is of namespace %q since %d", errSnapshot, ns, from)
	}
	x := newIndex(since)
	x.marks = nil
	x.count, x.head, x.headID, x.top = d.number(), d.number(), d.id(), d.time()
	x.looked, x.saved = max(x.head, since), x.count
	d.times(func() { id := d.id(); x.at[id] = d.number() })
	d.times(func() { s := ledger.StreamID(d.text()); x.next[s] = d.number() })
	d.times(func() { x.marks = append(x.marks, d.number()) })
	d.times(func() { x.falls = append(x.falls, fall{d.number(), d.number(), d.time()}) })
	d.times(func() { x.doubles = append(x.doubles, Double{d.id(), d.number(), d.number()}) })
	if d.failed || len(d.b) > 0 || !bytes.Equal(x.encode(namespace, since), b) {
		return nil, fmt.Errorf("%w: it is not in stored form", errSnapshot)
	}
	return x, nil
}

// restore takes the index from the snapshot, if there is one of this cluster.
func (l *Log) restore(ctx context.Context) error {
	if l.cfg.Snapshot == "" {
		return nil
	}
	b, err := os.ReadFile(l.cfg.Snapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	x, err := decodeIndex(b, l.cfg.Namespace, l.cfg.Since)
	if err == nil {
		err = l.belongs(ctx, x)
	}
	if errors.Is(err, errSnapshot) {
		l.logger.WarnContext(ctx, "the index is made anew from the cluster's first event", slog.String("file", l.cfg.Snapshot), slog.String("reason", err.Error()))
		return nil
	}
	if err == nil {
		l.index = x
	}
	return err
}

// belongs checks that the cluster has at the head of x the event that x saw
// there. An older copy of a cluster, or another one, has not.
func (l *Log) belongs(ctx context.Context, x *index) error {
	if x.head == 0 {
		return fmt.Errorf("%w: it is empty", errSnapshot)
	}
	ctx, cancel := l.bounded(ctx)
	defer cancel()
	var there ledger.ID
	err := l.link.do(ctx, l.attempt(), func(ctx context.Context, s *session) error {
		f, err := s.readAll(ctx, ctx, commit(x.head), false, 1)
		if err != nil {
			return err
		}
		defer f.stop()
		it := f.next(ctx)
		if it.event != nil && it.event.commit+1 == x.head {
			there = it.event.id
		}
		return ignoreEnd(it.err)
	})
	if errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, ErrDenied) || ctx.Err() != nil {
		return err
	}
	if err != nil || there != x.headID {
		return fmt.Errorf("%w: the cluster has another event at position %d", errSnapshot, x.head)
	}
	return nil
}

// worthSaving is how many events are read again after a crash without anybody
// minding.
const worthSaving = 10_000

// save writes the snapshot, if there are at least so many new events to keep
// and nothing is wrong with it.
func (l *Log) save(least uint64) error {
	if l.cfg.Snapshot == "" {
		return nil
	}
	l.index.mu.Lock()
	if l.index.corrupt || l.index.count-l.index.saved < least {
		l.index.mu.Unlock()
		return nil
	}
	b := l.index.encode(l.cfg.Namespace, l.cfg.Since)
	l.index.saved = l.index.count
	l.index.mu.Unlock()
	if err := replaceFile(l.cfg.Snapshot, b); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // what matters is why it is not kept
		}
	}()
	if _, err := f.Write(b); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
