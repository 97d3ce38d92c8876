package truth

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrFormat means that a line is not JSON of the expected shape. Correct the
// line named.
var ErrFormat = errors.New("line of truth does not parse")

// maxLine bounds one line; a box needs 200 bytes, an interaction 500.
const maxLine = 1 << 20

// Write writes everything but the boxes, which are many: see [WriteLines].
func (s Shop) Write(w io.Writer) error {
	if err := WriteLines(w, s.Tags); err != nil {
		return err
	}
	if err := WriteLines(w, s.Troubles); err != nil {
		return err
	}
	if err := WriteLines(w, s.Visits); err != nil {
		return err
	}
	return WriteLines(w, s.Interactions)
}

// WriteLines writes one JSON object a line.
func WriteLines[T any](w io.Writer, lines []T) error {
	enc := json.NewEncoder(w)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("truth: %w", err)
		}
	}
	return nil
}

// ReadLines reads one JSON object a line into values of one type, as for
// scales.jsonl ([Weight]) and rfid.jsonl ([Read]).
func ReadLines[T any](r io.Reader) ([]T, error) {
	var all []T
	err := each(r, func(line []byte) error {
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return err
		}
		all = append(all, v)
		return nil
	})
	return all, err
}

// ReadShop reads lines of every kind. A line without a kind is an
// interaction, as in the truth of a single shelf.
func ReadShop(r io.Reader) (Shop, error) {
	var s Shop
	err := each(r, func(line []byte) error {
		var head struct {
			Kind Kind `json:"kind"`
		}
		if err := json.Unmarshal(line, &head); err != nil {
			return err
		}
		switch head.Kind {
		case "", KindInteraction:
			return s.interaction(line)
		case KindVisit:
			return into(&s.Visits, line)
		case KindBox:
			return into(&s.Boxes, line)
		case KindTrouble:
			return into(&s.Troubles, line)
		case KindTag:
			return into(&s.Tags, line)
		default:
			return fmt.Errorf("no kind %q", head.Kind)
		}
	})
	return s, err
}

// interaction reads a line that must say what happened where and when.
func (s *Shop) interaction(line []byte) error {
	i := struct {
		Interaction
		T *float64 `json:"t"`
	}{Interaction: Interaction{Kind: KindInteraction, Quantity: 1}}
	if err := json.Unmarshal(line, &i); err != nil {
		return err
	}
	switch i.Event {
	case Take, Put, Touch, Tidy:
	default:
		return fmt.Errorf("no event %q", i.Event)
	}
	if i.T == nil || i.Slot == "" {
		return errors.New("no t or no slot")
	}
	if i.Quantity < 1 {
		return fmt.Errorf("quantity %d", i.Quantity)
	}
	i.Interaction.T = *i.T
	s.Interactions = append(s.Interactions, i.Interaction)
	return nil
}

func into[T any](list *[]T, line []byte) error {
	var v T
	if err := json.Unmarshal(line, &v); err != nil {
		return err
	}
	*list = append(*list, v)
	return nil
}

// each hands every line that is not empty to f.
func each(r io.Reader, f func(line []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := f(lines.Bytes()); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrFormat, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return nil
}
