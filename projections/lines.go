package projections

import (
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/pricing"
)

// billed reports whether p counts towards a line.
func (p *Pick) billed() bool { return p.State == PickSure && p.Price != nil }

// bills reports whether p counts towards a line of this visit.
func (c *Cart) bills(p *Pick) bool { return p.billed() && !c.Disowned }

// item returns the pick as something to be priced, with so many pieces.
func (p *Pick) item(pieces int) pricing.Item {
	it := pricing.Item{
		Detection: p.Detection, Priced: p.Price, Unit: p.Unit(), Pieces: pieces, Grams: p.Grams, Scale: p.Scale, At: p.At,
	}
	if pieces < p.Left {
		it.Grams = p.Grams * pieces / p.Left
	}
	return it
}

// key is the line of a priced pick.
func (p *Pick) key() pricing.Key {
	it := p.item(p.Left)
	return it.Key()
}

// A billedLine is a line that a final receipt has, with the line of its
// containers, as first billed.
type billedLine struct {
	key     pricing.Key
	item    *ledger.ReceiptLine
	deposit *ledger.ReceiptLine // nil if it has none
	kept    int                 // pieces that are left of those that were billed
	more    *pricing.Line       // pieces that came later
}

// itemOf returns the index in Base of the line that line b is about: its own,
// or that of the goods whose containers it is for.
func (c *Cart) itemOf(b int) int {
	if c.Base[b].LineKind != ledger.LineDeposit {
		return b
	}
	return max(0, slices.IndexFunc(c.Base, func(l ledger.ReceiptLine) bool { return l.No == c.Base[b].Of }))
}

// baseKey returns the key of a line of goods in Base.
func (c *Cart) baseKey(b int) pricing.Key {
	return pricing.KeyOf(&c.Base[b], c.depositOf(b))
}

// depositOf returns the line in Base for the containers of line b, or nil.
func (c *Cart) depositOf(b int) *ledger.ReceiptLine {
	for i := range c.Base {
		if l := &c.Base[i]; l.LineKind == ledger.LineDeposit && l.Of == c.Base[b].No {
			return l
		}
	}
	return nil
}

// Lines returns what the visit is charged for, by number: the sure picks that
// have a price, one line for each product, price and tax rule and one for each
// weighing, in the order of their first picks, each followed by that of its
// containers. Lines without pieces are left out, except those that a final
// receipt has billed: they keep their number for ever.
//
// What was billed is never computed again: pieces that are gone take their
// share of the stored amounts with them, and pieces that came later are priced
// on their own.
//
// An error means that the amounts leave the bounds of package money.
func (c *Cart) Lines() ([]ledger.ReceiptLine, error) {
	billed := c.billedLines()
	basket := pricing.Basket{
		Currency: c.Currency(), Member: c.Presented.Member, Items: make([]pricing.Item, 0, len(c.Picks)), Offers: c.offers(),
	}
	for i := range c.Picks {
		if p := &c.Picks[i]; c.bills(p) {
			basket.Items = append(basket.Items, p.item(further(billed, p)))
		}
	}
	priced, err := pricing.Lines(&basket)
	if err != nil {
		return nil, err
	}
	place := make([]int, len(priced)) // of each priced line among the lines; -1 if it is none
	lines, err := c.kept(billed, priced, place)
	if err != nil {
		return nil, err
	}
	lines = c.fresh(lines, priced, place)
	c.join(lines, basket.Items, place)
	for i := range lines { // containers have the causes of their goods
		if d := &lines[i]; d.LineKind == ledger.LineDeposit {
			for _, l := range lines[:i] {
				if l.No == d.Of {
					d.Check, d.Causes, d.Evidence = l.Check, l.Causes, l.Evidence
				}
			}
		}
	}
	return lines, nil
}

// Empty reports whether the visit is charged for nothing: it has no lines.
func (c *Cart) Empty() bool {
	return len(c.Base) == 0 && !slices.ContainsFunc(c.Picks, func(p Pick) bool { return c.bills(&p) && p.Left > 0 })
}

// billedLines returns the lines of goods that final receipts have billed.
func (c *Cart) billedLines() []billedLine {
	var billed []billedLine
	for b := range c.Base {
		if l := &c.Base[b]; l.LineKind != ledger.LineDeposit {
			d := c.depositOf(b)
			billed = append(billed, billedLine{key: pricing.KeyOf(l, d), item: l, deposit: d})
		}
	}
	return billed
}

// further returns how many pieces of p were not billed. The others fill the
// line they were billed on.
func further(billed []billedLine, p *Pick) int {
	if len(billed) == 0 {
		return p.Left
	}
	b := find(billed, p.key())
	if b < 0 {
		return p.Left
	}
	n := min(p.Left, billed[b].item.Quantity-billed[b].kept)
	billed[b].kept += n
	return p.Left - n
}

func find(billed []billedLine, k pricing.Key) int {
	return slices.IndexFunc(billed, func(b billedLine) bool { return b.key == k })
}

// kept returns the lines that were billed as they are now, with the pieces
// that came later, and notes where these are.
func (c *Cart) kept(billed []billedLine, priced []pricing.Line, place []int) ([]ledger.ReceiptLine, error) {
	room := len(c.Base) + len(priced)
	for i := range priced {
		if place[i] = -1; priced[i].First.Deposit.Amount.Minor != 0 {
			room++
		}
		if len(billed) == 0 {
			continue
		}
		if b := find(billed, priced[i].Key()); b >= 0 {
			place[i] = slices.IndexFunc(c.Base, func(l ledger.ReceiptLine) bool { return l.No == billed[b].item.No })
			billed[b].more = &priced[i]
		}
	}
	lines := make([]ledger.ReceiptLine, 0, room)
	for i := range c.Base {
		base := &c.Base[i]
		b := slices.IndexFunc(billed, func(b billedLine) bool { return b.item == base || b.deposit == base })
		if b < 0 {
			return nil, fmt.Errorf("line %d: %w: a deposit of no line", base.No, ledger.ErrCorrupt)
		}
		l, err := billed[b].now(base)
		if err != nil {
			return nil, err
		}
		l.Check, l.Causes, l.Evidence = ledger.CheckMachine, []ledger.ID{}, []ledger.Digest{}
		lines = append(lines, l)
	}
	return lines, nil
}

// now returns what one of the lines of b comes to now.
func (b *billedLine) now(base *ledger.ReceiptLine) (ledger.ReceiptLine, error) {
	l, err := pricing.Keep(*base, b.kept)
	if err != nil || b.more == nil || b.more.Quantity == 0 {
		return l, err
	}
	more, ok := b.more.Item(base.PriceRule), true
	if base == b.deposit {
		more, ok = b.more.DepositLine()
	}
	if !ok {
		return l, nil
	}
	return pricing.Join(l, more)
}

// fresh appends the lines that no final receipt has, numbered behind those
// that one has, and notes where they are.
func (c *Cart) fresh(lines []ledger.ReceiptLine, priced []pricing.Line, place []int) []ledger.ReceiptLine {
	no := 0
	if len(lines) > 0 {
		no = lines[len(lines)-1].No
	}
	for i := range priced {
		p := &priced[i]
		if p.Quantity == 0 || place[i] >= 0 {
			continue
		}
		no++
		place[i] = len(lines)
		l := p.Item(c.Presented.Policy.PriceRule)
		l.No, l.Check, l.Causes, l.Evidence = no, ledger.CheckMachine, []ledger.ID{}, []ledger.Digest{}
		lines = append(lines, l)
		if d, ok := p.DepositLine(); ok {
			no++
			d.No, d.Of = no, l.No
			lines = append(lines, d)
		}
	}
	return lines
}

// join adds the picks to their lines. A pick that went back whole adds its
// causes: the line's quantity is what they say together.
func (c *Cart) join(lines []ledger.ReceiptLine, items []pricing.Item, place []int) {
	room := 0
	for i := range c.Picks {
		room += len(c.Picks[i].Evidence)
	}
	digests, item := make([]ledger.Digest, 0, room), 0 // one piece of memory for all lines
	for i := range c.Picks {
		p := &c.Picks[i]
		if !c.bills(p) {
			continue
		}
		at := place[items[item].Line]
		if item++; at < 0 {
			continue
		}
		l := &lines[at]
		l.Check = weaker(l.Check, p.Check)
		if len(l.Causes) == 0 {
			l.Causes = slices.Clip(p.Causes) // a pick has each once
		} else {
			for _, id := range p.Causes {
				if !slices.Contains(l.Causes, id) {
					l.Causes = append(l.Causes, id)
				}
			}
		}
		if len(l.Evidence) == 0 {
			l.Evidence = digests[len(digests):len(digests):cap(digests)]
		}
		before := len(l.Evidence)
		for _, ref := range p.Evidence {
			if !slices.Contains(l.Evidence, ref.Digest) {
				l.Evidence = append(l.Evidence, ref.Digest)
			}
		}
		if before == 0 {
			digests = digests[:len(digests)+len(l.Evidence)]
			l.Evidence = slices.Clip(l.Evidence)
		}
	}
}
