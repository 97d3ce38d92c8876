package ledger

import (
	"bytes"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

// Priced decodes l, which is an item.priced, and accepts and refuses as [Decode]
// does. The price comes without its detection, which is beside it: picks of the same
// product then share one price. It is not to be written to.
func (d *Decoder) Priced(l Lent) (detection ID, price *ItemPriced, err error) {
	if l.body == nil {
		return d.pricedText(l.Record)
	}
	start := d.pricedFrom(l)
	if price = d.again(l.body, start); price != nil {
		return d.detection, price, nil
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
	d.note(l.body, start, known)
	return detection, known, nil
}

// pricedFrom reads the detection of a price with gaps, if that is the first value of
// its plan, and returns the place of the values behind it, or -1.
func (d *Decoder) pricedFrom(l Lent) int {
	p := d.planOf(l)
	if p == nil || len(p.steps) == 0 {
		return -1
	}
	if t, ok := p.target.(*ItemPriced); !ok || p.steps[0].id != &t.Detection {
		return -1
	}
	r := d.reader(nil, l.body.Tail)
	r.gap = &d.gapped
	r.know(l.body)
	_, at := gaps.Number(l.body.In, l.body.At)
	return r.idAt(at, &d.detection)
}

// A packedPrice is a price and the values that it was read from, behind its detection:
// in segments with one dictionary the same values are the same price. It is one line
// of a processor's cache.
type packedPrice struct {
	of     *gaps.Dictionary
	price  *ItemPriced
	form   uint32 // its number
	length uint8  // of values
	values [43]byte
}

// leastPacked is how many bytes of values are looked at first. Prices have more, for the
// id of a price is 16; what has less is not remembered.
const leastPacked = 16

// pair returns the two places of a price with the values from start on, or nil.
func (d *Decoder) pair(b *gaps.Body, start int) *[2]packedPrice {
	if start < 0 || len(b.In)-start < leastPacked {
		return nil
	}
	if d.packed == nil {
		d.packed = make([][2]packedPrice, knownPrices/2)
	}
	v, h := b.In[start:start+leastPacked], uint64(0)
	for i := 0; i < leastPacked; i += 8 {
		h = mix(h ^ binary.LittleEndian.Uint64(v[i:]))
		h ^= h >> 32
	}
	return &d.packed[h%uint64(len(d.packed))]
}

// again returns the price that was read from the same values before, or nil.
func (d *Decoder) again(b *gaps.Body, start int) *ItemPriced {
	pair := d.pair(b, start)
	if pair == nil {
		return nil
	}
	form, _ := gaps.Number(b.In, b.At)
	for i := range pair {
		p := &pair[i]
		n := int(p.length)
		if p.of == b.Dict && uint64(p.form) == form && n <= len(b.In)-start && string(b.In[start:start+n]) == string(p.values[:n]) {
			b.End = start + n
			return p.price
		}
	}
	return nil
}

// note remembers the price that was read from the values from start on.
func (d *Decoder) note(b *gaps.Body, start int, price *ItemPriced) {
	pair := d.pair(b, start)
	form, _ := gaps.Number(b.In, b.At)
	if n := b.End - start; pair != nil && n >= leastPacked && n <= len(pair[0].values) && b.Fixed(start) {
		pair[1] = pair[0]
		p := &pair[0]
		p.of, p.price, p.form, p.length = b.Dict, price, uint32(form), uint8(n) //nolint:gosec // it is one of the forms, and compared
		copy(p.values[:], b.In[start:b.End])
	}
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
