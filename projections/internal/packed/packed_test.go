package packed_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/internal/packed"
)

// A shelf is something of all that is packed.
type shelf struct {
	Texts   []string
	IDs     []ledger.ID
	Digests []ledger.Digest
	Times   []time.Time
	Amounts []money.Money
	Numbers []int
	Counts  []uint64
}

func (s *shelf) pack(c *packed.Codec) {
	packed.List(c, &s.Texts, packed.Text)
	packed.List(c, &s.IDs, (*packed.Codec).ID)
	packed.List(c, &s.Digests, (*packed.Codec).Digest)
	packed.List(c, &s.Times, (*packed.Codec).Time)
	packed.List(c, &s.Amounts, (*packed.Codec).Money)
	packed.List(c, &s.Numbers, (*packed.Codec).Int)
	packed.List(c, &s.Counts, (*packed.Codec).Uint64)
}

// anyShelf draws values, many of them again and again, and lists that are not there.
func anyShelf(t *rapid.T) shelf {
	id := rapid.Custom(func(t *rapid.T) ledger.ID {
		return ledger.ID{14: rapid.Byte().Draw(t, "a"), 15: rapid.Byte().Draw(t, "b") % 3}
	})
	return shelf{
		Texts: rapid.SliceOfN(rapid.StringN(0, 12, -1), 0, 40).Draw(t, "texts"),
		IDs:   rapid.SliceOfN(id, 0, 600).Draw(t, "ids"),
		Digests: rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 20), func(n int) ledger.Digest {
			return ledger.DigestOf(fmt.Append(nil, n))
		}), 0, 40).Draw(t, "digests"),
		Times: rapid.SliceOf(rapid.Map(rapid.Int64Range(-1e17, 1e17), func(n int64) time.Time {
			return time.UnixMicro(n).UTC()
		})).Draw(t, "times"),
		Amounts: rapid.SliceOf(rapid.Custom(func(t *rapid.T) money.Money {
			return money.Money{
				Minor:    rapid.Int64Range(-money.MaxMinor, money.MaxMinor).Draw(t, "minor"),
				Currency: rapid.SampledFrom([]money.Currency{"", "USD", "EUR"}).Draw(t, "currency"),
			}
		})).Draw(t, "amounts"),
		Numbers: rapid.SliceOf(rapid.Int()).Draw(t, "numbers"),
		Counts:  rapid.OneOf(rapid.SliceOf(rapid.Uint64()), rapid.Just[[]uint64](nil)).Draw(t, "counts"),
	}
}

// TestWhatIsPacked checks that values come back as they were, in whatever order books
// met them.
func TestWhatIsPacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var book packed.Book
		var c packed.Codec
		shelves := rapid.SliceOfN(rapid.Custom(anyShelf), 1, 4).Draw(t, "shelves")
		var all [][]byte
		for i := range shelves {
			c.Pack(&book, nil)
			if shelves[i].pack(&c); c.IsOdd() {
				t.Fatal("what can be packed is odd")
			}
			all = append(all, c.Bytes())
		}
		for i, b := range all {
			var got shelf
			c.Unpack(&book, b)
			if got.pack(&c); len(c.Bytes()) > 0 {
				t.Fatalf("%d bytes are left over", len(c.Bytes()))
			}
			if diff := cmp.Diff(shelves[i], got); diff != "" {
				t.Fatalf("shelf %d (-packed +unpacked):\n%s", i, diff)
			}
		}
	})
}

// TestOdd checks that what would not come back as it was is odd.
func TestOdd(t *testing.T) {
	good := shelf{Digests: []ledger.Digest{ledger.DigestOf(nil)}, Times: []time.Time{{}}, Amounts: []money.Money{{Minor: 1}}}
	for name, test := range map[string]struct {
		spoil func(*shelf)
		odd   bool
	}{
		"as it was":                  {func(*shelf) {}, false},
		"a short digest":             {func(s *shelf) { s.Digests[0] = s.Digests[0][:70] }, true},
		"a digest in capitals":       {func(s *shelf) { s.Digests[0] = s.Digests[0][:70] + "A" }, true},
		"another kind of digest":     {func(s *shelf) { s.Digests[0] = "md5" + s.Digests[0][3:] }, true},
		"nanoseconds":                {func(s *shelf) { s.Times[0] = s.Times[0].Add(1) }, true},
		"another time zone":          {func(s *shelf) { s.Times[0] = s.Times[0].In(time.FixedZone("there", 3600)) }, true},
		"more money than there is":   {func(s *shelf) { s.Amounts[0].Minor = 1 << 61 }, true},
		"more debts than there are":  {func(s *shelf) { s.Amounts[0].Minor = -1 << 61 }, true},
		"less money than there is":   {func(s *shelf) { s.Amounts[0].Minor = money.MaxMinor }, false},
		"a text that nobody has":     {func(s *shelf) { s.Texts = []string{"nobody's"} }, false},
		"a list that is there empty": {func(s *shelf) { s.Texts = []string{} }, false},
	} {
		s := good
		s.Digests, s.Times, s.Amounts = append([]ledger.Digest{}, s.Digests...), append([]time.Time{}, s.Times...), append([]money.Money{}, s.Amounts...)
		test.spoil(&s)
		var book packed.Book
		var c packed.Codec
		c.Pack(&book, nil)
		if s.pack(&c); c.IsOdd() != test.odd {
			t.Errorf("%s: odd is %t, want %t", name, c.IsOdd(), test.odd)
		}
	}
}
