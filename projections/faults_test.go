package projections_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/ledgertest"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/projections/internal/story"
)

// TestEveryKind checks that every fold knows every kind there is, in whatever
// stream it turns up: what does not belong there is odd, and no more.
func TestEveryKind(t *testing.T) {
	payloads := ledgertest.Samples(t, filepath.Join("..", "ledger", "testdata", "kinds"))
	for name, fresh := range allFolds() {
		for _, p := range payloads {
			e := ledger.Event{Payload: p}
			e.Kind, e.Stream, e.Position = p.Kind(), "visit-v1", 1
			if err := fresh().Apply(e); err != nil {
				t.Errorf("%s: Apply(%s) = %v, want nil", name, e.Kind, err)
			}
		}
	}
}

func allFolds() map[string]func() fold {
	all := maps.Clone(streamFolds)
	maps.Copy(all, logFolds)
	return all
}

// TestBrokenStream checks that what is not the next event, or of a newer
// program, is an error of the right class and changes nothing.
func TestBrokenStream(t *testing.T) {
	s := told(t, whole)
	type fault struct {
		name  string
		spoil func(e *ledger.Event)
		want  error
		folds map[string]func() fold
	}
	faults := []fault{
		{"of a newer program", func(e *ledger.Event) { e.Payload = nil }, ledger.ErrUnknownKind, allFolds()},
		{"a revision too far", func(e *ledger.Event) { e.Revision++ }, ledger.ErrCorrupt, streamFolds},
		{"told again", func(e *ledger.Event) { e.Revision-- }, ledger.ErrCorrupt, streamFolds},
		{"of another visit", func(e *ledger.Event) { e.Stream = "visit-v2" }, ledger.ErrCorrupt, streamFolds},
		{"at a position seen before", func(e *ledger.Event) { e.Position-- }, ledger.ErrCorrupt, logFolds},
	}
	for _, f := range faults {
		for name, fresh := range f.folds {
			c, n := fresh(), len(s.Events)-1
			for _, e := range s.Events[:n] {
				if err := c.Apply(e); err != nil {
					t.Fatal(err)
				}
			}
			before := snapshot(t, c)
			e := s.Events[n]
			f.spoil(&e)
			if err := c.Apply(e); !errors.Is(err, f.want) {
				t.Errorf("%s: Apply(event %s) = %v, want %v", name, f.name, err, f.want)
			}
			if !bytes.Equal(before, snapshot(t, c)) {
				t.Errorf("%s: an event %s was refused and changed the fold", name, f.name)
			}
			if err := c.Apply(s.Events[n]); err != nil {
				t.Errorf("%s: Apply(the right event) after one %s = %v, want nil", name, f.name, err)
			}
		}
	}
	var c projections.Cart
	e := s.Events[0]
	e.Stream = "store-s1"
	if err := c.Apply(e); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Cart.Apply(event of a shop's stream) = %v, want ErrCorrupt", err)
	}
}

// TestBrokenLog checks that an error of the log ends a replay as it is.
func TestBrokenLog(t *testing.T) {
	s := told(t, whole)
	broken := func(yield func(ledger.Event, error) bool) {
		_ = yield(s.Events[0], nil) && yield(ledger.Event{}, ledger.ErrCorrupt)
	}
	if err := projections.VerifyReceipts(broken); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("VerifyReceipts(a broken log) = %v, want ErrCorrupt", err)
	}
	var last error
	for _, err := range projections.Replay(broken) {
		last = err
	}
	if !errors.Is(last, ledger.ErrCorrupt) {
		t.Errorf("Replay(a broken log) ends with %v, want ErrCorrupt", last)
	}
	records := func(yield func(ledger.Record, error) bool) {
		r := s.Events[0].Record
		if yield(r, nil) {
			r.Body = []byte("{}")
			yield(r, nil)
		}
	}
	n := 0
	last = nil
	for _, err := range projections.Decoded(records) {
		last = err
		n++
	}
	if n != 2 || !errors.Is(last, ledger.ErrCorrupt) {
		t.Errorf("Decoded(a broken body) ends with %v after %d events, want ErrCorrupt after 2", last, n)
	}
}

// TestSnapshotRefused checks that a snapshot out of stored form is refused and
// leaves the fold alone.
func TestSnapshotRefused(t *testing.T) {
	s := told(t, whole)
	for name, fresh := range allFolds() {
		c := fresh()
		for _, e := range s.Events {
			if err := c.Apply(e); err != nil {
				t.Fatal(err)
			}
		}
		good := string(snapshot(t, c))
		bad := map[string]string{
			"nothing":          "",
			"cut":              good[:len(good)-1],
			"with a space":     good + " ",
			"of another fold":  strings.Replace(good, `.v`, `.w`, 1),
			"with a new field": strings.Replace(good, `{"form"`, `{"new":1,"form"`, 1),
			"in another order": strings.Replace(good, `"state":{`, `"state":{"odd":null,`, 1),
		}
		for what, text := range bad {
			if err := c.UnmarshalBinary([]byte(text)); !errors.Is(err, ledger.ErrCorrupt) {
				t.Errorf("%s: UnmarshalBinary(snapshot %s) = %v, want ErrCorrupt", name, what, err)
			}
			if got := string(snapshot(t, c)); got != good {
				t.Errorf("%s: a snapshot %s was refused and changed the fold", name, what)
			}
		}
	}
}

// TestMoneyBounds checks that invariant 7 is watched: what was captured less
// what was refunded is neither below nothing nor above what was billed.
func TestMoneyBounds(t *testing.T) {
	const sold = "present\nhold\nheld\nenter\ntake water 2\nprice\nexit\nissue\n" // 3.27
	for _, c := range []struct{ name, story, want string }{
		{"charged as billed", "capture\ncaptured\nrefund 3.27\nrefunded", ""},
		{"charged in two parts", "capture 3.00\ncaptured\ncapture 0.27\ncaptured", ""},
		{"charged a cent too much", "capture 3.28\ncaptured", "captured 1 minor units more than were billed"},
		{"charged twice", "capture\ncaptured\ncapture\ncaptured", "captured 327 minor units more than were billed"},
		{
			"more given back than was charged", "capture 1.00\ncaptured\nrefund 1.01\nrefunded",
			"refunded 1 minor units more than were captured",
		},
		{"one outcome told twice", "capture 1.00\ncaptured\ncaptured", "which was not given or has ended"},
		{"an outcome of nothing", "visit v2\ncaptured", "which was not given or has ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j books.Journal
			foldAll(t, told(t, sold+c.story), &j)
			var got []string
			for _, o := range j.Odd() {
				got = append(got, o.What)
			}
			if (c.want == "") != (len(got) == 0) || !strings.Contains(strings.Join(got, "; "), c.want) {
				t.Errorf("Odd() = %q, want %q", got, c.want)
			}
		})
	}
}

// TestFullAccount checks that an account that is near the end of what an int64
// holds takes no more, instead of going round.
func TestFullAccount(t *testing.T) {
	s := told(t, "present\nhold\nheld")
	var j books.Journal
	foldAll(t, s, &j)
	b := snapshot(t, &j)
	full := strings.Replace(string(b), `"balances":null`, `"balances":{"Assets:Clearing:Provider":{"USD":4611686018427387904}}`, 1)
	if err := j.UnmarshalBinary([]byte(full)); err != nil {
		t.Fatal(err)
	}
	e := s.Events[0]
	e.Position = 100
	if err := j.Apply(e); !errors.Is(err, money.ErrRange) {
		t.Errorf("Apply() on a full account = %v, want ErrRange", err)
	}
}

// TestHugePrice checks that amounts beyond all bounds are an error of the
// receipt, and that the cart bears them.
func TestHugePrice(t *testing.T) {
	s := told(t, "present\nenter\ntake water 1000\nprice water 99999999999.00\nexit")
	if _, err := s.Cart("v1").Lines(); !errors.Is(err, money.ErrRange) {
		t.Errorf("Lines() = %v, want ErrRange", err)
	}
	if err := s.Tell("issue"); !errors.Is(err, money.ErrRange) {
		t.Errorf("BuildDocument() = %v, want ErrRange", err)
	}
	if _, _, _, err := s.Cart("v1").Totals(); !errors.Is(err, money.ErrRange) {
		t.Errorf("Totals() = %v, want ErrRange", err)
	}
}

// TestForeignPrice checks that a price in another currency is not taken.
func TestForeignPrice(t *testing.T) {
	s := told(t, "present\nenter\ntake water as=w\nprice")
	i := find(t, s, "v1/3")
	var c projections.Cart
	for _, e := range s.Events[:i] {
		if err := c.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	e := s.Events[i]
	p := e.Payload.(ledger.ItemPriced)
	p.Unit.Currency = "EUR"
	e.Payload = p
	if err := c.Apply(e); err != nil {
		t.Fatalf("Apply() = %v, want nil", err)
	}
	if !c.Blocked() || len(c.Unpriced()) != 1 || len(c.Odd) != 1 {
		t.Errorf("a price in euros at a shop in dollars: blocked %v, %d unpriced, %d odd; want true, 1, 1",
			c.Blocked(), len(c.Unpriced()), len(c.Odd))
	}
}

// TestVisitsLookups checks that rows are found by what others know of them.
func TestVisitsLookups(t *testing.T) {
	s := told(t, whole+"\nvisit v2\npresent\nenter\nvisit v3\npresent\nrefuse declined")
	var v projections.Visits
	foldAll(t, s, &v)
	var read projections.Visits
	if err := read.UnmarshalBinary(snapshot(t, &v)); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*projections.Visits{"live": &v, "read back": &read} {
		for _, number := range []string{"s1-2026-000001", "s1-2026-000003"} {
			if r, ok := v.ByReceipt(number); !ok || r.Visit != "v1" || len(r.Receipts) != 3 {
				t.Errorf("%s: ByReceipt(%s) = %+v, %v, want v1", name, number, r, ok)
			}
		}
		if r, ok := v.ByDispute(s.Events[find(t, s, "d")].ID); !ok || r.Dispute() != projections.DisputeUpheld {
			t.Errorf("%s: ByDispute(d) = %+v, %v, want v1 with an upheld dispute", name, r, ok)
		}
		if _, ok := v.Get("v4"); ok {
			t.Errorf("%s: Get(v4) = true, want false", name)
		}
		if got := visitsOf(v.Newest(0)); !slices.Equal(got, []ledger.VisitID{"v3", "v2", "v1"}) {
			t.Errorf("%s: Newest(0) = %v, want v3 v2 v1", name, got)
		}
		r, _ := v.Get("v3")
		if got := visitsOf(v.Newest(r.First)); !slices.Equal(got, []ledger.VisitID{"v2", "v1"}) {
			t.Errorf("%s: Newest(before v3) = %v, want v2 v1", name, got)
		}
		if v.Len() != 3 || len(v.Refusals()) != 1 {
			t.Errorf("%s: %d visits and %d refusals, want 3 and 1", name, v.Len(), len(v.Refusals()))
		}
	}
}

func visitsOf(rows func(func(projections.VisitRow) bool)) []ledger.VisitID {
	var vs []ledger.VisitID
	for r := range rows {
		vs = append(vs, r.Visit)
	}
	return vs
}

// TestQueueForgets checks that the queue keeps nothing of what is settled and
// answered, so that it stays small for ever.
func TestQueueForgets(t *testing.T) {
	s := told(t, `present
		enter
		take water
		take cola item=5 as=q
		price
		ask
		exit
		decide q dismissed
		issue
		settle
		take gum as=late
		ask
		decide late dismissed`)
	var q projections.ReviewQueue
	foldAll(t, s, &q)
	for _, it := range []string{`"items":{}`, `"sightings":{}`, `"visits":{}`} {
		if got := string(snapshot(t, &q)); !strings.Contains(got, it) {
			t.Errorf("the queue after a settled visit is %s, want %s in it", got, it)
		}
	}
	if _, ok := q.Get(s.Events[find(t, s, "q")].ID); ok {
		t.Error("Get(an answered question) = true, want false")
	}
}

// TestStart checks the zero values.
func TestStart(t *testing.T) {
	var c projections.Cart
	if c.Status != projections.StatusNone || c.Blocked() || c.Finished() || c.Clone().Events != 0 {
		t.Errorf("the zero Cart is %+v, want nothing", c)
	}
	if _, err := projections.BuildDocument(&c, "1", "", story.Start); !errors.Is(err, projections.ErrNoVisit) {
		t.Errorf("BuildDocument(no visit) = %v, want ErrNoVisit", err)
	}
	if _, ok, err := projections.BuildCorrection(&c, "2", time.Time{}); ok || err != nil {
		t.Errorf("BuildCorrection(no visit) = %v, %v, want false, nil", ok, err)
	}
	var r projections.Receipts
	if _, ok := r.Current(); ok {
		t.Error("Current() of no receipts = true, want false")
	}
}

// TestCloneSharesNothing checks that no list and no pointer of a cart is in its
// copy, so that whoever changes one cannot change the other.
func TestCloneSharesNothing(t *testing.T) {
	c := told(t, whole+"\ntake cola\nprovisional").Cart("v1")
	own := map[uintptr]string{}
	pointers(reflect.ValueOf(c).Elem(), "Cart", func(at string, p uintptr) { own[p] = at })
	if len(own) < 30 {
		t.Fatalf("only %d lists and pointers in the cart, want all kinds", len(own))
	}
	pointers(reflect.ValueOf(c.Clone()).Elem(), "Clone", func(at string, p uintptr) {
		if o, shared := own[p]; shared {
			t.Errorf("%s is %s", at, o)
		}
	})
}

// pointers calls see with every list and pointer in v that leads somewhere.
func pointers(v reflect.Value, at string, see func(string, uintptr)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && v.Type() != reflect.TypeFor[*time.Location]() {
			see(at, v.Pointer())
			pointers(v.Elem(), at, see)
		}
	case reflect.Slice:
		if v.Len() > 0 {
			see(at, v.Pointer())
		}
		for i := range v.Len() {
			pointers(v.Index(i), fmt.Sprintf("%s[%d]", at, i), see)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			pointers(v.Field(i), at+"."+v.Type().Field(i).Name, see)
		}
	}
}

// FuzzCartSnapshot checks that what is accepted is read back to the byte.
func FuzzCartSnapshot(f *testing.F) {
	s := told(f, whole)
	f.Add(snapshot(f, s.Cart("v1")))
	f.Add(snapshot(f, &projections.Cart{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c projections.Cart
		if c.UnmarshalBinary(b) == nil && !bytes.Equal(snapshot(t, &c), b) {
			t.Errorf("UnmarshalBinary(%q) was accepted and is %q", b, snapshot(t, &c))
		}
	})
}
