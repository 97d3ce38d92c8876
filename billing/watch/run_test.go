package watch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/ledger"
)

// TestRunFollowsNotices: while the watcher runs, a notice is enough for the
// object to be looked at, and a claim is seen, packed and staged by itself.
func TestRunFollowsNotices(t *testing.T) {
	w := newWorld(t, house)
	pi := w.shops("anna", 2)
	in := w.inbox(t)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	done := make(chan error)
	go func() { done <- w.watcher.Run(ctx) }()

	wanted := map[ledger.Kind]bool{
		ledger.KindExternalObserved: true, ledger.KindChargebackOpened: true, ledger.KindEvidencePackBuilt: true,
	}
	for r, err := range w.log.Subscribe(ctx, ledger.Query{}) {
		if err != nil {
			t.Fatalf("still waiting for %v: %v", wanted, err)
		}
		if r.Kind == ledger.KindProviderSwept { // the first poll is over; the next is a minute away
			w.refundAndClaim(ctx, in, pi)
		}
		delete(wanted, r.Kind)
		if len(wanted) == 0 {
			break
		}
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want it canceled", err)
	}
}

// refundAndClaim is what a person refunds and a bank claims, and the webhooks
// that tell of it.
func (w *world) refundAndClaim(ctx context.Context, in *watch.Inbox, pi string) {
	w.Helper()
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": pi, "amount": "300"})
	id, err := w.sim.Dispute(pi, stripesim.Dispute{Amount: 400})
	w.must(err)
	for i, hook := range [][]byte{
		w.hook("evt_1", "payment_intent.succeeded", fmt.Sprintf(`{"id":%q,"object":"payment_intent"}`, pi)),
		w.hook("evt_2", "charge.dispute.created", fmt.Sprintf(`{"id":%q,"object":"dispute","payment_intent":%q}`, id, pi)),
	} {
		if err := in.Take(ctx, hook, stripesim.Sign(hook, secret, w.now())); err != nil {
			w.Errorf("webhook %d: %v", i, err)
		}
	}
}
