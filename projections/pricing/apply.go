package pricing

import (
	"cmp"
	"math"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// run applies offers, in order, to all lots as they are at first, and returns
// what they save together. With a note it writes down what each saves where.
func (s *sale) run(offers []int, note *[]saving) (saved int64, err error) {
	s.scratch = append(s.scratch[:0], s.lots...)
	for _, o := range offers {
		var off int64
		switch s.offers[o].Kind {
		case ledger.PromotionNForM:
			off = s.nForM(o, note)
		case ledger.PromotionMix:
			off, err = s.mix(o, note)
		case ledger.PromotionPercent, ledger.PromotionAmount, ledger.PromotionMember:
			off, err = s.each(o, note)
		}
		if err != nil {
			return 0, err
		}
		saved += off
	}
	return saved, nil
}

// open lists the lots that offer o may still apply to, the dearest first.
func (s *sale) open(o int) []int {
	s.order = s.order[:0]
	for i := range s.scratch {
		l := &s.scratch[i]
		if l.n > 0 && l.price > 0 && s.row(l.base)[o] && (!l.used || s.offers[o].Stacks) {
			s.order = append(s.order, i)
		}
	}
	slices.SortStableFunc(s.order, func(x, y int) int {
		a, b := s.scratch[x], s.scratch[y]
		return cmp.Or(s.compare(a, b), cmp.Compare(a.base, b.base))
	})
	return s.order
}

// limit returns how often an offer may apply.
func (o Offer) limit() int {
	if o.Limit == 0 {
		return math.MaxInt
	}
	return o.Limit
}

// take splits n pieces off lot i and returns their lot.
func (s *sale) take(i, n int) int {
	if s.scratch[i].n == n {
		return i
	}
	part := s.scratch[i]
	part.n = n
	s.scratch[i].n -= n
	s.scratch = append(s.scratch, part)
	return len(s.scratch) - 1
}

// lower takes off from every piece of lot i.
func (s *sale) lower(i int, off int64) {
	l := &s.scratch[i]
	l.price, l.used = l.price-off, true
}

// write notes a saving.
func write(note *[]saving, v saving) {
	if note == nil {
		return
	}
	for i := range *note {
		if have := &(*note)[i]; have.offer == v.offer && have.line == v.line {
			have.pieces, have.free, have.amount = have.pieces+v.pieces, have.free+v.free, have.amount+v.amount
			return
		}
	}
	*note = append(*note, v)
}

// each applies an offer that lowers each piece by itself.
func (s *sale) each(o int, note *[]saving) (saved int64, err error) {
	left := s.offers[o].limit()
	for _, i := range s.open(o) {
		if left == 0 {
			break
		}
		off, err := s.off(o, &s.scratch[i])
		if err != nil {
			return 0, err
		}
		if off == 0 {
			continue
		}
		n := min(left, s.scratch[i].n)
		part := s.take(i, n)
		s.lower(part, off)
		left -= n
		l := &s.scratch[part]
		pieces := n
		if l.all {
			pieces = s.lines[l.line].Quantity
		}
		write(note, saving{offer: o, line: l.line, pieces: pieces, amount: off * int64(n)})
		saved += off * int64(n)
	}
	return saved, nil
}

// off returns what offer o takes off one piece of l.
func (s *sale) off(o int, l *lot) (int64, error) {
	p, price := s.offers[o], money.Money{Minor: l.price, Currency: s.cur}
	switch p.Kind {
	case ledger.PromotionPercent:
		off, err := money.NewRate(uint32(p.PerMille), 1000).Of(price, money.HalfUp) //nolint:gosec // 1 to 1000
		return off.Minor, err
	case ledger.PromotionAmount, ledger.PromotionMember:
		amount := p.Amount
		if l.all {
			var err error
			if amount, err = byWeight(amount, l.grams, money.HalfUp); err != nil {
				return 0, err
			}
		}
		if p.Kind == ledger.PromotionMember {
			return max(0, l.price-amount.Minor), nil
		}
		return min(l.price, amount.Minor), nil
	case ledger.PromotionNForM, ledger.PromotionMix:
	}
	return 0, nil
}

// A bundle is pieces that an offer takes together: some of each of a few lots.
type bundle struct {
	lots  []portion
	saved int64
}

type portion struct {
	lot, n int
	free   int // of n, the last ones
}

// bundles cuts the pieces of lots, which are in order, into full groups of
// size.
func (s *sale) bundles(lots []int, size, most int) []bundle {
	var bs []bundle
	var b bundle
	room := size
	for _, i := range lots {
		for left := s.scratch[i].n; left > 0 && len(bs) < most; {
			n := min(left, room)
			b.lots = append(b.lots, portion{lot: i, n: n})
			left, room = left-n, room-n
			if room == 0 {
				bs, b, room = append(bs, b), bundle{}, size
			}
		}
	}
	return bs
}

// nForM applies "of each Take pieces of one product, Pay are paid": the
// cheapest of each group are free, and the groups that save most come first.
func (s *sale) nForM(o int, note *[]saving) (saved int64) {
	p := s.offers[o]
	open := slices.Clone(s.open(o))
	slices.SortStableFunc(open, func(x, y int) int { // by product, and within it as they were: dearest first
		return cmp.Compare(s.lines[s.scratch[x].line].First.SKU, s.lines[s.scratch[y].line].First.SKU)
	})
	var bs []bundle
	for len(open) > 0 {
		sku := s.lines[s.scratch[open[0]].line].First.SKU
		n := 1
		for n < len(open) && s.lines[s.scratch[open[n]].line].First.SKU == sku {
			n++
		}
		for _, b := range s.bundles(open[:n], p.Take, p.limit()) {
			free := p.Take - p.Pay
			for j := len(b.lots) - 1; j >= 0 && free > 0; j-- {
				b.lots[j].free = min(free, b.lots[j].n)
				b.saved += s.scratch[b.lots[j].lot].price * int64(b.lots[j].free)
				free -= b.lots[j].free
			}
			bs = append(bs, b)
		}
		open = open[n:]
	}
	slices.SortStableFunc(bs, func(a, b bundle) int { return cmp.Compare(b.saved, a.saved) })
	for _, b := range bs[:min(len(bs), p.limit())] {
		for _, part := range b.lots {
			l := s.scratch[part.lot]
			paid := s.take(part.lot, part.n)
			if part.free > 0 {
				free := s.take(paid, part.free)
				s.lower(free, l.price)
			}
			if part.free < part.n {
				s.lower(paid, 0)
			}
			write(note, saving{
				offer: o, line: l.line, pieces: part.n, free: part.free, amount: l.price * int64(part.free),
			})
		}
		saved += b.saved
	}
	return saved
}

// mix applies "any Take pieces together cost Amount", the dearest first, as
// long as that saves something. What a group saves is shared out by price.
func (s *sale) mix(o int, note *[]saving) (saved int64, err error) {
	p := s.offers[o]
	for _, b := range s.bundles(slices.Clone(s.open(o)), p.Take, p.limit()) {
		var sum int64
		var weights []int64
		for _, part := range b.lots {
			price := s.scratch[part.lot].price
			sum += price * int64(part.n)
			for range part.n {
				weights = append(weights, price)
			}
		}
		if sum <= p.Amount.Minor {
			break // the groups behind are cheaper still
		}
		shares, err := money.Money{Minor: sum - p.Amount.Minor, Currency: s.cur}.Allocate(weights...)
		if err != nil {
			return 0, err
		}
		saved += sum - p.Amount.Minor
		for _, part := range b.lots {
			line, off := s.scratch[part.lot].line, int64(0)
			for range part.n { // a cent more or less makes them unlike
				s.lower(s.take(part.lot, 1), shares[0].Minor)
				off, shares = off+shares[0].Minor, shares[1:]
			}
			write(note, saving{offer: o, line: line, pieces: part.n, amount: off})
		}
	}
	return saved, nil
}
