package engine_test

import (
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
)

// keepsBooks checks that the books say of every visit what billing says: what
// is owed, or what we have that is not ours, to the cent; and that they find
// nothing odd in what billing did.
func (w *world) keepsBooks() {
	w.t.Helper()
	var j books.Journal
	asked := map[ledger.VisitID]int64{} // supplements that wait for an answer: billed, and not owed yet
	open := map[ledger.ID]ledger.SupplementProposed{}
	for e, err := range projections.Decoded(w.log.Read(w.t.Context(), ledger.Query{Prefixes: ledger.OwnPrefixes()})) {
		if err != nil {
			w.t.Fatal(err)
		}
		if err := j.Apply(e); err != nil {
			w.t.Fatal(err)
		}
		switch p := e.Payload.(type) { // only supplements count
		case ledger.SupplementProposed:
			open[e.ID] = p
			asked[p.Visit] += p.Amount.Minor
		case ledger.SupplementAnswered:
			asked[p.Visit] -= open[p.Proposal].Amount.Minor
		}
	}
	for _, o := range j.Odd() {
		w.t.Errorf("the books find odd: %s", o.What)
	}
	due := map[ledger.VisitID]int64{}
	for _, e := range j.Entries() {
		for _, p := range e.Postings {
			if p.Account == books.AccountReceivable {
				due[e.Visit] += p.Amount.Minor
			}
		}
	}
	w.live.View(func(e *engine.Engine) {
		for id, got := range due {
			v, ok := e.Visit(id)
			if !ok || v.Cart.Status != projections.StatusSettled {
				continue
			}
			want := v.Owed.Minor - v.Overdue.Minor - v.Payment.Returned.Minor + asked[id]
			if got != want {
				w.t.Errorf("visit %s: the books say that %d is owed, billing says %d (%s owed, %s overpaid, %s returned)",
					id, got, want, v.Owed, v.Overdue, v.Payment.Returned)
			}
		}
	})
}
