package projections

import "github.com/vouchledger/vouch/ledger"

// doubted takes that the entry itself is in doubt. That is a question about the
// whole visit, unless the receipt is out: then no answer could change it.
func (c *Cart) doubted(e *ledger.Record, p ledger.GateDoubted) {
	if c.Finished() {
		return
	}
	c.Questions = append(c.Questions, Question{
		Detection: e.ID, Stream: c.streamOf(e), SeenAt: e.Occurred, Doubts: []ledger.Doubt{p.Doubt}, Gate: new(p), Opened: e.ID,
	})
	c.OpenCount++
}

// InConflict reports whether it is an open question whose visit this is. While
// it is, nothing is taken from anybody.
func (c *Cart) InConflict() bool {
	if c.OpenCount == 0 {
		return false
	}
	for i := range c.Questions {
		if q := &c.Questions[i]; q.Open() && q.Gate != nil && q.Gate.Doubt == ledger.DoubtConflict {
			return true
		}
	}
	return false
}
