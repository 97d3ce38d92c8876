package ledger

import (
	"bytes"

	"github.com/cespare/xxhash/v2"
)

// Priced decodes l, which is an item.priced, and accepts and refuses as [Decode]
// does. The price comes without its detection, which is beside it: picks of the same
// product then share one price. It is not to be written to.
func (d *Decoder) Priced(l Lent) (detection ID, price *ItemPriced, err error) {
	if l.body == nil {
		return d.pricedText(l.Record)
	}
	t, err := d.Lent(l)
	if err != nil {
		return ID{}, nil, err
	}
	p, _ := t.(*ItemPriced)
	detection, p.Detection = p.Detection, ID{}
	known := d.same[p.Price]
	if known == nil || *known != *p {
		if d.same == nil || len(d.same) >= knownPrices {
			d.same = make(map[ID]*ItemPriced)
		}
		known = new(*p)
		d.same[p.Price] = known
	}
	return detection, known, nil
}

// pricedText is Priced of a body that is text.
func (d *Decoder) pricedText(r *Record) (detection ID, price *ItemPriced, err error) {
	const head = `{"detection":"`
	rd := d.reader(r.Body, ownID(r.Stream))
	at := rd.id(rd.lit(0, head), &detection)
	if at < 0 || detection.IsZero() {
		price, err = d.anew(r)
		detection, price.Detection = price.Detection, ID{}
		return detection, price, err
	}
	if d.prices == nil {
		d.prices = make([]knownPrice, knownPrices)
	}
	tail := r.Body[at:]
	known := &d.prices[xxhash.Sum64(tail)%uint64(len(d.prices))]
	if known.price != nil && bytes.Equal(known.tail, tail) {
		return detection, known.price, nil
	}
	if price, err = d.anew(r); err != nil {
		return ID{}, price, err
	}
	price.Detection = ID{}
	if known.price = price; len(tail) > maxTail {
		known.price = nil
	}
	known.tail = append(known.tail[:0], tail[:min(len(tail), maxTail)]...)
	return detection, price, nil
}

func (d *Decoder) anew(r *Record) (*ItemPriced, error) {
	p := new(ItemPriced)
	return p, d.DecodeInto(Lent{Record: r}, p)
}

// A knownPrice is a price and the text that it was read from, behind its detection.
type knownPrice struct {
	tail  []byte
	price *ItemPriced
}

// knownPrices is how many prices a Decoder remembers, enough for a chain of shops, and
// maxTail the longest text.
const (
	knownPrices = 8192
	maxTail     = 1024
)
