package sealed

import (
	"bytes"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/words"
)

// A Scanner is what a scan of many segments keeps from one to the next: names, and the
// dictionary, which most segments share with the one before. Who reads the events then
// knows its words and forms already. Its zero value is ready; it is for one goroutine.
type Scanner struct {
	names  frame.Names
	tables tables        // of the segment that was begun last
	first  *words.Walker // of its dictionary
	idle   []*Walk
}

// A Walk goes through a segment by ordinal: stream by stream, rising by name. Bodies
// stay as they are packed. Several walks of one scanner may be on their way at a time.
type Walk struct {
	scanner *Scanner
	part    *Part
	want    *Set
	blocks  []byte
	words   *words.Walker
	read    unpacker

	next   int   // block
	block  block // in which the walk is
	o, end uint32
	lent   bool // the event before o, which may be looked at still
	stream ledger.StreamID
}

// walkBytes is how much a walk reads at once: several of them are to stay in a
// processor's cache.
const walkBytes = 64 << 10

// Walk begins a walk through the events of p in want, all of them if it is nil.
func (s *Scanner) Walk(p *Part, want *Set) (*Walk, error) {
	blocks, same, err := s.tables.of(p)
	if err != nil {
		return nil, err
	}
	if !same {
		s.first = words.NewWalker(&s.tables.dict, &s.names)
	}
	w := &Walk{scanner: s}
	if n := len(s.idle); n > 0 {
		w, s.idle = s.idle[n-1], s.idle[:n-1]
	}
	*w = Walk{scanner: s, part: p, want: want, blocks: blocks, words: s.first.Twin(), read: unpacker{read: w.read.read, packed: w.read.packed}}
	return w, nil
}

// Next returns the next event, which is lent until Next is called again. Behind the last
// one, or after an error, ok is false and the walk is over.
func (w *Walk) Next() (l ledger.Lent, ok bool, err error) {
	for {
		if w.lent && !w.words.Done() {
			return l, false, w.bad("the body of event %d of the block does not hold", w.o-1-w.block.first)
		}
		w.lent = false
		if !w.words.More() {
			if more, err := w.begin(); !more {
				return l, false, err
			}
		}
		if l, ok = w.words.Next(); !ok || w.o >= w.end {
			return l, false, w.bad("event %d of the block does not hold", w.o-w.block.first)
		}
		w.o++
		w.lent = true
		if w.want != nil && !w.want.Has(w.o-1) {
			continue
		}
		if s := l.Record.Stream; s != w.stream {
			if s < w.stream {
				return l, false, w.bad("the stream %s lies behind %s", s, w.stream)
			}
			w.stream = s
		}
		return l, true, nil
	}
}

// begin begins the next block that has a wanted event. It reports whether there is one.
func (w *Walk) begin() (more bool, err error) {
	p := w.part
	if w.o != w.end {
		return false, w.bad("%d events in the block, the table says %d", w.o-w.block.first, w.end-w.block.first)
	}
	for ; w.next < len(w.blocks)/blockEntry; w.next++ {
		if w.block, err = p.blockAt(w.blocks, w.next); err != nil {
			break
		}
		if w.end, err = p.endOf(w.blocks, w.next); err != nil {
			break
		}
		if w.o = w.block.first; w.want != nil && !w.want.any(w.o, w.end) {
			continue
		}
		packed, err := p.packed(&w.read, w.block, walkBytes)
		if err == nil {
			w.next++
			w.words.Begin(packed)
		}
		return err == nil, err
	}
	if w.o = w.end; w.scanner != nil {
		w.scanner.idle = append(w.scanner.idle, w)
		w.scanner = nil
	}
	return false, err
}

func (w *Walk) bad(format string, args ...any) error {
	return w.part.badBlock(w.block, format, args...)
}

// tables are what is needed of a segment to read its blocks, in memory of their own: who
// is given events is not our code, and no fault of it is one of the disk.
type tables struct {
	words, forms []byte
	dict         words.Dictionary // in the two
	whole        bool             // there is one
}

// of makes t the tables of p, and returns its section blocks. It reports whether the
// dictionary is the one that was there before.
func (t *tables) of(p *Part) (blocks []byte, same bool, err error) {
	w, f := t.words, t.forms
	err = disk.Guard(func() error {
		mapped, words, forms, err := p.mapped()
		if err != nil {
			return err
		}
		blocks = bytes.Clone(mapped)
		if !t.whole || !bytes.Equal(w, words) || !bytes.Equal(f, forms) {
			w, f = bytes.Clone(words), bytes.Clone(forms)
			return nil
		}
		same = true
		return nil
	})
	if err != nil || same {
		return blocks, same, err
	}
	d, err := p.dictionaryIn(w, f)
	if err == nil {
		t.words, t.forms, t.dict, t.whole = w, f, d, true
	}
	return blocks, false, err
}

// mapped returns the section blocks and those of the dictionary.
func (p *Part) mapped() (blocks, w, f []byte, err error) {
	if blocks, err = p.section(secBlocks); err == nil {
		if w, err = p.section(secWords); err == nil {
			f, err = p.section(secForms)
		}
	}
	return blocks, w, f, err
}

// eachBlock calls visit for all blocks.
func (p *Part) eachBlock(blocks []byte, visit func(b block) error) error {
	for i := range len(blocks) / blockEntry {
		b, err := p.blockAt(blocks, i)
		if err == nil {
			err = visit(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
