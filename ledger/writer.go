package ledger

import (
	"strconv"
	"time"

	"github.com/vouchledger/vouch/ledger/money"
)

// A writer writes canonical bodies: what [MarshalCanonical] gives, byte for
// byte. Each of its methods appends to b, as append does. What it cannot write
// surely (a string with escapes, a time that is not in UTC) makes it odd, and
// encoding/json writes the whole instead.
type writer struct{ odd bool }

// str writes a string and its closing quote.
func (w *writer) str(b []byte, s string) []byte {
	start := len(b)
	b = append(append(b, s...), '"')
	r := reader{b: b} // one rule for what is written as itself
	if end, _ := r.plain(start); end != len(b)-1 {
		w.odd = true
	}
	return b
}

func (w *writer) int(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

func (w *writer) int64(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

func (w *writer) uint64(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }

func (w *writer) bool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

func (w *writer) money(b []byte, m *money.Money) []byte {
	b = w.int64(append(b, `{"amount_minor":`...), m.Minor)
	b = w.str(append(b, `,"currency":"`...), string(m.Currency))
	return append(b, '}')
}

// id writes a UUID, or nothing for none, and the closing quote.
func (w *writer) id(b []byte, id *ID) []byte {
	const digits = "0123456789abcdef"
	if id.IsZero() {
		return append(b, '"')
	}
	s := [37]byte{8: '-', 13: '-', 18: '-', 23: '-', 36: '"'}
	for n, at := range idBytes {
		s[at], s[at+1] = digits[id[n]>>4], digits[id[n]&15]
	}
	return append(b, s[:]...)
}

// time writes an instant and the closing quote.
func (w *writer) time(b []byte, t time.Time) []byte {
	if year := t.Year(); t.Location() != time.UTC || year < 0 || year > 9999 {
		w.odd = true
	}
	return append(t.AppendFormat(b, time.RFC3339Nano), '"')
}
