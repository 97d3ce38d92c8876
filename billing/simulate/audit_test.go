package simulate_test

import (
	"strings"
	"testing"

	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// TestAuditFindsWhatWasChanged copies a good ledger with one thing changed on
// the way, and the audit must name it.
func TestAuditFindsWhatWasChanged(t *testing.T) {
	clock := simulate.NewClock()
	good := memlog.New(clock.Now)
	bank := simulate.NewBank()
	if _, err := simulate.Run(t.Context(), good, simulate.Config{
		Seed: 5, Visits: 30, Shops: 1, Profile: profile(t, "stadium"), Clock: clock, Bank: bank,
	}); err != nil {
		t.Fatal(err)
	}
	once := func(f func(p ledger.Payload) []ledger.Payload) func(ledger.Payload) []ledger.Payload {
		done := false
		return func(p ledger.Payload) []ledger.Payload {
			out := f(p)
			if done || out == nil {
				return []ledger.Payload{p}
			}
			done = true
			return out
		}
	}
	for _, tt := range []struct {
		name   string
		change func(p ledger.Payload) []ledger.Payload // nil leaves p as it is
		want   string                                  // in a finding; empty for none
	}{
		{"nothing", func(ledger.Payload) []ledger.Payload { return nil }, ""},
		{"a pinned price", func(p ledger.Payload) []ledger.Payload {
			if p, ok := p.(ledger.ItemPriced); ok {
				p.Unit.Minor++
				return []ledger.Payload{p}
			}
			return nil
		}, "does not equal its replay"},
		{"a charge", func(p ledger.Payload) []ledger.Payload {
			if p, ok := p.(ledger.Captured); ok {
				p.Amount.Minor--
				return []ledger.Payload{p}
			}
			return nil
		}, "the ledger says"},
		{"a visit settled twice", func(p ledger.Payload) []ledger.Payload {
			if p, ok := p.(ledger.VisitSettled); ok && p.Outcome == ledger.SettledCharged {
				return []ledger.Payload{p, p}
			}
			return nil
		}, "settled 2 times"},
		{"a visit never settled", func(p ledger.Payload) []ledger.Payload {
			if _, ok := p.(ledger.VisitSettled); ok {
				return []ledger.Payload{}
			}
			return nil
		}, "settled 0 times"},
		{"a receipt that is gone", func(p ledger.Payload) []ledger.Payload {
			if p, ok := p.(ledger.ReceiptIssued); ok && strings.HasSuffix(p.Document.Number, "000003") {
				return []ledger.Payload{}
			}
			return nil
		}, "4 where 3 is due"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := simulate.Check(t.Context(), copyOf(t, good, once(tt.change)), bank)
			if err != nil {
				t.Fatalf("Check: %v", err)
			}
			var found []string
			for _, f := range a.Findings {
				found = append(found, f.String())
			}
			all := strings.Join(found, "\n")
			if (tt.want == "") != (all == "") || !strings.Contains(all, tt.want) {
				t.Errorf("Check found %q, want %q", all, tt.want)
			}
		})
	}
}

// copyOf returns a log with what change makes of every payload.
func copyOf(t *testing.T, from ledger.Log, change func(ledger.Payload) []ledger.Payload) ledger.Log {
	t.Helper()
	to := memlog.New(simulate.NewClock().Now)
	for r, err := range from.Read(t.Context(), ledger.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		p, err := ledger.Unmarshal(r.Kind, r.Body)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range change(p) {
			m := ledger.Meta{ID: r.ID, Occurred: r.Occurred, Actor: r.Actor, Cause: r.Cause}
			if i > 0 {
				m.ID = ledger.DeriveID(r.ID, "again")
			}
			d, err := ledger.NewDraft(m, p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := to.Append(t.Context(), r.Stream, ledger.Any(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}
