package engine_test

import (
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// late adds a cola to the receipt of a visit that has settled.
func late(w *world, visit string) {
	w.t.Helper()
	w.enter("other")
	w.sees("late", sight{sku: cola, persons: who("other", 600, visit, 400)})
	w.review("late", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed, Visit: ledger.VisitID(visit)})
	w.exit("other")
	w.pass(time.Minute)
}

// TestLateItemNeedsConsent: an item that is found after the receipt was paid
// is on a further receipt, and nothing is taken for it unless the shopper
// agrees. Whatever they say, the visit ends. (Sequence 19.)
func TestLateItemNeedsConsent(t *testing.T) {
	for _, tt := range []struct {
		name     string
		answer   ledger.SupplementAnswer // none is the deadline
		code     string                  // of the bank
		captured int64
		written  int64
		owed     int64
	}{
		{"she agrees", ledger.SupplementConsented, "", 300, 0, 0},
		{"she agrees, and her bank does not", ledger.SupplementConsented, "do_not_try_again", 150, 0, 150},
		{"she refuses", ledger.SupplementRefused, "", 150, 150, 0},
		{"she never answers", "", "", 150, 150, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newShop(t, func(p *ledger.Policy) { p.SupplementSeconds = 3 * 24 * 3600 })
			if tt.code != "" {
				w.refuses(tt.code, charges)
			}
			w.buys("anna", 1)
			late(w, "anna")
			v := w.visit("anna")
			if v.Cart.Latest.Gross != eur(300) || v.Owed.Minor != 0 || v.Payment.Captured != eur(150) {
				t.Errorf("before she answers the receipt is of %s, %s owed, %s taken; want 3.00, nothing, 1.50",
					v.Cart.Latest.Gross, v.Owed, v.Payment.Captured)
			}
			var open []engine.SupplementView
			w.live.View(func(e *engine.Engine) { open = e.Supplements("shopper-anna") })
			if len(open) != 1 || open[0].Amount != eur(150) || !open[0].Deadline.After(w.now) {
				t.Fatalf("anna is asked %+v, want 1.50 with a deadline", open)
			}
			wantRefused(w, "another shopper's answer", engine.ErrUnknownSupplement, func() (engine.Recorded, error) {
				return w.desk.AnswerSupplement(t.Context(), engine.AnswerCommand{
					Proposal: open[0].Proposal, Shopper: "eve", Answer: ledger.SupplementConsented,
				})
			})
			if tt.answer != "" {
				w.answer("anna", tt.answer)
				wantRefused(w, "a second answer", engine.ErrDecided, func() (engine.Recorded, error) {
					return w.desk.AnswerSupplement(t.Context(), engine.AnswerCommand{
						Proposal: open[0].Proposal, Shopper: "shopper-anna", Answer: ledger.SupplementConsented,
					})
				})
			}
			w.pass(60 * day)
			w.wantEnd("anna", ledger.SettledCharged, tt.captured, 0, tt.owed)
			if got := w.visit("anna").Payment.WrittenOff; got.Minor != tt.written {
				t.Errorf("%s was written off, want %s", got, eur(tt.written))
			}
			w.audit()
		})
	}
}

// TestSupplementThatIsCorrectedAway: before anna answers, the late item turns
// out to be another's. There is nothing left to agree to.
func TestSupplementThatIsCorrectedAway(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	w.buys("anna", 1)
	late(w, "anna")
	w.correct("anna")
	w.pass(30 * day)
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	ks := w.kinds("payment-anna")
	if n := count(ks, ledger.KindDebtWrittenOff) + count(ks, ledger.KindChargeIntended); n != 0 {
		t.Errorf("%d charges or write-offs for an item that is gone, want none", n)
	}
	w.audit()
}

// TestGoodwillIsGivenOnce: a part, then all that is left; never more than was
// paid and kept, and a later correction gives back only what is missing.
func TestGoodwillIsGivenOnce(t *testing.T) {
	w := newShop(t, small)
	w.buys("anna", 3) // 4.50: 2.00 captured, 2.50 charged
	number := w.visit("anna").Cart.Latest.Number
	grant := func(name string, amount money.Money) (engine.Recorded, error) {
		return w.desk.GrantGoodwill(t.Context(), engine.GoodwillCommand{
			Meta: w.meta(name), Receipt: number, Amount: amount, By: "operator:finn", Reason: "the gate was slow",
		})
	}
	wantRefused(w, "goodwill above the capture", engine.ErrAboveCapture, func() (engine.Recorded, error) {
		return grant("too much", eur(451))
	})
	wantRefused(w, "goodwill in another currency", engine.ErrAboveCapture, func() (engine.Recorded, error) {
		return grant("dollars", money.Money{Minor: 100, Currency: "USD"})
	})
	for range 2 { // the operator's page sends it twice
		if _, err := grant("first", eur(100)); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 450, 100, 0)
	w.correct("anna")
	w.wantEnd("anna", ledger.SettledCharged, 450, 250, 0)
	if _, err := grant("the rest", money.Money{}); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 450, 450, 0)
	wantRefused(w, "goodwill when nothing is left", engine.ErrAboveCapture, func() (engine.Recorded, error) {
		return grant("more", money.Money{})
	})
	got := map[ledger.RefundPurpose]int64{}
	for e := range w.events("payment-anna") {
		if p, ok := e.Payload.(ledger.RefundIntended); ok {
			got[p.Purpose] += p.Amount.Minor
		}
	}
	if got[ledger.RefundGoodwill] != 300 || got[ledger.RefundCorrection] != 150 {
		t.Errorf("given back by purpose: %v, want 300 as goodwill and 150 for the correction", got)
	}
	w.pass(60 * day)
	w.wantEnd("anna", ledger.SettledCharged, 450, 450, 0)
	w.audit()
}

// TestRefundThatIsNotTaken: a refund is declined five days running, or comes
// back weeks after it went through. Then a person pays another way, or says
// that it may be tried again; machines give nothing twice. (Sequence 22.)
func TestRefundThatIsNotTaken(t *testing.T) {
	for _, tt := range []struct {
		name        string
		later       bool // it came back
		otherWay    bool
		atBank, all int64 // refunded
	}{
		{"declined, and paid another way", false, true, 0, 150},
		{"declined, and tried again", false, false, 150, 150},
		{"came back, and paid another way", true, true, 150, 150},
		{"came back, and tried again", true, false, 300, 150},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newShop(t, func(*ledger.Policy) {})
			shut := !tt.later
			w.refuses("charge_disputed", func(o billing.Order) bool { return shut && o.Op == billing.OpRefund })
			w.buys("anna", 2)
			w.correct("anna")
			w.pass(20 * day)
			if tt.later {
				r := w.visit("anna").Payment.Repayments
				if len(r) != 1 {
					t.Fatalf("given back: %+v, want one refund", r)
				}
				w.provider("anna", ledger.RefundFailed{Refund: r[0].Refund, Amount: eur(150), Code: "lost_or_stolen_card"})
				w.pass(20 * day)
			}
			asked := w.asked()
			if len(asked) != 1 || asked[0].Op != billing.OpRefund || asked[0].Amount != eur(150) {
				t.Fatalf("asked about %+v, want the refund of 1.50", asked)
			}
			if v := w.visit("anna"); v.Payment.Refunded.Minor != 0 {
				t.Errorf("%s counts as given back, want nothing", v.Payment.Refunded)
			}
			shut = false
			w.resolve("anna", tt.otherWay)
			w.pass(20 * day)
			if s, v := w.bank.Statement("anna"), w.visit("anna"); s.Refunded != tt.atBank || v.Payment.Refunded != eur(tt.all) ||
				v.Overdue.Minor != 0 || len(v.Payment.Odd) > 0 {
				t.Errorf("the bank gave %d back, %s in all, %s overdue; want %d, %s, nothing (odd: %v)", s.Refunded,
					v.Payment.Refunded, v.Overdue, tt.atBank, eur(tt.all), v.Payment.Odd)
			}
			if len(w.asked()) != 0 {
				t.Errorf("after the answer %+v is still asked", w.asked())
			}
			w.keepsBooks()
		})
	}
}

// TestEmptyVisitIsFreedAtOnce: nothing was taken, so the hold is released when
// the grace is over, and there is a receipt of nothing to show. (Sequence 36.)
func TestEmptyVisitIsFreedAtOnce(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	w.enter("anna")
	w.exit("anna")
	w.pass(6 * time.Second)
	w.wantEnd("anna", ledger.SettledNothing, 0, 0, 0)
	var d ledger.ReceiptDocument
	var ok bool
	w.live.View(func(e *engine.Engine) { d, ok = e.ZeroReceipt("anna") })
	if !ok || d.Gross != eur(0) || d.Number != "" || len(d.Lines) != 0 {
		t.Errorf("ZeroReceipt = %+v, %v; want one of nothing, without a number", d, ok)
	}
	w.buys("ben", 1)
	w.live.View(func(e *engine.Engine) { _, ok = e.ZeroReceipt("ben") })
	if ok {
		t.Error("a visit with a receipt has a receipt of nothing")
	}
	w.audit()
}

// TestGroupOnOnePayer: three came in on anna's code. There is one hold, one
// receipt, one capture.
func TestGroupOnOnePayer(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	a := w.present(engine.PresentCommand{
		Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: "family", Shopper: "anna",
		Customer: "cus_anna", PaymentMethod: "pm_anna", Party: 3,
	})
	if a.Decision != engine.GateEntered {
		t.Fatalf("Present = %+v, want entered", a)
	}
	for _, child := range []string{"a", "b", "c"} {
		w.sees(child, sight{sku: water, persons: who("family", 990)})
	}
	w.exit("family")
	w.pass(time.Minute)
	w.wantEnd("family", ledger.SettledCharged, 300, 0, 0)
	if v := w.visit("family"); v.Cart.Presented.Party != 3 || len(v.Cart.Latest.Lines) != 1 {
		t.Errorf("the receipt of a party of %d has lines %+v, want 3 and one line", v.Cart.Presented.Party, v.Cart.Latest.Lines)
	}
	w.audit()
}

// TestTailgaterPaysForHimself: ben slipped in behind anna on her hold, and has
// a visit of his own later that day. His piece is moved to it with his
// consent: what both pay together is what was taken from the shelf, and
// anna's hold is captured once. (Sequence 18.)
func TestTailgaterPaysForHimself(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	w.buys("anna", 2) // one of the two is ben's
	w.buys("ben", 1)
	w.dispute("his", "anna", 1, 1)
	w.uphold("his", "ben")
	w.answer("ben", ledger.SupplementConsented)
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 300, 150, 0)
	w.wantEnd("ben", ledger.SettledCharged, 300, 0, 0)
	a, b := w.visit("anna"), w.visit("ben")
	if kept := a.Payment.Kept().Minor + b.Payment.Kept().Minor; kept != 450 || a.Cart.Latest.Gross.Minor+b.Cart.Latest.Gross.Minor != 450 {
		t.Errorf("together they paid %d for receipts of %s and %s, want 4.50", kept, a.Cart.Latest.Gross, b.Cart.Latest.Gross)
	}
	w.audit()
}

// TestStaffVisitIsNoSale: it is in the log with all that was taken, nothing is
// held, and there is no receipt.
func TestStaffVisitIsNoSale(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	a := w.present(engine.PresentCommand{
		Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialStaff, Ticket: "shift", Shopper: "staff-cleo",
	})
	if a.Decision != engine.GateEntered {
		t.Fatalf("Present = %+v, want entered", a)
	}
	w.sees("a", sight{sku: cola})
	w.sees("b", sight{sku: water, item: 500})
	w.exit("shift")
	w.pass(2 * time.Hour)
	w.wantEnd("shift", ledger.SettledNothing, 0, 0, 0)
	if v := w.visit("shift"); v.Cart.Latest != nil || len(v.Cart.Picks) == 0 || v.Payment.Events() != 0 {
		t.Errorf("staff have receipt %v, %d picks and %d events of money; want none, some, none", v.Cart.Latest,
			len(v.Cart.Picks), v.Payment.Events())
	}
	w.audit()
}

// TestVisitorWithoutAPayer: where a shop allows it a visitor comes in without
// a card. They owe until they pay at a till, or somebody knows who they were
// and the card on file is charged; where a shop does not, they stay outside.
func TestVisitorWithoutAPayer(t *testing.T) {
	unknown := engine.PresentCommand{Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialNone, Ticket: "who"}
	t.Run("is not let in", func(t *testing.T) {
		w := newShop(t, func(*ledger.Policy) {})
		unknown.Store, unknown.ID = corner, w.id("p")
		wantRefused(w, "Present", engine.ErrPayerNeeded, func() (engine.GateAnswer, error) {
			return w.desk.Present(t.Context(), unknown)
		})
	})
	comes := func(t *testing.T) *world {
		w := newShop(t, func(p *ledger.Policy) { p.Unknown = true })
		if a := w.present(unknown); a.Decision != engine.GateEntered {
			t.Fatalf("Present = %+v, want entered", a)
		}
		w.sees("a", sight{sku: cola})
		return w
	}
	match := func(w *world, name string) error {
		_, err := w.desk.MatchVisit(t.Context(), engine.MatchCommand{
			Meta: w.meta(name), Visit: "who", Shopper: "anna", Customer: "cus_anna", PaymentMethod: "pm_anna",
			By: "operator:finn", Reason: "she came back and said so",
		})
		w.settle()
		return err
	}
	t.Run("pays at a till", func(t *testing.T) {
		w := comes(t)
		w.exit("who")
		w.pass(30 * day)
		w.wantEnd("who", ledger.SettledOwed, 0, 0, 150)
		if _, err := w.desk.TakeCash(t.Context(), engine.CashCommand{
			Meta: w.meta("cash"), Receipt: w.visit("who").Cart.Latest.Number, Till: "till-1", By: "staff:cleo",
		}); err != nil {
			t.Fatal(err)
		}
		w.pass(30 * day)
		w.wantEnd("who", ledger.SettledOwed, 0, 0, 0)
		w.audit()
	})
	t.Run("is matched afterwards", func(t *testing.T) {
		w := comes(t)
		w.exit("who")
		w.pass(time.Hour)
		if err := match(w, "match"); err != nil {
			t.Fatal(err)
		}
		w.wantEnd("who", ledger.SettledOwed, 150, 0, 0)
		if err := match(w, "second match"); err == nil {
			t.Error("a visit with a payer was matched again")
		}
		if got := w.charged("who"); len(got) != 1 || got[0].Purpose != ledger.ChargeVisit || got[0].PaymentMethod != "pm_anna" {
			t.Errorf("charged %+v, want the visit on anna's card", got)
		}
		w.audit()
	})
	t.Run("is matched while inside", func(t *testing.T) {
		w := comes(t)
		if err := match(w, "match"); err != nil {
			t.Fatal(err)
		}
		w.exit("who")
		w.pass(time.Minute)
		w.wantEnd("who", ledger.SettledCharged, 150, 0, 0)
		w.audit()
	})
	t.Run("is matched, and says nothing to a late item", func(t *testing.T) {
		w := comes(t)
		if err := match(w, "match"); err != nil {
			t.Fatal(err)
		}
		w.exit("who")
		w.pass(time.Minute)
		late(w, "who")
		w.pass(60 * day)
		w.wantEnd("who", ledger.SettledCharged, 150, 0, 0)
		if got := w.charged("who"); len(got) != 1 {
			t.Errorf("charged %+v, want the visit once and not what was waived", got)
		}
		w.audit()
	})
	t.Run("is matched, and the card is declined", func(t *testing.T) {
		w := comes(t)
		w.refuses("expired_card", charges)
		w.exit("who")
		w.pass(time.Hour)
		if err := match(w, "match"); err != nil {
			t.Fatal(err)
		}
		w.pass(60 * day)
		w.wantEnd("who", ledger.SettledOwed, 0, 0, 150)
		if a := w.presentAs("anna", "anna"); a.Reason != ledger.RefusedDebt {
			t.Errorf("anna, who owes for that visit, is %+v, want refused: debt", a)
		}
		w.audit()
	})
}

// TestSmartCartLeavesWithoutAGate: the credential is shown at the cart, its
// scanner is the sensor, and the cart itself says when the shopper is done.
func TestSmartCartLeavesWithoutAGate(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	a := w.present(engine.PresentCommand{
		Gate: "cart-7", Place: ledger.PlaceCart, Credential: ledger.CredentialCard, Ticket: "trip", Shopper: "anna",
		Customer: "cus_anna", PaymentMethod: "pm_anna",
	})
	if a.Decision != engine.GateEntered {
		t.Fatalf("Present = %+v, want entered", a)
	}
	w.sees("scan", sight{sku: cola, persons: who("trip", 1000)})
	if _, err := w.desk.Exit(t.Context(), engine.ExitCommand{
		ID: w.id("done"), Occurred: w.now, Actor: "device:cart-7", Visit: "trip", Gate: "cart-7",
	}); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	w.wantEnd("trip", ledger.SettledCharged, 150, 0, 0)
	w.audit()
}

// TestDashboardMovesMoney: somebody captures the hold on the provider's own
// page before the exit, for more than is in the cart. It is not captured
// again, and the difference is given back. (Sequence 40.)
func TestDashboardMovesMoney(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	w.enter("anna")
	hold := w.visit("anna").Payment.HoldObject
	out, err := w.bank.Capture(t.Context(), billing.Order{
		Op: billing.OpCapture, ID: "dashboard", Key: "dashboard", Visit: "anna", Amount: eur(400), Object: hold,
	})
	if err != nil || out.Status != billing.Done {
		t.Fatalf("Capture = %+v, %v", out, err)
	}
	w.provider("anna", ledger.ExternalObserved{Object: hold, What: ledger.ExternalCapture, Amount: eur(400)})
	w.sees("a", sight{sku: cola})
	w.exit("anna")
	w.pass(time.Minute)
	w.wantEnd("anna", ledger.SettledCharged, 400, 250, 0)
	if s := w.bank.Statement("anna"); s.Captures != 1 || s.Charges != 0 {
		t.Errorf("the bank says %+v, want one capture", s)
	}
}

// TestNothingIsSentBeforeTheSweep: after a restore the provider is looked
// through first. Until then no order is written and none is sent. (Sequence 31.)
func TestNothingIsSentBeforeTheSweep(t *testing.T) {
	w := newShop(t, func(*ledger.Policy) {})
	lost := true
	w.bank.Script = func(o billing.Order, _ int) simulate.Fault {
		switch {
		case o.Op == billing.OpCapture && o.Visit == "eve":
			return simulate.DeclinedAs("do_not_try_again")
		case lost && o.Op == billing.OpCapture:
			return simulate.Unreached
		}
		return simulate.NoFault
	}
	w.buys("eve", 1)
	w.buys("anna", 1)
	lost = false
	w.start()
	w.live.Withhold()
	calls := w.bank.Calls()
	w.enterLater("ben")
	w.pass(5 * time.Second)
	if n := w.bank.Calls() - calls; n != 0 {
		t.Errorf("the bank was called %d times before the sweep, want none", n)
	}
	if n := count(w.kinds("payment-ben"), ledger.KindHoldIntended); n != 0 {
		t.Errorf("%d holds were ordered before the sweep, want none", n)
	}
	wantRefused(w, "PayDebt before the sweep", engine.ErrMoneyOpen, func() (engine.Recorded, error) {
		return w.desk.PayDebt(t.Context(), engine.PayCommand{Visit: "eve", Shopper: "shopper-eve"})
	})
	w.live.Resume()
	w.pass(time.Hour)
	w.wantEnd("anna", ledger.SettledCharged, 150, 0, 0)
	if s := w.visit("ben").Cart.Status; s != projections.StatusInside {
		t.Errorf("after the sweep ben is %s, want inside", s)
	}
	w.exit("ben")
	w.pass(time.Minute)
	w.audit()
}

// enterLater presents a credential whose answer may take a while.
func (w *world) enterLater(visit string) {
	w.t.Helper()
	if a := w.presentAs("shopper-"+visit, visit); a.Decision != engine.GatePending {
		w.t.Errorf("Present(%s) = %+v, want pending", visit, a)
	}
}
