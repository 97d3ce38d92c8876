package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/reconcile"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/projections/runner"
	"github.com/vouchledger/vouch/vision/evidence"
	"github.com/vouchledger/vouch/vision/ticket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bank is a payment provider that does what it is asked, once for each key.
type bank struct {
	mu       sync.Mutex
	done     map[string]billing.Outcome
	declines bool
	answer   func(billing.Order) billing.Outcome // instead; nothing if its status is empty
}

// fail makes the bank answer as f says.
func (b *bank) fail(f func(billing.Order) billing.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = f
}

func (b *bank) do(o billing.Order, object string) (billing.Outcome, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if out, ok := b.done[o.Key]; ok {
		return out, nil
	}
	if b.answer != nil {
		if out := b.answer(o); out.Status != "" {
			return out, nil
		}
	}
	out := billing.Outcome{Status: billing.Done, Object: object, Amount: o.Amount}
	if b.declines && o.Op == billing.OpHold {
		out = billing.Outcome{Status: billing.Declined, Code: "card_declined"}
	}
	b.done[o.Key] = out
	return out, nil
}

func (b *bank) Hold(_ context.Context, o billing.Order) (billing.Outcome, error) {
	return b.do(o, "pi_3QKd0fT1"+o.Visit[len(o.Visit)-6:])
}

func (b *bank) Increment(_ context.Context, o billing.Order) (billing.Outcome, error) {
	return b.do(o, o.Object)
}

func (b *bank) Charge(_ context.Context, o billing.Order) (billing.Outcome, error) {
	return b.do(o, "pi_"+o.ID)
}

func (b *bank) Capture(_ context.Context, o billing.Order) (billing.Outcome, error) {
	return b.do(o, o.Object)
}

func (b *bank) Release(_ context.Context, o billing.Order) (billing.Outcome, error) {
	return b.do(o, o.Object)
}

func (b *bank) Refund(_ context.Context, o billing.Order) (billing.Outcome, error) {
	return b.do(o, "re_3QKd0fT1"+o.Visit[len(o.Visit)-6:])
}

func (b *bank) Find(_ context.Context, o billing.Order) (billing.Outcome, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if out, ok := b.done[o.Key]; ok {
		return out, nil
	}
	if b.answer != nil {
		if out := b.answer(o); out.Status != "" {
			return out, nil
		}
	}
	return billing.Outcome{Status: billing.NotFound}, nil
}

// A shop is a whole server over a log in memory, with a till that works.
type shop struct {
	t     *testing.T
	api   *API
	log   ledger.Log
	desk  *engine.Desk
	bank  *bank
	keys  map[string]string // name to key
	store *evidence.Store
	ring  *ticket.Key
	doc   *checker
	data  string // folder of the server
	base  time.Time
	began time.Time
	skip  time.Duration // jumps of the clock
	mu    sync.Mutex
}

// now runs as fast as the machine's clock, from a set moment.
func (s *shop) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base.Add(time.Since(s.began)).Add(s.skip)
}

func (s *shop) jump(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skip += d
}

const (
	berlin = ledger.StoreID("berlin-1")
	munich = ledger.StoreID("munich-1")
	menu   = ledger.CatalogueID("drinks")
)

func policy() ledger.Policy {
	return ledger.Policy{
		Hold: money.Money{Minor: 5000, Currency: "EUR"}, ItemMin: 850, ActionMin: 850, PersonMin: 700,
		ReviewSeconds: 3600, OnDeadline: ledger.ForShopper, GraceMillis: 20, GateSeconds: 5, DisputeDays: 30,
	}
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{
		t: t, bank: &bank{done: map[string]billing.Outcome{}}, keys: map[string]string{},
		base: time.Date(2026, 11, 23, 13, 2, 0, 0, time.UTC), began: time.Now(),
	}
	quiet := slog.New(slog.DiscardHandler)
	s.log = memlog.New(s.now)
	live := engine.NewLive(s.log)
	s.desk = engine.NewDesk(live, s.now, rand.Reader)
	s.store = must(evidence.Open(t.TempDir(), evidence.Config{MaxBytes: 1 << 20}))(t)
	s.ring = must(ticket.NewKey(rand.Reader))(t)
	ks := must(keys.Open(t.TempDir()))(t)
	visits := runner.New(s.log, func() *projections.Visits { return &projections.Visits{} },
		runner.Config{}, quiet)
	queue := runner.New(s.log, func() *projections.ReviewQueue { return &projections.ReviewQueue{} },
		runner.Config{}, quiet)
	journal := runner.New(s.log, func() *books.Journal { return &books.Journal{} },
		runner.Config{}, quiet)
	claims := runner.New(s.log, func() *chargeback.Book { return &chargeback.Book{} }, runner.Config{}, quiet)
	reg := runner.New(s.log, func() *register.Register { return &register.Register{} }, runner.Config{}, quiet)
	s.data = t.TempDir()
	hands := must(palms.Open(s.data, "", s.desk, quiet))(t)
	s.api = must(New(Services{
		Palms: hands,
		Log:   s.log, Desk: s.desk, Evidence: s.store, Keys: ks, Tickets: s.ring,
		Ring:   must(ticket.NewRing(s.ring.Public()))(t),
		Visits: visits, Reviews: queue, Journal: journal, Register: reg,
		Reconciler: must(reconcile.New(s.log, nil, s.now, reconcile.Config{}, quiet))(t),
		Payer: func(_ context.Context, p ledger.ShopperID) (Payer, error) {
			switch p {
			case "stranger":
				return Payer{}, ErrUnknownShopper
			case "cleo":
				return Payer{Staff: true}, nil
			}
			return Payer{Customer: "cus_" + string(p), PaymentMethod: "pm_card_visa"}, nil
		},
		Webhook: func(ctx context.Context, body []byte, sig string) error {
			if sig != "good" {
				return ErrSignature
			}
			var e engine.ProviderEvent
			if err := json.Unmarshal(body, &e); err != nil {
				return err
			}
			_, err := s.desk.Notify(ctx, e)
			return err
		},
		Chargebacks: claims,
		Confirm:     func(_ context.Context, o billing.Order) (string, error) { return "secret of " + o.ID, nil },
		Tlog:        s.tlog, Now: s.now, Logger: quiet, Rotation: must(ticket.NewRotation(rand.Reader))(t),
		Bearer: func(_ context.Context, kind ledger.CredentialKind, token string) (ledger.ShopperID, error) {
			who, ok := map[string]ledger.ShopperID{"card fp_lea": "lea", "staff 0417": "cleo", "staff lost": "lea"}[string(kind)+" "+token]
			if !ok {
				return "", ErrUnknownShopper
			}
			return who, nil
		},
	}))(t)
	s.doc = newChecker(t, s.api.document)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	run := func(f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("runner ended: %v", err)
			}
		})
	}
	run(engine.NewRunner(live, s.bank, s.now, engine.RunnerConfig{}).Run)
	run(visits.Run)
	run(queue.Run)
	run(journal.Run)
	run(reg.Run)
	run(claims.Run)
	run(hands.Run)
	t.Cleanup(func() { s.api.Close(); cancel(); wg.Wait(); s.store.Close(); hands.Close() })
	s.seed(ks)
	return s
}

func (s *shop) seed(ks *keys.Store) {
	t, ctx := s.t, context.Background()
	m := func() ledger.Meta {
		return ledger.Meta{
			ID: s.id(), Occurred: ledger.Instant(s.base.Add(-24 * time.Hour)),
			Actor: "operator:test",
		}
	}
	for _, st := range []ledger.StoreID{berlin, munich} {
		must(s.desk.OpenStore(ctx, m(), ledger.StoreOpened{Store: st, Catalogue: menu, Seller: ledger.Seller{
			Name: "Corner Shop Torstraße", Address: "Torstraße 1, 10119 Berlin", TaxID: "DE123456789",
			Currency: "EUR", Timezone: "Europe/Berlin",
		}}))(t)
		must(s.desk.SetPolicy(ctx, m(), ledger.PolicySet{Store: st, Policy: policy()}))(t)
	}
	must(s.desk.SetTax(ctx, m(), menu, ledger.TaxSet{
		Category: "standard", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp,
		From: ledger.Instant(s.base.Add(-48 * time.Hour)),
	}))(t)
	plan := ledger.PlanogramSet{Store: berlin, Sensor: "cam-1", Digest: ledger.DigestOf([]byte("plan"))}
	for i, p := range []struct {
		sku, name string
		minor     int64
	}{
		{"cola", "Club Cola 0.5 l", 189},
		{"water", "Still Water 0.75 l", 119},
		{"mate", "Club Mate 0.5 l", 219},
		{"tea", "Iced Tea Peach 0.5 l", 199},
		{"juice", "Apple Juice 0.33 l", 249},
	} {
		must(s.desk.ListProduct(ctx, m(), menu, ledger.ProductListed{
			SKU: ledger.SKU(p.sku), Name: p.name, Category: "Drinks", TaxCategory: "standard",
		}))(t)
		must(s.desk.SetPrice(ctx, m(), menu, ledger.PriceSet{
			SKU: ledger.SKU(p.sku), Price: money.Money{Minor: p.minor, Currency: "EUR"},
			From: ledger.Instant(s.base.Add(-48 * time.Hour)),
		}))(t)
		plan.Slots = append(plan.Slots, ledger.SlotPlan{
			Slot: fmt.Sprintf("A%d", i+1),
			SKU:  ledger.SKU(p.sku), Capacity: 6, Initial: 6,
		})
	}
	must(s.desk.SetPlanogram(ctx, m(), plan))(t)
	for name, spec := range map[string]keys.Spec{
		"gate": {Role: keys.Device, Store: string(berlin), Name: "gate-1"}, "munich": {
			Role:  keys.Device,
			Store: string(munich), Name: "gate-9",
		},
		"lea": {Role: keys.Shopper, Shopper: "lea", Name: "lea"}, "tom": {
			Role:    keys.Shopper,
			Shopper: "tom", Name: "tom",
		},
		"anna": {Role: keys.Reviewer, Name: "anna"}, "finn": {Role: keys.Finance, Name: "finn"},
		"otto": {Role: keys.Auditor, Name: "otto"}, "olga": {Role: keys.Operator, Name: "olga"},
		"till": {Role: keys.Program, Name: "till"}, "cart": {Role: keys.Device, Store: string(berlin), Name: "cart-7"},
	} {
		_, text, err := ks.Create(spec, s.base, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		s.keys[name] = text
	}
}

func (s *shop) id() ledger.ID { return must(ledger.NewID(s.now(), rand.Reader))(s.t) }

// A call is one request and its answer.
type call struct {
	*httptest.ResponseRecorder
	t *testing.T
}

// send makes a request as who (a name of the shop's keys, or nobody) and holds
// the answer against the document.
func (s *shop) send(who, method, path string, body any, headers ...string) call {
	s.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	case string:
		r = strings.NewReader(b)
	default:
		r = bytes.NewReader(must(json.Marshal(b))(s.t))
	}
	req := httptest.NewRequestWithContext(s.t.Context(), method, path, r)
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		req.Header.Set("Authorization", "Bearer "+s.keys[who])
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	s.api.ServeHTTP(rec, req)
	s.doc.answer(s.t, method, path, rec)
	return call{rec, s.t}
}

// want fails the test unless the answer has this status, and decodes its body.
func (c call) want(status int, into ...any) call {
	c.t.Helper()
	if c.Code != status {
		c.t.Fatalf("answer %d %s, want %d", c.Code, c.Body.String(), status)
	}
	for _, v := range into {
		if err := json.Unmarshal(c.Body.Bytes(), v); err != nil {
			c.t.Fatalf("answer %s: %v", c.Body.String(), err)
		}
	}
	return c
}

// code returns the code of a problem.
func (c call) code() string {
	var p problem
	_ = json.Unmarshal(c.Body.Bytes(), &p)
	return p.Code
}

// enter lets a shopper in and returns the visit.
func (s *shop) enter(who string) string {
	s.t.Helper()
	var tk ticketAnswer
	s.send(who, "POST", "/v1/tickets", map[string]any{"store": berlin}).want(201, &tk)
	var ans entryAnswer
	s.send("gate", "POST", "/v1/gate/entries", s.entry(tk.Code)).want(200, &ans)
	if ans.Decision != engine.GateEntered || string(ans.Visit) != tk.Ticket.String() {
		s.t.Fatalf("gate answered %+v, want entered with visit %s", ans, tk.Ticket)
	}
	return string(ans.Visit)
}

func (s *shop) entry(code string) map[string]any {
	return map[string]any{
		"id": s.id(), "occurred_at": s.now(), "store": berlin, "gate": "gate-1", "place": "gate",
		"code": code, "party": 1,
	}
}

func (s *shop) exit(visit string) {
	s.t.Helper()
	s.send("gate", "POST", "/v1/gate/exits", map[string]any{
		"id": s.id(), "occurred_at": s.now(), "gate": "gate-1", "visit": visit,
	}).want(200)
}

// see is a detection of the shelf's camera. item is the confidence of the
// best reading.
func (s *shop) see(action, sku, slot string, item int, refs ...ledger.EvidenceRef) map[string]any {
	if refs == nil {
		refs = []ledger.EvidenceRef{}
	}
	return map[string]any{
		"id": s.id(), "occurred_at": s.now(),
		"detection": map[string]any{
			"store": berlin, "sensor": "cam-1", "source": "camera", "slot": slot,
			"items": []any{map[string]any{"sku": sku, "confidence": item}, map[string]any{
				"sku":        "tea",
				"confidence": 1000 - item,
			}},
			"actions": []any{map[string]any{"action": action, "confidence": 962}},
			"persons": []any{}, "quantity": 1, "grams": 0, "model": "slots 1.0", "evidence": refs,
		},
	}
}

// keep stores bytes as evidence and returns the reference.
func (s *shop) keep(role, kind string, b []byte) ledger.EvidenceRef {
	s.t.Helper()
	d := ledger.DigestOf(b)
	if c := s.send("gate", "PUT", "/v1/evidence/"+string(d), b, "Content-Type", kind); c.Code != 201 &&
		c.Code != 200 {
		s.t.Fatalf("PUT evidence = %d %s, want 201 or 200", c.Code, c.Body.String())
	}
	return ledger.EvidenceRef{Role: role, Digest: d, MediaType: kind, Bytes: int64(len(b))}
}

// until waits for a visit to be as ok says.
func (s *shop) until(visit string, what string, ok func(visitView) bool) visitView {
	s.t.Helper()
	var v visitView
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		v = visitView{}
		s.send("olga", "GET", "/v1/visits/"+visit, nil).want(200, &v)
		if ok(v) {
			return v
		}
		s.api.limits = newLimiters() // a test is faster than any person
	}
	s.t.Fatalf("visit %s never was %s: %+v", visit, what, v)
	return v
}

func (s *shop) settled(visit string) visitView {
	s.t.Helper()
	return s.until(visit, "settled", func(v visitView) bool { return v.Status == "settled" })
}
