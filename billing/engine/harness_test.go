package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

const (
	corner = ledger.StoreID("corner")
	main   = ledger.CatalogueID("main")
	cola   = ledger.SKU("cola")  // 1.50
	water  = ledger.SKU("water") // 1.00
	gift   = ledger.SKU("gift")  // free
)

var opening = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// errCrash unwinds to the harness: the process is gone.
var errCrash = errors.New("killed")

// A tester is a test, a benchmark, or one draw of a property.
type tester interface {
	Helper()
	Context() context.Context
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Log(args ...any)
	Logf(format string, args ...any)
	Failed() bool
}

// A world is a shop with one process that can be killed. Its clock stands
// still until it is told to move.
type world struct {
	t     tester
	now   time.Time
	log   *memlog.Log
	bank  *simulate.Bank
	live  *engine.Live
	desk  *engine.Desk
	ids   *rand.Rand
	named map[string]ledger.ID

	boundary int // appends and sends begun or ended so far
	killAt   int // the boundary at which the process is killed; 0 never
	killed   int
	again    func() // called after each kill
	beside   func() // called at each boundary: what other programs do meanwhile
}

func newWorld(t tester) *world {
	w := &world{t: t, now: opening, bank: simulate.NewBank(), named: map[string]ledger.ID{}}
	w.ids = rand.New(rand.NewSource(1))
	w.log = memlog.New(func() time.Time { return w.now })
	w.bank.Now = func() time.Time { return w.now }
	w.start()
	return w
}

// start begins a new process on the same log.
func (w *world) start() {
	w.live = engine.NewLive(mortalLog{w.log, w})
	w.desk = engine.NewDesk(w.live, func() time.Time { return w.now }, w.ids)
}

// cross kills the process if this is the boundary to die at.
func (w *world) cross() {
	w.boundary++
	if w.beside != nil {
		w.beside()
	}
	if w.boundary == w.killAt {
		w.killed++
		if w.again != nil {
			w.again()
		}
		panic(errCrash)
	}
}

// survive runs f, and again with a new process whenever it was killed: a
// device repeats what was not acknowledged.
func (w *world) survive(f func()) {
	for {
		if !w.dies(f) {
			return
		}
		w.start()
	}
}

func (w *world) dies(f func()) (died bool) {
	defer func() {
		if r := recover(); r != nil {
			if err, ok := r.(error); !ok || !errors.Is(err, errCrash) {
				panic(r)
			}
			died = true
		}
	}()
	f()
	return false
}

// A mortalLog is a log whose writer may be killed before an append reaches it,
// or after it is durable and before it is acknowledged.
type mortalLog struct {
	ledger.Log
	w *world
}

func (l mortalLog) Append(
	ctx context.Context, s ledger.StreamID, x ledger.Expected, ds ...ledger.Draft,
) ([]ledger.Record, error) {
	l.w.cross()
	rs, err := l.Log.Append(ctx, s, x, ds...)
	if err == nil {
		l.w.cross()
	}
	return rs, err
}

// A mortalBank is a bank whose caller may be killed before an order arrives,
// or before the answer does.
type mortalBank struct{ w *world }

func (b mortalBank) call(f func(context.Context, billing.Order) (billing.Outcome, error), ctx context.Context,
	o billing.Order,
) (billing.Outcome, error) {
	b.w.cross()
	out, err := f(ctx, o)
	b.w.cross()
	return out, err
}

func (b mortalBank) Hold(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return b.call(b.w.bank.Hold, ctx, o)
}

func (b mortalBank) Increment(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return b.call(b.w.bank.Increment, ctx, o)
}

func (b mortalBank) Charge(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return b.call(b.w.bank.Charge, ctx, o)
}

func (b mortalBank) Capture(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return b.call(b.w.bank.Capture, ctx, o)
}

func (b mortalBank) Release(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return b.call(b.w.bank.Release, ctx, o)
}

func (b mortalBank) Refund(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return b.call(b.w.bank.Refund, ctx, o)
}

func (b mortalBank) Find(ctx context.Context, o billing.Order) (billing.Outcome, error) {
	return b.call(b.w.bank.Find, ctx, o)
}

// settle lets the engine do everything that is due now.
func (w *world) settle() {
	w.t.Helper()
	w.survive(func() {
		if _, err := w.live.Drain(w.t.Context(), mortalBank{w}, w.now); err != nil {
			w.t.Fatalf("Drain at %s: %v", w.now, err)
		}
	})
}

// pass moves the clock on, stopping wherever a timer is due.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	until := w.now.Add(d)
	for {
		w.settle()
		wake := w.live.Wake()
		if wake.IsZero() || wake.After(until) {
			w.now = until
			w.settle()
			return
		}
		w.now = wake
	}
}

// id returns the id that this name has in the whole test, restarts or not.
func (w *world) id(name string) ledger.ID {
	if _, ok := w.named[name]; !ok {
		id, err := ledger.NewID(w.now, w.ids)
		if err != nil {
			w.t.Fatal(err)
		}
		w.named[name] = id
	}
	return w.named[name]
}

// do runs a command, again after a kill, and lets everything settle.
func do[T any](w *world, what string, f func(ctx context.Context) (T, error)) T {
	w.t.Helper()
	var out T
	w.survive(func() {
		var err error
		if out, err = f(w.t.Context()); err != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
	})
	w.settle()
	return out
}

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

var house = ledger.Policy{
	Hold: eur(5000), ItemMin: 800, ActionMin: 800, PersonMin: 800, ReviewSeconds: 3600, OnDeadline: ledger.ForShopper,
	GraceMillis: 5000, GateSeconds: 10, DisputeDays: 14,
}

// seed runs a command of staff under a name.
func (w *world) seed(name string, f func(ctx context.Context, m ledger.Meta) (engine.Recorded, error)) {
	w.t.Helper()
	do(w, name, func(ctx context.Context) (engine.Recorded, error) {
		return f(ctx, ledger.Meta{ID: w.id("seed " + name), Occurred: opening})
	})
}

// open opens the corner shop with cola, water and a gift.
func (w *world) open(policy ledger.Policy) *world {
	w.t.Helper()
	w.openStore(corner, policy)
	from := opening.Add(-time.Hour)
	for _, p := range []ledger.PriceSet{
		{SKU: cola, Price: eur(150), From: from}, {SKU: water, Price: eur(100), From: from}, {
			SKU:   gift,
			Price: eur(0), From: from,
		},
	} {
		w.list(p.SKU)
		w.seed("price of "+string(p.SKU), func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
			return w.desk.SetPrice(ctx, m, main, p)
		})
	}
	w.seed("tax", func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
		return w.desk.SetTax(ctx, m, main, ledger.TaxSet{
			Category: "food", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp, From: from,
		})
	})
	return w
}

func (w *world) openStore(id ledger.StoreID, policy ledger.Policy) {
	w.t.Helper()
	w.seed("store "+string(id), func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
		return w.desk.OpenStore(ctx, m, ledger.StoreOpened{Store: id, Catalogue: main, Seller: ledger.Seller{
			Name: "Corner GmbH", Address: "Weg 1", TaxID: "DE1", Currency: "EUR", Timezone: "Europe/Berlin",
		}})
	})
	w.seed("policy "+string(id), func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
		return w.desk.SetPolicy(ctx, m, ledger.PolicySet{Store: id, Policy: policy})
	})
}

func (w *world) list(sku ledger.SKU) {
	w.t.Helper()
	w.seed("list "+string(sku), func(ctx context.Context, m ledger.Meta) (engine.Recorded, error) {
		return w.desk.ListProduct(ctx, m, main, ledger.ProductListed{
			SKU: sku, Name: string(sku), Category: "Drinks", TaxCategory: "food",
		})
	})
}

func (w *world) presentAs(shopper, ticket string) engine.GateAnswer {
	w.t.Helper()
	return w.present(engine.PresentCommand{
		Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: ticket,
		Shopper: ledger.ShopperID(shopper), Customer: "cus_" + shopper, PaymentMethod: "pm_" + shopper,
	})
}

// present shows a credential at the corner shop.
func (w *world) present(c engine.PresentCommand) engine.GateAnswer {
	w.t.Helper()
	c.ID, c.Occurred, c.Actor, c.Store = w.id("present "+c.Ticket), w.now, "device:gate", corner
	answer := do(w, "present "+c.Ticket, func(ctx context.Context) (engine.GateAnswer, error) {
		return w.desk.Present(ctx, c)
	})
	if answer.Decision == engine.GatePending {
		answer, _ = w.desk.Entry(answer.Visit)
	}
	return answer
}

// enter lets a shopper in, named like the visit.
func (w *world) enter(visit string) {
	w.t.Helper()
	if a := w.presentAs("shopper-"+visit, visit); a.Decision != engine.GateEntered {
		w.t.Fatalf("Present(%s) = %+v, want entered", visit, a)
	}
}

// A sight is what a camera sees; each value left out is a sure one.
type sight struct {
	sku      ledger.SKU
	action   ledger.Action
	n        int
	item     ledger.PerMille
	act      ledger.PerMille
	persons  []ledger.PersonHypothesis
	occurred time.Time
	store    ledger.StoreID
}

// sees records a detection. The name makes its id, so a retry has the same.
func (w *world) sees(name string, s sight) engine.Recorded {
	w.t.Helper()
	if s.action == "" {
		s.action = ledger.ActionTake
	}
	if s.occurred.IsZero() {
		s.occurred = w.now
	}
	if s.store == "" {
		s.store = corner
	}
	or := func(c ledger.PerMille) ledger.PerMille { return map[bool]ledger.PerMille{true: 970, false: c}[c == 0] }
	return do(w, "detection "+name, func(ctx context.Context) (engine.Recorded, error) {
		return w.desk.Record(ctx, engine.RecordCommand{
			ID: w.id("detection " + name), Occurred: s.occurred,
			Detection: ledger.DetectionRecorded{
				Store: s.store, Sensor: "cam", Source: ledger.SensorCamera, Slot: "A1",
				Items:   []ledger.ItemHypothesis{{SKU: s.sku, Confidence: or(s.item)}},
				Actions: []ledger.ActionHypothesis{{Action: s.action, Confidence: or(s.act)}},
				Persons: s.persons, Quantity: max(1, s.n), Model: "test 1",
				Evidence: []ledger.EvidenceRef{{
					Role: "after", Digest: ledger.DigestOf([]byte(name)), MediaType: "image/jpeg", Bytes: 10,
				}},
			},
		})
	})
}

func who(pairs ...any) []ledger.PersonHypothesis {
	var ps []ledger.PersonHypothesis
	for i := 0; i < len(pairs); i += 2 {
		ps = append(ps, ledger.PersonHypothesis{
			Visit: ledger.VisitID(pairs[i].(string)), Confidence: ledger.PerMille(pairs[i+1].(int)),
		})
	}
	return ps
}

func (w *world) exit(visit string) engine.Recorded {
	w.t.Helper()
	return do(w, "exit "+visit, func(ctx context.Context) (engine.Recorded, error) {
		return w.desk.Exit(ctx, engine.ExitCommand{
			ID: w.id("exit " + visit), Occurred: w.now, Actor: "device:gate", Visit: ledger.VisitID(visit), Gate: "gate",
		})
	})
}

func (w *world) review(name string, c engine.ReviewCommand) {
	w.t.Helper()
	c.ID, c.Detection, c.Reviewer = w.id("review "+name), w.id("detection "+name), "reviewer:anna"
	do(w, "review of "+name, func(ctx context.Context) (engine.Recorded,
		error,
	) {
		return w.desk.DecideReview(ctx, c)
	})
}

func (w *world) dispute(name, visit string, line, n int) {
	w.t.Helper()
	number := w.visit(visit).Cart.Latest.Number
	do(w, "dispute "+name, func(ctx context.Context) (engine.Recorded, error) {
		return w.desk.OpenDispute(ctx, engine.DisputeCommand{
			ID: w.id("dispute " + name), Occurred: w.now, Actor: "shopper", Receipt: number, Line: line, Quantity: n,
			Claim: ledger.ClaimNotTaken, Message: "not mine",
		})
	})
}

func (w *world) uphold(name, moveTo string) {
	w.t.Helper()
	do(w, "decision on "+name, func(ctx context.Context) (engine.Recorded, error) {
		return w.desk.DecideDispute(ctx, engine.DisputeDecision{
			ID: w.id("uphold " + name), Occurred: w.now, Dispute: w.id("dispute " + name), Outcome: ledger.DisputeUpheld,
			MoveTo: ledger.VisitID(moveTo), Reviewer: "reviewer:anna", Reason: "seen on the clip",
		})
	})
}

// visit returns what the engine knows of a visit.
func (w *world) visit(id string) engine.VisitView {
	w.t.Helper()
	if err := w.live.CatchUp(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	var view engine.VisitView
	var ok bool
	w.live.View(func(e *engine.Engine) { view, ok = e.Visit(ledger.VisitID(id)) })
	if !ok {
		w.t.Fatalf("visit %s is unknown", id)
	}
	return view
}

// wantEnd checks how a visit ended and what the bank did for it.
func (w *world) wantEnd(visit string, as ledger.SettledAs, captured, refunded, owed int64) {
	w.t.Helper()
	v := w.visit(visit)
	if v.Cart.Settled == nil {
		w.t.Fatalf("visit %s is %s, not settled", visit, v.Cart.Status)
	}
	s := w.bank.Statement(visit)
	got := fmt.Sprintf("%s, bank captured %d refunded %d standing holds %d, owed %d",
		v.Cart.Settled.Outcome, s.Captured, s.Refunded, s.Standing, v.Owed.Minor)
	want := fmt.Sprintf("%s, bank captured %d refunded %d standing holds 0, owed %d", as, captured, refunded, owed)
	if got != want {
		w.t.Errorf("visit %s ended %s, want %s", visit, got, want)
	}
}

// audit checks the whole ledger against its invariants and the bank.
func (w *world) audit() {
	w.t.Helper()
	a, err := simulate.Check(w.t.Context(), w.log, w.bank)
	if err != nil {
		w.t.Fatalf("Check: %v", err)
	}
	for _, f := range a.Findings {
		w.t.Errorf("audit: %s", f)
	}
	w.keepsBooks()
	if w.t.Failed() {
		w.tell()
	}
}

// kinds returns the kinds of a stream's events, in order.
func (w *world) kinds(s ledger.StreamID) []ledger.Kind {
	var ks []ledger.Kind
	for r, err := range w.log.Read(w.t.Context(), ledger.Query{Stream: s}) {
		if err != nil {
			w.t.Fatal(err)
		}
		ks = append(ks, r.Kind)
	}
	return ks
}

func count(ks []ledger.Kind, k ledger.Kind) int {
	n := 0
	for _, o := range ks {
		if o == k {
			n++
		}
	}
	return n
}

// tell prints the end of the log, latest first, for a test that failed.
func (w *world) tell() {
	for e, err := range projections.Decoded(w.log.Read(context.Background(), ledger.Query{
		Backwards: true,
		From:      ledger.End, Limit: 80,
	})) {
		if err != nil {
			w.t.Log(err)
			return
		}
		w.t.Logf("%3d %s %-18s %2d %-28s %s", e.Position, e.Occurred.Format("15:04:05.000"), e.Stream,
			e.Revision, e.Kind, e.Body)
	}
}
