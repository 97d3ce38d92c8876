package watch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/stripe"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/ledger"
)

const secret = "whsec_new"

// inbox is the world's webhook endpoint, in the middle of a change of secrets.
func (w *world) inbox(t *testing.T) *watch.Inbox {
	t.Helper()
	hooks, err := stripe.NewWebhooks(false, w.now, secret, "whsec_old")
	w.must(err)
	return watch.NewInbox(hooks.ParseWebhook, w.desk, w.log, w.store, w.watcher.Account, slog.New(slog.DiscardHandler))
}

// hook is a webhook as the provider would send it.
func (w *world) hook(event, kind, object string, set ...string) []byte {
	body := fmt.Sprintf(`{"id":%q,"object":"event","type":%q,"livemode":false,"created":%d,"api_version":"2023-10-16",`+
		`"data":{"object":%s}}`, event, kind, w.now().Unix(), object)
	for i := 0; i < len(set); i += 2 {
		body = strings.Replace(body, set[i], set[i+1], 1)
	}
	return []byte(body)
}

func (w *world) quarantined(t *testing.T) []ledger.NoticeQuarantined {
	t.Helper()
	var out []ledger.NoticeQuarantined
	for r, err := range w.log.Read(t.Context(), ledger.Query{Kinds: []ledger.Kind{ledger.KindNoticeQuarantined}}) {
		w.must(err)
		e, err := ledger.Decode(r)
		w.must(err)
		out = append(out, e.Payload.(ledger.NoticeQuarantined))
	}
	return out
}

// TestWebhooksOnlySayWhereToLook: whatever a webhook claims, however often and
// by whichever of two secrets it is signed, one event is written, which moves
// nothing.
func TestWebhooksOnlySayWhereToLook(t *testing.T) {
	w := newWorld(t, house)
	pi := w.shops("anna", 2)
	in := w.inbox(t)
	lie := fmt.Sprintf(`{"id":"re_1","object":"refund","payment_intent":%q,"amount":999999,"status":"succeeded"}`, pi)
	for _, by := range []string{secret, "whsec_old", secret, secret, "whsec_old"} {
		body := w.hook("evt_1", "charge.refunded", lie)
		w.must(in.Take(t.Context(), body, stripesim.Sign(body, by, w.now())))
	}
	if n := w.kinds("anna", ledger.KindPaymentNotified); n != 1 {
		t.Errorf("%d notices of one event, want 1", n)
	}
	w.settle()
	w.poll()
	if v := w.visit("anna"); v.Payment.Refunded.Minor != 0 {
		t.Errorf("%s refunded by a webhook's word", v.Payment.Refunded)
	}
	head, _ := w.log.Head(t.Context())
	// A payout is the books' business, which poll for it.
	body := w.hook("evt_2", "payout.paid", `{"id":"po_1","object":"payout"}`)
	w.must(in.Take(t.Context(), body, stripesim.Sign(body, secret, w.now())))
	if now, _ := w.log.Head(t.Context()); now != head {
		t.Error("a payout's webhook was written down")
	}
}

// TestForgedWebhookWritesNothing: nothing is written of what is not signed, is
// signed with nothing, or was signed ten years ahead.
func TestForgedWebhookWritesNothing(t *testing.T) {
	w := newWorld(t, house)
	w.shops("anna", 2)
	in := w.inbox(t)
	head, _ := w.log.Head(t.Context())
	body := w.hook("evt_1", "charge.refunded", `{"id":"ch_1","object":"charge","metadata":{"visit":"anna"}}`)
	for name, c := range map[string]struct {
		header string
		want   error
	}{
		"unsigned":      {"", stripe.ErrSignature},
		"wrong secret":  {stripesim.Sign(body, "whsec_other", w.now()), stripe.ErrSignature},
		"empty secret":  {stripesim.Sign(body, "", w.now()), stripe.ErrSignature},
		"too old":       {stripesim.Sign(body, secret, w.now().Add(-time.Hour)), stripe.ErrTimestamp},
		"ten years on":  {stripesim.Sign(body, secret, w.now().AddDate(10, 0, 0)), stripe.ErrTimestamp},
		"another body":  {stripesim.Sign(append(body, ' '), secret, w.now()), stripe.ErrSignature},
		"no time in it": {"v1=00", stripe.ErrSignature},
	} {
		if err := in.Take(t.Context(), body, c.header); !errors.Is(err, c.want) {
			t.Errorf("%s: Take = %v, want %v", name, err, c.want)
		}
	}
	if now, _ := w.log.Head(t.Context()); now != head {
		t.Errorf("%d events were written of forged webhooks", now-head)
	}
	w.must(in.Take(t.Context(), body, stripesim.Sign(body, secret, w.now()))) // the true one is taken
	if n := w.kinds("anna", ledger.KindPaymentNotified); n != 1 {
		t.Errorf("%d notices, want 1 by its metadata", n)
	}
}

// TestStrangeWebhooksAreKeptAside: of another version, of real money, or about
// a payment that nobody knows. Each is durable once, with its bytes, and its
// object is what the watcher looks at.
func TestStrangeWebhooksAreKeptAside(t *testing.T) {
	w := newWorld(t, house)
	pi := w.shops("anna", 2)
	in := w.inbox(t)
	object := fmt.Sprintf(`{"id":"ch_1","object":"charge","payment_intent":%q}`, pi)
	for i, body := range [][]byte{
		w.hook("evt_version", "charge.refunded", object, "2023-10-16", "2020-08-27"),
		w.hook("evt_live", "charge.refunded", object, `"livemode":false`, `"livemode":true`),
		w.hook("evt_stranger", "charge.refunded", `{"id":"ch_9","object":"charge","payment_intent":"pi_stranger"}`),
		w.hook("evt_stranger", "charge.refunded", `{"id":"ch_9","object":"charge","payment_intent":"pi_stranger"}`),
		w.hook("evt_stranger", "charge.refunded", `{"id":"ch_9","object":"charge","payment_intent":"pi_stranger","again":1}`),
	} {
		if err := in.Take(t.Context(), body, stripesim.Sign(body, secret, w.now())); err != nil {
			t.Errorf("webhook %d: Take = %v, want none", i, err)
		}
	}
	got := w.quarantined(t)
	if len(got) != 3 {
		t.Fatalf("kept aside %+v, want three", got)
	}
	for i, event := range []string{"evt_version", "evt_live", "evt_stranger"} {
		body, err := w.store.Read(t.Context(), got[i].Digest)
		if got[i].Event != event || err != nil || !strings.Contains(string(body), event) {
			t.Errorf("kept %+v, %v, want %s with its bytes", got[i], err, event)
		}
	}
	if n := w.kinds("anna", ledger.KindPaymentNotified); n != 0 {
		t.Errorf("%d notices were believed", n)
	}
}

// TestAnswersToClaims: who answers, and what cannot be answered.
func TestAnswersToClaims(t *testing.T) {
	w := newWorld(t, house)
	id := w.claim(w.shops("anna", 2), stripesim.Dispute{DueDays: 5})
	asked := w.claim(w.shops("ben", 2), stripesim.Dispute{Inquiry: true})
	answer := func(name, visit, claim string, r ledger.ChargebackReply) error {
		_, err := watch.Answer(t.Context(), w.log, ledger.Meta{ID: w.id(name), Occurred: w.now(), Actor: "operator:finn"},
			ledger.VisitID(visit), ledger.ChargebackAnswered{Chargeback: claim, Reply: r, By: "operator:finn", Reason: "so"})
		return err
	}
	for name, c := range map[string]struct {
		visit, claim string
		reply        ledger.ChargebackReply
		want         error
	}{
		"unknown":        {"anna", "dp_none", ledger.ReplyContest, watch.ErrUnknownClaim},
		"another's":      {"ben", id, ledger.ReplyContest, watch.ErrUnknownClaim},
		"nobody's":       {"nobody", id, ledger.ReplyContest, watch.ErrUnknownClaim},
		"only an asking": {"ben", asked, ledger.ReplyAccept, watch.ErrInquiry},
		"neither":        {"anna", id, "perhaps", ledger.ErrInvalid},
	} {
		if err := answer(name, c.visit, c.claim, c.reply); !errors.Is(err, c.want) {
			t.Errorf("%s: Answer = %v, want %v", name, err, c.want)
		}
	}
	w.must(answer("first", "anna", id, ledger.ReplyContest))
	w.must(answer("first", "anna", id, ledger.ReplyContest)) // a retry
	if err := answer("second", "anna", id, ledger.ReplyAccept); !errors.Is(err, watch.ErrAnswered) {
		t.Errorf("a second answer = %v, want %v", err, watch.ErrAnswered)
	}
	w.set(w.now().Add(30 * 24 * time.Hour))
	if err := answer("late", "ben", asked, ledger.ReplyContest); !errors.Is(err, watch.ErrTooLate) {
		t.Errorf("an answer after the deadline = %v, want %v", err, watch.ErrTooLate)
	}
	if n := w.kinds("anna", ledger.KindChargebackAnswered); n != 1 {
		t.Errorf("%d answers, want 1", n)
	}
}

// TestTheNetworkSpoilsWebhooks: they come five times, swapped, of another
// version, or not at all. What is written of the money is the same, once.
func TestTheNetworkSpoilsWebhooks(t *testing.T) {
	w := newWorld(t, house)
	in := w.inbox(t)
	var taken atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = in.Take(r.Context(), body, r.Header.Get("Stripe-Signature"))
		}
		if err != nil {
			answer.WriteHeader(http.StatusBadRequest)
			return
		}
		taken.Add(1)
	}))
	defer server.Close()
	w.must(w.sim.SetWebhook(server.URL, secret))
	for _, f := range []stripesim.Fault{
		{Op: "charge.captured", Kind: stripesim.Duplicate, Count: 4},
		{Op: "payment_intent.succeeded", Kind: stripesim.Reorder},
		{Op: "refund.created", Kind: stripesim.WrongVersion},
		{Op: "charge.dispute.created", Kind: stripesim.Lose},
	} {
		if _, err := w.sim.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	pi := w.shops("anna", 2)
	w.dashboard("/v1/refunds", map[string]string{"payment_intent": pi, "amount": "300"})
	if _, err := w.sim.Dispute(pi, stripesim.Dispute{Amount: 400}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w.must(w.sim.Flush(ctx))
	if taken.Load() < 8 || len(w.quarantined(t)) != 1 {
		t.Fatalf("%d webhooks were taken, %d kept aside; want all and one", taken.Load(), len(w.quarantined(t)))
	}
	seen := map[string]bool{}
	for _, n := range events[ledger.PaymentNotified](w, "anna") {
		if seen[n.Event] {
			t.Errorf("event %s is written twice", n.Event)
		}
		seen[n.Event] = true
		w.must(w.watcher.Look(t.Context(), n.Object)) // as Run does
	}
	for range 2 {
		w.poll()
	}
	for kind, want := range map[ledger.Kind]int{
		ledger.KindCaptured: 1, ledger.KindExternalObserved: 1, ledger.KindChargebackOpened: 1, ledger.KindChargebackFundsMoved: 1,
	} {
		if n := w.kinds("anna", kind); n != want {
			t.Errorf("%d %s, want %d", n, kind, want)
		}
	}
	v := w.visit("anna")
	if v.Payment.Captured != usd(1000) || v.Payment.Refunded != usd(300) || v.Payment.ChargedBack() != usd(400) {
		t.Errorf("captured %s, refunded %s, charged back %s; want 10.00, 3.00, 4.00", v.Payment.Captured, v.Payment.Refunded,
			v.Payment.ChargedBack())
	}
}
