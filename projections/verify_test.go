package projections_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
)

// whole is a visit with every kind of receipt and everything they rest on.
const whole = `
	present as=presented
	enter as=entered
	take water 3 as=w
	take milk 3 as=m
	price
	take cola item=500 as=maybe
	return water as=back
	exit as=exited
	ask risk=2.25 as=asked
	provisional as=p
	decide maybe corrected gum 2 as=decided
	price
	issue as=issued
	return milk as=late
	decide late confirmed milk 1 return as=answer
	correct as=c1
	dispute 1 not_taken 1 as=d
	judge d upheld 1 as=judged
	correct as=c2
	settle as=settled`

// lowered is a visit whose prices hang on all that can lower them.
const lowered = `
	present member=yes as=presented
	enter as=entered
	take water 3 as=w
	take apples grams=735 as=scale
	take beer as=b
	promote half percent 500 skus=water limit=2 as=promotion
	promote club member 4.50 skus=apples as=club
	coupon off amount 0.50 limit=1 stacks=yes skus=beer as=coupon
	price
	age 21 as=seen
	exit as=exited
	reprice beer 1.20 as=repriced
	issue as=issued
	dispute 1 not_taken 1 as=d
	judge d upheld 1 as=judged
	correct as=c2
	settle as=settled`

// free are the fields of a visit's events that no receipt rests on, by the
// name of the event in whole. What is not listed here changes a receipt.
var free = map[string][]string{
	"presented": {
		"ClockOffset", // the event is placed on the server's clock already
		"Policy.Rotating", "Policy.Palm", "Offline",
		"Visit", "Gate", "Place", "Credential", "Ticket", "Shopper", "Customer", "PaymentMethod", "Party", "Catalogue",
		"Policy.Hold.Minor", "Policy.Hold.Currency", "Policy.ReviewSeconds", "Policy.OnDeadline", "Policy.GraceMillis",
		"Policy.GateSeconds", "Policy.DisputeDays", "Policy.DetectionsPerMin",
		"Policy.DebtLimit.Minor", "Policy.DebtLimit.Currency", "Policy.AdjustHold", "Policy.CaptureMarginSeconds",
		"Policy.Retries", "Policy.SupplementSeconds", "Policy.FraudRefundLimit.Minor", "Policy.FraudRefundLimit.Currency",
		"Policy.Unknown", "Policy.WeighGrams", "Policy.WeighPerMille",
		// One more or less per mille does not turn these answers round.
		"Policy.ItemMin", "Policy.ActionMin", "Policy.PersonMin",
		"Member", // nothing in whole is for members
	},
	"entered": {"Visit", "Gate", "Hold.Minor", "Hold.Currency"},
	"exited":  {"Visit", "Gate", "ClockOffset"},
	"w":       detectionFree, "m": detectionFree, "back": detectionFree, "maybe": detectionFree,
	// Whatever the sensor said late, the answer says what it was.
	"late":    append([]string{"Items[0].SKU", "Actions[0].Action", "Persons[0].Visit", "Quantity"}, detectionFree...),
	"v1/4":    priceFree,
	"v1/5":    priceFree,
	"asked":   {"Doubts[0]"},
	"decided": {"Reviewer", "Reason"}, // any person is a person
	"v1/12":   priceFree,
	"answer":  {"Verdict", "Reviewer", "Reason"},
	"d":       {"Receipt", "Claim", "Quantity", "Message"},
	"judged":  {"Outcome", "MoveTo", "Reviewer", "Reason"},
	"settled": {"Outcome", "Charged.Minor", "Charged.Currency", "Owed.Minor", "Owed.Currency"},
	"c2":      {"Document.Number"}, // the last: no correction follows that names it
}

// freeInLowered is free for the events of lowered that are not in whole, or
// that more rests on there.
var freeInLowered = map[string][]string{
	"presented": slices.DeleteFunc(slices.Clone(free["presented"]), func(p string) bool { return p == "Member" }),
	"v1/8":      priceFree,
	"v1/9":      {"Price", "Deposit.TaxCategory", "Grams"},
	"v1/10":     priceFree,
	"club": {
		"Set", "Promotion.PerMille", "Promotion.Take", "Promotion.Pay", "Promotion.Priority", "Promotion.From",
		"Promotion.Until", "Promotion.Members", "Promotion.CouponKey", "Promotion.Stacks", "Promotion.Limit",
	},
	"scale": {
		"Store", "Source", "Slot", "Items[0].Confidence", "Actions[0].Confidence", "Persons[0].Confidence",
		"Model", "Evidence[0].Role", "Evidence[0].MediaType", "Evidence[0].Bytes",
		"Evidence[0].Of", "ClockOffset",
	},
	"b": detectionFree,
	"promotion": {
		"Set", "Promotion.Amount.Minor", "Promotion.Take", "Promotion.Pay",
		"Promotion.Priority", "Promotion.From", "Promotion.Until", "Promotion.Members", "Promotion.CouponKey", "Promotion.Stacks",
	},
	"coupon": {
		"Set", "Redeemed", "Promotion.PerMille", "Promotion.Take", "Promotion.Pay", "Promotion.Priority",
		"Promotion.From", "Promotion.Until", "Promotion.Members", "Promotion.Coupon", "Promotion.CouponKey", "Promotion.Stacks",
		"Promotion.Limit",
	},
	"repriced": {"Price"},
	"seen":     {"Visit", "Method", "By"},
}

var priceFree = []string{"Price", "TareGrams", "Deposit.TaxCategory", "Grams"}

var detectionFree = []string{
	"Store", "Sensor", "Source", "Slot", "Items[0].Confidence", "Actions[0].Confidence", "Persons[0].Confidence",
	"Grams", "Model", "Evidence[0].Role", "Evidence[0].MediaType", "Evidence[0].Bytes",
	"Evidence[0].Of", "ClockOffset",
}

// TestVerifyReceipts checks that the receipts of a whole visit replay, and
// that they do not if any one field of any one event is changed, unless it is
// known that no receipt rests on it; then they do.
func TestVerifyReceipts(t *testing.T) {
	if n := changedFields(t, whole, free); n < 300 {
		t.Errorf("only %d fields were changed, want them all", n)
	}
	more := maps.Clone(free)
	maps.Copy(more, freeInLowered)
	if n := changedFields(t, lowered, more); n < 300 {
		t.Errorf("only %d fields were changed where prices were lowered, want them all", n)
	}
}

// changedFields changes each field of the events of a story, one at a time,
// and returns how many of them a receipt rests on.
func changedFields(t *testing.T, text string, free map[string][]string) (changed int) {
	t.Helper()
	s := told(t, text)
	if err := projections.VerifyReceipts(s.Stream("visit-v1")); err != nil {
		t.Fatalf("VerifyReceipts() = %v, want nil", err)
	}
	for i, e := range s.Events {
		for path := range leaves(reflect.ValueOf(e.Payload), "") {
			if nothing(path) {
				continue
			}
			events := slices.Clone(s.Events)
			events[i].Payload = altered(t, e.Payload, path)
			err := projections.VerifyReceipts(seq(events))
			if slices.Contains(free[s.Name(e.ID)], path) {
				if err != nil {
					t.Errorf("VerifyReceipts() with %s.%s changed = %v, want nil: take it off the list", s.Name(e.ID), path, err)
				}
				continue
			}
			changed++
			if !errors.Is(err, projections.ErrNotReplayed) && !errors.Is(err, projections.ErrBlocked) &&
				!errors.Is(err, money.ErrCurrency) { // a deposit of no currency has no price
				t.Errorf("VerifyReceipts() with %s.%s changed = %v, want ErrNotReplayed", s.Name(e.ID), path, err)
			}
		}
	}
	return changed
}

// nothing reports whether a path is of the currency of an amount that may be
// left out: that of nothing is not stored.
func nothing(path string) bool {
	return strings.HasSuffix(path, ".Picked.Currency") || strings.HasSuffix(path, ".List.Currency")
}

func seq(events []ledger.Event) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// leaves yields the path of every plain value in v.
func leaves(v reflect.Value, path string) iter.Seq[string] {
	return func(yield func(string) bool) { walk(v, path, func(p string, _ reflect.Value) bool { return yield(p) }) }
}

// walk calls see with every plain value in v until it returns false.
func walk(v reflect.Value, path string, see func(string, reflect.Value) bool) bool {
	switch v.Interface().(type) {
	case ledger.ID, time.Time:
		return see(path, v)
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if !walk(v.Field(i), strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), see) {
				return false
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if !walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), see) {
				return false
			}
		}
	default:
		return see(path, v)
	}
	return true
}

// altered returns a copy of p with one value changed.
func altered(t *testing.T, p ledger.Payload, path string) ledger.Payload {
	t.Helper()
	body, err := ledger.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	same, err := ledger.Unmarshal(p.Kind(), body) // shares no slice with p
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.New(reflect.TypeOf(same)).Elem()
	v.Set(reflect.ValueOf(same))
	walk(v, "", func(at string, leaf reflect.Value) bool {
		if at != path {
			return true
		}
		switch x := leaf.Interface().(type) {
		case ledger.ID:
			x[15] ^= 1
			leaf.Set(reflect.ValueOf(x))
			return false
		case time.Time:
			leaf.Set(reflect.ValueOf(x.Add(time.Microsecond)))
			return false
		}
		switch leaf.Kind() {
		case reflect.String:
			leaf.SetString(changedText(leaf.String()))
		case reflect.Int, reflect.Int64:
			leaf.SetInt(leaf.Int() + 1)
		case reflect.Uint64:
			leaf.SetUint(leaf.Uint() + 1)
		case reflect.Bool:
			leaf.SetBool(!leaf.Bool())
		default:
			t.Fatalf("%s is a %s", path, leaf.Kind())
		}
		return false
	})
	return v.Interface().(ledger.Payload)
}

// changedText returns another text; one that still means something where only
// a few are allowed.
func changedText(s string) string {
	others := map[string]string{
		"take": "return", "return": "take", "half_up": "down", "half_even": "down", "0.08875": "0.09875", "0.07": "0.17",
		"0": "0.1", "confirmed": "corrected", "corrected": "dismissed", "USD": "EUR", "reviewed": "policy",
	}
	if o, ok := others[s]; ok {
		return o
	}
	return s + "x"
}

// TestMismatch checks that a mismatch says where it is.
func TestMismatch(t *testing.T) {
	s := told(t, whole)
	i := find(t, s, "issued")
	events := slices.Clone(s.Events)
	events[i].Payload = altered(t, events[i].Payload, "Document.Lines[0].Quantity")
	err := projections.VerifyReceipts(seq(events))
	var m *projections.MismatchError
	if !errors.As(err, &m) {
		t.Fatalf("VerifyReceipts() = %v, want a MismatchError", err)
	}
	want := projections.MismatchError{
		Stream: "visit-v1", Revision: s.Events[i].Revision, Field: "document.lines[0].quantity", Stored: "3", Replayed: "2",
	}
	if *m != want {
		t.Errorf("VerifyReceipts() = %+v, want %+v", *m, want)
	}
}

// TestMissing checks that an event that is gone, or there twice, is found.
func TestMissing(t *testing.T) {
	s := told(t, whole)
	for i, e := range s.Events[:len(s.Events)-1] {
		gone := slices.Delete(slices.Clone(s.Events), i, i+1)
		if err := projections.VerifyReceipts(seq(gone)); !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("VerifyReceipts() without %s = %v, want ErrCorrupt", s.Name(e.ID), err)
		}
		for j := range gone { // as one who removes it would renumber
			gone[j].Revision = uint64(j)
		}
		// Who cuts off the last correction leaves a history that could be: that
		// it is not whole is for the tree to prove.
		if err := projections.VerifyReceipts(seq(gone)); err == nil && s.Name(e.ID) != "c2" {
			t.Errorf("VerifyReceipts() without %s, renumbered = nil, want an error", s.Name(e.ID))
		}
	}
}

// TestSecondReceipt checks that a visit has one receipt, and corrections.
func TestSecondReceipt(t *testing.T) {
	s := told(t, "present\nenter\ntake water\nprice\nexit\nissue as=first")
	again := s.Events[find(t, s, "first")]
	again.Revision, again.ID = uint64(len(s.Events)), ledger.DeriveID(again.ID, "again")
	events := append(slices.Clone(s.Events), again)
	if err := projections.VerifyReceipts(seq(events)); !errors.Is(err, projections.ErrNotReplayed) {
		t.Errorf("VerifyReceipts() with two receipts = %v, want ErrNotReplayed", err)
	}
	var c projections.Cart
	var r projections.Receipts
	var j books.Journal
	for i, e := range events {
		e.Position = uint64(i) + 1
		for _, f := range []applier{&c, &r, &j} {
			if err := f.Apply(e); err != nil {
				t.Fatalf("%T.Apply() = %v, want nil", f, err)
			}
		}
	}
	if len(c.Odd) != 1 || len(r.Odd) != 1 || len(j.Odd()) != 1 || len(j.Entries()) != 1 {
		t.Errorf("a second receipt: odd in cart %d, receipts %d, journal %d, entries %d; want 1 each",
			len(c.Odd), len(r.Odd), len(j.Odd()), len(j.Entries()))
	}
}

// TestReplay checks that the story has each event with the cart after it, and
// that the reader's cart is his own.
func TestReplay(t *testing.T) {
	s := told(t, whole)
	var last *projections.Cart
	n := 0
	for step, err := range projections.Replay(s.Stream("visit-v1")) {
		if err != nil {
			t.Fatalf("Replay() = %v, want nil", err)
		}
		if step.Event.ID != s.Events[n].ID || step.Cart.Events != uint64(n)+1 {
			t.Fatalf("Replay() step %d is event %s with a cart of %d events", n, s.Name(step.Event.ID), step.Cart.Events)
		}
		if last != nil && int(last.Events) != n {
			t.Fatalf("the cart of step %d has moved on to %d events", n-1, last.Events)
		}
		last = step.Cart
		n++
	}
	if n != len(s.Events) {
		t.Errorf("Replay() told %d events, want %d", n, len(s.Events))
	}
}
