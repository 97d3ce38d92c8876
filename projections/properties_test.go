package projections_test

import (
	"bytes"
	"encoding"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/projections/internal/story"
)

type fold interface {
	applier
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// streamFolds and logFolds make a zero fold of each kind.
var (
	streamFolds = map[string]func() fold{
		"cart":     func() fold { return &projections.Cart{} },
		"receipts": func() fold { return &projections.Receipts{} },
		"disputes": func() fold { return &projections.Disputes{} },
	}
	logFolds = map[string]func() fold{
		"review queue": func() fold { return &projections.ReviewQueue{} },
		"journal":      func() fold { return &books.Journal{} },
		"visits":       func() fold { return &projections.Visits{} },
	}
)

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func snapshot(t interface{ Fatalf(string, ...any) }, f fold) []byte {
	b, err := f.MarshalBinary()
	if err != nil {
		t.Fatalf("%T.MarshalBinary() = %v, want nil", f, err)
	}
	return b
}

// TestResume checks that every fold, saved at any cut and carried on, is what
// a fold from the first event is.
func TestResume(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t, "v1", "v2", "v3")
		for name, fresh := range logFolds {
			checkResume(t, name, fresh, s.Events)
		}
		for name, fresh := range streamFolds {
			for _, v := range s.Visits() {
				checkResume(t, name, fresh, streamOf(s, v))
			}
		}
	})
}

func streamOf(s *story.Shop, v ledger.VisitID) []ledger.Event {
	var es []ledger.Event
	for e := range s.Stream(ledger.VisitStream(v)) {
		es = append(es, e)
	}
	return es
}

func checkResume(t *rapid.T, name string, fresh func() fold, events []ledger.Event) {
	cut := rapid.IntRange(0, len(events)).Draw(t, "cut of "+name)
	whole, part, rest := fresh(), fresh(), fresh()
	for i, e := range events {
		must(t, whole.Apply(e))
		if i < cut {
			must(t, part.Apply(e))
		}
	}
	must(t, rest.UnmarshalBinary(snapshot(t, part)))
	if got, want := snapshot(t, rest), snapshot(t, part); !bytes.Equal(got, want) {
		t.Fatalf("%s read back = %s, want %s", name, got, want)
	}
	for _, e := range events[cut:] {
		must(t, rest.Apply(e))
	}
	if diff := cmp.Diff(string(snapshot(t, whole)), string(snapshot(t, rest))); diff != "" {
		t.Fatalf("%s resumed at %d (-whole +resumed)\n%s", name, cut, diff)
	}
}

// TestDeterministic checks invariant 5: the same events give the same bytes,
// however often maps are walked.
func TestDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t, "v1", "v2", "v3")
		for name, fresh := range logFolds {
			a, b := fresh(), fresh()
			for _, e := range s.Events {
				must(t, a.Apply(e))
			}
			for _, e := range s.Events {
				must(t, b.Apply(e))
			}
			if !bytes.Equal(snapshot(t, a), snapshot(t, b)) {
				t.Fatalf("%s folded twice gives two states", name)
			}
			if q, ok := a.(*projections.ReviewQueue); ok {
				if diff := cmp.Diff(q.Items(), q.Items()); diff != "" {
					t.Fatalf("Items() differ between two calls (-first +second)\n%s", diff)
				}
			}
			if j, ok := a.(*books.Journal); ok {
				if diff := cmp.Diff(j.Balances(), j.Balances()); diff != "" {
					t.Fatalf("Balances() differ between two calls (-first +second)\n%s", diff)
				}
			}
		}
	})
}

// TestClone checks that a copy of a cart stays as it is when the cart goes on,
// and the reverse.
func TestClone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t, "v1", "v2")
		events := streamOf(s, "v1")
		cut := rapid.IntRange(0, len(events)).Draw(t, "cut")
		var c projections.Cart
		for _, e := range events[:cut] {
			must(t, c.Apply(e))
		}
		before, clone := snapshot(t, &c), c.Clone()
		if !bytes.Equal(before, snapshot(t, clone)) {
			t.Fatalf("Clone() = %s, want %s", snapshot(t, clone), before)
		}
		for _, e := range events[cut:] {
			must(t, c.Apply(e))
		}
		if !bytes.Equal(before, snapshot(t, clone)) {
			t.Fatalf("the copy moved with the cart: %s, want %s", snapshot(t, clone), before)
		}
		after := snapshot(t, &c)
		for _, e := range events[cut:] {
			must(t, clone.Apply(e))
		}
		if !bytes.Equal(after, snapshot(t, &c)) || !bytes.Equal(after, snapshot(t, clone)) {
			t.Fatal("the copy, carried on, is not the cart")
		}
	})
}

// TestBalanced checks invariant 7: the journal sums to zero per currency after
// every event, and what it says of receipts and money is what they say.
func TestBalanced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t, "v1", "v2", "v3")
		var j books.Journal
		for _, e := range s.Events {
			must(t, j.Apply(e))
			if c, off := unbalanced(j.Balances()); off != 0 {
				t.Fatalf("after %s the journal is off by %d %s", s.Name(e.ID), off, c)
			}
		}
		var v projections.Visits
		foldAllRapid(t, s, &v)
		var sold, money int64
		for r := range v.All() {
			if r.Receipt != "" {
				sold += r.Gross.Minor
			}
			money += r.Captured.Minor - r.Refunded.Minor
		}
		for _, b := range j.Balances() {
			switch b.Account {
			case books.AccountProvider:
				money -= b.Amount.Minor
			case books.AccountReceivable:
			default:
				sold += b.Amount.Minor // a credit
			}
		}
		if sold != 0 || money != 0 {
			t.Fatalf("journal and visits differ by %d in sales and %d in money, want 0 and 0", sold, money)
		}
	})
}

// unbalanced returns the first currency that does not sum to zero.
func unbalanced(bs []books.Balance) (money.Currency, int64) {
	sums := map[money.Currency]int64{}
	for _, b := range bs {
		sums[b.Amount.Currency] += b.Amount.Minor
	}
	for c, n := range sums {
		if n != 0 {
			return c, n
		}
	}
	return "", 0
}

func foldAllRapid(t *rapid.T, s *story.Shop, f applier) {
	for _, e := range s.Events {
		must(t, f.Apply(e))
	}
}

// TestUnbalancedIsFound breaks TestBalanced on purpose.
func TestUnbalancedIsFound(t *testing.T) {
	s := told(t, "present\nenter\ntake water\nprice\nexit\nissue")
	var j books.Journal
	foldAll(t, s, &j)
	bs := j.Balances()
	bs[0].Amount.Minor++
	if _, off := unbalanced(bs); off != 1 {
		t.Errorf("unbalanced() = %d after one cent was added, want 1", off)
	}
}

// TestCorrections checks invariant 9: documents are built upon each other to
// the cent. No line falls below nothing, a line that is whole has the amounts
// it was first billed with, an empty one has none, and what was kept and what
// was reversed are together what was billed.
func TestCorrections(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t, "v1", "v2")
		for _, v := range s.Visits() {
			s.Visit = v
			var r projections.Receipts
			for _, e := range streamOf(s, v) {
				must(t, r.Apply(e))
			}
			if r.Issued == nil {
				continue
			}
			if err := chained(r); err != nil {
				t.Fatalf("visit %s: %v", v, err)
			}
		}
	})
}

// chained returns what is wrong between the documents of a visit.
func chained(r projections.Receipts) error {
	first := map[int]ledger.ReceiptLine{}
	before := *r.Issued
	for _, l := range before.Lines {
		first[l.No] = l
	}
	for _, c := range r.Corrections {
		if sum, err := before.Gross.Add(c.Change); err != nil || sum != c.Document.Gross || c.Document.Corrects != before.Number {
			return fmt.Errorf("%s: %s changed by %s is not %s", c.Document.Number, before.Gross, c.Change, c.Document.Gross)
		}
		for _, l := range before.Lines {
			if !slices.ContainsFunc(c.Document.Lines, func(n ledger.ReceiptLine) bool { return n.No == l.No && n.SKU == l.SKU }) {
				return fmt.Errorf("%s lost line %d", c.Document.Number, l.No)
			}
		}
		for _, l := range c.Document.Lines {
			b, known := first[l.No]
			if !known {
				first[l.No], b = l, l
			}
			if err := reversed(b, l); err != nil {
				return fmt.Errorf("%s line %d: %w", c.Document.Number, l.No, err)
			}
		}
		before = c.Document
	}
	return nil
}

func reversed(b, l ledger.ReceiptLine) error {
	if l.Net.Minor < 0 || l.Tax.Minor < 0 {
		return fmt.Errorf("below nothing: %s and %s", l.Net, l.Tax)
	}
	if l.Quantity == b.Quantity && (l.Net != b.Net || l.Tax != b.Tax) {
		return fmt.Errorf("whole and yet not as billed: %s and %s, want %s and %s", l.Net, l.Tax, b.Net, b.Tax)
	}
	if l.Quantity == 0 && (l.Net.Minor != 0 || l.Tax.Minor != 0) {
		return fmt.Errorf("empty and yet %s and %s", l.Net, l.Tax)
	}
	if l.Quantity < b.Quantity {
		gone := int64(b.Quantity - l.Quantity)
		for _, x := range [][2]money.Money{{b.Net, l.Net}, {b.Tax, l.Tax}} {
			parts, err := x[0].Allocate(int64(l.Quantity), gone)
			if err != nil || parts[0] != x[1] || x[1].Minor+parts[1].Minor != x[0].Minor {
				return fmt.Errorf("kept %s of %s, want %v: %w", x[1], x[0], parts, err)
			}
		}
	}
	return nil
}

// TestRecomputedTaxIsFound breaks TestCorrections on purpose: three pieces
// have 40 cents of tax, and two computed afresh 27, but one has 13: so only
// the line's own documents tell.
func TestRecomputedTaxIsFound(t *testing.T) {
	s := told(t, "present\nenter\ntake water 4\nprice\nexit\nissue\ndispute 1 not_taken 2 as=d\njudge d upheld 2\ncorrect")
	var r projections.Receipts
	foldStream(t, s, &r)
	if err := chained(r); err != nil {
		t.Fatalf("chained() = %v, want nil", err)
	}
	l := &r.Corrections[0].Document.Lines[0]
	l.Tax.Minor++
	if err := chained(r); err == nil {
		t.Error("chained() = nil after the tax of a corrected line was recomputed, want an error")
	}
}

// TestReplayed checks invariant 5 for receipts: whatever happened, every
// receipt in the log is what the events before it give.
func TestReplayed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t, "v1", "v2")
		for _, v := range s.Visits() {
			err := projections.VerifyReceipts(s.Stream(ledger.VisitStream(v)))
			if err != nil {
				t.Fatalf("VerifyReceipts(%s) = %v, want nil", v, err)
			}
		}
	})
}

// TestQueueOrder checks that the queue holds what is asked and not answered,
// worst money at risk first.
func TestQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t, "v1", "v2", "v3")
		var q projections.ReviewQueue
		foldAllRapid(t, s, &q)
		items := q.Items()
		if i := misplaced(items); i > 0 {
			t.Fatalf("item %d of the queue stands behind one of less risk or a later deadline", i)
		}
		asked, answered := map[ledger.ID]bool{}, map[ledger.ID]bool{}
		for _, e := range s.Events {
			switch p := e.Payload.(type) {
			case ledger.ReviewRequested:
				asked[p.Detection] = true
				answered[p.Detection] = false
			case ledger.ReviewDecided:
				answered[p.Detection] = true
			}
		}
		listed := map[ledger.ID]bool{}
		for _, it := range items {
			listed[it.Detection] = true
			if answered[it.Detection] {
				t.Fatalf("%s was answered and is in the queue", s.Name(it.Detection))
			}
		}
		for id := range asked {
			everAnswered := slices.ContainsFunc(s.Events, func(e ledger.Event) bool {
				p, ok := e.Payload.(ledger.ReviewDecided)
				return ok && p.Detection == id
			})
			if !everAnswered && !listed[id] {
				t.Fatalf("%s was asked, not answered, and is not in the queue", s.Name(id))
			}
		}
	})
}

// misplaced returns the first item that should stand before the one ahead.
func misplaced(items []projections.ReviewItem) int {
	for i := 1; i < len(items); i++ {
		a, b := items[i-1], items[i]
		if a.AtRisk.Minor < b.AtRisk.Minor || (a.AtRisk == b.AtRisk && a.Deadline.After(b.Deadline)) {
			return i
		}
	}
	return 0
}

// TestMisplacedIsFound breaks TestQueueOrder on purpose.
func TestMisplacedIsFound(t *testing.T) {
	s := told(t, "present\nenter\ntake water item=1\nask risk=1.00\ntake cola item=1\nask risk=2.00")
	var q projections.ReviewQueue
	foldAll(t, s, &q)
	items := q.Items()
	slices.Reverse(items)
	if got := misplaced(items); got != 1 {
		t.Errorf("misplaced() of a queue turned round = %d, want 1", got)
	}
}

// TestInterleaving checks that visits that have nothing to do with each other
// come out the same in whatever order their events reach the log.
func TestInterleaving(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := history(t, own, true, []string{"v1", "v2", "v3"})
		mixed := interleave(t, s.Events)
		a, b := foldsOf(t, s.Events), foldsOf(t, mixed)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("another order of independent visits (-told +mixed)\n%s", diff)
		}
	})
}

// interleave draws another order that keeps each stream's own.
func interleave(t *rapid.T, events []ledger.Event) []ledger.Event {
	streams := map[ledger.StreamID][]ledger.Event{}
	var order []ledger.StreamID
	for _, e := range events {
		_, visit := e.Stream.Split() // a visit and its payment belong together
		streams[ledger.StreamID(visit)] = append(streams[ledger.StreamID(visit)], e)
		order = append(order, ledger.StreamID(visit))
	}
	var mixed []ledger.Event
	for _, id := range rapid.Permutation(order).Draw(t, "order") {
		e := streams[id][0]
		streams[id] = streams[id][1:]
		e.Position = uint64(len(mixed)) + 1
		mixed = append(mixed, e)
	}
	return mixed
}

// foldsOf returns what does not depend on positions.
func foldsOf(t *rapid.T, events []ledger.Event) map[string]string {
	out := map[string]string{}
	carts := map[ledger.StreamID]*projections.Cart{}
	var q projections.ReviewQueue
	var j books.Journal
	for _, e := range events {
		if category, _ := e.Stream.Split(); category == ledger.CategoryVisit {
			if carts[e.Stream] == nil {
				carts[e.Stream] = &projections.Cart{}
			}
			must(t, carts[e.Stream].Apply(e))
		}
		must(t, q.Apply(e))
		must(t, j.Apply(e))
	}
	for id, c := range carts {
		out[string(id)] = string(snapshot(t, c))
	}
	out["queue"] = fmt.Sprintf("%+v", deref(q.Items()))
	out["journal"] = fmt.Sprint(j.Balances())
	return out
}

// deref leaves out the pointers, which print as addresses.
func deref(items []projections.ReviewItem) []string {
	var out []string
	for _, it := range items {
		b, err := ledger.MarshalCanonical(it)
		out = append(out, string(b), fmt.Sprint(err))
	}
	return out
}
