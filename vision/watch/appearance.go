package watch

import (
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/recognise"
	"github.com/vouchledger/vouch/vision/shelf"
)

// Namer says which product a picture shows; a recogniser is one.
type Namer interface {
	Recognise(p recognise.Picture) (recognise.Answer, error)
	Label() string
}

// sayAlike is how much of the item's confidence the appearance must have
// before it is heard: what resembles nothing the model knows says nothing
// against the planogram, and a small crop in bad light resembles nothing.
const sayAlike = 0.2

// appearance weighs what the item looks like with what the planogram has in
// the slot, by Bayes' rule with the monitor's confidence as the prior. The
// first reading is the likeliest; the monitor's own stays among them.
func appearance(n Namer, ch shelf.Change, before, after *cv.Frame) ([]ledger.ItemHypothesis, error) {
	frame := before
	if ch.Action != shelf.Take {
		frame = after
	}
	whole, err := recognise.FromBGR(frame.Width(), frame.Height(), frame.BGR(), ch.Place)
	if err != nil {
		return nil, nil //nolint:nilerr // too little of it is seen: the monitor's reading stands alone
	}
	a, err := n.Recognise(whole)
	if err != nil {
		return nil, err
	}
	if !a.Known && a.Readings[0].Confidence < sayAlike {
		return nil, nil
	}
	var out []ledger.ItemHypothesis
	for _, r := range a.Given(ch.SKU, ch.Item).Readings {
		if c := PerMille(r.Confidence); c > 0 || r.SKU == ch.SKU {
			out = append(out, ledger.ItemHypothesis{SKU: ledger.SKU(r.SKU), Confidence: c})
		}
	}
	return out, nil
}
