package simulate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
)

// newID returns the next id of the shop's devices.
func (s *shop) newID() (ledger.ID, error) { return ledger.NewID(s.now, bytesOf{s.rng}) }

// arrive brings a shopper to the gate, and with those let in goes through the
// shop. A few show a code that is forged, or one that was used before.
func (s *shop) arrive(ctx context.Context) error {
	defer s.over()
	p := s.config.Profile
	entry, err := s.newID()
	if err != nil {
		return err
	}
	s.tally.Presented++
	if s.chance(2) {
		_, err := s.desk.RefuseEntry(ctx, engine.RefuseCommand{
			ID: entry, Occurred: s.now, Actor: "device:gate", Store: s.id, Gate: "gate", Reason: ledger.RefusedForged,
		})
		s.tally.Refused[ledger.RefusedForged]++
		return err
	}
	ticket, err := s.newID()
	if err != nil {
		return err
	}
	visit := ledger.VisitID(ticket.String())
	if len(s.inside) > 0 && s.chance(3) {
		visit = s.inside[s.rng.IntN(len(s.inside))] // a photograph of somebody's code
	}
	party := 1
	if s.chance(p.Group) {
		party = 2 + s.rng.IntN(p.GroupMax-1)
	}
	shopper := fmt.Sprintf("%s-shopper-%05d", s.id, s.rng.IntN(5*p.PerDay))
	answer, err := s.desk.Present(ctx, engine.PresentCommand{
		ID: entry, Occurred: s.now, Actor: "device:gate", Store: s.id, Gate: "gate", Place: ledger.PlaceGate,
		Credential: ledger.CredentialQR, Ticket: string(visit), Shopper: ledger.ShopperID(shopper),
		Customer: "cus_" + shopper, PaymentMethod: "pm_" + shopper, Party: party,
	})
	if err != nil {
		return err
	}
	if answer.Decision == engine.GateRefused {
		s.tally.Refused[answer.Reason]++
		return nil
	}
	s.plan(s.now.Add(time.Second), func(context.Context) error { return s.walkIn(visit) })
	return nil
}

// walkIn plans what somebody does inside, if the gate has opened; a hold that
// is not decided yet is waited for.
func (s *shop) walkIn(visit ledger.VisitID) error {
	answer, err := s.desk.Entry(visit)
	switch {
	case err != nil:
		return err
	case answer.Decision == engine.GatePending:
		s.plan(s.now.Add(time.Second), func(context.Context) error { return s.walkIn(visit) })
		return nil
	case answer.Decision == engine.GateRefused:
		s.tally.Refused[answer.Reason]++
		return nil
	}
	s.inside = append(s.inside, visit)
	p, at := s.config.Profile, s.now
	leaves := at.Add(s.around(p.Dwell))
	for range s.picks() {
		at = at.Add(s.around(p.Gap))
		if at.After(leaves) {
			leaves = at.Add(time.Second)
		}
		sku := s.skus[s.rng.IntN(products-1)]
		if s.chance(p.Unpriced) {
			sku = s.skus[products-1]
		}
		s.plan(at, func(ctx context.Context) error { return s.take(ctx, visit, sku, leaves) })
	}
	s.plan(leaves, func(ctx context.Context) error { return s.leave(ctx, visit) })
	return nil
}

// picks returns how many pieces somebody picks: none, or one and more with the
// profile's mean.
func (s *shop) picks() int {
	p := s.config.Profile
	if s.chance(p.Nothing) {
		return 0
	}
	n := 1
	for n < 60 && s.rng.IntN(p.Items) >= 1000 { // geometric, with mean Items / 1000
		n++
	}
	return n
}

// take is one pick, and maybe its put-back.
func (s *shop) take(ctx context.Context, visit ledger.VisitID, sku ledger.SKU, leaves time.Time) error {
	if s.chance(s.config.Profile.PutBack) {
		back := s.now.Add(s.around(4 * time.Second))
		if back.Before(leaves) {
			s.plan(back, func(ctx context.Context) error { return s.sense(ctx, visit, sku, ledger.ActionReturn) })
		}
	}
	return s.sense(ctx, visit, sku, ledger.ActionTake)
}

// sense is what the sensors make of a pick: mostly the truth and in time,
// sometimes a doubt, sometimes late or twice.
func (s *shop) sense(_ context.Context, visit ledger.VisitID, sku ledger.SKU, action ledger.Action) error {
	p := s.config.Profile
	id, err := s.newID()
	if err != nil {
		return err
	}
	c := engine.RecordCommand{ID: id, Occurred: s.now, Detection: ledger.DetectionRecorded{
		Store: s.id, Sensor: "shelf-cam", Source: ledger.SensorCamera, Slot: "slot-" + string(sku), Quantity: 1,
		Items: []ledger.ItemHypothesis{{SKU: sku, Confidence: s.sure()}}, Model: "simulated 1",
		Actions: []ledger.ActionHypothesis{{Action: action, Confidence: s.sure()}},
		Persons: []ledger.PersonHypothesis{{Visit: visit, Confidence: s.sure()}},
	}}
	doubt := true
	switch others := slices.DeleteFunc(slices.Clone(s.inside), func(v ledger.VisitID) bool { return v == visit }); {
	case len(others) > 0 && s.chance(p.Together):
		c.Detection.Persons[0].Confidence = 550
		c.Detection.Persons = append(c.Detection.Persons, ledger.PersonHypothesis{
			Visit: others[s.rng.IntN(len(others))], Confidence: 400,
		})
	case s.chance(p.Doubtful):
		if s.chance(500) {
			c.Detection.Items[0].Confidence = 600
		} else {
			c.Detection.Actions[0].Confidence = 650
		}
	default:
		doubt = false
	}
	s.deliver(c, doubt)
	return nil
}

func (s *shop) sure() ledger.PerMille { return ledger.PerMille(900 + s.rng.IntN(100)) }

// deliver brings a detection to the server, once or twice, now or later.
func (s *shop) deliver(c engine.RecordCommand, doubt bool) {
	p, at := s.config.Profile, s.now
	if s.chance(p.Late) {
		s.tally.Late++
		at = at.Add(5*time.Second + s.around(time.Minute))
		if s.rng.IntN(max(p.Late, 1)) < p.VeryLate {
			at = at.Add(10*time.Minute + s.around(10*time.Minute))
		}
	}
	s.tally.Detections++
	record := func(ctx context.Context) error {
		_, err := s.desk.Record(ctx, c)
		return err
	}
	s.plan(at, record)
	if s.chance(p.Repeated) {
		s.tally.Repeated++
		s.plan(at.Add(time.Second), record)
	}
	if doubt {
		s.tally.Doubts++
		if s.chance(900) { // the deadline answers the others
			s.plan(at.Add(30*time.Second+s.around(5*time.Minute)),
				func(ctx context.Context) error { return s.review(ctx, c) })
		}
	}
}

// review is a person who looks at the clip and mostly finds the best reading
// right.
func (s *shop) review(ctx context.Context, c engine.RecordCommand) error {
	cmd := engine.ReviewCommand{
		Occurred: s.now, Detection: c.ID, Verdict: ledger.VerdictConfirmed,
		Reviewer: "reviewer:simulated", Reason: "seen on the clip",
	}
	switch {
	case s.chance(100):
		cmd.Verdict = ledger.VerdictDismissed
	case len(c.Detection.Persons) > 1 && s.chance(150):
		cmd.Verdict, cmd.Visit = ledger.VerdictCorrected, c.Detection.Persons[1].Visit
	}
	_, err := s.desk.DecideReview(ctx, cmd)
	if errors.Is(err, engine.ErrDecided) {
		return nil // the deadline was first
	}
	if err == nil {
		s.tally.Reviewed++
	}
	return err
}

// leave is the exit, and for a few the look at the receipt that ends in a
// dispute.
func (s *shop) leave(ctx context.Context, visit ledger.VisitID) error {
	s.inside = slices.DeleteFunc(s.inside, func(v ledger.VisitID) bool { return v == visit })
	id, err := s.newID()
	if err != nil {
		return err
	}
	_, err = s.desk.Exit(ctx, engine.ExitCommand{
		ID: id, Occurred: s.now, Actor: "device:gate", Visit: visit, Gate: "gate",
	})
	if err != nil {
		return err
	}
	if s.chance(s.config.Profile.Disputes) {
		s.plan(s.now.Add(s.around(24*time.Hour)), func(ctx context.Context) error { return s.dispute(ctx, visit) })
	}
	return nil
}

// dispute claims one piece of a line: seven in ten are right.
func (s *shop) dispute(ctx context.Context, visit ledger.VisitID) error {
	var view engine.VisitView
	s.live.View(func(e *engine.Engine) { view, _ = e.Visit(visit) })
	if view.Cart == nil || view.Cart.Latest == nil {
		return nil // nothing was billed
	}
	lines := slices.DeleteFunc(slices.Clone(view.Cart.Latest.Lines),
		func(l ledger.ReceiptLine) bool { return l.Quantity == 0 })
	if len(lines) == 0 {
		return nil
	}
	id, err := s.newID()
	if err != nil {
		return err
	}
	_, err = s.desk.OpenDispute(ctx, engine.DisputeCommand{
		ID: id, Occurred: s.now, Actor: "shopper", Receipt: view.Cart.Latest.Number, Line: lines[s.rng.IntN(len(lines))].No,
		Claim: ledger.ClaimNotTaken, Quantity: 1, Message: "I did not take this.",
	})
	if err != nil {
		return err
	}
	s.tally.Disputes++
	d := engine.DisputeDecision{
		Dispute: id, Outcome: ledger.DisputeDenied, Reviewer: "reviewer:simulated", Reason: "the clip shows it",
	}
	if s.chance(700) {
		s.tally.Upheld++
		d.Outcome, d.Reason = ledger.DisputeUpheld, "the clip shows it was put back"
	}
	s.plan(s.now.Add(s.around(3*time.Hour)), func(ctx context.Context) error {
		d.Occurred = s.now
		_, err := s.desk.DecideDispute(ctx, d)
		return err
	})
	return nil
}
