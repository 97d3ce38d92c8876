package packed

import (
	"encoding/hex"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Codec packs and unpacks by one description of the form: a method with a pointer
// writes what is there, or reads it there, where the zero value is. It is for one
// goroutine.
type Codec struct {
	Stream ledger.StreamID // of the visit that most is about
	Visit  ledger.VisitID

	book    *Book
	b       []byte // what was written, or what is still to be read
	reading bool
	odd     bool
	shop    uint64 // a hash of the shop of the visit

	// Of what was packed or unpacked before:
	ids      *again[ledger.ID]
	digests  *again[ledger.Digest]
	micros   int64
	currency money.Currency
}

// Pack begins to write for book, behind b.
func (c *Codec) Pack(book *Book, b []byte) {
	c.begin(book, b)
}

// Unpack begins to read what was written for book.
func (c *Codec) Unpack(book *Book, b []byte) {
	c.begin(book, b)
	c.reading = true
}

func (c *Codec) begin(book *Book, b []byte) {
	ids, digests := c.ids, c.digests
	if ids == nil {
		ids, digests = new(again[ledger.ID]), new(again[ledger.Digest])
	}
	ids.clear()
	digests.clear()
	*c = Codec{book: book, b: b, ids: ids, digests: digests}
}

// Bytes returns b of Pack with what was written, which may be no use if it is odd.
func (c *Codec) Bytes() []byte { return c.b }

// Reading reports whether values are read.
func (c *Codec) Reading() bool { return c.reading }

// Odd notes that something cannot be packed.
func (c *Codec) Odd() { c.odd = true }

// IsOdd reports whether something could not be packed.
func (c *Codec) IsOdd() bool { return c.odd }

func (c *Codec) write(n uint64) {
	for n >= 0x80 {
		c.b = append(c.b, byte(n)|0x80)
		n >>= 7
	}
	c.b = append(c.b, byte(n))
}

func (c *Codec) read() uint64 {
	if n := c.b[0]; n < 0x80 {
		c.b = c.b[1:]
		return uint64(n)
	}
	n, shift, i := uint64(0), 0, 0
	for ; c.b[i] >= 0x80; i++ {
		n |= uint64(c.b[i]&0x7f) << shift
		shift += 7
	}
	n |= uint64(c.b[i]) << shift
	c.b = c.b[i+1:]
	return n
}

// Uint64 is a number.
func (c *Codec) Uint64(p *uint64) {
	if c.reading {
		*p = c.read()
		return
	}
	c.write(*p)
}

// Int is a number that is mostly small.
func (c *Codec) Int(p *int) {
	if c.reading {
		*p = int(unfold(c.read()))
		return
	}
	c.write(fold(int64(*p)))
}

// Int64 is a number that is mostly small.
func (c *Codec) Int64(p *int64) {
	if c.reading {
		*p = unfold(c.read())
		return
	}
	c.write(fold(*p))
}

func fold(n int64) uint64   { return uint64(n)<<1 ^ uint64(n>>63) } //nolint:gosec // bits
func unfold(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }    //nolint:gosec // bits

// Has keeps whether something is there, and returns it.
func (c *Codec) Has(there bool) bool {
	if c.reading {
		return c.read() != 0
	}
	n := byte(0)
	if there {
		n = 1
	}
	c.b = append(c.b, n)
	return there
}

// Bool is a truth.
func (c *Codec) Bool(p *bool) { *p = c.Has(*p) }

// Text is a text that others have too.
func Text[S ~string](c *Codec, p *S) {
	if c.reading {
		*p = S(c.book.texts.text(c.read()))
		return
	}
	c.write(c.book.texts.of(string(*p)))
}

// Own is a text that hardly another has.
func Own[S ~string](c *Codec, p *S) {
	if c.reading {
		n := c.read()
		*p = S(c.b[:n])
		c.b = c.b[n:]
		return
	}
	c.write(uint64(len(*p)))
	c.b = append(c.b, *p...)
}

// Of says whose visit it is: the first of all.
func (c *Codec) Of(p *ledger.StreamID) {
	Own(c, p)
	_, visit := p.Split()
	c.Stream, c.Visit = *p, ledger.VisitID(visit)
}

// StreamID is a stream, mostly that of this visit.
func (c *Codec) StreamID(p *ledger.StreamID) {
	if c.Has(!c.reading && *p == c.Stream) {
		*p = c.Stream
		return
	}
	Own(c, p)
}

// VisitID is a visit's id, mostly that of this one.
func VisitID[S ~string](c *Codec, p *S) {
	if c.Has(!c.reading && string(*p) == string(c.Visit)) {
		*p = S(c.Visit)
		return
	}
	Own(c, p)
}

// What stands before an id, or instead of it.
const (
	idNew  = 0 // it follows
	idNone = 1 // there is none; above, how far back it is
)

// ID is an event's id, often one that was there before.
func (c *Codec) ID(p *ledger.ID) {
	if c.reading {
		switch n := c.read(); n {
		case idNew:
			c.b = c.b[copy(p[:], c.b):]
			c.ids.all = append(c.ids.all, *p)
		case idNone:
		default:
			*p = c.ids.back(n - idNone)
		}
		return
	}
	if p.IsZero() {
		c.b = append(c.b, idNone)
		return
	}
	back := c.ids.place(p, p[len(p)-1])
	if back == 0 {
		c.b = append(append(c.b, idNew), p[:]...)
		return
	}
	c.write(uint64(back) + idNone) //nolint:gosec // not negative
}

// Time is an instant of an event: UTC, in microseconds.
func (c *Codec) Time(p *time.Time) {
	if c.reading {
		c.micros += unfold(c.read())
		*p = time.UnixMicro(c.micros).UTC()
		return
	}
	at := p.UnixMicro()
	if time.UnixMicro(at).UTC() != *p {
		c.Odd()
	}
	c.write(fold(at - c.micros))
	c.micros = at
}

// maxMinor bounds an amount: it is written with two bits more.
const maxMinor = 1 << 60

// Money is an amount, mostly of the currency before.
func (c *Codec) Money(p *money.Money) {
	if c.reading {
		n := c.read()
		p.Minor = unfold(n >> 1)
		if n&1 != 0 {
			Text(c, &c.currency)
		}
		p.Currency = c.currency
		return
	}
	if p.Minor > maxMinor || p.Minor < -maxMinor {
		c.Odd()
	}
	n := fold(p.Minor) << 1
	if p.Currency == c.currency {
		c.write(n)
		return
	}
	c.write(n | 1)
	c.currency = p.Currency
	Text(c, &c.currency)
}

const digestName = "sha256:"

// Digest is the digest of evidence, often one that was there before.
func (c *Codec) Digest(p *ledger.Digest) {
	const size = 32
	if c.reading {
		if n := c.read(); n > 0 {
			*p = c.digests.back(n)
			return
		}
		var room [len(digestName) + 2*size]byte
		hex.Encode(room[copy(room[:], digestName):], c.b[:size])
		*p, c.b = ledger.Digest(room[:]), c.b[size:]
		c.digests.all = append(c.digests.all, *p)
		return
	}
	if len(*p) != len(digestName)+2*size || (*p)[:len(digestName)] != digestName {
		c.Odd()
		return
	}
	digits := (*p)[len(digestName):]
	back := c.digests.place(p, nibbles[digits[0]]<<4|nibbles[digits[1]])
	c.write(uint64(back)) //nolint:gosec // not negative
	if back > 0 {
		return
	}
	var b [size]byte
	bad := byte(0)
	for i := range b {
		hi, lo := nibbles[digits[2*i]], nibbles[digits[2*i+1]]
		bad |= hi | lo
		b[i] = hi<<4 | lo
	}
	if bad&notHex != 0 {
		c.Odd()
	}
	c.b = append(c.b, b[:]...)
}

// notHex marks a byte in nibbles that is no hex digit in lower case.
const notHex = 0x80

// nibbles holds the value of each hex digit in lower case.
var nibbles = func() (t [256]byte) {
	const digits = "0123456789abcdef"
	for i := range t {
		t[i] = notHex
	}
	for i := range len(digits) {
		t[digits[i]] = byte(i)
	}
	return t
}()

// List is a list, each element by the given method.
func List[L ~[]T, T any](c *Codec, p *L, element func(*Codec, *T)) {
	if c.reading {
		n := c.read()
		if n == 0 {
			return
		}
		*p = make(L, n-1)
	} else {
		if *p == nil {
			c.b = append(c.b, 0)
			return
		}
		c.write(uint64(len(*p)) + 1)
	}
	for i := range *p {
		element(c, &(*p)[i])
	}
}
