package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// gateSlack is added to a policy's gate time when a caller waits, so that the
// refusal at that very moment still reaches the gate.
const gateSlack = 500 * time.Millisecond

// Present begins a visit, or refuses to, and waits for the hold to be decided
// for as long as the shop's policy lets a gate wait. The ticket is the
// visit's id: it begins one visit in its life, whatever crashes. While the
// engine has no [Runner] the answer is [GatePending] at once.
func (d *Desk) Present(ctx context.Context, c PresentCommand) (GateAnswer, error) {
	if err := ledger.VisitStream(ledger.VisitID(c.Ticket)).Validate(); err != nil {
		return GateAnswer{}, fmt.Errorf("ticket: %w", err)
	}
	c.Party = max(c.Party, 1)
	answer, err := d.present(ctx, c)
	if err != nil || answer.Decision != GatePending {
		return answer, err
	}
	return d.await(ctx, answer.Visit)
}

func (d *Desk) present(ctx context.Context, c PresentCommand) (GateAnswer, error) {
	lock := d.lockShopper(c.Shopper)
	lock.Lock()
	defer lock.Unlock()
	m, err := d.fill(ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Actor, Trace: c.Trace})
	if err != nil {
		return GateAnswer{}, err
	}
	c.ID = m.ID
	// A retry of a refused entry is refused as it was, even if the shopper
	// could come in by now.
	r, err := d.live.log.Find(ctx, refusalID(c.ID))
	if err == nil {
		return refusalOf(r)
	} else if !errors.Is(err, ledger.ErrNotFound) {
		return GateAnswer{}, err
	}
	if c.Offline {
		return d.late(ctx, m, c)
	}
	var refusal *RefuseCommand
	rec, err := d.commit(ctx, m, func(e *Engine) (proposal, error) {
		p, reason, err := e.present(c)
		if reason != "" {
			refusal = &RefuseCommand{
				ID: refusalID(c.ID), Occurred: m.Occurred, Actor: c.Actor, Trace: c.Trace, Store: c.Store, Gate: c.Gate,
				Ticket: c.Ticket, Reason: reason, Offset: c.Offset,
			}
			return p, errRefused
		}
		return p, err
	})
	switch {
	case errors.Is(err, errRefused):
		return d.RefuseEntry(ctx, *refusal)
	case err != nil:
		return GateAnswer{}, err
	case rec.Stream != ledger.VisitStream(ledger.VisitID(c.Ticket)):
		return GateAnswer{}, fmt.Errorf("entry %s: %w", c.ID, ledger.ErrIDReused)
	}
	return GateAnswer{Visit: ledger.VisitID(c.Ticket), Decision: GatePending}, nil
}

// errRefused leaves a command whose refusal is an event of its own.
var errRefused = errors.New("refused at the gate")

// refusalID names the refusal of an entry after the entry.
func refusalID(entry ledger.ID) ledger.ID { return ledger.DeriveID(entry, "refused") }

func refusalOf(r ledger.Record) (GateAnswer, error) {
	ev, err := ledger.Decode(r)
	if err != nil {
		return GateAnswer{}, err
	}
	p, ok := ev.Payload.(ledger.GateRefused)
	if !ok {
		return GateAnswer{}, fmt.Errorf("entry: %w: event %s is a %s", ledger.ErrIDReused, r.ID, r.Kind)
	}
	return GateAnswer{Visit: p.Visit, Decision: GateRefused, Reason: p.Reason, Detail: p.Detail}, nil
}

// present decides whether a visit may begin.
func (e *Engine) present(c PresentCommand) (proposal, ledger.RefusalReason, error) {
	s := e.stores[c.Store]
	if s == nil || s.opened == nil {
		return proposal{}, "", fmt.Errorf("present at %s: %w", c.Store, ErrUnknownStore)
	}
	if s.policy == nil {
		return proposal{}, "", fmt.Errorf("present at %s: %w", c.Store, ErrNoPolicy)
	}
	visit := ledger.VisitID(c.Ticket)
	if c.Credential == ledger.CredentialNone {
		if !s.policy.Unknown {
			return proposal{}, "", fmt.Errorf("present at %s: %w", c.Store, ErrPayerNeeded)
		}
		c.Shopper = ledger.ShopperID("unknown-" + c.Ticket) // until somebody knows better
	}
	p := ledger.GatePresented{
		Visit: visit, Store: c.Store, Gate: c.Gate, Place: c.Place, Credential: c.Credential, Ticket: c.Ticket,
		Shopper: c.Shopper, Customer: c.Customer, PaymentMethod: c.PaymentMethod, Party: c.Party,
		Seller: s.opened.Seller, Catalogue: s.opened.Catalogue, Policy: *s.policy, Member: c.Member, Offline: c.Offline,
		ClockOffset: c.Offset,
	}
	if v := e.visits[visit]; v != nil && v.cart.Events > 0 {
		if v.presented == c.ID { // a retry: the log knows it again
			p.Seller, p.Catalogue, p.Policy = v.cart.Presented.Seller, v.cart.Presented.Catalogue, v.cart.Presented.Policy
			p.Member = v.cart.Presented.Member
			return proposal{ledger.VisitStream(visit), ledger.None(), p}, "", nil
		}
		return proposal{}, ledger.RefusedReplayed, nil
	}
	if c.Credential == ledger.CredentialPalm && !e.palmStands(c.Shopper, *s.policy) {
		return proposal{}, ledger.RefusedStranger, nil // palms are off here, or this one is not agreed to
	}
	if s.policy.Rotating && c.Credential == ledger.CredentialQR && !c.Rotating && !c.Offline {
		return proposal{}, ledger.RefusedCopied, nil
	}
	for _, v := range e.shoppers[c.Shopper] {
		if v.cart.Presented.Store == c.Store && v.open() {
			return proposal{}, ledger.RefusedInside, nil
		}
	}
	if e.indebted(c.Shopper, s.policy.DebtLimit) {
		return proposal{}, ledger.RefusedDebt, nil
	}
	return proposal{ledger.VisitStream(visit), ledger.None(), p}, "", nil
}

// await returns the gate's answer as soon as it is known.
func (d *Desk) await(ctx context.Context, visit ledger.VisitID) (GateAnswer, error) {
	var limit time.Duration
	d.live.View(func(e *Engine) {
		if v := e.visits[visit]; v != nil {
			limit = seconds(v.cart.Presented.Policy.GateSeconds) + gateSlack
		}
	})
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		moved := d.live.moved(visit) // before looking, so that no change is missed
		answer, err := d.Entry(visit)
		if err != nil || answer.Decision != GatePending || !d.live.attended() {
			return answer, err
		}
		select {
		case <-moved:
		case <-timer.C:
			return answer, nil
		case <-ctx.Done():
			return answer, ctx.Err()
		}
	}
}

// Entry returns what the gate is told about a visit, as far as it is known.
func (d *Desk) Entry(visit ledger.VisitID) (GateAnswer, error) {
	answer := GateAnswer{Visit: visit, Decision: GatePending}
	err := fmt.Errorf("entry of %s: %w", visit, ErrUnknownVisit)
	d.live.View(func(e *Engine) {
		v := e.visits[visit]
		if v == nil || v.cart.Status == projections.StatusNone {
			return
		}
		err = nil
		switch {
		case v.cart.Status == projections.StatusRefused:
			answer.Decision, answer.Reason, answer.Detail = GateRefused, v.cart.Refusal, v.payment.HoldCode
		case v.billable():
			answer.Decision, answer.Staff = GateEntered, v.cart.Presented.Credential == ledger.CredentialStaff
		}
	})
	return answer, err
}

// Inside returns the visit that a shopper has open in a shop, empty if none.
func (d *Desk) Inside(ctx context.Context, s ledger.ShopperID, store ledger.StoreID) (visit ledger.VisitID, err error) {
	if err := d.live.Sync(ctx); err != nil {
		return "", err
	}
	d.live.View(func(e *Engine) {
		for _, v := range e.shoppers[s] {
			if v.cart.Presented.Store == store && v.open() {
				visit = v.id
			}
		}
	})
	return visit, nil
}

// RefuseEntry records that a gate stayed shut before a visit could begin.
func (d *Desk) RefuseEntry(ctx context.Context, c RefuseCommand) (GateAnswer, error) {
	m := ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Actor, Trace: c.Trace}
	rec, err := d.commit(ctx, m, func(e *Engine) (proposal, error) {
		if s := e.stores[c.Store]; s == nil || s.opened == nil {
			return proposal{}, fmt.Errorf("refuse at %s: %w", c.Store, ErrUnknownStore)
		}
		return proposal{ledger.StoreStream(c.Store), ledger.Any(), ledger.GateRefused{
			Store: c.Store, Gate: c.Gate, Ticket: c.Ticket, Reason: c.Reason, Detail: c.Detail, ClockOffset: c.Offset,
		}}, nil
	})
	if err != nil {
		return GateAnswer{}, err
	}
	return refusalOf(rec.Record)
}

// Exit records that the last person of a visit left. A second exit of the
// same visit gives the first one's result.
func (d *Desk) Exit(ctx context.Context, c ExitCommand) (Recorded, error) {
	m := ledger.Meta{ID: c.ID, Occurred: c.Occurred, Actor: c.Actor, Trace: c.Trace}
	rec, err := d.commit(ctx, m, func(e *Engine) (proposal, error) {
		v := e.visits[c.Visit]
		if v != nil && !v.cart.ExitedAt.IsZero() {
			if w := e.twin(v); w != nil { // the same code leaves a second time
				v = w
			}
		}
		switch {
		case v == nil || v.cart.Status == projections.StatusNone:
			return proposal{}, fmt.Errorf("exit of %s: %w", c.Visit, ErrUnknownVisit)
		case !v.cart.ExitedAt.IsZero():
			return proposal{}, errAgain
		case v.cart.Status != projections.StatusInside:
			return proposal{}, fmt.Errorf("exit of %s, which is %s: %w", c.Visit, v.cart.Status, ErrNotInside)
		}
		return proposal{v.name(), ledger.After(v.cart.Events), ledger.GateExited{Visit: v.id, Gate: c.Gate, ClockOffset: c.Offset}}, nil
	})
	if !errors.Is(err, errAgain) {
		return rec, err
	}
	q := ledger.Query{Stream: ledger.VisitStream(c.Visit), Kinds: []ledger.Kind{ledger.KindGateExited}, Limit: 1}
	for r, err := range d.live.log.Read(ctx, q) {
		return Recorded{Record: r, Duplicate: true}, err
	}
	return Recorded{}, fmt.Errorf("exit of %s: %w", c.Visit, ledger.ErrNotFound)
}
