package projections

import "github.com/vouchledger/vouch/projections/internal/packed"

// Repacked returns c as it is once it was packed and unpacked; ok is false if it is odd.
func Repacked(c *Cart) (again *Cart, ok bool) {
	var book packed.Book
	var k packed.Codec
	k.Pack(&book, nil)
	c.pack(&k)
	if k.IsOdd() {
		return nil, false
	}
	b := k.Bytes()
	again = new(Cart)
	k.Unpack(&book, b)
	again.pack(&k)
	if len(k.Bytes()) > 0 {
		panic("projections: a packed cart is not read to its end")
	}
	return again, true
}

// Packed returns how many carts lie packed.
func (cs *Carts) Packed() int {
	n := 0
	for _, p := range cs.places {
		if p.cart == nil {
			n++
		}
	}
	return n
}
