package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
)

// script is a whole afternoon: a charge with a put-back, a doubt that is
// reviewed, a take of unclear owner, a dispute that moves a piece to another
// shopper, an empty visit, a late return.
func script(w *world) {
	w.open(house)
	w.enter("anna")
	w.enter("ben")
	w.enter("eve")
	w.sees("a1", sight{sku: cola, n: 3, persons: who("anna", 990)})
	w.pass(time.Second)
	w.sees("a2", sight{sku: cola, action: ledger.ActionReturn, persons: who("anna", 990)})
	w.sees("b1", sight{sku: water, persons: who("ben", 990)})
	w.sees("b2", sight{sku: cola, item: 500, persons: who("ben", 990)})
	seen := w.now
	w.sees("ab", sight{sku: water, persons: who("ben", 500, "anna", 400)})
	w.pass(time.Second)
	w.exit("anna")
	w.exit("ben")
	w.exit("eve")
	w.pass(time.Minute)
	w.review("b2", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed})
	w.review("ab", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed, Visit: "anna"})
	w.pass(time.Minute)
	w.dispute("d", "anna", 1, 1)
	w.uphold("d", "ben")
	w.pass(time.Minute)
	w.answer("ben", ledger.SupplementConsented)
	w.sees("late", sight{sku: water, action: ledger.ActionReturn, occurred: seen, persons: who("anna", 990)})
	w.pass(2 * time.Hour)
}

// wantScript checks what the afternoon must have come to, whatever happened
// to the process: anna took two colas and a water (4.00), one cola was ben's
// (1.50 back), the water came back late (1.00 back); ben took a water and a
// cola (2.50) and agreed to pay for the other cola; eve took nothing.
func wantScript(w *world) {
	w.t.Helper()
	w.wantEnd("anna", ledger.SettledCharged, 400, 250, 0)
	w.wantEnd("ben", ledger.SettledCharged, 400, 0, 0)
	w.wantEnd("eve", ledger.SettledNothing, 0, 0, 0)
	for _, v := range []string{"anna", "ben", "eve"} {
		if s := w.bank.Statement(v); s.Holds != 1 {
			w.t.Errorf("the bank made %d holds for %s, want 1", s.Holds, v)
		}
	}
	w.audit()
}

// evening is what goes wrong in a week: a hold that is raised and one that
// cannot be, a remainder that is declined and dunned, a review that outlasts its
// hold, a visitor who is matched later and one who pays cash, goodwill over two
// payments, a refund that is declined and comes back, a supplement that is
// refused, staff.
func evening(w *world) {
	w.bank.Window = 114 * time.Hour
	w.bank.Script = func(o billing.Order, _ int) simulate.Fault {
		switch {
		case o.Op == billing.OpIncrement && o.Visit != "anna":
			return simulate.DeclinedAs("card_declined")
		case o.Op == billing.OpCharge && o.Visit == "ben" && o.Purpose == ledger.ChargeRemainder:
			return simulate.DeclinedAs("insufficient_funds")
		case o.Op == billing.OpCharge && o.Visit == "who" && o.Purpose == ledger.ChargeVisit:
			return simulate.DeclinedAs("authentication_required")
		case o.Op == billing.OpRefund && o.Visit == "anna" && strings.HasSuffix(o.Key, "/1"):
			return simulate.DeclinedAs("processing_error")
		}
		return simulate.NoFault
	}
	w.open(with(func(p *ledger.Policy) {
		small(p)
		p.AdjustHold, p.Unknown, p.ReviewSeconds, p.SupplementSeconds = true, true, 10*24*3600, 2*24*3600
	}))
	w.enter("anna")
	w.enter("ben")
	w.enter("dora")
	for _, c := range []engine.PresentCommand{
		{Ticket: "who", Credential: ledger.CredentialNone},
		{Ticket: "cash", Credential: ledger.CredentialNone},
		{Ticket: "shift", Credential: ledger.CredentialStaff, Shopper: "cleo"},
	} {
		c.Gate, c.Place = "gate", ledger.PlaceGate
		w.present(c)
	}
	w.sees("a", sight{sku: cola, n: 3, persons: who("anna", 990)})
	w.sees("b", sight{sku: cola, n: 2, persons: who("ben", 990)})
	w.sees("d1", sight{sku: water, persons: who("dora", 990)})
	w.sees("d2", sight{sku: cola, item: 500, persons: who("dora", 990)})
	w.sees("w", sight{sku: cola, persons: who("who", 990)})
	w.sees("c", sight{sku: water, persons: who("cash", 990)})
	w.sees("s", sight{sku: water, persons: who("shift", 990)})
	for _, visit := range []string{"anna", "ben", "dora", "who", "cash", "shift"} {
		w.exit(visit)
		w.pass(time.Second) // or the order of their receipts would be nobody's
	}
	w.pass(time.Minute)
	w.dispute("d", "anna", 1, 1)
	w.uphold("d", "ben")
	command(w, "goodwill", func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
		return w.desk.GrantGoodwill(ctx, engine.GoodwillCommand{
			Meta: m, Receipt: w.visit("anna").Cart.Latest.Number, Amount: eur(200), By: "operator:finn", Reason: "slow gate",
		})
	})
	command(w, "match", func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
		return w.desk.MatchVisit(ctx, engine.MatchCommand{
			Meta: m, Visit: "who", Shopper: "shopper-who", Customer: "cus_who", PaymentMethod: "pm_who",
			By: "operator:finn", Reason: "she came back",
		})
	})
	command(w, "cash", func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
		return w.desk.TakeCash(ctx, engine.CashCommand{
			Meta: m, Receipt: w.visit("cash").Cart.Latest.Number, Amount: eur(100), Till: "till", By: "staff:cleo",
		})
	})
	w.pass(2 * 24 * time.Hour)
	w.pays("who", "")
	w.pass(4 * 24 * time.Hour)
	w.review("d2", engine.ReviewCommand{Verdict: ledger.VerdictConfirmed})
	w.pass(time.Hour)
}

// wantEvening checks what it must have come to: anna took three colas (4.50 of
// a raised hold), one was ben's (1.50 back, once it goes through) and she was
// given 2.00; ben's hold of 2.00 was captured, the 1.00 above it went through
// the day after, and he would not pay for the other cola; dora's water was
// captured before her hold lapsed, and her cola charged after the review; the
// visitor paid herself, the other one in cash; staff paid nothing.
func wantEvening(w *world) {
	w.t.Helper()
	w.wantEnd("anna", ledger.SettledCharged, 450, 350, 0)
	w.wantEnd("ben", ledger.SettledOwed, 300, 0, 0)
	w.wantEnd("dora", ledger.SettledCharged, 250, 0, 0)
	w.wantEnd("who", ledger.SettledOwed, 150, 0, 0)
	w.wantEnd("cash", ledger.SettledOwed, 0, 0, 0)
	w.wantEnd("shift", ledger.SettledNothing, 0, 0, 0)
	for visit, want := range map[string]simulate.Statement{
		"anna": {Holds: 1, Captures: 1, Captured: 450, Refunded: 350}, "ben": {Holds: 1, Captures: 1, Charges: 1, Captured: 300},
		"dora": {Holds: 1, Captures: 1, Charges: 1, Captured: 250}, "who": {Charges: 1, Captured: 150},
	} {
		if got := w.bank.Statement(visit); got != want {
			w.t.Errorf("the bank did %+v for %s, want %+v", got, visit, want)
		}
	}
	w.audit()
}

// command runs a command of staff under a name.
func command(w *world, name string, f func(ctx context.Context, m ledger.Meta) (engine.Recorded, error)) {
	w.t.Helper()
	do(w, name, func(ctx context.Context) (engine.Recorded, error) { return f(ctx, w.meta(name)) })
}

// stories are what must come out the same however the process dies.
var stories = []struct {
	name  string
	tell  func(*world)
	check func(*world)
}{
	{"afternoon", script, wantScript},
	{"evening", evening, wantEvening},
}

// TestNothingChargedTwice kills the process at every boundary of the stories:
// before and after every append is durable, before and after every order
// reaches the bank. Each time it must end as if nothing had happened, to the
// byte in every stream. (Sequences 1, 2, 3, 8.)
func TestNothingChargedTwice(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			whole := newWorld(t)
			s.tell(whole)
			s.check(whole)
			if t.Failed() {
				return
			}
			want := streams(whole)
			t.Logf("%d boundaries", whole.boundary)
			for at := 1; at <= whole.boundary; at++ {
				w := newWorld(t)
				w.killAt = at
				s.tell(w)
				if w.killed != 1 {
					t.Fatalf("boundary %d of %d was not reached", at, whole.boundary)
				}
				s.check(w)
				if diff := cmp.Diff(want, streams(w)); diff != "" {
					t.Errorf("streams differ from those of a process that lived (-want +got):\n%s", diff)
				}
				if t.Failed() {
					t.Fatalf("killed at boundary %d", at)
				}
			}
		})
	}
}

// TestSettledOnce kills the process twice, and the second time soon after.
func TestSettledOnce(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			for first := 1; first < 160; first += 5 {
				for later := 1; later < 30; later += 4 {
					w := newWorld(t)
					w.killAt = first
					w.again = func() {
						if w.killed == 1 {
							w.killAt = w.boundary + later
						}
					}
					s.tell(w)
					s.check(w)
					if t.Failed() {
						t.Fatalf("killed at boundary %d, and %d after the restart", first, later)
					}
				}
			}
		})
	}
}

// streams returns every stream as text: kinds and ids.
func streams(w *world) map[ledger.StreamID]string {
	all := map[ledger.StreamID]string{}
	for r, err := range w.log.Read(w.t.Context(), ledger.Query{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		all[r.Stream] += fmt.Sprintf("%s %s\n", r.Kind, r.Body)
	}
	return all
}

// TestAuditFindsADoubleCharge breaks the proof on purpose: the bank charges a
// second time under another key, and the audit must say so.
func TestAuditFindsADoubleCharge(t *testing.T) {
	w := newWorld(t)
	w.open(house)
	w.enter("anna")
	w.sees("a", sight{sku: cola})
	w.exit("anna")
	w.pass(time.Minute)
	w.audit()
	again := billing.Order{Op: billing.OpHold, ID: "another", Key: "another", Visit: "anna", Amount: eur(150)}
	held, err := w.bank.Hold(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	again.Op, again.Key, again.Object = billing.OpCapture, "another capture", held.Object
	if _, err := w.bank.Capture(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	a, err := simulate.Check(t.Context(), w.log, w.bank)
	if err != nil || len(a.Findings) == 0 {
		t.Errorf("Check with a charge the ledger does not know = %v, %v; want a finding", a.Findings, err)
	}
}
