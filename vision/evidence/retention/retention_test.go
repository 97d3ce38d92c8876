package retention

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision/evidence"
)

func usd(minor int64) money.Money { return money.Money{Minor: minor, Currency: "USD"} }

// A shop is a log and a store, with a clock that the test turns. Its day 0 is
// today, because what is stored has the time of this machine's disk.
type shop struct {
	*testing.T
	log    *memlog.Log
	keys   *evidence.Keys
	store  *evidence.Store
	runner *Runner
	start  time.Time
	now    time.Time
	n      byte
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{T: t, start: ledger.Instant(time.Now())}
	s.now = s.start
	s.log = memlog.New(func() time.Time { return s.now })
	var err error
	if s.keys, err = evidence.OpenKeys(filepath.Join(t.TempDir(), "keys")); err != nil {
		t.Fatal(err)
	}
	if s.store, err = evidence.Open(filepath.Join(t.TempDir(), "evidence"), evidence.Config{Keys: s.keys}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.store.Close(), s.keys.Close()); err != nil {
			t.Error(err)
		}
	})
	s.restart()
	return s
}

// restart begins with an empty fold, as a server does.
func (s *shop) restart() {
	s.runner = &Runner{Log: s.log, Store: s.store, Policy: Default(), Now: func() time.Time { return s.now }}
}

func (s *shop) day(n int) { s.now = s.start.AddDate(0, 0, n).Add(time.Hour) }

func (s *shop) say(stream ledger.StreamID, p ledger.Payload) ledger.ID {
	s.Helper()
	s.n++
	d, err := ledger.NewDraft(ledger.Meta{ID: ledger.ID{1, s.n}, Occurred: s.now}, p)
	if err != nil {
		s.Fatal(err)
	}
	if _, err := s.log.Append(s.Context(), stream, ledger.Any(), d); err != nil {
		s.Fatal(err)
	}
	return d.ID
}

// see stores a frame and has an event in a stream name it.
func (s *shop) see(stream ledger.StreamID, frame string) (ledger.ID, ledger.Digest) {
	s.Helper()
	info, err := s.store.PutBytes(s.Context(), []byte(frame))
	if err != nil {
		s.Fatal(err)
	}
	return s.say(stream, ledger.DetectionRecorded{
		Store: "berlin-1", Sensor: "cam-1", Source: ledger.SensorCamera, Slot: "A1", Quantity: 1, Model: "m",
		Items:    []ledger.ItemHypothesis{{SKU: "cola", Confidence: 900}},
		Actions:  []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 900}},
		Evidence: []ledger.EvidenceRef{{Role: "before", Digest: info.Digest, MediaType: "image/jpeg", Bytes: int64(len(frame))}},
	}), info.Digest
}

func (s *shop) settle(v ledger.VisitID) {
	s.say(ledger.VisitStream(v), ledger.VisitSettled{Outcome: ledger.SettledCharged, Charged: usd(100), Owed: usd(0)})
}

func (s *shop) run() Report {
	s.Helper()
	r, err := s.runner.Run(s.Context(), false)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

// wantGone requires that what the days before n keep is gone on day n, and not
// the day before, in a first pass that only says so and a second.
func (s *shop) wantGone(n int, d ledger.Digest, class ledger.RetentionClass, days int) {
	s.Helper()
	s.day(n - 1)
	if s.run(); !s.store.Has(s.Context(), d) {
		s.Fatalf("day %d: evidence %s is gone, want it kept", n-1, d)
	}
	s.day(n)
	dry, err := s.runner.Run(s.Context(), true)
	if err != nil || !s.store.Has(s.Context(), d) {
		s.Fatalf("day %d: a dry run says %v and has removed it: %v", n, err, !s.store.Has(s.Context(), d))
	}
	did := s.run()
	if diff := cmp.Diff(dry, did); diff != "" {
		s.Errorf("what a dry run says is not what is done (-said +done):\n%s", diff)
	}
	at := slices.IndexFunc(did.Expired, func(x Expiry) bool { return x.Digest == d })
	if at < 0 || did.Expired[at].Class != class || did.Expired[at].Days != days {
		s.Fatalf("day %d: expired %+v, want %s as %s after %d days", n, did.Expired, d, class, days)
	}
	if _, err := s.store.Get(s.Context(), d); !errors.Is(err, evidence.ErrMissing) {
		s.Errorf("day %d: Get = %v, want it removed", n, err)
	}
	s.wantSaid(d, 1)
}

// wantSaid counts the events that say that a piece has expired.
func (s *shop) wantSaid(d ledger.Digest, want int) {
	s.Helper()
	got := 0
	for _, err := range s.log.Read(s.Context(), ledger.Query{Stream: ledger.EvidenceStream(d), Kinds: []ledger.Kind{ledger.KindEvidenceExpired}}) {
		if err != nil {
			s.Fatal(err)
		}
		got++
	}
	if got != want {
		s.Errorf("%d events say that %s has expired, want %d", got, d, want)
	}
}

func TestRoutineEvidenceIsGoneOnItsDay(t *testing.T) {
	s := newShop(t)
	_, d := s.see("visit-v1", "a hand")
	s.settle("v1")
	s.wantGone(135, d, ledger.RetentionRoutine, 135)
	if !s.keys.Destroyed("v1") {
		t.Error("the key of the visit is there, want it destroyed")
	}
	s.restart()
	if r := s.run(); len(r.Expired) != 0 || r.Named != 0 || r.Keys != 0 {
		t.Errorf("a pass after it = %+v, want nothing to do", r)
	}
}

func TestWhatNoVisitNamesIsKeptForAMonth(t *testing.T) {
	s := newShop(t)
	_, d := s.see("store-berlin-1", "somebody's hand")
	s.day(-4000) // a camera whose clock is wrong
	_, early := s.see("store-berlin-1", "a hand in another time")
	info, err := s.store.PutBytes(t.Context(), []byte("sent, and never named"))
	if err != nil {
		t.Fatal(err)
	}
	s.wantGone(30, d, ledger.RetentionUnnamed, 30)
	for _, d := range []ledger.Digest{early, info.Digest} {
		if s.store.Has(t.Context(), d) {
			t.Errorf("evidence %s is there, want it removed", d)
		}
	}
}

func TestADisputeKeepsEvidenceUntilLongAfterItIsDecided(t *testing.T) {
	s := newShop(t)
	_, d := s.see("visit-v1", "a hand")
	s.settle("v1")
	s.day(130)
	dispute := s.say("visit-v1", ledger.DisputeOpened{
		Dispute: ledger.ID{7}, Receipt: "r1", Line: 1, Claim: ledger.ClaimNotTaken, Quantity: 1,
	})
	s.day(1000)
	if r := s.run(); r.Kept["a dispute is open"] != 1 {
		t.Errorf("during the dispute %s: %+v, want it kept", dispute, r)
	}
	s.say("visit-v1", ledger.DisputeDecided{Dispute: ledger.ID{7}, Outcome: ledger.DisputeDenied, Reviewer: "reviewer:anna", Reason: "the clip shows it"})
	s.wantGone(1180, d, ledger.RetentionDisputed, 180)
}

func TestABanksClaimAndAHoldKeepEvidence(t *testing.T) {
	s := newShop(t)
	_, d := s.see("visit-v1", "a hand")
	s.settle("v1")
	s.day(100)
	s.say("payment-v1", ledger.ChargebackOpened{Chargeback: "dp_1", Object: "pi_1", Amount: usd(100), Reason: "fraudulent", DueBy: s.now})
	s.day(900)
	if r := s.run(); r.Kept["a bank claims the money"] != 1 {
		t.Errorf("during the claim: %+v, want it kept", r)
	}
	s.say("payment-v1", ledger.ChargebackClosed{Chargeback: "dp_1", Outcome: ledger.ChargebackWon, Amount: usd(100)})
	holds := ledger.VisitEvidenceStream("v1")
	first := s.say(holds, ledger.EvidenceHeld{Visit: "v1", Reason: "a letter of the court", By: "operator:olga"})
	second := s.say(holds, ledger.EvidenceHeld{Visit: "v1", Reason: "another letter", By: "operator:olga"})
	s.day(3000)
	s.say(holds, ledger.EvidenceReleased{Visit: "v1", Hold: first, Reason: "closed", By: "operator:olga"})
	if r := s.run(); r.Kept["it is held"] != 1 {
		t.Errorf("with one of two holds released: %+v, want it kept", r)
	}
	s.say(holds, ledger.EvidenceReleased{Visit: "v1", Hold: second, Reason: "closed", By: "operator:olga"})
	if r := s.run(); len(r.Expired) != 1 || r.Expired[0].Class != ledger.RetentionChargeback || s.store.Has(t.Context(), d) {
		t.Errorf("with all holds released: %+v, want it gone", r)
	}
}

// TestWhatTwoVisitsNameIsKeptForBoth has a question that concerns two visits.
func TestWhatTwoVisitsNameIsKeptForBoth(t *testing.T) {
	s := newShop(t)
	detection, d := s.see("visit-v1", "two hands")
	s.say("visit-v2", ledger.DetectionImplicated{Detection: detection, Stream: "visit-v1", Confidence: 400})
	s.settle("v1")
	if r := s.run(); r.Adopted != 1 {
		t.Errorf("adopted %d, want the loose frame to go to both visits", r.Adopted)
	}
	s.day(135)
	if r := s.run(); r.Keys != 1 || len(r.Expired) != 0 || !s.keys.Destroyed("v1") {
		t.Errorf("when the first visit is over its time: %+v, want its key alone destroyed", r)
	}
	if b, err := s.store.Read(t.Context(), d); err != nil || string(b) != "two hands" {
		t.Errorf("Read for the second visit = %q, %v, want the frame", b, err)
	}
	s.settle("v2")
	s.wantGone(270, d, ledger.RetentionRoutine, 135)
}

// TestWhatAWeighingShowsIsKeptWithItsVisit: the frame of a cart's weight is
// routine evidence of the visit, and not unnamed.
func TestWhatAWeighingShowsIsKeptWithItsVisit(t *testing.T) {
	s := newShop(t)
	info, err := s.store.PutBytes(t.Context(), []byte("a cart from above"))
	if err != nil {
		t.Fatal(err)
	}
	s.say("visit-v1", ledger.CartWeighed{
		Visit: "v1", Store: "berlin-1", Device: "cart-7", Measured: 900, Tolerance: 30,
		Evidence: []ledger.EvidenceRef{{Role: ledger.RoleAt, Digest: info.Digest, MediaType: "image/jpeg", Bytes: 17}},
	})
	s.settle("v1")
	s.wantGone(135, info.Digest, ledger.RetentionRoutine, 135)
}

// TestAPassThatWasCutOffIsFinished stops after the log knows and before the
// store does, and has a second server do the same.
func TestAPassThatWasCutOffIsFinished(t *testing.T) {
	s := newShop(t)
	_, d := s.see("visit-v1", "a hand")
	s.settle("v1")
	s.run()
	s.day(200)
	other := *s.runner
	if err := s.runner.catchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	term, visits, _ := s.runner.keeping.Evidence(d, s.runner.Policy)
	if err := s.runner.announce(t.Context(), s.now, []Expiry{{d, visits, term}}); err != nil {
		t.Fatal(err)
	}
	if !s.store.Has(t.Context(), d) {
		t.Fatal("the evidence is gone before its key is")
	}
	s.now = s.now.Add(time.Minute)
	if _, err := other.Run(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	s.restart()
	s.run()
	if _, err := s.store.Get(t.Context(), d); !errors.Is(err, evidence.ErrMissing) {
		t.Errorf("Get = %v, want it removed", err)
	}
	s.wantSaid(d, 1)
}

// TestARestoredKeyIsDestroyedAgain brings back keys and objects of a backup.
func TestARestoredKeyIsDestroyedAgain(t *testing.T) {
	s := newShop(t)
	s.see("visit-v1", "a hand")
	s.settle("v1")
	s.run()
	backup, err := evidence.OpenKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer backup.Close()
	if err := s.keys.CopyTo(backup); err != nil {
		t.Fatal(err)
	}
	s.day(135)
	s.run()
	s.keys, s.store = backup, evidence.New(s.folder(), evidence.Config{Keys: backup})
	d := ledger.DigestOf([]byte("a hand"))
	if _, err := s.store.PutFor(t.Context(), "v1", bytes.NewReader([]byte("a hand")), d); err != nil {
		t.Fatal(err)
	}
	s.restart()
	if r := s.run(); r.Keys != 1 || r.Removed != 1 || s.store.Has(t.Context(), d) {
		t.Errorf("the first pass after it = %+v, want key and object gone again", r)
	}
}

func (s *shop) folder() *evidence.Folder {
	s.Helper()
	f, err := evidence.OpenFolder(filepath.Join(s.TempDir(), "restored"))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = f.Close() })
	return f
}

// TestTheRightToDisputeOutlastsTheRule pins a policy whose right to dispute is
// longer than routine evidence is kept.
func TestTheRightToDisputeOutlastsTheRule(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var k Keeping
	for i, p := range []ledger.Payload{
		ledger.GatePresented{Policy: ledger.Policy{DisputeDays: 200}},
		ledger.EvidencePackBuilt{Digest: "d"},
		ledger.ReceiptIssued{},
		ledger.VisitSettled{},
	} {
		e := ledger.Event{Record: ledger.Record{Position: uint64(i + 1), Stream: "visit-v1", Occurred: at}, Payload: p}
		if err := k.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	want := Term{Class: ledger.RetentionRoutine, Days: 215, Until: at.AddDate(0, 0, 215)}
	if got, _, _ := k.Evidence("d", Default()); got != want {
		t.Errorf("Evidence = %+v, want %+v", got, want)
	}
	if err := k.Apply(ledger.Event{Record: ledger.Record{Position: 4}}); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Apply of what was folded = %v, want ErrCorrupt", err)
	}
}

// TestNothingOpenIsEverOver draws the life of a visit and asks at every moment.
func TestNothingOpenIsEverOver(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		k, now, over := Keeping{}, at, false
		open := map[string]bool{}
		last := map[string]time.Time{}
		names := rapid.SampledFrom([]string{"a", "b"})
		for i := range rapid.IntRange(1, 40).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "hours")) * time.Hour)
			id := ledger.ID{byte(i + 1)}
			e := ledger.Event{Record: ledger.Record{ID: id, Position: uint64(i + 1), Stream: "visit-v1", Occurred: now}}
			n := names.Draw(t, "name")
			what := rapid.SampledFrom([]string{"settle", "dispute", "decide", "claim", "close", "ask", "answer"}).Draw(t, "what")
			switch what {
			case "settle":
				e.Payload, over = ledger.VisitSettled{}, true
			case "dispute":
				e.Payload, open["d"+n] = ledger.DisputeOpened{Dispute: ledger.ID{n[0]}}, true
			case "decide":
				e.Payload, open["d"+n] = ledger.DisputeDecided{Dispute: ledger.ID{n[0]}}, false
			case "claim":
				e.Payload, open["c"+n] = ledger.ChargebackOpened{Chargeback: n}, true
			case "close":
				e.Payload, open["c"+n] = ledger.ChargebackClosed{Chargeback: n}, false
			case "ask":
				e.Payload, open["q"+n] = ledger.ReviewRequested{Detection: ledger.ID{n[0]}}, true
			case "answer":
				e.Payload, open["q"+n] = ledger.ReviewDecided{Detection: ledger.ID{n[0]}}, false
			}
			last[what] = now
			if err := k.Apply(e); err != nil {
				t.Fatal(err)
			}
			ask := now.AddDate(0, 0, rapid.IntRange(0, 700).Draw(t, "later"))
			p, want := Default(), over
			for _, o := range open {
				want = want && !o
			}
			for what, days := range map[string]int{
				"settle": p.Routine, "dispute": p.Disputed, "decide": p.Disputed, "claim": p.Chargeback, "close": p.Chargeback,
			} {
				if from, ok := last[what]; ok {
					want = want && !ask.Before(from.AddDate(0, 0, days))
				}
			}
			if got := k.Visit("v1", p).Over(ask); got != want {
				t.Fatalf("Over(%s) = %v, want %v: %+v", ask, got, want, k.Visit("v1", p))
			}
		}
	})
}

func TestPolicies(t *testing.T) {
	p, err := Parse("routine=90, disputed=365")
	if err != nil || p.Routine != 90 || p.Disputed != 365 || p.Unnamed != 30 {
		t.Errorf("Parse = %+v, %v, want what it says and else the defaults", p, err)
	}
	if again, err := Parse(p.String()); err != nil || again != p {
		t.Errorf("Parse(%q) = %+v, %v, want the same", p, again, err)
	}
	for _, bad := range []string{"routine", "routine=0", "routine=-3", "routine=ever", "legal=3", "routine=99999"} {
		if _, err := Parse(bad); !errors.Is(err, ledger.ErrInvalid) || !strings.Contains(err.Error(), "retention") {
			t.Errorf("Parse(%q) = %v, want ErrInvalid", bad, err)
		}
	}
}
