package ledger

import (
	"bytes"
	"encoding/binary"
)

// Priced decodes r, which is an item.priced, and accepts and refuses as [Decode]
// does. The price comes without its detection, which is beside it: picks of the same
// product then share one price. It is not to be written to.
func (d *Decoder) Priced(r *Record) (detection ID, price *ItemPriced, err error) {
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
	known := &d.prices[priceHash(tail)%uint64(len(d.prices))]
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
	return p, d.DecodeInto(r, p)
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

// priceHash mixes eight words from all over b.
func priceHash(b []byte) uint64 {
	const words, odd = 8, 0x9e3779b97f4a7c15
	h := uint64(len(b))
	if len(b) < 8 {
		return h
	}
	for i := range words {
		h = (h ^ binary.LittleEndian.Uint64(b[i*(len(b)-8)/(words-1):])) * odd
		h ^= h >> 32
	}
	return h
}
