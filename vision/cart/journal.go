package cart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
)

// A Line is one line of a cart's journal: an input, or how many messages the
// outbox has by then.
type Line struct {
	Input *Input `json:"input,omitempty"`
	Put   int    `json:"put,omitempty"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode returns the stored form: a CRC-32C in hex, a space, JSON, and the end
// of the line.
func (l Line) Encode() ([]byte, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(b, castagnoli), b), nil
}

// ReadJournal reads a journal and says how many of its bytes hold. What was
// being written when the cart was switched off is a last line without an end,
// and was never acknowledged; anything else that is wrong is [ErrJournal].
func ReadJournal(b []byte) (lines []Line, whole int, err error) {
	for whole < len(b) {
		end := bytes.IndexByte(b[whole:], '\n')
		if end < 0 {
			return lines, whole, nil
		}
		l, err := readLine(b[whole : whole+end])
		if err != nil {
			return lines, whole, fmt.Errorf("line %d: %w", len(lines)+1, err)
		}
		lines = append(lines, l)
		whole += end + 1
	}
	return lines, whole, nil
}

func readLine(b []byte) (l Line, err error) {
	if len(b) < 9 || b[8] != ' ' {
		return l, fmt.Errorf("%w: no checksum", ErrJournal)
	}
	sum, err := strconv.ParseUint(string(b[:8]), 16, 32)
	if err != nil || uint32(sum) != crc32.Checksum(b[9:], castagnoli) {
		return l, fmt.Errorf("%w: the checksum is another", ErrJournal)
	}
	if err := json.Unmarshal(b[9:], &l); err != nil {
		return l, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	if l.Input == nil && l.Put == 0 {
		return l, fmt.Errorf("%w: it says nothing", ErrJournal)
	}
	if l.Input != nil {
		if err := l.Input.Validate(); err != nil {
			return l, fmt.Errorf("%w: %w", ErrJournal, err)
		}
	}
	return l, nil
}
