package ledger

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vouchledger/vouch/ledger/money"
)

// A reader reads canonical bodies. Each of its methods takes the place where a
// value begins and returns the place behind it, or -1 when the text is not
// surely canonical: escapes, white space, another field, a number that could
// be written otherwise. A method that is given -1 returns -1, so that a
// generated reader is a list of steps without branches.
//
// INVARIANT: what is accepted is exactly what the writer of the same type
// makes of the value read. Whatever is in doubt is not accepted; encoding/json
// is asked instead.
type reader struct {
	b        []byte
	own      string   // id of the stream: the visit that most events name again
	currency string   // the last one read
	tail     []byte   // how an amount ends that is in it
	fields   []string // the last text of each field, or none
	seen     *seen    // the last structs, or nil
	known    []string // strings read before, by hash; a power of two of them, or none

	// Without known: those of this body. The lines of a receipt repeat much.
	few [16]string

	parts *parts // memory for what is kept together, or nil; see Decoder

	gap  *gapped // of a body with gaps, of which b is a form; or nil
	stop int     // where the next gap is in b; NoGap if there is none
	turn int     // how many gaps and forms there were
}

// lit steps over s.
func (r *reader) lit(i int, s string) int {
	if i >= 0 && len(r.b)-i >= len(s) && string(r.b[i:i+len(s)]) == s {
		return i + len(s)
	}
	return -1
}

// at returns the byte at i, or 0.
func (r *reader) at(i int) byte {
	if uint(i) < uint(len(r.b)) { //nolint:gosec // -1 becomes large
		return r.b[i]
	}
	return 0
}

// maxCount bounds what is allocated for a list before it is read.
const maxCount = 100

// count returns how often s occurs from i to the end of a list that holds no
// other: a guess, for a text may hold a bracket.
func (r *reader) count(i int, s string) int {
	if i < 0 {
		return 0
	}
	b := r.b[i:]
	if end := bytes.IndexByte(b, ']'); end >= 0 {
		b = b[:end]
	}
	return min(bytes.Count(b, []byte(s)), maxCount)
}

// str reads a string up to and with its closing quote.
func (r *reader) str(i int, p *string) int {
	if r.ends(i) {
		return r.gapText(p)
	}
	j, h := r.plain(i)
	if j < 0 || j >= r.stop {
		return r.mixedText(i, p)
	}
	*p = r.text(i, j, h)
	return j + 1
}

// field is str for the field with this number.
func (r *reader) field(n, i int, p *string) int {
	if len(r.fields) == 0 {
		return r.str(i, p)
	}
	if r.ends(i) {
		return r.gapText(p)
	}
	last := &r.fields[n]
	end := i + len(*last)
	if i >= 0 && end < len(r.b) && r.b[end] == '"' && string(r.b[i:end]) == *last {
		*p = *last
		return end + 1
	}
	if i = r.str(i, p); i >= 0 && len(*p) <= maxKnown {
		*last = *p
	}
	return i
}

// A last is a value and the text that it was read from: the same text is the
// same value again.
type last[T any] struct {
	text  []byte
	value T
	turn  int // of the reader, when it was asked last
}

// again reads the same text, or returns -1.
func (l *last[T]) again(r *reader, i int, p *T) int {
	if end := i + len(l.text); len(l.text) > 0 && i >= 0 && end <= len(r.b) && string(r.b[i:end]) == string(l.text) {
		*p = l.value
		return end
	}
	l.turn = r.turn
	return -1
}

// note remembers what was read from i to j, if it was, with no gap in it.
func (l *last[T]) note(r *reader, i, j int, p *T) {
	if j >= 0 && l.turn == r.turn {
		l.text, l.value = append(l.text[:0], r.b[i:j]...), *p
	}
}

// maxKnown is the longest string that is worth remembering: names and ids, not
// digests.
const maxKnown = 40

// text returns the text from i to j, whose hash is h, and gives a string that
// was read before rather than a copy.
func (r *reader) text(i, j int, h uint64) string {
	b := r.b[i:j]
	if string(b) == r.own {
		return r.own
	}
	if len(b) > maxKnown {
		return r.long(b)
	}
	s := &r.few[h>>32%uint64(len(r.few))]
	if len(r.known) > 0 {
		s = &r.known[h>>32&uint64(len(r.known)-1)] //nolint:gosec // it is not empty
	}
	if *s != string(b) {
		*s = string(b)
	}
	return *s
}

// textsAtOnce is how many bytes of long texts are allocated together, if they
// are.
const textsAtOnce = 8 << 10

// long returns a copy of b that no other text is worth comparing with.
func (r *reader) long(b []byte) string {
	if r.parts == nil || len(b) > textsAtOnce/16 {
		return string(b)
	}
	t := &r.parts.texts
	if t.Cap()-t.Len() < len(b) {
		*t = strings.Builder{}
		t.Grow(textsAtOnce)
	}
	start := t.Len()
	t.Write(b)
	return t.String()[start:]
}

// Eight bytes at once: ones repeats a byte, and tops are their highest bits.
const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// special returns the highest bit of each byte of w that a plain string does
// not hold: a quote, a backslash, a control character, one beyond ASCII. Only
// the lowest bit is exact; the ones above it may be false.
func special(w uint64) uint64 {
	quote, slash := w^ones*'"', w^ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w | w) & tops
}

// plain returns the place of the quote that ends the string at i, and a hash of
// the string, or -1 unless the string is written as itself.
func (r *reader) plain(i int) (end int, hash uint64) {
	if i < 0 {
		return -1, 0
	}
	b, j, h := r.b, i, uint64(0)
	for ; j+8 <= len(b); j += 8 {
		w := binary.LittleEndian.Uint64(b[j:])
		m := special(w)
		if m == 0 {
			h = mix(h ^ w)
			continue
		}
		n := bits.TrailingZeros64(m) &^ 7
		j += n / 8
		if b[j] != '"' {
			return r.beyond(i, j)
		}
		return j, mix(h ^ w&(1<<n-1))
	}
	w := uint64(0)
	for n := 0; j < len(b); j, n = j+1, n+8 {
		switch c := b[j]; {
		case c == '"':
			return j, mix(h ^ w)
		case c == '\\' || c < ' ':
			return -1, 0
		case c >= utf8.RuneSelf:
			return r.beyond(i, j)
		default:
			w |= uint64(c) << n
		}
	}
	return -1, 0
}

func mix(h uint64) uint64 { return h * 0x9e3779b97f4a7c15 }

// beyond is plain for a string that holds, at j first, something else than
// ASCII. The two separators of lines are escaped by encoding/json.
func (r *reader) beyond(i, j int) (end int, hash uint64) {
	n := bytes.IndexByte(r.b[j:], '"')
	if n < 0 {
		return -1, 0
	}
	s := r.b[i : j+n]
	h := uint64(len(s))
	for len(s) > 0 {
		c, size := utf8.DecodeRune(s)
		if c < ' ' || c == '\\' || c == '\u2028' || c == '\u2029' || c == utf8.RuneError && size == 1 {
			return -1, 0
		}
		h, s = mix(h^uint64(c)), s[size:]
	}
	return j + n, h
}

// maxDigits is how long a number may be that surely fits an int64.
const maxDigits = 18

// int64 reads a whole number.
func (r *reader) int64(i int, p *int64) int {
	if r.ends(i) {
		return r.gapNumber(p)
	}
	start, negative := i, r.at(i) == '-'
	if negative {
		i++
		start++
	}
	n := int64(0)
	for c := r.at(i) - '0'; c <= 9; c = r.at(i) - '0' {
		n = n*10 + int64(c)
		i++
	}
	digits := i - start
	if i < 0 || digits == 0 || digits > maxDigits || r.b[start] == '0' && (digits > 1 || negative) {
		return -1
	}
	if r.ends(i) { // the number may go on in the gap
		return -1
	}
	if negative {
		n = -n
	}
	*p = n
	return i
}

func (r *reader) int(i int, p *int) int {
	if r.ends(i) {
		return r.gapInt(p)
	}
	var n int64
	i = r.int64(i, &n)
	if *p = int(n); int64(*p) != n { // where an int has 32 bits
		return -1
	}
	return i
}

func (r *reader) uint64(i int, p *uint64) int {
	if r.ends(i) {
		r.unplanned()
	}
	var n int64
	if i = r.int64(i, &n); n < 0 {
		return -1
	}
	*p = uint64(n)
	return i
}

func (r *reader) bool(i int, p *bool) int {
	if *p = r.at(i) == 't'; *p {
		return r.lit(i, "true")
	}
	return r.lit(i, "false")
}

// money reads an amount with its currency.
func (r *reader) money(i int, p *money.Money) int {
	i = r.lit(i, `{"amount_minor":`)
	i = r.int64(i, &p.Minor)
	if end := i + len(r.tail); i >= 0 && len(r.tail) > 0 && end <= len(r.b) && string(r.b[i:end]) == string(r.tail) {
		p.Currency = money.Currency(r.currency) // nearly always
		return end
	}
	start, turn := i, r.turn
	i = r.str(r.lit(i, `,"currency":"`), (*string)(&p.Currency))
	if i = r.lit(i, "}"); i >= 0 && turn == r.turn {
		r.currency = string(p.Currency)
		if r.known == nil { // only this body is read
			r.tail = r.b[start:i]
		} else {
			r.tail = append(r.tail[:0], r.b[start:i]...)
		}
	}
	return i
}

// notHex marks a byte in nibbles that is no hex digit in lower case.
const notHex = 0x80

// nibbles holds the value of each hex digit in lower case.
var nibbles = func() (t [256]byte) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9':
			t[c] = byte(c - '0')
		case c >= 'a' && c <= 'f':
			t[c] = byte(c - 'a' + 10)
		default:
			t[c] = notHex
		}
	}
	return t
}()

// idBytes are the places of an id's bytes in its 36 characters.
var idBytes = [16]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// id reads a UUID, or the empty string for none.
func (r *reader) id(i int, p *ID) int {
	if r.ends(i) {
		return r.gapID(p)
	}
	if r.at(i) == '"' {
		*p = ID{}
		return i + 1
	}
	if i < 0 || len(r.b)-i < 37 {
		return -1
	}
	s := (*[37]byte)(r.b[i:])
	bad := (s[8] ^ '-') | (s[13] ^ '-') | (s[18] ^ '-') | (s[23] ^ '-') | (s[36] ^ '"')
	hex := byte(0)
	for n, at := range idBytes {
		hi, lo := nibbles[s[at]], nibbles[s[at+1]]
		hex |= hi | lo
		p[n] = hi<<4 | lo
	}
	if bad != 0 || hex&notHex != 0 || p.IsZero() { // no id is written as nothing
		return -1
	}
	return i + 37
}

// Times are "2006-01-02T15:04:05Z", with up to nine decimals of a second.
const (
	timeLayout = "0000-00-00T00:00:00"
	timeBytes  = len(timeLayout)
)

// time reads an instant in UTC.
func (r *reader) time(i int, p *time.Time) int {
	if r.ends(i) {
		return r.gapTime(p)
	}
	if i < 0 || len(r.b)-i < timeBytes+2 {
		return -1
	}
	s := (*[timeBytes]byte)(r.b[i:])
	for n, c := range s {
		if want := timeLayout[n]; want != '0' && c != want || want == '0' && c-'0' > 9 {
			return -1
		}
	}
	two := func(n int) int { return int(s[n]-'0')*10 + int(s[n+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	i += timeBytes
	nanos := 0
	if r.at(i) == '.' {
		if i, nanos = r.fraction(i + 1); i < 0 {
			return -1
		}
	}
	if r.at(i) != 'Z' || r.at(i+1) != '"' || hour > 23 || minute > 59 || second > 59 {
		return -1
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if t.Day() != day || int(t.Month()) != month { // there is no such day
		return -1
	}
	*p = t
	return i + 2
}

// fraction reads up to nine decimals, the last of which is not 0.
func (r *reader) fraction(i int) (end, nanos int) {
	start := i
	for c := r.at(i) - '0'; c <= 9 && i-start < 9; c = r.at(i) - '0' {
		nanos = nanos*10 + int(c)
		i++
	}
	if i == start || r.b[i-1] == '0' {
		return -1, 0
	}
	for n := i - start; n < 9; n++ {
		nanos *= 10
	}
	return i, nanos
}

// more returns s with one more element, which is to be written over as a
// whole: it may hold what was there before.
func more[T any](s List[T]) List[T] {
	if len(s) < cap(s) {
		return s[:len(s)+1]
	}
	var zero T
	return append(s, zero)
}

// A slab is memory for many short lists that are kept together.
type slab[T any] struct{ free []T }

// slabSize is how many elements a slab allocates at once, and shortList the
// longest list that comes from it.
const (
	slabSize  = 128
	shortList = 16
)

// take returns an empty list with room for n elements.
func (s *slab[T]) take(n int) List[T] {
	if n > shortList {
		return make(List[T], 0, n)
	}
	if len(s.free) < n {
		s.free = make([]T, slabSize)
	}
	l := s.free[0:0:n]
	s.free = s.free[n:]
	return l
}

// begin returns an empty list with room for a short list or more, for the time in which
// it is read; see end.
func (s *slab[T]) begin() List[T] {
	if len(s.free) < shortList {
		s.free = make([]T, slabSize)
	}
	return s.free[:0]
}

// end returns the list that began here, in as much memory as it takes.
func (s *slab[T]) end(l List[T]) List[T] {
	n := len(l)
	if n == 0 {
		return nil
	}
	if len(s.free) >= n && &s.free[0] == &l[0] { // else it has grown out
		s.free = s.free[n:]
	}
	return l[:n:n]
}
