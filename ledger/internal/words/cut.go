package words

import "bytes"

// A cutter cuts bodies into runs of pieces and values. Its memory is used again.
type cutter struct {
	b      []byte
	pieces []piece // of the run; between two of them is a value

	entry  []byte
	values [][]byte
}

// A piece is a stretch of a body.
type piece struct{ from, to int }

const (
	// maxGaps bounds a form, and maxDepth how deep a body may be nested to be cut.
	maxGaps  = 200
	maxDepth = 64
)

// cut calls run for each run of the body b in order, and says whether the body ends
// with it. It ends with false where b cannot be cut, and where run returns false.
//
// A run ends behind each comma between the elements of a list, so that lists of
// any length are made of the same few forms.
func (c *cutter) cut(b []byte, run func(last bool) bool) bool {
	c.b, c.pieces = b, c.pieces[:0]
	lists, depth, from := uint64(0), 0, 0
	for i := 0; i < len(b); {
		switch ch := b[i]; {
		case ch == '"':
			end := stringEnd(b, i+1)
			if end < 0 {
				return false
			}
			if end+1 == len(b) || b[end+1] != ':' { // no key
				from = c.text(from, i+1, end)
			}
			i = end + 1
		case ch == '-' || ch-'0' <= 9:
			end := numberEnd(b, i)
			c.pieces = append(c.pieces, piece{from, i})
			from, i = end, end
		case ch == '[' || ch == '{':
			if depth++; depth == maxDepth {
				return false
			}
			if lists <<= 1; ch == '[' {
				lists |= 1
			}
			i++
		case ch == ']' || ch == '}':
			if depth--; depth < 0 {
				return false
			}
			lists >>= 1
			i++
		default:
			i++
			if ch == ',' && lists&1 == 1 {
				if c.pieces = append(c.pieces, piece{from, i}); !run(false) {
					return false
				}
				c.pieces, from = c.pieces[:0], i
			}
		}
		if len(c.pieces) > maxGaps {
			return false
		}
	}
	c.pieces = append(c.pieces, piece{from, len(b)})
	return run(true)
}

// text takes the string from i to end, and returns where the next piece starts.
// A UUID within it is a value of its own.
func (c *cutter) text(from, i, end int) int {
	if at := findID(c.b[i:end]); at >= 0 && end-i > idText {
		if at > 0 {
			c.pieces = append(c.pieces, piece{from, i})
			from, i = i+at, i+at
		}
		c.pieces = append(c.pieces, piece{from, i})
		if from, i = i+idText, i+idText; from == end {
			return end
		}
	}
	c.pieces = append(c.pieces, piece{from, i})
	return end
}

// form returns the form of the run, as an entry of the table, and the values in its
// gaps. What is common becomes part of the form, and is no value.
func (c *cutter) form(last bool, common map[string]struct{}) (entry []byte, values [][]byte) {
	entry, values = append(c.entry[:0], 0), c.values[:0]
	if last {
		entry[0] = 1
	}
	n := 0 // pieces, put together where what is between them is common
	for _, p := range c.pieces[1:] {
		v := c.b[c.pieces[n].to:p.from]
		if _, ok := common[string(v)]; ok {
			c.pieces[n].to = p.to
			continue
		}
		values = append(values, v)
		n++
		c.pieces[n] = p
	}
	entry = appendNumber(entry, uint64(n)) //nolint:gosec // not negative
	for _, p := range c.pieces[:n+1] {
		entry = appendNumber(entry, uint64(p.to-p.from)) //nolint:gosec // not negative
		entry = append(entry, c.b[p.from:p.to]...)
	}
	c.pieces, c.entry, c.values = c.pieces[:n+1], entry, values
	return entry, values
}

// end returns where the run ends.
func (c *cutter) end() int { return c.pieces[len(c.pieces)-1].to }

// forget lets go of the body that was cut last: a packer outlives the segment.
func (c *cutter) forget() {
	c.b = nil
	clear(c.values[:cap(c.values)])
}

// stringEnd returns where the string ends whose text starts at i.
func stringEnd(b []byte, i int) int {
	for {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		escapes := 0
		for i+n-1-escapes >= i && b[i+n-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + n
		}
		i += n + 1 // the quote belongs to the text, and so does the escape before it
	}
}

func numberEnd(b []byte, i int) int {
	for i < len(b) {
		switch c := b[i]; {
		case c-'0' <= 9, c == '-', c == '+', c == '.', c == 'e', c == 'E':
			i++
		default:
			return i
		}
	}
	return i
}

// findID returns where the first UUID in b is, or -1.
func findID(b []byte) int {
	for at := 0; at+idText <= len(b); at++ {
		dash := bytes.IndexByte(b[at+8:], '-')
		if dash < 0 {
			return -1
		}
		if at += dash; at+idText <= len(b) && isID(b[at:at+idText]) {
			return at
		}
	}
	return -1
}

// isID reports whether b is the 36 characters of a UUID.
func isID(b []byte) bool {
	if len(b) != idText || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return false
	}
	return isHex(b[:8]) && isHex(b[9:13]) && isHex(b[14:18]) && isHex(b[19:23]) && isHex(b[24:])
}

func isDigest(b []byte) bool {
	return len(b) == digestText && string(b[:len(digestName)]) == digestName && isHex(b[len(digestName):])
}

func isHex(b []byte) bool {
	for _, c := range b {
		if c-'0' > 9 && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// integer returns the number that b is the one way to write of, if it is.
func integer(b []byte) (n int64, ok bool) {
	const most = 17 // digits: with sign and sort it still is a number of 64 bits
	digits := b
	if len(b) > 0 && b[0] == '-' {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > most || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	for _, c := range digits {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(b) {
		n = -n
	}
	return n, true
}

func appendNumber(b []byte, n uint64) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}
