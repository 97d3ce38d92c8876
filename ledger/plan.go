package ledger

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

// A plan is how bodies are read that are one form: a payload in which all that the form
// says stands already, and where in it the values go, in order. The generated reader
// makes it of the first such body that it reads; all others are a few numbers that are
// put in their places.
//
// INVARIANT: a body is read as the generated reader would read it. What the reader
// decides by a value and not by the form is in doubt, as is a zero in a field that is
// left out while it is zero, or not planned: a text of several values, lists within
// lists.
type plan struct {
	kind   Kind
	target Target
	steps  []step
	odd    bool // bodies of this form are not to be read so
	tries  int  // bodies of which none could be made
}

// A step puts a value in its place. One of the places is set.
type step struct {
	text   *string
	int    *int
	number *int64
	id     *ID
	time   *time.Time

	must bool // it is of a field that is left out while it is zero
}

// zero reports whether the value in its place is zero.
func (s *step) zero() bool {
	switch {
	case s.text != nil:
		return *s.text == ""
	case s.int != nil:
		return *s.int == 0
	case s.number != nil:
		return *s.number == 0
	case s.time != nil:
		return s.time.IsZero()
	}
	return s.id.IsZero()
}

// plans are the plans of forms.
type plans struct {
	byText map[string]*plan // by kind and form: other dictionaries have them too
	target map[Kind]Target  // of bodies without a plan
}

const (
	maxPlans = 1 << 14 // that are remembered
	maxTries = 4
)

// planned notes the step for a plan that is being made.
func (r *reader) planned(s step) {
	if p := r.gap.plan; p != nil {
		p.steps = append(p.steps, s)
	}
}

// unplanned notes that the plan that is being made, if one is, is none.
func (r *reader) unplanned() {
	if r.gap != nil && r.gap.plan != nil {
		r.gap.plan.odd = true
	}
}

// chose notes that a field was read since a turn which is left out while it is zero:
// with none of its values zero, it is not.
func (r *reader) chose(turn int) {
	if r.turn != turn && r.gap != nil && r.gap.plan != nil {
		steps := r.gap.plan.steps
		for i := max(0, len(steps)-(r.turn-turn)); i < len(steps); i++ {
			steps[i].must = true
		}
	}
}

// Lent decodes l, and accepts and refuses as [Decode] does. The payload is lent: it is
// written over by a later call, with all its lists.
func (d *Decoder) Lent(l Lent) (Target, error) {
	if p := d.planOf(l); p != nil && d.follow(p, l.body) {
		if err := valid(p.target); err != nil {
			return nil, inRecord(l.Record, fmt.Errorf("%s: %w: %w", l.Record.Kind, ErrCorrupt, err))
		}
		return p.target, nil
	}
	kind := l.Record.Kind
	t := d.plans.target[kind]
	if t == nil {
		if t = target(kind); t == nil {
			if _, err := l.Whole(); err != nil {
				return nil, err
			}
			return nil, inRecord(l.Record, fmt.Errorf("%w: %q", ErrUnknownKind, string(kind)))
		}
		if d.plans.target == nil {
			d.plans.target = make(map[Kind]Target)
		}
		d.plans.target[kind] = t
	}
	return t, d.DecodeInto(l, t)
}

// valid is t's Validate. Every other event is a detection, which Validate would copy.
func valid(t Target) error {
	if p, ok := t.(*DetectionRecorded); ok {
		return p.valid()
	}
	return t.Validate()
}

// planOf returns the plan for l's body, or nil if there is none.
func (d *Decoder) planOf(l Lent) *plan {
	b := l.body
	if b == nil {
		return nil
	}
	n, _ := gaps.Number(b.In, b.At)
	if n--; n >= uint64(b.Dict.Forms()) { //nolint:gosec // a count; 0, which is no form, becomes large
		return nil
	}
	d.gapped.open(b.Dict)
	p := d.gapped.plans[n]
	if p == nil {
		if p = d.plans.find(l.Record.Kind, b.Dict.Form(n)); p == nil {
			return nil
		}
		d.gapped.plans[n] = p
	}
	if p.odd || p.kind != l.Record.Kind || p.target == nil && !d.make(p, l) {
		return nil
	}
	return p
}

// find returns the plan of a form, which may be still to be made.
func (ps *plans) find(k Kind, f *gaps.Form) *plan {
	if f == nil {
		return nil
	}
	key := fmt.Appendf(nil, "%s %t %v %s", k, f.Last, f.Gaps, f.Text)
	p := ps.byText[string(key)]
	if p == nil {
		if ps.byText == nil || len(ps.byText) == maxPlans {
			ps.byText = make(map[string]*plan)
		}
		p = &plan{kind: k, odd: !f.Last}
		ps.byText[string(key)] = p
	}
	return p
}

// make makes p of l's body, and reports whether it could.
func (d *Decoder) make(p *plan, l Lent) bool {
	t := target(p.kind)
	if p.tries++; t == nil || p.tries > maxTries {
		p.odd = true
		return false
	}
	// What is read first gives the lists their memory, in which they then stay.
	if r := d.gaps(l); r == nil || !r.whole(t.read(r)) {
		return false
	}
	r := d.gaps(l)
	p.steps, d.gapped.plan = nil, p
	whole := r.whole(t.read(r))
	d.gapped.plan = nil
	if p.odd || !whole {
		return false
	}
	p.target = t
	return true
}

// follow reads the body b by the plan p. It reports whether b is surely canonical.
func (d *Decoder) follow(p *plan, b *gaps.Body) bool {
	r := d.reader(nil, b.Tail)
	r.gap = &d.gapped
	r.know(b)
	_, at := gaps.Number(b.In, b.At)
	for i := range p.steps {
		switch s := &p.steps[i]; {
		case s.text != nil:
			at = r.textAt(at, s.text)
		case s.int != nil:
			at = r.intAt(at, s.int)
		case s.id != nil:
			at = r.idAt(at, s.id)
		case s.number != nil:
			at = r.numberAt(at, s.number)
		default:
			at = r.timeAt(at, s.time)
		}
		if at < 0 || p.steps[i].must && p.steps[i].zero() {
			return false
		}
	}
	b.End = at
	return true
}
