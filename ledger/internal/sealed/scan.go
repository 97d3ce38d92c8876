package sealed

import (
	"bytes"
	"errors"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/words"
)

// Scan calls visit for the events in want, all of them if it is nil, by ordinal: stream
// by stream. Bodies stay as they are packed; an event is lent until visit returns. It
// ends early when visit returns false, and reports whether it went to the end.
func (p *Part) Scan(want *Set, names *frame.Names, visit func(ledger.Lent) bool) (whole bool, err error) {
	d, blocks, err := p.copied()
	if err != nil {
		return false, err
	}
	var u unpacker
	w := words.NewWalker(&d, names)
	ended := errors.New("ended")
	err = p.eachBlock(blocks, want, func(b block, end uint32) error {
		packed, err := p.packed(&u, b, aheadBytes)
		if err != nil {
			return err
		}
		w.Begin(packed)
		o := b.first
		for ; w.More(); o++ {
			l, ok := w.Next()
			if !ok || o >= end {
				return p.badBlock(b, "event %d of the block does not hold", o-b.first)
			}
			if (want == nil || want.Has(o)) && !visit(l) {
				return ended
			}
			if !w.Done() {
				return p.badBlock(b, "the body of event %d of the block does not hold", o-b.first)
			}
		}
		if o != end {
			return p.badBlock(b, "%d events in the block, the table says %d", o-b.first, end-b.first)
		}
		return nil
	})
	if errors.Is(err, ended) {
		return false, nil
	}
	return err == nil, err
}

// copied returns the dictionary and the section blocks in memory of their own. What is
// mapped is copied: who is given events is not our code, and no fault of it is one of
// the disk.
func (p *Part) copied() (d words.Dictionary, blocks []byte, err error) {
	var copies [sections][]byte
	err = disk.Guard(func() error {
		for _, i := range []int{secBlocks, secWords, secForms} {
			mapped, err := p.section(i)
			if err != nil {
				return err
			}
			copies[i] = bytes.Clone(mapped)
		}
		return nil
	})
	if err != nil {
		return d, nil, err
	}
	d, err = p.dictionaryIn(copies[secWords], copies[secForms])
	return d, copies[secBlocks], err
}

// eachBlock calls visit for the blocks that have an event in want, with the ordinal
// behind each.
func (p *Part) eachBlock(blocks []byte, want *Set, visit func(b block, end uint32) error) error {
	for i, n := 0, len(blocks)/blockEntry; i < n; i++ {
		b, err := p.blockAt(blocks, i)
		if err != nil {
			return err
		}
		end, err := p.endOf(blocks, i)
		if err != nil {
			return err
		}
		if want != nil && !want.any(b.first, end) {
			continue
		}
		if err := visit(b, end); err != nil {
			return err
		}
	}
	return nil
}
