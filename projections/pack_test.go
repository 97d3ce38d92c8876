package projections_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// repacks says how c is not as it was once it was packed and unpacked, and whether it
// could be.
func repacks(t fataler, c *projections.Cart) (diff string, packed bool) {
	t.Helper()
	again, ok := projections.Repacked(c)
	if !ok {
		return "", false
	}
	return unlike(t, c, again), true
}

// unlike says how the snapshots of two carts differ.
func unlike(t fataler, c, again *projections.Cart) string {
	t.Helper()
	want, err := c.MarshalBinary()
	if err != nil {
		t.Fatalf("MarshalBinary() = %v", err)
	}
	got, err := again.MarshalBinary()
	if err != nil {
		t.Fatalf("MarshalBinary() = %v", err)
	}
	return cmp.Diff(string(want), string(got))
}

// TestPackedCarts checks that the cart of any history is, once packed and unpacked, the
// same to the byte, and moves on in the same way.
func TestPackedCarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t, "v1", "v2")
		cut := rapid.IntRange(0, len(s.Events)).Draw(t, "cut")
		carts := map[ledger.StreamID]*projections.Cart{}
		for i, e := range s.Events {
			if category, _ := e.Stream.Split(); category != ledger.CategoryVisit {
				continue
			}
			if carts[e.Stream] == nil {
				carts[e.Stream] = &projections.Cart{}
			}
			if i >= cut {
				if again, ok := projections.Repacked(carts[e.Stream]); ok && carts[e.Stream].Events > 0 {
					carts[e.Stream] = again
				}
			}
			if err := carts[e.Stream].Apply(e); err != nil {
				t.Fatalf("Apply(%s) = %v, want nil", s.Name(e.ID), err)
			}
		}
		for _, v := range s.Visits() {
			if diff := unlike(t, s.Cart(v), carts[ledger.VisitStream(v)]); diff != "" {
				t.Fatalf("cart (-never packed +packed):\n%s", diff)
			}
			if diff, _ := repacks(t, s.Cart(v)); diff != "" {
				t.Fatalf("cart (-packed +unpacked):\n%s", diff)
			}
		}
	})
}

// finished is a visit with something of all that a cart can be packed with.
const finished = `
	present
	enter
	take water 2
	take cola item=500 as=a
	take milk item=500 as=b
	price
	ask
	decide a confirmed cola 1 take
	return water
	exit
	provisional
	decide b dismissed
	issue
	settle`

// TestEveryFieldIsPacked changes each field of a cart there is, and requires that the
// cart is packed with it or not at all. A field that is added and forgotten is lost
// here.
func TestEveryFieldIsPacked(t *testing.T) {
	c := told(t, finished).Cart("v1")
	again, ok := projections.Repacked(c)
	if !ok {
		t.Fatal("a plain visit is not packed")
	}
	changed, kept := 0, 0
	eachField(reflect.ValueOf(again).Elem(), "cart", func(path string) {
		changed++
		diff, ok := repacks(t, again)
		if ok {
			kept++
		}
		if diff != "" {
			t.Errorf("with another %s (-packed +unpacked):\n%s", path, diff)
		}
	})
	if diff, ok := repacks(t, again); diff != "" || !ok || unlike(t, c, again) != "" {
		t.Errorf("the cart is not as it was before the changes: %s", diff)
	}
	if changed < 300 || kept < 250 {
		t.Errorf("%d fields were changed and %d carts packed, want more", changed, kept)
	}
}

// TestEveryFieldIsPackedBites loses a field of a pick and requires that it is missed.
func TestEveryFieldIsPackedBites(t *testing.T) {
	c := told(t, finished).Cart("v1")
	lost, n := c.Clone(), 0
	eachField(reflect.ValueOf(&lost.Picks[0]).Elem(), "pick", func(path string) {
		if n++; unlike(t, c, lost) == "" {
			t.Errorf("another %s is not noticed", path)
		}
	})
	if n < 20 {
		t.Errorf("%d fields were lost, want more", n)
	}
}

// eachField changes each field that is reached from v, calls visit, and changes it back.
// What is not there is there for as long.
func eachField(v reflect.Value, path string, visit func(path string)) {
	with := func(x any) {
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		v.Set(reflect.ValueOf(x).Convert(v.Type()))
		visit(path)
		v.Set(old)
	}
	switch x := v.Interface().(type) {
	case time.Time:
		with(x.Add(time.Microsecond))
		return
	case ledger.ID:
		x[3]++
		with(x)
		return
	}
	switch v.Kind() {
	case reflect.String:
		with(v.String() + "x")
	case reflect.Bool:
		with(!v.Bool())
	case reflect.Int, reflect.Int64:
		with(v.Int() + 1)
	case reflect.Uint64:
		with(v.Uint() + 1)
	case reflect.Pointer:
		if v.IsNil() {
			with(reflect.New(v.Type().Elem()).Interface())
			return
		}
		eachField(v.Elem(), path, visit)
	case reflect.Slice:
		if v.Len() == 0 {
			with(reflect.MakeSlice(v.Type(), 1, 1).Interface())
		}
		for i := range v.Len() {
			eachField(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				eachField(v.Field(i), path+"."+f.Name, visit)
			}
		}
	default:
		panic("a cart has a " + v.Kind().String())
	}
}

// TestFinishedVisitsArePacked checks that the cart of a visit that is settled lies
// packed, is shown as it is, and takes what follows.
func TestFinishedVisitsArePacked(t *testing.T) {
	s := told(t, finished)
	cs := cartsOf(t, s)
	if cs.Packed() != 1 {
		t.Fatalf("%d carts lie packed, want 1", cs.Packed())
	}
	if diff := differs(cs, s); diff != "" {
		t.Errorf("packed (-Cart.Apply +Carts):\n%s", diff)
	}
	s = told(t, finished+"\ndispute 1 not_taken 1")
	cs = cartsOf(t, s)
	if cs.Packed() != 0 {
		t.Errorf("a disputed cart lies packed, which has no form for it")
	}
	if diff := differs(cs, s); diff != "" {
		t.Errorf("disputed (-Cart.Apply +Carts):\n%s", diff)
	}
}
