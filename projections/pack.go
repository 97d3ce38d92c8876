package projections

import (
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/internal/packed"
)

// over reports whether a visit has come to its end: hardly anything is to follow.
func (c *Cart) over() bool { return c.Status == StatusSettled || c.Status == StatusRefused }

// pack is the packed form of a cart: it writes c, or makes the zero cart c what was
// written. What few visits have has none: it is odd.
func (c *Cart) pack(k *packed.Codec) {
	k.Of(&c.Stream)
	if k.Reading() {
		c.Visit = k.Visit
	} else if c.Visit != k.Visit {
		k.Odd()
	}
	if len(c.Disputes)+len(c.Promotions)+len(c.Coupons)+len(c.Ages)+len(c.Weighings)+len(c.Odd) > 0 {
		k.Odd()
	}
	k.Uint64(&c.Events)
	packed.Text(k, &c.Status)
	k.Presented(&c.Presented)
	k.Time(&c.PresentedAt)
	k.Money(&c.Hold)
	k.Time(&c.EnteredAt)
	k.Time(&c.ExitedAt)
	packed.Text(k, &c.Refusal)
	packed.List(k, &c.Picks, packPick)
	packed.List(k, &c.Questions, packQuestion)
	k.Int(&c.OpenCount)
	k.ID(&c.Changed)
	k.Bool(&c.Disowned)
	if k.Has(c.Settled != nil) {
		k.Settled(made(&c.Settled))
	}
	c.packBilled(k)
	if k.Reading() {
		c.unpriced = c.countUnpriced()
	}
}

// packBilled is the documents of c. A cart with a correction is odd.
func (c *Cart) packBilled(k *packed.Codec) {
	if k.Has(c.Provisional != nil) {
		k.Document(made(&c.Provisional))
	}
	if c.Latest != c.Issued {
		k.Odd()
	}
	if !k.Has(c.Issued != nil) {
		if len(c.Base) > 0 {
			k.Odd()
		}
		return
	}
	k.Document(made(&c.Issued))
	lines := c.Issued.Lines
	if k.Reading() {
		if c.Latest = c.Issued; len(lines) > 0 {
			c.Base = slices.Clip(lines)
		}
	} else if len(c.Base) != len(lines) || len(lines) > 0 && &c.Base[0] != &lines[0] {
		k.Odd()
	}
}

// made returns *p, which it makes if it is not there.
func made[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}

// What a packed pick has.
const (
	pickPriced = 1 << iota
	pickSeen   // evidence
	pickCaused // by others than its detection alone
	pickWeighed
	pickMissing
)

// has returns what the packed p has.
func (p *Pick) has() (flags uint64) {
	is := func(there bool, flag uint64) {
		if there {
			flags |= flag
		}
	}
	is(p.Price != nil, pickPriced)
	is(p.Evidence != nil, pickSeen)
	is(len(p.Causes) != 1 || p.Causes[0] != p.Detection, pickCaused)
	is(p.Grams != 0 || p.Scale != "", pickWeighed)
	is(p.Missing != "", pickMissing)
	return flags
}

func packPick(k *packed.Codec, p *Pick) {
	if p.Repriced != nil {
		k.Odd()
	}
	flags := uint64(0)
	if !k.Reading() {
		flags = p.has()
	}
	k.Uint64(&flags)
	k.ID(&p.Detection)
	packed.Text(k, &p.SKU)
	if flags&pickPriced != 0 {
		k.Price(&p.Price, p.SKU)
	}
	k.Int(&p.Quantity)
	k.Int(&p.Left)
	k.Time(&p.At)
	packed.Text(k, &p.Slot)
	k.Int((*int)(&p.Item))
	k.Int((*int)(&p.Action))
	k.Int((*int)(&p.Person))
	packed.Text(k, &p.Check)
	packed.Text(k, &p.State)
	if flags&pickSeen != 0 {
		packed.List(k, &p.Evidence, (*packed.Codec).EvidenceRef)
	}
	if flags&pickCaused != 0 {
		packed.List(k, &p.Causes, (*packed.Codec).ID)
	} else if k.Reading() {
		p.Causes = []ledger.ID{p.Detection}
	}
	k.ID(&p.Decision)
	if flags&pickWeighed != 0 {
		k.Int(&p.Grams)
		packed.Text(k, &p.Scale)
	}
	if flags&pickMissing != 0 {
		packed.Text(k, &p.Missing)
	}
}

func packQuestion(k *packed.Codec, q *Question) {
	if q.Weighed != nil || q.Gate != nil {
		k.Odd()
	}
	k.ID(&q.Detection)
	k.StreamID(&q.Stream)
	k.Time(&q.SeenAt)
	packed.List(k, &q.Doubts, (*packed.Codec).Doubt)
	if k.Has(q.Claim != nil) {
		k.Claim(made(&q.Claim))
	}
	k.ID(&q.Opened)
	k.Bool(&q.Requested)
	if k.Has(!q.RequestedAt.IsZero() || q.AtRisk != (money.Money{}) || !q.Deadline.IsZero()) {
		k.Time(&q.RequestedAt)
		k.Money(&q.AtRisk)
		k.Time(&q.Deadline)
	}
	if k.Has(q.Decided != nil) {
		k.Decided(made(&q.Decided))
	}
	k.ID(&q.DecidedEvent)
}
