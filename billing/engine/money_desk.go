package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// PayDebt asks for what a visit owes, because its shopper says so. The order
// is written down here and sent by the [Runner]; its outcome is in the
// shopper's debts. While another order is open nothing is asked for twice.
func (d *Desk) PayDebt(ctx context.Context, c PayCommand) (Recorded, error) {
	return d.commit(ctx, c.Meta, func(e *Engine) (proposal, error) {
		v := e.visits[c.Visit]
		if v == nil || !v.owes(c.Shopper) {
			return proposal{}, fmt.Errorf("payment for %s: %w", c.Visit, ErrUnknownVisit)
		}
		customer, method := v.payer()
		if c.PaymentMethod != "" {
			customer, method = c.Customer, c.PaymentMethod
		}
		p := ledger.ChargeIntended{
			Visit: v.id, Store: v.cart.Presented.Store, Amount: v.owed(), Customer: customer, PaymentMethod: method,
			Purpose: ledger.ChargeDebt, Receipt: v.number(), OnSession: c.OnSession,
			Key: billing.ChargeKey(v.cart.Presented.Store, v.id, v.payment.Tries(billing.OpCharge, "")+1),
		}
		out := v.toMoney(p)
		switch {
		case p.Amount.Minor == 0:
			return out, fmt.Errorf("payment for %s: %w", c.Visit, ErrNothingOwed)
		case v.payment.Open != nil || v.payment.Hold == billing.HoldStands || e.withheld:
			return out, fmt.Errorf("payment for %s: %w", c.Visit, ErrMoneyOpen)
		case d.now().Before(e.card(method).Rests()):
			return out, fmt.Errorf("payment for %s: %w", c.Visit, ErrCardRests)
		}
		return out, v.allowed(p)
	})
}

// toMoney is an append to the payment's stream as it was seen.
func (v *visit) toMoney(p ledger.Payload) proposal {
	return proposal{ledger.PaymentStream(v.id), ledger.After(v.payment.Events()), p}
}

// AnswerSupplement takes a shopper's answer to a proposed supplement, or an
// operator's who waives it.
func (d *Desk) AnswerSupplement(ctx context.Context, c AnswerCommand) (Recorded, error) {
	return d.commit(ctx, c.Meta, func(e *Engine) (proposal, error) {
		v := e.visits[e.supplements[c.Proposal]]
		if v == nil || c.Shopper != "" && !v.owes(c.Shopper) {
			return proposal{}, fmt.Errorf("supplement %s: %w", c.Proposal, ErrUnknownSupplement)
		}
		out := proposal{v.name(), ledger.After(v.cart.Events), ledger.SupplementAnswered{
			Visit: v.id, Proposal: c.Proposal, Answer: c.Answer, By: c.Actor,
		}}
		i := slices.IndexFunc(v.supplements, func(s supplement) bool { return s.id == c.Proposal })
		if v.supplements[i].answer != "" {
			return out, fmt.Errorf("supplement %s: %w", c.Proposal, ErrDecided)
		}
		return out, nil
	})
}

// GrantGoodwill gives back part of what was paid, or all of it, although the
// receipt is right. It is never more than was paid and not given back.
func (d *Desk) GrantGoodwill(ctx context.Context, c GoodwillCommand) (Recorded, error) {
	return d.commit(ctx, c.Meta, func(e *Engine) (proposal, error) {
		v := e.visits[e.receipts[c.Receipt]]
		if v == nil {
			return proposal{}, fmt.Errorf("goodwill on %s: %w", c.Receipt, ErrUnknownReceipt)
		}
		left := atLeastZero(v.payment.Kept().Minor-v.payment.ChargedBack().Minor-v.payment.Returned.Minor-v.overpaid().Minor,
			money.Zero(v.cart.Currency()))
		if c.Amount.Minor == 0 {
			c.Amount = left
		}
		out := proposal{v.name(), ledger.After(v.cart.Events), ledger.GoodwillGranted{
			Visit: v.id, Receipt: c.Receipt, Amount: c.Amount, By: c.By, Reason: c.Reason,
		}}
		if c.Amount.Minor <= 0 || c.Amount.Currency != left.Currency || c.Amount.Minor > left.Minor {
			return out, fmt.Errorf("goodwill of %s on %s: %w: %s", c.Amount, c.Receipt, ErrAboveCapture, left)
		}
		return out, nil
	})
}

// TakeCash records that a visit was paid at a till, in part or whole.
func (d *Desk) TakeCash(ctx context.Context, c CashCommand) (Recorded, error) {
	return d.commit(ctx, c.Meta, func(e *Engine) (proposal, error) {
		v := e.visits[e.receipts[c.Receipt]]
		if v == nil {
			return proposal{}, fmt.Errorf("cash for %s: %w", c.Receipt, ErrUnknownReceipt)
		}
		owed := v.owed()
		if c.Amount.Minor == 0 {
			c.Amount = owed
		}
		out := v.toMoney(ledger.CashTaken{Visit: v.id, Receipt: c.Receipt, Amount: c.Amount, Till: c.Till, By: c.By})
		return out, v.mayEnd("cash for "+c.Receipt, c.Amount)
	})
}

// WriteOff gives up what a visit owes.
func (d *Desk) WriteOff(ctx context.Context, c WriteOffCommand) (Recorded, error) {
	return d.commit(ctx, c.Meta, func(e *Engine) (proposal, error) {
		v := e.visits[c.Visit]
		if v == nil {
			return proposal{}, fmt.Errorf("write off %s: %w", c.Visit, ErrUnknownVisit)
		}
		owed := v.owed()
		out := v.toMoney(ledger.DebtWrittenOff{Visit: v.id, Amount: owed, By: c.By, Reason: c.Reason})
		return out, v.mayEnd("write off "+string(c.Visit), owed)
	})
}

// mayEnd refuses to end more than is owed, and anything while an order is
// open: it may be what pays.
func (v *visit) mayEnd(what string, amount money.Money) error {
	owed := v.owed()
	switch {
	case owed.Minor == 0:
		return fmt.Errorf("%s: %w", what, ErrNothingOwed)
	case v.payment.Open != nil:
		return fmt.Errorf("%s: %w", what, ErrMoneyOpen)
	case amount.Currency != owed.Currency || amount.Minor > owed.Minor:
		return fmt.Errorf("%s of %s: %w: %s", what, amount, ErrAboveOwed, owed)
	}
	return nil
}

// MatchVisit says who pays for a visit that began without a known payer. What
// it owes is charged to them.
func (d *Desk) MatchVisit(ctx context.Context, c MatchCommand) (Recorded, error) {
	return d.commit(ctx, c.Meta, func(e *Engine) (proposal, error) {
		v := e.visits[c.Visit]
		if v == nil || v.cart.Status == projections.StatusNone {
			return proposal{}, fmt.Errorf("match %s: %w", c.Visit, ErrUnknownVisit)
		}
		out := proposal{v.name(), ledger.After(v.cart.Events), ledger.VisitMatched{
			Visit: c.Visit, Shopper: c.Shopper, Customer: c.Customer, PaymentMethod: c.PaymentMethod, By: c.By, Reason: c.Reason,
		}}
		if v.cart.Presented.Credential != ledger.CredentialNone || v.matched != nil {
			return out, fmt.Errorf("match %s: %w", c.Visit, ErrMatched)
		}
		return out, nil
	})
}

// Resolve records what a person found out about an order that machines gave up
// on, and lets them go on.
func (d *Desk) Resolve(ctx context.Context, c ResolveCommand) (Recorded, error) {
	return d.commit(ctx, c.Meta, func(e *Engine) (proposal, error) {
		v := e.visits[c.Visit]
		if v == nil {
			return proposal{}, fmt.Errorf("order %s: %w", c.Intent, ErrUnknownVisit)
		}
		open := v.payment.Asked()
		i := slices.IndexFunc(open, func(x billing.Escalation) bool { return x.Intent == c.Intent })
		if !c.Done {
			c.Object, c.Amount = "", money.Money{}
		} else if i >= 0 && c.Amount.Minor == 0 {
			c.Amount = open[i].Amount
		}
		var op billing.Op
		if i >= 0 {
			op = open[i].Op
		}
		out := v.toMoney(ledger.PaymentResolved{
			Intent: c.Intent, Op: string(op), Done: c.Done, Object: c.Object, Amount: c.Amount, By: c.By, Reason: c.Reason,
		})
		switch {
		case i < 0:
			return out, fmt.Errorf("order %s of %s: %w", c.Intent, c.Visit, ErrNotAsked)
		case c.Done && c.Amount.Currency != v.cart.Currency():
			return out, fmt.Errorf("order %s of %s: %w: %s moved", c.Intent, c.Visit, ledger.ErrInvalid, c.Amount)
		case c.Done && op == billing.OpRefund && v.payment.Open == nil && c.Amount.Minor > v.payment.Kept().Minor:
			return out, fmt.Errorf("order %s of %s: %w", c.Intent, c.Visit, ErrAboveCapture)
		}
		return out, nil
	})
}
