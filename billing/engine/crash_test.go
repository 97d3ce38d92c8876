package engine_test

import (
	"fmt"
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
	w.sees("late", sight{sku: water, action: ledger.ActionReturn, occurred: seen, persons: who("anna", 990)})
	w.pass(2 * time.Hour)
}

// wantScript checks what the afternoon must have come to, whatever happened
// to the process: anna took two colas and a water (4.00), one cola was ben's
// (1.50 back), the water came back late (1.00 back); ben took a water and a
// cola (2.50) and owes the other cola; eve took nothing.
func wantScript(w *world) {
	w.t.Helper()
	w.wantEnd("anna", ledger.SettledCharged, 400, 250, 0)
	w.wantEnd("ben", ledger.SettledCharged, 250, 0, 150)
	w.wantEnd("eve", ledger.SettledNothing, 0, 0, 0)
	for _, v := range []string{"anna", "ben", "eve"} {
		if s := w.bank.Statement(v); s.Holds != 1 {
			w.t.Errorf("the bank made %d holds for %s, want 1", s.Holds, v)
		}
	}
	w.audit()
}

// TestNothingChargedTwice kills the process at every boundary of the script:
// before and after every append is durable, before and after every order
// reaches the bank. Each time it must end as if nothing had happened, to the
// byte in every stream.
func TestNothingChargedTwice(t *testing.T) {
	whole := newWorld(t)
	script(whole)
	wantScript(whole)
	if t.Failed() {
		return
	}
	want := streams(whole)
	t.Logf("%d boundaries", whole.boundary)
	for at := 1; at <= whole.boundary; at++ {
		w := newWorld(t)
		w.killAt = at
		script(w)
		if w.killed != 1 {
			t.Fatalf("boundary %d of %d was not reached", at, whole.boundary)
		}
		wantScript(w)
		if diff := cmp.Diff(want, streams(w)); diff != "" {
			t.Errorf("streams differ from those of a process that lived (-want +got):\n%s", diff)
		}
		if t.Failed() {
			t.Fatalf("killed at boundary %d", at)
		}
	}
}

// TestSettledOnce kills the process twice, and the second time soon after.
func TestSettledOnce(t *testing.T) {
	for first := 1; first < 160; first += 5 {
		for later := 1; later < 30; later += 4 {
			w := newWorld(t)
			w.killAt = first
			w.again = func() {
				if w.killed == 1 {
					w.killAt = w.boundary + later
				}
			}
			script(w)
			wantScript(w)
			if t.Failed() {
				t.Fatalf("killed at boundary %d, and %d after the restart", first, later)
			}
		}
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
