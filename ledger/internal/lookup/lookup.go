// Package lookup finds, in a file on disk, where the events of an id and the
// segments of a stream lie.
//
// The one idea: a table is a sorted list of 64-bit entries, 40 bits of a key's
// hash and 24 bits of value, cut into pages of 4096 bytes. Hashes are spread
// evenly, so the page of a key is its hash times the number of pages, and its
// place there is as far in as the hash lies between the page's bounds. A page is checked when it is touched first, so opening a
// file costs the same whatever its length, and two files are merged by merging
// two sorted lists.
//
// A [Run] is one file with two tables for a stretch of sealed segments: event
// ids to positions, stream names to segments. It is derived from them and may be
// thrown away. A hit may be false, one in some ten thousand, and must be
// compared with the event; a miss is certain.
package lookup

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// Layout of a page: 4 bytes CRC32C of the rest, 2 bytes number of entries, 2
// zero, entries in rising order, zeros to the end.
const (
	PageBytes  = 4096
	pageHeader = 8
	entryBytes = 8
	perPage    = (PageBytes - pageHeader) / entryBytes
	aimedFill  = 440 // two to three standard deviations below full

	valueBits = 24
	// MaxValue bounds a value; a run holds at most so many events.
	MaxValue = 1<<valueBits - 1
)

// An Entry is the hash of a key in the upper 40 bits and a value in the lower
// 24.
type Entry uint64

// NewEntry returns the entry of a key's hash.
func NewEntry(h Hash, value uint64) Entry { return Entry(uint64(h)<<valueBits | value&MaxValue) }

func (e Entry) hash() Hash    { return Hash(e >> valueBits) }
func (e Entry) value() uint64 { return uint64(e) & MaxValue }

// A Hash is 40 bits of the hash of a key.
type Hash uint64

// HashOf returns the hash of a key in the log with that id: the upper bits of
// [frame.Hash].
func HashOf[K ~[]byte | ~string](id [16]byte, key K) Hash {
	return Hash(frame.Hash(frame.LogID(id), key) >> valueBits)
}

// A table is the pages of one table.
type table struct {
	pages   []byte
	count   int             // pages
	entries []atomic.Uint32 // one more than each page holds, once its checksum was found to hold; otherwise 0
}

func newTable(pages []byte) table {
	n := len(pages) / PageBytes
	return table{pages: pages, count: n, entries: make([]atomic.Uint32, n)}
}

// pageOf returns the page of a hash among n.
func pageOf(h Hash, n int) int { return int(uint64(h) * uint64(n) >> 40) } //nolint:gosec // below n

// page returns page i and how many entries it holds, once its checksum holds.
func (t *table) page(i int) (p []byte, n int, err error) {
	p = t.pages[i*PageBytes : (i+1)*PageBytes]
	if n := t.entries[i].Load(); n > 0 {
		return p, int(n - 1), nil
	}
	if got, want := frame.Checksum(0, p[4:]), binary.LittleEndian.Uint32(p); got != want {
		return nil, 0, fmt.Errorf("page checksum is %08x, the page says %08x", got, want)
	}
	if n = entriesOf(p); n > perPage {
		return nil, 0, fmt.Errorf("page of %d entries", n)
	}
	t.entries[i].Store(uint32(n) + 1) //nolint:gosec // at most perPage
	return p, n, nil
}

func entriesOf(p []byte) int { return int(binary.LittleEndian.Uint16(p[4:])) }

func entryAt(p []byte, i int) Entry {
	return Entry(binary.LittleEndian.Uint64(p[pageHeader+i*entryBytes:]))
}

// find appends to found the values of a hash, rising.
func (t *table) find(found []uint64, h Hash) ([]uint64, error) {
	if t.count == 0 {
		return found, nil
	}
	p, n, err := t.page(pageOf(h, t.count))
	if err != nil {
		return nil, err
	}
	// The guess is some eight entries off, in memory that is read at once;
	// halving a page would wait for five places of it, one after the other.
	first, low := NewEntry(h, 0), guess(h, t.count, n)
	for low > 0 && entryAt(p, low-1) >= first {
		low--
	}
	for low < n && entryAt(p, low) < first {
		low++
	}
	for ; low < n && entryAt(p, low).hash() == h; low++ {
		found = append(found, entryAt(p, low).value())
	}
	return found, nil
}

// guess returns where in its page a hash is about, among n entries, if there
// are that many pages: by the part of the hash that did not choose the page.
func guess(h Hash, pages, n int) int {
	const all = 1<<(64-valueBits) - 1
	return int(uint64(h) * uint64(pages) & all * uint64(n) >> (64 - valueBits)) //nolint:gosec // at most n
}

// all appends all entries of t, whose values are below limit, with shift
// added to each value.
func (t *table) all(to []Entry, limit, shift uint64) ([]Entry, error) {
	for i := range t.count {
		p, n, err := t.page(i)
		if err != nil {
			return nil, err
		}
		for k := range n {
			e := entryAt(p, k)
			if e.value() >= limit {
				return nil, fmt.Errorf("value %d of %d", e.value(), limit)
			}
			to = append(to, e+Entry(shift))
		}
	}
	return to, nil
}

// pagesFor returns sorted entries as pages. More entries of one hash than a
// page holds are an error: no number of pages would do.
func pagesFor(entries []Entry) ([]byte, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	for i := perPage; i < len(entries); i++ {
		if h := entries[i].hash(); h == entries[i-perPage].hash() {
			return nil, fmt.Errorf("%d entries of the hash %010x", perPage+1, h)
		}
	}
	for n := len(entries)/aimedFill + 1; ; n += n/64 + 1 { // until no page overflows
		if pages, ok := paginate(entries, n); ok {
			return pages, nil
		}
	}
}

// paginate spreads sorted entries over n pages, unless one would overflow.
func paginate(entries []Entry, n int) ([]byte, bool) {
	pages := make([]byte, n*PageBytes)
	for i := range n {
		p := pages[i*PageBytes : (i+1)*PageBytes]
		k := 0
		for ; k < len(entries) && pageOf(entries[k].hash(), n) == i; k++ {
			if k == perPage {
				return nil, false
			}
			binary.LittleEndian.PutUint64(p[pageHeader+k*entryBytes:], uint64(entries[k]))
		}
		entries = entries[k:]
		binary.LittleEndian.PutUint16(p[4:], uint16(k)) //nolint:gosec // at most perPage
		binary.LittleEndian.PutUint32(p, frame.Checksum(0, p[4:]))
	}
	return pages, true
}

// merged returns the entries of sorted lists as one sorted list.
func merged(lists [][]Entry) []Entry {
	total := 0
	for _, l := range lists {
		total += len(l)
	}
	out := make([]Entry, 0, total)
	for {
		least := -1
		for i, l := range lists {
			if len(l) > 0 && (least < 0 || l[0] < lists[least][0]) {
				least = i
			}
		}
		if least < 0 {
			return out
		}
		out, lists[least] = append(out, lists[least][0]), lists[least][1:]
	}
}

func sorted(entries []Entry) []Entry {
	slices.Sort(entries)
	return entries
}
