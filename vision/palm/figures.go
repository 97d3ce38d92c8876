package palm

import (
	"math"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// A Rate is how often something went wrong in so many tries.
type Rate struct{ Wrong, Of int }

// Share returns the part that went wrong.
func (r Rate) Share() float64 {
	if r.Of == 0 {
		return 0
	}
	return float64(r.Wrong) / float64(r.Of)
}

// Bound returns what the true rate is below, with 95 % confidence (Clopper and
// Pearson 1934, one-sided), if the tries are independent. With none wrong it is
// about three in all tries: the rule of three.
func (r Rate) Bound() float64 {
	if r.Wrong >= r.Of {
		return 1
	}
	low, high := r.Share(), 1.0
	for range 60 {
		p := (low + high) / 2
		if r.below(p) > 0.05 {
			low = p
		} else {
			high = p
		}
	}
	return high
}

// below returns how probable it is that no more than so many go wrong at rate p.
func (r Rate) below(p float64) float64 {
	sum, logs := 0.0, 0.0
	for k := 0; k <= r.Wrong; k++ {
		sum += math.Exp(logs + float64(k)*math.Log(p) + float64(r.Of-k)*math.Log1p(-p))
		logs += math.Log(float64(r.Of-k)) - math.Log(float64(k+1))
	}
	return sum
}

// Figures say how well palms are told apart on some captures.
type Figures struct {
	People   int
	Enrolled int  // of whom the captures made a template
	Unseen   Rate // captures without a palm
	Refused  Rate // own palms that are not their template's: false rejects
	Taken    Rate // palms that are another's template's: false accepts
	Wrong    Rate // palms that are taken for another person, or for anybody who is not enrolled
	Unknown  Rate // palms of enrolled people that are nobody's: another credential is asked for
	Equal    float64
	At       float64 // the distance at which both rates are equal, nearly
}

// A Trial collects captures of people whose names are known.
type Trial struct {
	unseen           Rate
	enrolled, probes map[string][]Code
}

// Unseen counts a capture without a palm.
func (t *Trial) Unseen() { t.unseen.Of++; t.unseen.Wrong++ }

// Add takes a capture of somebody, to make the template of or to try.
func (t *Trial) Add(who string, enrol bool, c Code) {
	t.unseen.Of++
	if t.enrolled == nil {
		t.enrolled, t.probes = map[string][]Code{}, map[string][]Code{}
	}
	if enrol {
		t.enrolled[who] = append(t.enrolled[who], c)
	} else {
		t.probes[who] = append(t.probes[who], c)
	}
}

// Figures holds each capture to try against all templates.
func (t *Trial) Figures() Figures {
	f := Figures{Unseen: t.unseen}
	people := map[string]bool{}
	known := map[string][]packed{}
	for who, codes := range t.enrolled {
		people[who] = true
		if tm, err := NewTemplate(codes); err == nil {
			known[who] = packAll(tm.Codes)
		}
	}
	f.Enrolled = len(known)
	var same, others []float64
	for who, codes := range t.probes {
		people[who] = true
		for _, c := range codes {
			own := false
			p := newProbe(c)
			var best nearest
			for other, codes := range known {
				d := p.nearest(codes)
				best.see(ledger.ShopperID(other), d)
				if other == who {
					own = true
					f.Refused.count(d > Same)
					same = append(same, d)
				} else {
					f.Taken.count(d <= Same)
					others = append(others, d)
				}
			}
			got, _, err := best.known()
			f.Wrong.count(err == nil && string(got) != who)
			if own {
				f.Unknown.count(err != nil)
			}
		}
	}
	f.People = len(people)
	f.At, f.Equal = equal(same, others)
	return f
}

func (r *Rate) count(wrong bool) {
	r.Of++
	if wrong {
		r.Wrong++
	}
}

// equal returns the distance at which as many own palms are refused as others are
// taken, nearly, and the mean of both shares there.
func equal(same, other []float64) (at, rate float64) {
	if len(same) == 0 || len(other) == 0 {
		return 0, 0
	}
	gap := 2.0
	for _, d := range slices.Concat(same, other) {
		var own, others Rate
		for _, s := range same {
			own.count(s > d)
		}
		for _, o := range other {
			others.count(o <= d)
		}
		if g := math.Abs(own.Share() - others.Share()); g < gap {
			gap, at, rate = g, d, (own.Share()+others.Share())/2
		}
	}
	return at, rate
}
