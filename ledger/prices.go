package ledger

import (
	"bytes"

	"github.com/cespare/xxhash/v2"

	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

// Priced decodes l, which is an item.priced, and accepts and refuses as [Decode]
// does. The price comes without its detection, which is beside it: picks of the same
// product then share one price. It is not to be written to.
func (d *Decoder) Priced(l Lent) (detection ID, price *ItemPriced, err error) {
	known, detection := d.packedPrice(l)
	if known != nil && known.price != nil {
		return detection, known.price, nil
	}
	whole, err := l.Whole()
	if err != nil {
		return ID{}, nil, err
	}
	if detection, price, err = d.pricedText(&whole); err == nil && known != nil {
		known.price = price
	}
	return detection, price, err
}

// priceHead is what a price begins with.
const priceHead = `{"detection":"`

// pricedText is Priced of a body that is text.
func (d *Decoder) pricedText(r *Record) (detection ID, price *ItemPriced, err error) {
	rd := d.reader(r.Body, ownID(r.Stream))
	at := rd.id(rd.lit(0, priceHead), &detection)
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

// packedPrices are prices by how a segment keeps them: the same bytes behind the
// detection are the same price, as long as the dictionary is the same.
type packedPrices struct {
	of    *gaps.Dictionary
	known []packedPrice // by hash; knownPrices of them, or none
}

type packedPrice struct {
	form  *gaps.Form
	rest  []byte
	price *ItemPriced
}

// packedPrice returns the place of l's price, which may be empty, and l's detection. It
// returns nil unless all but the detection is told by l's bytes alone.
func (d *Decoder) packedPrice(l Lent) (known *packedPrice, detection ID) {
	b := l.body
	if b == nil {
		return nil, ID{}
	}
	n, at := gaps.Number(b.In, b.At)
	f := b.Dict.Form(n - 1) // 0, which is no form, becomes large
	if at < 0 || f == nil || !f.Last || f.Gaps[0] != len(priceHead) || string(f.Text[:len(priceHead)]) != priceHead {
		return nil, ID{}
	}
	end, placed := b.Skip()
	if end < 0 || placed {
		return nil, ID{}
	}
	b.End = end
	rd := d.gaps(l)
	if rd.lit(0, priceHead) < 0 || rd.gapID(&detection) < 0 {
		return nil, ID{}
	}
	rest := b.In[d.gapped.at:end]
	if p := &d.packed; p.of != b.Dict {
		p.of = b.Dict
		if p.known == nil {
			p.known = make([]packedPrice, knownPrices)
		}
		for i := range p.known {
			p.known[i].form = nil
		}
	}
	known = &d.packed.known[(xxhash.Sum64(rest)+n)%knownPrices]
	if known.form != f || !bytes.Equal(known.rest, rest) {
		known.form, known.price = f, nil
		known.rest = append(known.rest[:0], rest...)
	}
	return known, detection
}
