package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// TestSeedingRefuses: what cannot be a shop is refused before it is written.
func TestSeedingRefuses(t *testing.T) {
	w := newWorld(t).open(house)
	head, err := w.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seller := ledger.Seller{Name: "n", Currency: "EUR", Timezone: "Europe/Berlin"}
	dollars := house
	dollars.Hold = money.Money{Minor: 100, Currency: "USD"}
	for _, tt := range []struct {
		name string
		do   func(context.Context) (engine.Recorded, error)
		want error
	}{
		{"a time zone that is none", func(ctx context.Context) (engine.Recorded, error) {
			s := seller
			s.Timezone = "Mars/Olympus"
			return w.desk.OpenStore(ctx, ledger.Meta{}, ledger.StoreOpened{Store: "x", Catalogue: main, Seller: s})
		}, ledger.ErrInvalid},
		{"a store id that makes keys too long", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.OpenStore(ctx, ledger.Meta{}, ledger.StoreOpened{
				Store: "a-shop-whose-name-is-much-longer-than-any-street-it-could-ever-stand-in", Catalogue: main, Seller: seller,
			})
		}, ledger.ErrInvalid},
		{"a policy of no shop", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.SetPolicy(ctx, ledger.Meta{}, ledger.PolicySet{Store: "x", Policy: house})
		}, engine.ErrUnknownStore},
		{"a hold in another currency", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.SetPolicy(ctx, ledger.Meta{}, ledger.PolicySet{Store: corner, Policy: dollars})
		}, ledger.ErrInvalid},
		{"a planogram with an unknown product", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.SetPlanogram(ctx, ledger.Meta{}, ledger.PlanogramSet{
				Store: corner, Sensor: "cam", Digest: ledger.DigestOf(nil),
				Slots: []ledger.SlotPlan{{Slot: "A1", SKU: "unheard of", Capacity: 1}},
			})
		}, engine.ErrUnknownSKU},
		{"a price nothing costs", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.SetPrice(ctx, ledger.Meta{}, main, ledger.PriceSet{
				SKU:   cola,
				Price: eur(2_000_000_000), From: opening,
			})
		}, ledger.ErrInvalid},
		{"an exit of a visit that never was", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.Exit(ctx, engine.ExitCommand{Visit: "nobody", Gate: "gate"})
		}, engine.ErrUnknownVisit},
		{"a review of nothing", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.DecideReview(ctx, engine.ReviewCommand{
				Detection: w.id("none"),
				Verdict:   ledger.VerdictDismissed, Reviewer: "r",
			})
		}, engine.ErrUnknownDetection},
		{"a decision on no dispute", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.DecideDispute(ctx, engine.DisputeDecision{
				Dispute: w.id("none"), Outcome: ledger.DisputeDenied, Reviewer: "r", Reason: "x",
			})
		}, engine.ErrUnknownDispute},
		{"a detection in no shop", func(ctx context.Context) (engine.Recorded, error) {
			return w.desk.Record(ctx, engine.RecordCommand{Detection: ledger.DetectionRecorded{Store: "x"}})
		}, engine.ErrUnknownStore},
	} {
		if _, err := tt.do(t.Context()); !errors.Is(err, tt.want) {
			t.Errorf("%s = %v, want %v", tt.name, err, tt.want)
		}
	}
	if after, err := w.log.Head(t.Context()); err != nil || after != head {
		t.Errorf("refusals moved the log from %d to %d, %v", head, after, err)
	}
}

func TestShopWithoutPolicyLetsNobodyIn(t *testing.T) {
	w := newWorld(t)
	_, err := w.desk.OpenStore(t.Context(), ledger.Meta{}, ledger.StoreOpened{
		Store: corner, Catalogue: main, Seller: ledger.Seller{Name: "n", Currency: "EUR", Timezone: "UTC"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := engine.PresentCommand{
		Store: corner, Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: "t",
		Shopper: "s", PaymentMethod: "pm",
	}
	if _, err := w.desk.Present(t.Context(), c); !errors.Is(err, engine.ErrNoPolicy) {
		t.Errorf("Present without a policy = %v, want %v", err, engine.ErrNoPolicy)
	}
	c.Store = "other"
	if _, err := w.desk.Present(t.Context(), c); !errors.Is(err, engine.ErrUnknownStore) {
		t.Errorf("Present at no shop = %v, want %v", err, engine.ErrUnknownStore)
	}
}

// TestPresence: who was inside at an instant, until the grace is over.
func TestPresence(t *testing.T) {
	w := newWorld(t).open(house)
	start := w.now
	w.enter("anna")
	w.pass(time.Minute)
	w.enter("ben")
	w.pass(time.Minute)
	w.exit("anna")
	w.pass(time.Minute)
	for _, tt := range []struct {
		after time.Duration
		want  []string
	}{
		{-time.Second, nil},
		{0, []string{"anna"}},
		{59 * time.Second, []string{"anna"}},
		{time.Minute, []string{"anna", "ben"}},
		{2*time.Minute + 5*time.Second, []string{"anna", "ben"}}, // within the grace
		{2*time.Minute + 5*time.Second + time.Millisecond, []string{"ben"}},
		{time.Hour, []string{"ben"}},
	} {
		var got []ledger.VisitID
		w.live.View(func(e *engine.Engine) { got = e.Presence(corner, start.Add(tt.after)) })
		same := len(got) == len(tt.want)
		for i := range got {
			same = same && string(got[i]) == tt.want[i]
		}
		if !same {
			t.Errorf("Presence(%s after opening) = %v, want %v", tt.after, got, tt.want)
		}
	}
}
