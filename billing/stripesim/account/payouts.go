package account

import (
	"maps"
	"slices"
	"time"
)

// payDay names the deadline of the next automatic payouts.
const payDay = "payday"

const day = int64(24 * time.Hour / time.Second)

// settling is how long money of a charge is under way to the account.
const settling = 2 * day

// midnight is the first midnight (UTC) after a time.
func midnight(after int64) int64 { return (after/day + 1) * day }

// post books a balance transaction and returns its id.
func (t *tx) post(b balance) string {
	b.ID, b.Created, b.Available = t.id("txn_"), t.now, t.now
	if b.Kind == "charge" {
		b.Available += settling
		b.Fee, b.FeeFor = fee(b.Amount), "Stripe processing fees"
	}
	t.rec.Balances = append(t.rec.Balances, b)
	return b.ID
}

// fee is 2.9 % and 30, Stripe's list price for cards in the US, rounded half
// up. It is the same number of minor units in every currency.
func fee(amount int64) int64 { return (amount*29+500)/1000 + 30 }

// account keeps what is in no automatic payout yet, and when the next is due.
func (s *Account) account(r Record) {
	newest := int64(0)
	for _, b := range r.Balances {
		s.unpaid[b.Currency] = append(s.unpaid[b.Currency], b.ID)
		newest = max(newest, b.Created)
	}
	for _, b := range r.Bundles {
		s.bundles[b.Payout] = b.Balances
		gone := map[string]bool{}
		for _, id := range b.Balances {
			gone[id] = true
		}
		currency := s.payouts.byID[b.Payout].Currency
		left := slices.DeleteFunc(s.unpaid[currency], func(id string) bool { return gone[id] })
		if s.unpaid[currency] = left; len(left) == 0 {
			delete(s.unpaid, currency)
		}
		newest = max(newest, b.At)
	}
	if newest != 0 && len(s.unpaid) > 0 && s.due.at[payDay] == 0 && !s.cfg.ManualPayouts {
		s.due.set(payDay, midnight(newest))
	}
}

// ready returns the balance transactions of a currency that are in no
// automatic payout and available at a time, and their sum.
func (s *Account) ready(currency string, at int64) (ids []string, sum int64) {
	for _, id := range s.unpaid[currency] {
		if b := s.balances.byID[id]; b.Available <= at {
			ids = append(ids, id)
			sum += b.Amount - b.Fee
		}
	}
	return ids, sum
}

// payDay pays out what is available, currency by currency.
func (t *tx) payDay(at int64) {
	st := t.acc
	for _, currency := range slices.Sorted(maps.Keys(st.unpaid)) {
		t.payOut(currency)
	}
	if len(t.rec.Payouts) == 0 && len(st.unpaid) > 0 {
		st.due.set(payDay, at+day)
	}
}

// payOut makes an automatic payout of what is available in a currency, and
// reports false if there is nothing.
func (t *tx) payOut(currency string) (payout, bool) {
	ids, sum := t.acc.ready(currency, t.now)
	if sum <= 0 {
		return payout{}, false
	}
	p := payout{
		ID: t.id("po_"), Created: t.now, Amount: sum, Currency: currency, Automatic: true, Status: pending,
		Arrives: t.now + settling, Reconciled: "in_progress", Description: "STRIPE PAYOUT",
	}
	p = t.sendPayout(p)
	t.rec.Bundles = append(t.rec.Bundles, bundle{Payout: p.ID, At: t.now, Balances: append(ids, p.Balance)})
	return p, true
}

// sendPayout books a payout and says so.
func (t *tx) sendPayout(p payout) payout {
	p.Balance = t.post(balance{Kind: "payout", Source: p.ID, Amount: -p.Amount, Currency: p.Currency})
	store(&t.rec.Payouts, p)
	t.announce("payout.created", t.payoutWire(p))
	return p
}

// deadline is when the bank moves a payout on: a day under way, paid on the
// second.
func (p payout) deadline() int64 {
	switch p.Status {
	case pending:
		return p.Created + day
	case inTransit:
		return p.Arrives
	}
	return 0
}

// moveOn takes a payout to its next status. Stripe has put its parts together
// by the time it is under way.
func (t *tx) moveOn(p payout) {
	kind := "payout.paid"
	if p.Status == pending {
		p.Status, kind = inTransit, "payout.updated"
	} else {
		p.Status = paid
	}
	whole := p.Automatic && p.Reconciled != "completed"
	if whole {
		p.Reconciled = "completed"
	}
	store(&t.rec.Payouts, p)
	t.announce(kind, t.payoutWire(p))
	if whole {
		t.announce("payout.reconciliation_completed", t.payoutWire(p))
	}
}

// failPayout brings the money back from the bank.
func (t *tx) failPayout(p payout, code string) {
	p.Status, p.FailureCode = failed, code
	p.FailureBalance = t.post(balance{
		Kind: "payout_failure", Category: "payout_reversal", Source: p.ID, Amount: p.Amount, Currency: p.Currency,
	})
	store(&t.rec.Payouts, p)
	t.announce("payout.failed", t.payoutWire(p))
}

// createPayout serves POST /v1/payouts.
func createPayout(t *tx, f Form) (Wire, *Error) {
	amount, given, e := f.integer("amount")
	if e == nil && !given {
		_, e = f.needs("amount")
	}
	if e != nil {
		return nil, e
	}
	currency, e := currencyOf(f)
	if e != nil {
		return nil, e
	}
	data, e := f.metadata(nil)
	if e != nil {
		return nil, e
	}
	if _, e := f.oneOf("method", "standard"); e != nil {
		return nil, e
	}
	if _, e := f.oneOf("source_type", "card"); e != nil {
		return nil, e
	}
	if amount < 1 {
		return nil, Invalid("amount", "parameter_invalid_integer", "Must be greater than or equal to 1.")
	}
	if _, sum := t.acc.ready(currency, t.now); amount > sum {
		return nil, refused("balance_insufficient", "You have insufficient funds in your account for this payout.")
	}
	p := t.sendPayout(payout{
		ID: t.id("po_"), Created: t.now, Amount: amount, Currency: currency, Status: pending, Arrives: t.now + settling,
		Reconciled: "not_applicable", Description: f.get("description"), Statement: f.get("statement_descriptor"),
		Metadata: data,
	})
	return t.payoutWire(p), nil
}

// cancelPayout serves POST /v1/payouts/:id/cancel.
func cancelPayout(t *tx, _ Form) (Wire, *Error) {
	p, ok := lookup(t.rec.Payouts, &t.acc.payouts, t.call.ID)
	switch {
	case !ok:
		return nil, notFound("payout", t.call.ID)
	case p.Automatic || p.Status != pending:
		return nil, refused("payouts_not_allowed", "Only a manual payout that is pending can be canceled.")
	}
	p.Status = canceled
	p.FailureBalance = t.post(balance{
		Kind: "payout_cancel", Category: "payout_reversal", Source: p.ID, Amount: p.Amount, Currency: p.Currency,
	})
	store(&t.rec.Payouts, p)
	t.announce("payout.canceled", t.payoutWire(p))
	return t.payoutWire(p), nil
}

// getFunds serves GET /v1/balance.
func getFunds(t *tx, _ Form) (Wire, *Error) { return t.fundsWire(), nil }

func (t *tx) fundsWire() Wire {
	st := t.acc
	available, under := []Wire{}, []Wire{}
	line := func(currency string, sum int64) Wire {
		return Wire{"amount": sum, "currency": currency, "source_types": Wire{"card": sum}}
	}
	for _, currency := range slices.Sorted(maps.Keys(st.unpaid)) {
		_, now := st.ready(currency, t.now)
		_, all := st.ready(currency, always)
		available = append(available, line(currency, now))
		under = append(under, line(currency, all-now))
	}
	return Wire{"object": "balance", "available": available, "pending": under, "livemode": t.acc.cfg.Livemode}
}

func (t *tx) payoutWire(p payout) Wire {
	w := Wire{
		"id": p.ID, "object": "payout", "amount": p.Amount, "arrival_date": p.Arrives / day * day,
		"automatic": p.Automatic, "balance_transaction": p.Balance, "created": p.Created, "currency": p.Currency,
		"description": orNull(p.Description), "destination": bankAccount,
		"failure_balance_transaction": orNull(p.FailureBalance), "failure_code": orNull(p.FailureCode),
		"failure_message": nil, "livemode": t.acc.cfg.Livemode,
		"metadata": meta(p.Metadata), "method": "standard", "original_payout": nil,
		"reconciliation_status": p.Reconciled, "reversed_by": nil, "source_type": "card",
		"statement_descriptor": orNull(p.Statement), "status": p.Status, "type": "bank_account",
	}
	if p.FailureCode != "" {
		w["failure_message"] = "The bank sent the payout back: " + p.FailureCode + "."
	}
	return w
}

// bankAccount is where the payouts go.
const bankAccount = "ba_sim000000000000000000001"

func (t *tx) balanceWire(b balance) Wire {
	fees := []Wire{}
	if b.Fee != 0 {
		fees = append(fees, Wire{
			"amount": b.Fee, "application": nil, "currency": b.Currency, "description": b.FeeFor, "type": "stripe_fee",
		})
	}
	status := "available"
	if b.Available > t.now {
		status = pending
	}
	category := b.Category
	if category == "" {
		category = b.Kind
	}
	return Wire{
		"id": b.ID, "object": "balance_transaction", "amount": b.Amount, "available_on": b.Available,
		"created": b.Created, "currency": b.Currency, "description": nil, "exchange_rate": nil, "fee": b.Fee,
		"fee_details": fees, "net": b.Amount - b.Fee, "reporting_category": category, "source": b.Source,
		"status": status, "type": b.Kind,
	}
}
