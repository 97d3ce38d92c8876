package projections

import (
	"fmt"
	"iter"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Palm is the fold of a shopper's stream: what it says of their last consent to
// be known by a palm, and of what followed from it. The zero value is a shopper who
// never agreed to any.
type Palm struct {
	Consent ledger.ID // of the event; it names the key of the template
	Given   ledger.PalmConsented
	GivenAt time.Time

	Enrolled      ledger.PalmEnrolled // its Template is empty while nothing is made
	EnrolledAt    time.Time
	EnrolledEvent ledger.ID

	Withdrawn   ledger.PalmWithdrawn
	WithdrawnAt time.Time // zero while it stands

	Revoked      ledger.PalmRevoked
	RevokedAt    time.Time // zero while nothing was destroyed
	RevokedEvent ledger.ID

	Events uint64 // of the stream so far
}

// FoldPalm folds a shopper's whole stream.
func FoldPalm(events iter.Seq2[ledger.Event, error]) (p Palm, err error) {
	for e, err := range events {
		if err != nil {
			return p, err
		}
		if err := p.Apply(e); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Live reports whether the consent stands.
func (p *Palm) Live() bool { return !p.Consent.IsZero() && p.WithdrawnAt.IsZero() }

// Unfinished reports whether a template is still to be destroyed.
func (p *Palm) Unfinished() bool {
	return !p.WithdrawnAt.IsZero() && p.Enrolled.Template != "" && p.RevokedAt.IsZero()
}

// Apply moves p past an event of its stream. Its errors mean that the stream is
// broken.
func (p *Palm) Apply(ev ledger.Event) error {
	if ev.Revision != p.Events {
		return fmt.Errorf("palm: %s: revision %d where %d is due: %w", ev.Stream, ev.Revision, p.Events, ledger.ErrCorrupt)
	}
	p.Events++
	switch q := ev.Payload.(type) { // all others have no effect here
	case ledger.PalmConsented:
		*p = Palm{Consent: ev.ID, Given: q, GivenAt: ev.Occurred, Events: p.Events}
	case ledger.PalmEnrolled:
		p.Enrolled, p.EnrolledAt, p.EnrolledEvent = q, ev.Occurred, ev.ID
	case ledger.PalmWithdrawn:
		if q.Consent == p.Consent && p.WithdrawnAt.IsZero() {
			p.Withdrawn, p.WithdrawnAt = q, ev.Occurred
		}
	case ledger.PalmRevoked:
		p.Revoked, p.RevokedAt, p.RevokedEvent = q, ev.Occurred, ev.ID
		if p.WithdrawnAt.IsZero() { // of a log from before withdrawals were events
			p.Withdrawn = ledger.PalmWithdrawn{Shopper: q.Shopper, Consent: p.Consent, By: q.By, Reason: q.Reason}
			p.WithdrawnAt = ev.Occurred
		}
	default:
	}
	return nil
}
