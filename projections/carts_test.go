package projections_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/internal/story"
)

// cartsOf folds the story as stored records. Each body is lent: it is written
// over as soon as the record is folded.
func cartsOf(t fataler, s *story.Shop) *projections.Carts {
	t.Helper()
	cs := &projections.Carts{}
	for _, e := range s.Events {
		r := e.Record
		r.Body = bytes.Clone(r.Body)
		if err := cs.Apply(&r); err != nil {
			t.Fatalf("Carts.Apply(%s) = %v, want nil", s.Name(e.ID), err)
		}
		for i := range r.Body {
			r.Body[i] = 'x'
		}
	}
	return cs
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// differs says how the carts of cs are not those of the story.
func differs(cs *projections.Carts, s *story.Shop) string {
	n := 0
	for _, v := range s.Visits() {
		n++
		c := cs.Cart(v)
		if c == nil {
			return "no cart of " + string(v)
		}
		got, err := c.MarshalBinary()
		if err != nil {
			return err.Error()
		}
		want, err := s.Cart(v).MarshalBinary()
		if err != nil {
			return err.Error()
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			return diff
		}
	}
	if cs.Len() != n || len(slices.Collect(cs.All())) != n {
		return "there are carts of no visit"
	}
	return ""
}

// TestCartsAreCarts checks that any history, folded at once from stored
// records, gives the carts that Cart.Apply gives, to the byte.
func TestCartsAreCarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t, "v1", "v2", "v3")
		cs := cartsOf(t, s)
		if diff := differs(cs, s); diff != "" {
			t.Fatalf("carts (-Cart.Apply +Carts):\n%s", diff)
		}
		events := uint64(0)
		for _, v := range s.Visits() {
			events += s.Cart(v).Events
		}
		if cs.Events() != events {
			t.Fatalf("Events() = %d, want %d", cs.Events(), events)
		}
	})
}

// TestCartsAreCartsBites takes one event away, and requires that it is missed.
func TestCartsAreCartsBites(t *testing.T) {
	s := told(t, "present\nenter\ntake water 2\ntake cola item=500\nprice\nexit")
	short := told(t, "present\nenter\ntake water 2\ntake cola item=500\nprice")
	if differs(cartsOf(t, short), s) == "" {
		t.Error("a visit without its exit is a visit with it")
	}
}

// TestCartsStop checks that a broken stream and a broken body stop the fold,
// with the error that Cart.Apply or Decode has, and that the cart is as before.
func TestCartsStop(t *testing.T) {
	s := told(t, "present\nenter\ntake water 2\ntake cola\nprice\nexit\nissue")
	for name, test := range map[string]struct {
		damage func(*ledger.Record)
		want   error
	}{
		"a gap":                 {func(r *ledger.Record) { r.Revision++ }, ledger.ErrCorrupt},
		"white space":           {func(r *ledger.Record) { r.Body = append(bytes.Clone(r.Body), ' ') }, ledger.ErrCorrupt},
		"half a body":           {func(r *ledger.Record) { r.Body = r.Body[:len(r.Body)/2] }, ledger.ErrCorrupt},
		"no visit, no store":    {func(r *ledger.Record) { r.Body = bytes.ReplaceAll(r.Body, []byte(`"s1"`), []byte(`""`)) }, nil},
		"a kind of the future":  {func(r *ledger.Record) { r.Kind = "item.weighed.v1" }, ledger.ErrUnknownKind},
		"a kind of another one": {func(r *ledger.Record) { r.Kind = ledger.KindTaxSet }, ledger.ErrCorrupt},
	} {
		for i := range s.Events {
			var cs projections.Carts
			for _, e := range s.Events[:i] {
				if err := cs.Apply(&e.Record); err != nil {
					t.Fatal(err)
				}
			}
			r := s.Events[i].Record
			test.damage(&r)
			_, want := ledger.Decode(r)
			if test.want != nil {
				want = test.want
			} else if want != nil {
				want = ledger.ErrCorrupt
			}
			before, events := snapshotOf(t, &cs), cs.Events()
			if err := cs.Apply(&r); !errors.Is(err, want) {
				t.Errorf("%s in event %d: Apply() = %v, want %v", name, i, err, want)
			} else if err != nil && (snapshotOf(t, &cs) != before || cs.Events() != events) {
				t.Errorf("%s in event %d: the cart is not as it was", name, i)
			}
		}
	}
}

func snapshotOf(t *testing.T, cs *projections.Carts) string {
	t.Helper()
	c := cs.Cart("v1")
	if c == nil {
		return ""
	}
	b, err := c.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestCartOfCartsIsCloned checks that a clone taken in the middle of a replay
// stays as it is.
func TestCartOfCartsIsCloned(t *testing.T) {
	s := told(t, "present\nenter\ntake water 2\ntake cola\nreturn water\nprice\nexit\nissue")
	for cut := range s.Events {
		var cs projections.Carts
		var clone *projections.Cart
		var want []byte
		for i, e := range s.Events {
			if err := cs.Apply(&e.Record); err != nil {
				t.Fatal(err)
			}
			if i == cut {
				clone = cs.Cart("v1").Clone()
				want, _ = clone.MarshalBinary()
			}
		}
		if got, err := clone.MarshalBinary(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("clone after event %d became %s (%v), want %s", cut, got, err, want)
		}
	}
}
