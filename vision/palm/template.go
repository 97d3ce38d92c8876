package palm

import (
	"encoding/binary"
	"fmt"
)

const (
	// Method names the codes in the ledger. Another method or other numbers in
	// this package take another name: templates of two methods do not compare.
	Method = "ordinal/1"

	// Same is the distance up to which a palm is a template's. On the given drawn
	// hands no other palm came below it: docs/benchmarks.md.
	Same = 0.30

	// Clear is by how much the second nearest person must be farther.
	Clear = 0.03

	// MinCaptures is how many captures an enrolment takes at least.
	MinCaptures = 2

	// MaxCaptures is how many it takes at most.
	MaxCaptures = 8
)

// A Template is what is kept of a shopper's palm: the codes of several
// captures of one hand.
type Template struct{ Codes []Code }

// NewTemplate makes a template, or refuses captures that are too few or differ
// as two hands do.
func NewTemplate(captures []Code) (Template, error) {
	if len(captures) < MinCaptures || len(captures) > MaxCaptures {
		return Template{}, fmt.Errorf("%w: %d, want %d to %d", ErrCaptures, len(captures), MinCaptures, MaxCaptures)
	}
	for i, c := range captures {
		nearest := 1.0
		for j, d := range captures {
			if i != j {
				nearest = min(nearest, Distance(c, d))
			}
		}
		if nearest == 0 {
			return Template{}, fmt.Errorf("%w: capture %d is another one again", ErrCaptures, i+1)
		}
		if nearest > Same {
			return Template{}, fmt.Errorf("%w: capture %d is not of the same hand", ErrCaptures, i+1)
		}
	}
	return Template{captures}, nil
}

// Distance returns how far a palm is from the template's nearest capture.
func (t Template) Distance(c Code) float64 { return newProbe(c).nearest(packAll(t.Codes)) }

// CodeBytes is how long a [Code] is.
const CodeBytes = ways * grid * 4

const templateName = "vouch palm 1\n"

// Bytes returns the code as gates send it: [CodeBytes] of them.
func (c Code) Bytes() []byte {
	b := make([]byte, 0, CodeBytes)
	for _, way := range c {
		for _, row := range way {
			b = binary.BigEndian.AppendUint32(b, row)
		}
	}
	return b
}

// ParseCode reads what [Code.Bytes] gives, and nothing else.
func ParseCode(b []byte) (c Code, err error) {
	if len(b) != CodeBytes {
		return c, fmt.Errorf("%w: a palm's code has %d bytes, not %d", ErrTemplate, CodeBytes, len(b))
	}
	for k := range ways {
		for y := range grid {
			c[k][y], b = binary.BigEndian.Uint32(b), b[4:]
		}
	}
	return c, nil
}

// MarshalBinary returns the template's one stored form.
func (t Template) MarshalBinary() ([]byte, error) {
	b := append([]byte(templateName), byte(len(t.Codes))) // bounded by NewTemplate
	for _, c := range t.Codes {
		b = append(b, c.Bytes()...)
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary gives, and nothing else.
func (t *Template) UnmarshalBinary(b []byte) error {
	if len(b) <= len(templateName) || string(b[:len(templateName)]) != templateName {
		return fmt.Errorf("%w: it does not begin like one", ErrTemplate)
	}
	n := int(b[len(templateName)])
	b = b[len(templateName)+1:]
	if n < MinCaptures || n > MaxCaptures || len(b) != n*CodeBytes {
		return fmt.Errorf("%w: %d captures in %d bytes", ErrTemplate, n, len(b))
	}
	t.Codes = make([]Code, n)
	var err error
	for i := range t.Codes {
		if t.Codes[i], err = ParseCode(b[i*CodeBytes : (i+1)*CodeBytes]); err != nil {
			return err
		}
	}
	return nil
}
