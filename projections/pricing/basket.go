package pricing

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// An Item is what one pick has left: pieces of one product at one price.
type Item struct {
	Detection ledger.ID // of the pick; Priced may be shared by many
	Priced    *ledger.ItemPriced
	Unit      money.Money // that counts: Priced.Unit, or a lower one at the exit
	Pieces    int
	Grams     int             // of all pieces, with packing, as weighed
	Scale     ledger.DeviceID // that weighed
	At        time.Time       // of the pick

	Line int // its place among the lines: set by Lines
}

// An Offer is a promotion that may lower what items cost, once for each coupon
// if it needs one.
type Offer struct {
	*ledger.Promotion
	Coupon string
}

// A Basket is what is priced together.
type Basket struct {
	Currency money.Currency
	Member   bool
	Items    []Item
	Offers   []Offer
}

// A Key is what the items of one line have in common. A weighing shares its
// line with nothing.
type Key struct {
	SKU        ledger.SKU
	Unit       money.Money
	Picked     money.Money // price at the pick, where Unit is lower; else the zero value
	Tax        ledger.TaxRule
	Per        ledger.PriceUnit
	Weighing   ledger.ID // detection of goods by weight
	Container  string    // name of the deposit; empty if there is none
	Deposit    money.Money
	DepositTax ledger.TaxRule
}

// Key returns what it shares with the other items of its line.
func (it *Item) Key() Key {
	k := Key{
		SKU: it.Priced.SKU, Unit: it.Unit, Tax: it.Priced.Tax, Per: it.Priced.Per,
		Container: it.Priced.Deposit.Name, Deposit: it.Priced.Deposit.Amount, DepositTax: it.Priced.DepositTax,
	}
	if it.Unit != it.Priced.Unit {
		k.Picked = it.Priced.Unit
	}
	if k.Per == ledger.PerKilogram {
		k.Weighing = it.Detection
	}
	return k
}

// matches is it.Key() == l.Key() without making the keys.
func (it *Item) matches(l *Line) bool {
	p, f := it.Priced, l.First
	if p.SKU != f.SKU || it.Unit != l.Unit || (it.Unit == p.Unit) != (l.Unit == f.Unit) {
		return false
	}
	if p == f && p.Per != ledger.PerKilogram {
		return true
	}
	return p.Per == f.Per && (p.Per != ledger.PerKilogram || it.Detection == l.Weighing) &&
		(it.Unit == p.Unit || p.Unit == f.Unit) && p.Deposit.Name == f.Deposit.Name &&
		p.Deposit.Amount == f.Deposit.Amount && p.Tax == f.Tax && p.DepositTax == f.DepositTax
}

// A Line is what the items of one key cost.
type Line struct {
	First     *ledger.ItemPriced // of its first item: what the line is of
	Unit      money.Money        // that counts
	Weighing  ledger.ID          // detection of goods by weight
	Quantity  int
	Grams     int // net
	Scale     ledger.DeviceID
	List      money.Money // before discounts
	Discounts []ledger.Discount
	Goods     Amount // after discounts
	Deposited Amount // for the containers
}

// gramsPerKilogram is what a price per kilogram is for.
const gramsPerKilogram = 1000

// Lines returns what b costs, one line for each key in the order of the first
// items, and notes on each item which line it is on. An error means that a rate cannot be read or that amounts leave the
// bounds of package money.
func Lines(b *Basket) ([]Line, error) {
	lines := make([]Line, 0, len(b.Items))
	for i := range b.Items {
		it := &b.Items[i]
		n := 0
		for n < len(lines) && !it.matches(&lines[n]) {
			n++
		}
		if n == len(lines) {
			lines = append(lines, Line{
				First: it.Priced, Unit: it.Unit, Weighing: it.Detection, List: money.Zero(b.Currency), Scale: it.Scale,
			})
		}
		it.Line = n
		if err := lines[n].add(it); err != nil {
			return nil, lines[n].wrap(err)
		}
	}
	if len(b.Offers) > 0 {
		if err := discount(b, lines); err != nil {
			return nil, err
		}
	}
	return lines, tax(lines)
}

// Key returns what the items of l have in common.
func (l *Line) Key() Key {
	it := Item{Priced: l.First, Unit: l.Unit, Detection: l.Weighing}
	return it.Key()
}

func (l *Line) wrap(err error) error { return fmt.Errorf("price of %s: %w", l.First.SKU, err) }

// add puts an item on its line.
func (l *Line) add(it *Item) error {
	l.Quantity += it.Pieces
	price, err := it.List()
	if err != nil {
		return err
	}
	if l.First.Per == ledger.PerKilogram {
		l.Grams += it.net()
	}
	l.List, err = l.List.Add(price)
	return err
}

// net returns the weight that is paid for.
func (it *Item) net() int { return max(0, it.Grams-it.Priced.TareGrams) }

// List returns what it costs before discounts.
func (it *Item) List() (money.Money, error) {
	if it.Priced.Per == ledger.PerKilogram {
		return byWeight(it.Unit, it.net(), it.Priced.Tax.Rounding)
	}
	return it.Unit.Mul(int64(it.Pieces))
}

// byWeight returns what grams cost at a price per kilogram.
func byWeight(perKilogram money.Money, grams int, round money.Rounding) (money.Money, error) {
	if grams < 0 || grams > ledger.MaxGrams {
		return money.Money{}, fmt.Errorf("%w: %d g", money.ErrRange, grams)
	}
	return money.NewRate(uint32(grams), gramsPerKilogram).Of(perKilogram, round)
}
