package pricing

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// maxTried is how many competing offers are tried in every combination: 256
// runs over the pieces they are about.
const maxTried = 8

// A lot is pieces of one line that are alike in all that offers look at.
type lot struct {
	line  int
	n     int   // pieces; a weighing is one
	price int64 // of one piece, after the offers so far
	used  bool  // took part in an offer
	grams int   // net, of a weighing; else 0
	all   bool  // it is a weighing
	base  int   // lot that it was split from: what it is eligible for
}

// A saving is what one offer takes off one line.
type saving struct {
	offer, line int
	pieces      int   // that took part
	free        int   // of them
	amount      int64 // off all of them together
}

// A sale is the offers and lots of one basket while its discounts are sought.
type sale struct {
	cur      money.Currency
	lines    []Line
	offers   []Offer
	lots     []lot
	eligible []bool // lot × offer

	scratch []lot // of one run
	order   []int // of lots in scratch
	savings []saving
}

// discount finds what the offers of b take off its lines.
func discount(b *Basket, lines []Line) error {
	s := &sale{cur: b.Currency, lines: lines}
	for _, o := range b.Offers {
		if (!o.Members || b.Member) && (o.Amount.Currency == "" || o.Amount.Currency == b.Currency) {
			s.offers = append(s.offers, o)
		}
	}
	slices.SortStableFunc(s.offers, func(a, b Offer) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Promotion.Promotion, b.Promotion.Promotion),
			cmp.Compare(a.Coupon, b.Coupon))
	})
	if err := s.fill(b); err != nil {
		return err
	}
	for _, group := range s.competing() {
		if err := s.settle(group); err != nil {
			return err
		}
	}
	return s.explain()
}

// fill makes the lots, in an order that does not hang on that of the items.
func (s *sale) fill(b *Basket) error {
	may := make([]bool, len(s.offers))
	for i := range b.Items {
		it := &b.Items[i]
		if it.Pieces == 0 {
			continue
		}
		l := &s.lines[it.Line]
		n := lot{line: it.Line, n: it.Pieces, price: it.Unit.Minor}
		if l.First.Per == ledger.PerKilogram {
			price, err := it.List()
			if err != nil {
				return l.wrap(err)
			}
			n.n, n.price, n.grams, n.all = 1, price.Minor, it.net(), true
		}
		some := false
		for j, o := range s.offers {
			may[j] = o.covers(it)
			some = some || may[j]
		}
		if !some || n.price == 0 {
			continue
		}
		s.put(n, may)
	}
	order := make([]int, len(s.lots))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		return cmp.Or(s.compare(s.lots[x], s.lots[y]), slices.CompareFunc(s.row(x), s.row(y), compareBools))
	})
	lots, eligible := make([]lot, 0, len(s.lots)), make([]bool, 0, len(s.eligible))
	for i, x := range order {
		l := s.lots[x]
		l.base = i
		lots, eligible = append(lots, l), append(eligible, s.row(x)...)
	}
	s.lots, s.eligible = lots, eligible
	return nil
}

// put adds a lot, to another that it is alike to if there is one.
func (s *sale) put(n lot, may []bool) {
	for i := range s.lots {
		if have := &s.lots[i]; have.line == n.line && !n.all && slices.Equal(s.row(i), may) {
			have.n += n.n
			return
		}
	}
	s.lots, s.eligible = append(s.lots, n), append(s.eligible, may...)
}

func (s *sale) row(lot int) []bool {
	return s.eligible[lot*len(s.offers) : (lot+1)*len(s.offers)]
}

// compare orders lots by what they are, not by when they were picked: the
// dearest first.
func (s *sale) compare(a, b lot) int {
	if c := cmp.Or(cmp.Compare(b.price, a.price), cmp.Compare(b.grams, a.grams)); c != 0 || a.line == b.line {
		return c
	}
	k, l := &s.lines[a.line], &s.lines[b.line]
	f, g := k.First, l.First
	c := cmp.Or(
		cmp.Compare(f.SKU, g.SKU), cmp.Compare(k.Unit.Minor, l.Unit.Minor), cmp.Compare(f.Unit.Minor, g.Unit.Minor),
		cmp.Compare(f.Deposit.Amount.Minor, g.Deposit.Amount.Minor), cmp.Compare(f.Deposit.Name, g.Deposit.Name),
	)
	if c == 0 && f.Per == ledger.PerKilogram {
		c = slices.Compare(k.Weighing[:], l.Weighing[:])
	}
	if c == 0 {
		c = cmp.Or(compareRules(&f.Tax, &g.Tax), compareRules(&f.DepositTax, &g.DepositTax))
	}
	return c
}

func compareRules(a, b *ledger.TaxRule) int {
	return cmp.Or(
		cmp.Compare(a.Category, b.Category), cmp.Compare(a.Rate, b.Rate), cmp.Compare(a.Jurisdiction, b.Jurisdiction),
		cmp.Compare(a.Rounding, b.Rounding), cmp.Compare(a.Basis, b.Basis), cmp.Compare(a.Parts, b.Parts),
		compareBools(a.Inclusive, b.Inclusive),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// covers reports whether the item may take part in o.
func (o Offer) covers(it *Item) bool {
	if it.At.Before(o.From) || !it.At.Before(o.Until) {
		return false
	}
	if it.Priced.Per == ledger.PerKilogram && (o.Kind == ledger.PromotionNForM || o.Kind == ledger.PromotionMix) {
		return false
	}
	return Covers(o.Promotion, it.Priced.SKU, it.Priced.Category)
}

// Covers reports whether p names a product, or its category, or everything.
func Covers(p *ledger.Promotion, sku ledger.SKU, category string) bool {
	return len(p.SKUs) == 0 && len(p.Categories) == 0 ||
		slices.Contains(p.SKUs, sku) || slices.Contains(p.Categories, category)
}

// competing returns the offers in groups that share no lot, each in order.
func (s *sale) competing() [][]int {
	group := make([]int, len(s.offers)) // smallest offer that it shares lots with
	for i := range group {
		group[i] = i
	}
	root := func(i int) int {
		for group[i] != i {
			i = group[i]
		}
		return i
	}
	covered := make([]bool, len(s.offers))
	for l := range s.lots {
		first := -1
		for o, may := range s.row(l) {
			if !may {
				continue
			}
			covered[o] = true
			if first < 0 {
				first = o
			}
			a, b := root(first), root(o)
			group[max(a, b)] = min(a, b)
		}
	}
	var groups [][]int
	at := map[int]int{}
	for o := range s.offers {
		if !covered[o] {
			continue
		}
		r := root(o)
		if _, ok := at[r]; !ok {
			at[r] = len(groups)
			groups = append(groups, nil)
		}
		groups[at[r]] = append(groups[at[r]], o)
	}
	return groups
}

// settle finds the best of competing offers and notes what they save. See
// docs/pricing.md for which of equal ones that is.
func (s *sale) settle(group []int) error {
	chosen := group[:1]
	if len(group) > 1 {
		var err error
		if chosen, err = s.best(group); err != nil {
			return err
		}
	}
	_, err := s.run(chosen, &s.savings)
	return err
}

func (s *sale) best(group []int) ([]int, error) {
	tried := group[:min(len(group), maxTried)]
	var most int64
	var chosen uint
	set := make([]int, 0, len(group))
	for subset := uint(1); subset < 1<<len(tried); subset++ {
		saved, err := s.run(pickOf(tried, subset, set), nil)
		if err != nil {
			return nil, err
		}
		// Of equal ones fewer offers, then the first: bits count from the left.
		if saved > most || saved == most && saved > 0 && cmp.Or(
			cmp.Compare(bits.OnesCount(subset), bits.OnesCount(chosen)), cmp.Compare(chosen, subset)) < 0 {
			most, chosen = saved, subset
		}
	}
	set = pickOf(tried, chosen, set)
	for _, o := range group[len(tried):] {
		saved, err := s.run(append(set, o), nil)
		if err != nil {
			return nil, err
		}
		if saved > most {
			most, set = saved, append(set, o)
		}
	}
	return set, nil
}

// pickOf returns the offers of a subset in their order; the first offer is the
// highest bit.
func pickOf(offers []int, subset uint, into []int) []int {
	into = into[:0]
	for i, o := range offers {
		if subset>>(len(offers)-1-i)&1 == 1 {
			into = append(into, o)
		}
	}
	return into
}

// explain writes the savings on the lines, in the order of the offers.
func (s *sale) explain() error {
	slices.SortStableFunc(s.savings, func(a, b saving) int { return cmp.Compare(a.offer, b.offer) })
	for _, v := range s.savings {
		if v.amount <= 0 {
			continue
		}
		amount, err := money.New(v.amount, s.cur)
		if err != nil {
			return err
		}
		o, l := &s.offers[v.offer], &s.lines[v.line]
		l.Discounts = append(l.Discounts, ledger.Discount{
			Promotion: o.Promotion.Promotion, Name: o.Name, Amount: amount, Pieces: v.pieces, Coupon: o.Coupon,
			Reason: o.reason(l.First.Per, v),
		})
	}
	return nil
}
