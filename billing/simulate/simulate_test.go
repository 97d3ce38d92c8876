package simulate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/memlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func profile(t testing.TB, name string) simulate.Profile {
	t.Helper()
	p, err := simulate.ProfileNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEveryVisitEnds: whatever kind of shop, every visit ends once, the books
// balance, receipts equal their replay, and the bank says the same.
func TestEveryVisitEnds(t *testing.T) {
	for _, name := range simulate.Profiles() {
		t.Run(name, func(t *testing.T) {
			clock := simulate.NewClock()
			const visits = 400
			sum, err := simulate.Run(t.Context(), memlog.New(clock.Now), simulate.Config{
				Seed: 7, Visits: visits, Shops: 8, Profile: profile(t, name), Clock: clock,
			})
			if err != nil {
				t.Fatalf("Run: %v", err)
			}
			for _, f := range sum.Audit.Findings {
				t.Error(f)
			}
			if n := sum.Audit.Settled + sum.Audit.Refused; sum.Tally.Presented != visits || n < visits*9/10 {
				t.Errorf("%d of %d codes led to %d visits that ended", sum.Tally.Presented, visits, n)
			}
			if sum.Audit.Outcomes[ledger.SettledCharged] == 0 || sum.Tally.Doubts == 0 || sum.Tally.Late == 0 {
				t.Errorf("the simulation is not plausible: %+v", sum)
			}
		})
	}
}

// TestSameSeedSameLog runs on the log with a disk, whose commits are shared.
func TestSameSeedSameLog(t *testing.T) {
	run := func(seed uint64) []string {
		clock := simulate.NewClock()
		log, err := embedded.Open(t.Context(), t.TempDir(), embedded.Config{Now: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = log.Close() }()
		cfg := simulate.Config{Seed: seed, Visits: 60, Shops: 6, Profile: profile(t, "convenience"), Clock: clock}
		if _, err := simulate.Run(t.Context(), log, cfg); err != nil {
			t.Fatalf("Run: %v", err)
		}
		var all []string
		for r, err := range log.Read(t.Context(), ledger.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprintf("%d %s %s %s %s", r.Position, r.Recorded, r.Stream, r.ID, r.Body))
		}
		return all
	}
	first := run(1)
	if diff := cmp.Diff(first, run(1)); diff != "" {
		t.Errorf("the same seed gives another log (-first +second):\n%s", diff)
	}
	if cmp.Equal(first, run(2)) {
		t.Error("another seed gives the same log")
	}
}

// TestAuditFindsMoneyThatMoved breaks the proof on purpose: a refund that the
// ledger knows nothing of must be found.
func TestAuditFindsMoneyThatMoved(t *testing.T) {
	clock := simulate.NewClock()
	log := memlog.New(clock.Now)
	bank := simulate.NewBank()
	if _, err := simulate.Run(t.Context(), log, simulate.Config{
		Seed: 3, Visits: 20, Profile: profile(t, "stadium"), Clock: clock, Bank: bank,
	}); err != nil {
		t.Fatal(err)
	}
	var order ledger.CaptureIntended
	for r, err := range log.Read(t.Context(), ledger.Query{
		Kinds: []ledger.Kind{ledger.KindCaptureIntended},
		Limit: 1,
	}) {
		if err != nil {
			t.Fatal(err)
		}
		ev, err := ledger.Decode(r)
		if err != nil {
			t.Fatal(err)
		}
		order = ev.Payload.(ledger.CaptureIntended)
	}
	again := billing.Order{
		Op: billing.OpRefund, ID: "x", Key: "x", Visit: string(order.Visit),
		Amount: order.Amount, Object: order.Object,
	}
	if out, err := bank.Refund(t.Context(), again); err != nil || out.Status != billing.Done {
		t.Fatalf("Refund behind the ledger's back = %+v, %v", out, err)
	}
	a, err := simulate.Check(t.Context(), log, bank)
	if err != nil || len(a.Findings) != 1 {
		t.Errorf("Check = %q, %v, want one finding", a.Findings, err)
	}
}

func TestSimulationNeedsAnEmptyLedger(t *testing.T) {
	clock := simulate.NewClock()
	log := memlog.New(clock.Now)
	cfg := simulate.Config{Seed: 1, Visits: 2, Profile: profile(t, "grocery"), Clock: clock}
	if _, err := simulate.Run(t.Context(), log, cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := simulate.Run(t.Context(), log, cfg); !errors.Is(err, simulate.ErrNotEmpty) {
		t.Errorf("Run on a ledger in use = %v, want %v", err, simulate.ErrNotEmpty)
	}
	if _, err := simulate.ProfileNamed("bazaar"); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("ProfileNamed(bazaar) = %v, want %v", err, ledger.ErrInvalid)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := simulate.Run(ctx, memlog.New(clock.Now), cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("Run when cancelled = %v, want %v", err, context.Canceled)
	}
}

// BenchmarkSimulate measures whole visits through gate, folds, billing and
// review, in memory; the audit at the end is part of it.
func BenchmarkSimulate(b *testing.B) {
	p := profile(b, "convenience")
	const visits = 2000
	for b.Loop() {
		clock := simulate.NewClock()
		sum, err := simulate.Run(b.Context(), memlog.New(clock.Now), simulate.Config{
			Seed: 1, Visits: visits, Profile: p, Clock: clock,
		})
		if err != nil || len(sum.Audit.Findings) > 0 {
			b.Fatal(err, sum.Audit.Findings)
		}
	}
	b.ReportMetric(float64(visits*b.N)/b.Elapsed().Seconds(), "visits/s")
}
