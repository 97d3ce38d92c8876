package chargeback

import (
	"time"

	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
)

// A Step is what must be done about a claim.
type Step string

// What must be done about a claim.
const (
	Wait   Step = ""       // nothing now
	Build  Step = "build"  // make the pack, keep it, write it down
	Stage  Step = "stage"  // upload the pack and put it on the claim, not submitted
	Intend Step = "intend" // write down that evidence shall be submitted
	Submit Step = "submit" // submit what was intended
	Accept Step = "accept" // give the claim up
)

const (
	// Ahead is how long before its deadline a claim that nobody answered is
	// contested: early enough that it is over a day before the deadline.
	Ahead = 48 * time.Hour

	// LastCall is how long before the deadline the text alone is submitted,
	// when the pack could not be uploaded until then.
	LastCall = 6 * time.Hour
)

// Next returns the step that is due at now, and the next instant at which it
// may be another one without a new event; zero if there is none. Claim is the
// claim as the provider has it, fetched just before; shown is the position of
// the last event that a pack made now would show.
func (c *Case) Next(now time.Time, claim provider.Chargeback, shown uint64) (Step, time.Time) {
	switch {
	case !c.Open() || claim.Outcome != "":
		return Wait, time.Time{}
	case claim.Submissions > 0 || !claim.NeedsAnswer || c.Sent:
		return Wait, time.Time{} // the bank decides
	case !c.DueBy.IsZero() && !now.Before(c.DueBy):
		return Wait, time.Time{} // too late: it is lost, and we will be told
	case c.Answer != nil && c.Answer.Reply == ledger.ReplyAccept:
		return Accept, time.Time{}
	case c.Intended != nil:
		return Submit, time.Time{}
	case c.Pack == nil, c.Pack.Position < shown:
		return Build, time.Time{}
	}
	staged := claim.Pack == string(c.Pack.Digest) && claim.File != ""
	contest, last := c.ContestAt(), c.DueBy.Add(-LastCall)
	switch {
	case !staged && !c.DueBy.IsZero() && !now.Before(last):
		return Intend, time.Time{} // text alone, rather than nothing
	case !staged:
		return Stage, last
	case now.Before(contest):
		return Wait, contest
	}
	return Intend, time.Time{}
}

// ContestAt returns when the claim is contested: when a person said so, else
// before its deadline.
func (c *Case) ContestAt() time.Time {
	if c.Answer != nil {
		return c.Answered
	}
	return c.DueBy.Add(-Ahead)
}

// Intention returns the event that a submission is intended, of the pack if it
// is staged, else of the text alone.
func (c *Case) Intention(claim provider.Chargeback) ledger.SubmissionIntended {
	p := ledger.SubmissionIntended{Visit: c.Visit, Chargeback: c.Chargeback, Key: c.SubmitKey()}
	if c.Pack != nil && claim.Pack == string(c.Pack.Digest) && claim.File != "" {
		p.Digest = c.Pack.Digest
	}
	return p
}
