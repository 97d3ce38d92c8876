package whatif_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/billing/whatif"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// afternoon is a log of many visits to shops of a kind.
func afternoon(t *testing.T, kind string, visits int) ledger.Log {
	t.Helper()
	p, err := simulate.ProfileNamed(kind)
	if err != nil {
		t.Fatal(err)
	}
	clock := simulate.NewClock()
	log := memlog.New(clock.Now)
	if _, err := simulate.Run(t.Context(), log, simulate.Config{Seed: 5, Visits: visits, Shops: 4, Profile: p, Clock: clock}); err != nil {
		t.Fatal(err)
	}
	return log
}

// visitsOf returns the visits of a log.
func visitsOf(t *testing.T, log ledger.Log) (vs []ledger.VisitID) {
	t.Helper()
	for r, err := range log.Read(t.Context(), ledger.Query{Prefixes: []string{"visit-"}, Kinds: []ledger.Kind{ledger.KindGatePresented}}) {
		if err != nil {
			t.Fatal(err)
		}
		_, id := r.Stream.Split()
		vs = append(vs, ledger.VisitID(id))
	}
	return vs
}

// bare is a document without what another engine cannot know: its number, and
// when and from how many events it was made.
func bare(d *ledger.ReceiptDocument) *ledger.ReceiptDocument {
	if d == nil {
		return nil
	}
	c := *d
	c.Number, c.Corrects, c.Issued, c.Events = "", "", c.Exited, 0
	return &c
}

// TestNothingExchangedChangesNothing: whatever kind of shop, told to another
// engine each visit ends with the receipt it had.
func TestNothingExchangedChangesNothing(t *testing.T) {
	same, asked := 0, 0
	for _, kind := range simulate.Profiles() {
		log := afternoon(t, kind, 120)
		for _, v := range visitsOf(t, log) {
			h, err := whatif.Read(t.Context(), log, v)
			if err != nil {
				t.Fatal(err)
			}
			first, latest := h.Stored()
			out, err := h.If(nil)
			if err != nil {
				t.Fatalf("%s: visit %s: %v", kind, v, err)
			}
			asked += out.Asked
			if out.Asked != h.Asked() {
				t.Errorf("%s: visit %s asked %d and would have asked %d", kind, v, h.Asked(), out.Asked)
			}
			a, b, got := bare(first), bare(latest), bare(out.Document)
			if diff := cmp.Diff(b, got); diff != "" && cmp.Diff(a, got) != "" {
				t.Errorf("%s: visit %s is %q and would have had (-issued +would):\n%s", kind, v, out.Open, diff)
			} else if got != nil {
				same++
			}
		}
	}
	if same < 200 || asked < 10 {
		t.Errorf("%d receipts and %d questions were compared; the test looks at nothing", same, asked)
	}
}

// pieces counts what a document bills.
func pieces(d *ledger.ReceiptDocument) map[ledger.SKU]int {
	out := map[ledger.SKU]int{}
	if d != nil {
		for _, l := range d.Lines {
			out[l.SKU] += l.Quantity
		}
	}
	return out
}

// sure is a reading that nobody is asked about.
func sure(sku ledger.SKU) ledger.List[ledger.ItemHypothesis] {
	return ledger.List[ledger.ItemHypothesis]{{SKU: sku, Confidence: 990}}
}

// TestAnotherClaimGivesAnotherReceipt: for every take of an afternoon that was
// billed as seen, what would have been billed if it had been another product of
// the shop, one without a price, or seen with doubt.
func TestAnotherClaimGivesAnotherReceipt(t *testing.T) {
	log := afternoon(t, "convenience", 60)
	before, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, v := range visitsOf(t, log) {
		h, err := whatif.Read(t.Context(), log, v)
		if err != nil {
			t.Fatal(err)
		}
		was, _ := h.Stored()
		if was == nil || len(was.Lines) < 2 || was.Lines[0].Check != ledger.CheckMachine || was.Lines[0].Quantity != 1 || len(was.Lines[0].Causes) != 1 {
			continue
		}
		detection, from, to := was.Lines[0].Causes[0], was.Lines[0].SKU, was.Lines[1].SKU
		if from == to {
			continue
		}
		would := func(items ledger.List[ledger.ItemHypothesis]) whatif.Outcome {
			out, err := h.If([]whatif.Claim{{Detection: detection, Items: items}})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		again := would(nil)
		if cmp.Diff(bare(was), bare(again.Document)) != "" {
			t.Errorf("visit %s with nothing found is not as it was", v)
		}
		if again.Asked > 0 {
			continue // what came late came in time while a doubtful take is open
		}
		tried++
		want := pieces(was)
		want[to]++
		if want[from]--; want[from] == 0 {
			delete(want, from)
		}
		if got := would(sure(to)); got.Open != "" || cmp.Diff(want, pieces(got.Document)) != "" {
			t.Errorf("visit %s with %s for %s bills %v (%s), want %v", v, to, from, pieces(got.Document), got.Open, want)
		}
		if got := would(sure("a-stranger")); got.Document != nil || got.Open == "" {
			t.Errorf("visit %s with a product without a price is %+v, want one that waits", v, got)
		}
		delete(want, to)
		if want[to] = pieces(was)[to]; cmp.Diff(want, pieces(would(ledger.List[ledger.ItemHypothesis]{{SKU: from, Confidence: 300}}).Document)) != "" {
			t.Errorf("visit %s with a doubtful take bills it, want it left out at the deadline", v)
		}
	}
	if tried < 5 {
		t.Errorf("%d takes were tried; the test looks at nothing", tried)
	}
	if after, err := log.Head(t.Context()); err != nil || after != before {
		t.Errorf("the log ends at %d, %v, want %d: nothing is written", after, err, before)
	}
}

// TestWhoWasAskedIsAskedOnlyWhereThereIsDoubt: a claim that a person had to
// confirm is sure with another claim, and what the person said falls away.
func TestWhoWasAskedIsAskedOnlyWhereThereIsDoubt(t *testing.T) {
	log := afternoon(t, "convenience", 200)
	tried := 0
	for r, err := range log.Read(t.Context(), ledger.Query{Prefixes: []string{"visit-"}, Kinds: []ledger.Kind{ledger.KindReviewDecided}}) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			t.Fatal(err)
		}
		said, _ := e.Payload.(ledger.ReviewDecided)
		_, id := r.Stream.Split()
		h, err := whatif.Read(t.Context(), log, ledger.VisitID(id))
		if err != nil {
			t.Fatal(err)
		}
		was, err := h.If(nil)
		if err != nil {
			t.Fatal(err)
		}
		certain := whatif.Claim{
			Detection: said.Detection, Items: sure("0"), Actions: ledger.List[ledger.ActionHypothesis]{{Action: ledger.ActionTake, Confidence: 990}},
		}
		found, err := log.Find(t.Context(), said.Detection)
		if err != nil || found.Stream != r.Stream || was.Asked == 0 {
			continue
		}
		claim, err := ledger.Decode(found)
		if err != nil {
			t.Fatal(err)
		}
		d, _ := claim.Payload.(ledger.DetectionRecorded)
		if who := d.Candidates(); len(who) == 0 || who[0].Visit != ledger.VisitID(id) || who[0].Confidence < 950 {
			continue // who it was is in doubt too
		}
		certain.Items = sure(d.Items[0].SKU)
		would, err := h.If([]whatif.Claim{certain})
		if err != nil {
			t.Fatal(err)
		}
		if tried++; would.Asked != was.Asked-1 {
			t.Errorf("visit %s asks %d, and %d with a claim that is sure; want one less", id, was.Asked, would.Asked)
		}
	}
	if tried < 2 {
		t.Errorf("%d answers were tried; the test looks at nothing", tried)
	}
}

func TestAVisitThatNeverWasHasNoReceipt(t *testing.T) {
	log := memlog.New(simulate.NewClock().Now)
	if _, err := whatif.Read(t.Context(), log, "01935700-0001-7000-8000-000000000001"); !errors.Is(err, whatif.ErrNoVisit) {
		t.Errorf("Read() of no visit = %v, want %v", err, whatif.ErrNoVisit)
	}
}
