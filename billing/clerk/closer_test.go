package clerk_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/clerk"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// An afternoon in a shop's ledger: what is told, and the closer of its days.
type afternoon struct {
	*testing.T
	log        ledger.Log
	reconciled time.Time
	told       byte
}

func (a *afternoon) tell(stream ledger.StreamID, at time.Time, p ledger.Payload) {
	a.Helper()
	a.told++
	d, err := ledger.NewDraft(ledger.Meta{ID: ledger.ID{2, a.told}, Occurred: at, Actor: "test"}, p)
	if err != nil {
		a.Fatal(err)
	}
	if _, err := a.log.Append(a.Context(), stream, ledger.Any(), d); err != nil {
		a.Fatal(err)
	}
}

// buys books a purchase of one water.
func (a *afternoon) buys(visit ledger.VisitID, number string, at time.Time) {
	a.Helper()
	rule := ledger.TaxRule{Category: "standard", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp}
	a.tell(ledger.VisitStream(visit), at, ledger.ReceiptIssued{Document: ledger.ReceiptDocument{
		Number: number, Visit: visit, Store: "s1", Issued: at, Entered: at, Exited: at,
		Seller: ledger.Seller{Name: "Corner", Address: "1 Main St", TaxID: "DE1", Currency: "EUR", Timezone: "Europe/Berlin"},
		Lines: []ledger.ReceiptLine{{
			No: 1, SKU: "water", Name: "Water", Category: "drinks", Quantity: 1, Unit: eur(119), Net: eur(100), Tax: eur(19), Gross: eur(119),
			TaxRule: rule, Check: ledger.CheckMachine, Causes: []ledger.ID{{9, a.told}},
		}},
		Taxes: []ledger.TaxTotal{{Rule: rule, Net: eur(100), Tax: eur(19)}},
		Net:   eur(100), Tax: eur(19), Gross: eur(119),
	}})
}

// closes lets the closer look and returns the days that are closed after it.
func (a *afternoon) closes() []ledger.Date {
	a.Helper()
	d := clerk.DayCloser{
		Log: a.log, Reconciled: func() time.Time { return a.reconciled }, After: 24 * time.Hour, Logger: slog.New(slog.DiscardHandler),
		Days: func(_ context.Context, until time.Time) ([]ledger.DayClosed, error) {
			return journal(a.T, a.log).Due(until, clerk.Closer, time.LoadLocation)
		},
	}
	if _, err := d.Once(a.Context()); err != nil {
		a.Fatal(err)
	}
	days := []ledger.Date{}
	for _, k := range journal(a.T, a.log).Closings("s1") {
		days = append(days, k.Day)
	}
	return days
}

// Days close by themselves, in order, when they have been over for a day and
// were compared with the provider since; an open exception keeps its day and
// all later ones open until somebody has closed it.
func TestADayWithNothingOpenClosesByItself(t *testing.T) {
	a := &afternoon{T: t, log: open(t)}
	for day := range 3 { // Monday 2 March to Wednesday
		a.buys(ledger.VisitID("v"+string(rune('1'+day))), "s1-2026-00000"+string(rune('1'+day)), noon.AddDate(0, 0, day))
	}
	steps := []struct {
		what string
		do   func()
		want []ledger.Date
	}{
		{"nothing was compared yet", func() {}, nil},
		{"Monday is over for half a day", func() { a.reconciled = noon.AddDate(0, 0, 1) }, nil},
		{"Monday is over for a day and an hour", func() { a.reconciled = noon.AddDate(0, 0, 1).Add(13 * time.Hour) }, []ledger.Date{"2026-03-02"}},
		{"Tuesday's fee is a question", func() {
			a.tell("exception-x", noon.AddDate(0, 0, 1), ledger.ExceptionOpened{
				Exception: "x", Class: ledger.ExceptionFee, Subject: "txn_1", Store: "s1", Day: "2026-03-03", Expected: eur(30), Found: eur(31), Owner: "finance",
				Detail: "the fee is another one",
			})
			a.reconciled = noon.AddDate(0, 0, 9)
		}, []ledger.Date{"2026-03-02"}},
		{"somebody has explained it", func() {
			a.tell("exception-x", noon.AddDate(0, 0, 9), ledger.ExceptionClosed{Exception: "x", By: "finance:fay", Reason: "agreed with the provider"})
		}, []ledger.Date{"2026-03-02", "2026-03-03", "2026-03-04"}},
		{"again", func() {}, []ledger.Date{"2026-03-02", "2026-03-03", "2026-03-04"}},
	}
	for _, s := range steps {
		s.do()
		if got := a.closes(); !slices.Equal(got, s.want) {
			t.Fatalf("%s: closed are %v, want %v", s.what, got, s.want)
		}
	}
}
