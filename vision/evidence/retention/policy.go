package retention

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Policy says for how many days evidence is kept.
type Policy struct {
	Unnamed    int // after it was seen, or stored, by no visit
	Routine    int // after the visit is over
	Disputed   int // after the last dispute was decided
	Chargeback int // after the bank's last claim ended
	Margin     int // after the right to dispute has ended
}

// Default keeps routine evidence for the 120 days in which a card holder may go
// to the bank, and two weeks for the claim to arrive.
func Default() Policy {
	return Policy{Unnamed: 30, Routine: 135, Disputed: 180, Chargeback: 540, Margin: 15}
}

// fields names the numbers of a policy.
func (p *Policy) fields() []field {
	return []field{
		{"unnamed", &p.Unnamed},
		{"routine", &p.Routine},
		{"disputed", &p.Disputed},
		{"chargeback", &p.Chargeback},
		{"margin", &p.Margin},
	}
}

type field struct {
	name string
	days *int
}

// maxDays is ten years.
const maxDays = 3653

// Parse reads a policy such as "routine=90,disputed=180"; what it does not name
// is as in [Default].
func Parse(text string) (Policy, error) {
	p := Default()
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		days, err := strconv.Atoi(value)
		if err != nil || days < 1 || days > maxDays {
			return p, fmt.Errorf("retention %q: %w: want days from 1 to %d, such as routine=135", part, ledger.ErrInvalid, maxDays)
		}
		found := false
		for _, f := range p.fields() {
			if f.name == name {
				*f.days, found = days, true
			}
		}
		if !found {
			return p, fmt.Errorf("retention %q: %w: use unnamed, routine, disputed, chargeback or margin", name, ledger.ErrInvalid)
		}
	}
	return p, nil
}

// String returns the form that Parse reads.
func (p Policy) String() string {
	var parts []string
	for _, f := range p.fields() {
		parts = append(parts, f.name+"="+strconv.Itoa(*f.days))
	}
	return strings.Join(parts, ",")
}

// A Term says until when something is kept, and by which rule.
type Term struct {
	Class ledger.RetentionClass `json:"class"`
	Days  int                   `json:"days"`
	Until time.Time             `json:"until"` // zero while Kept says why
	Kept  string                `json:"kept,omitempty"`
}

// Over reports whether the time is over at now.
func (t Term) Over(now time.Time) bool { return t.Kept == "" && !now.Before(t.Until) }

// extend makes t last until a rule allows, if that is later.
func (t *Term) extend(class ledger.RetentionClass, from time.Time, days int) {
	if until := from.AddDate(0, 0, days); until.After(t.Until) {
		t.Class, t.Days, t.Until = class, days, until
	}
}

// longer returns which of two terms is later; to be kept is the latest.
func longer(a, b Term) Term {
	if a.Kept != "" || b.Kept == "" && a.Until.After(b.Until) {
		return a
	}
	return b
}
