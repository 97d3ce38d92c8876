package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// BillingConfig says how much of billing to measure.
type BillingConfig struct {
	Dir      string // on the disk that is meant; a folder is made in it and removed
	Receipts int    // priced, in each round
	Visits   int    // settled, in each round
	Shoppers int    // at once
	Rounds   int    // figures are medians over them
	Version  string // of vouch
	Now      func() time.Time
	Random   io.Reader

	// Progress, if set, is called now and then with what is being done.
	Progress func(what string, done, total int64)
}

// The goals of issue 4.
const (
	goalReceipts = 50_000 // of ten lines a second, one core
	goalSettled  = 2_000  // visits a second
	goalWait     = 50     // milliseconds from the exit to the receipt
)

// Billing measures what a shop waits for. The report is complete unless there
// is an error.
func Billing(ctx context.Context, cfg BillingConfig) (Report, error) {
	dir, err := os.MkdirTemp(cfg.Dir, "vouch-bench-")
	if err != nil {
		return Report{}, err
	}
	start := cfg.Now()
	r := Report{Visits: cfg.Visits, Report: goals.Report{
		Program: program, Bench: "billing", At: start.UTC(), Machine: goals.ThisMachine(dir, cfg.Version), Rounds: cfg.Rounds,
	}}
	err = r.billing(ctx, cfg, dir)
	r.Machine.Ended()
	r.Took = cfg.Now().Sub(start).Seconds()
	r.Extent = fmt.Sprintf("%d rounds of %s visits, %.0f s in all", r.Rounds, goals.Number(float64(r.Visits)), r.Took)
	return r, errors.Join(err, os.RemoveAll(dir))
}

func (r *Report) billing(ctx context.Context, cfg BillingConfig, dir string) error {
	var priced, settled, rates, waits, slow, perVisit, busy []float64
	for i := range cfg.Rounds {
		if cfg.Progress != nil {
			cfg.Progress("billing", int64(i), int64(cfg.Rounds))
		}
		perSecond, err := receipts(cfg.Receipts)
		if err != nil {
			return fmt.Errorf("receipts: %w", err)
		}
		priced = append(priced, perSecond)
		run, err := settle(ctx, cfg, fmt.Sprintf("%s/round-%d", dir, i))
		if err != nil {
			return fmt.Errorf("visits: %w", err)
		}
		settled, rates = append(settled, run.perSecond), append(rates, run.eventsPerSecond)
		waits, slow = append(waits, run.wait), append(slow, run.waitP99)
		perVisit, busy = append(perVisit, run.events), append(busy, run.busy)
	}
	r.AtLeast("ten prices looked up, receipt of ten lines priced and decided, one core", goals.Median(priced), goalReceipts, "receipts/s")
	r.AtLeast("gate, hold, three pieces, exit, receipt, capture: settled", goals.Median(settled), goalSettled, "visits/s")
	r.AtMost("exit to issued receipt, nothing in doubt, grace 0, one shopper, median", goals.Median(waits), goalWait, "ms")
	r.Figure("the same, 99th percentile", goals.Median(slow), "ms")
	r.Figure("shops and shoppers at once while settling: shops", benchShops, "")
	r.Figure("shoppers", float64(cfg.Shoppers), "")
	r.Figure("processor time of a settled visit, provider and shoppers counted", goals.Median(busy), "µs")
	r.Figure("events of a settled visit", goals.Median(perVisit), "")
	r.Figure("events durable meanwhile", goals.Median(rates), "events/s")
	return nil
}

// receipts prices n visits of ten products, one after the other, and returns
// how many a second of processor time.
func receipts(n int) (perSecond float64, err error) {
	catalogue, cart, err := tenLines()
	if err != nil {
		return 0, err
	}
	runtime.GC()
	before := goals.ProcessorTime()
	var sum int64
	for i := range n {
		for _, pick := range cart.Picks {
			p, missing := catalogue.Price(pick.SKU, pick.At, cart.Currency())
			if missing != "" || p.Unit != pick.Price.Unit {
				return 0, fmt.Errorf("%w: %s costs %s %s", ledger.ErrInvalid, pick.SKU, p.Unit, missing)
			}
		}
		d, err := projections.BuildDocument(cart, fmt.Sprintf("bench-2026-%06d", i+1), "", benchDay)
		if err != nil {
			return 0, err
		}
		sum += min(d.Gross.Minor, cart.Presented.Policy.Hold.Minor) // what is captured
	}
	took := goals.ProcessorTime() - before
	if sum == 0 || took <= 0 {
		return 0, fmt.Errorf("%w: %d captured in %s", ledger.ErrInvalid, sum, took)
	}
	return float64(n) / took.Seconds(), nil
}

var benchDay = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func benchSKU(i int) ledger.SKU { return ledger.SKU(fmt.Sprintf("sku-%02d", i)) }

// benchFacts are a shop's catalogue: ten products, two with a deposit, under
// two tax rates.
func benchFacts(from time.Time) []ledger.Payload {
	ps := []ledger.Payload{
		ledger.TaxSet{Category: "food", Jurisdiction: "US-WA", Rate: "0.065", Rounding: money.HalfUp, From: from},
		ledger.TaxSet{Category: "drinks", Jurisdiction: "US-WA", Rate: "0.1025", Rounding: money.HalfUp, From: from},
	}
	for i := range 10 {
		p := ledger.ProductListed{SKU: benchSKU(i), Name: fmt.Sprintf("Product %d", i), Category: "food", TaxCategory: "food"}
		if i%5 == 1 {
			p.TaxCategory = "drinks"
			p.Deposit = ledger.Deposit{Name: "Deposit", Amount: money.Money{Minor: 5, Currency: "USD"}, TaxCategory: "drinks"}
		}
		ps = append(ps, p, ledger.PriceSet{SKU: p.SKU, Price: money.Money{Minor: 199 + int64(i)*37, Currency: "USD"}, From: from})
	}
	return ps
}

var benchPolicy = ledger.Policy{
	Hold: money.Money{Minor: 5000, Currency: "USD"}, ItemMin: 800, ActionMin: 800, PersonMin: 800, ReviewSeconds: 3600,
	OnDeadline: ledger.ForShopper, GateSeconds: 60, DisputeDays: 14,
}

var benchSeller = ledger.Seller{
	Name: "Bench Inc", Address: "1 Pike St", TaxID: "US1", Currency: "USD", Timezone: "America/Los_Angeles",
}

// A benchStream writes events that only a measurement sees.
type benchStream struct {
	name ledger.StreamID
	n    uint64
}

func (s *benchStream) event(p ledger.Payload) ledger.Event {
	e := ledger.Event{Payload: p, Record: ledger.Record{
		ID: ledger.DeriveID(ledger.ID{}, string(s.name), fmt.Sprint(s.n)), Kind: p.Kind(), Stream: s.name, Revision: s.n,
		Position: s.n + 1, Occurred: benchDay, Recorded: benchDay, Actor: "bench",
	}}
	s.n++
	return e
}

// tenLines returns a catalogue and the cart of a visit that took each of its
// ten products and left.
func tenLines() (*billing.Catalogue, *projections.Cart, error) {
	catalogue, cart := &billing.Catalogue{}, &projections.Cart{}
	list := &benchStream{name: ledger.CatalogueStream("bench")}
	for _, p := range benchFacts(benchDay.Add(-time.Hour)) {
		if err := catalogue.Apply(list.event(p)); err != nil {
			return nil, nil, err
		}
	}
	visit := &benchStream{name: ledger.VisitStream("bench")}
	apply := func(p ledger.Payload) ledger.ID {
		e := visit.event(p)
		if cart.Apply(e) != nil {
			return ledger.ID{}
		}
		return e.ID
	}
	apply(ledger.GatePresented{
		Visit: "bench", Store: "bench", Gate: "gate", Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: "bench",
		Shopper: "bench", Customer: "cus_1", PaymentMethod: "pm_1", Party: 1, Seller: benchSeller, Catalogue: "bench", Policy: benchPolicy,
	})
	apply(ledger.GateEntered{Visit: "bench", Gate: "gate", Hold: benchPolicy.Hold})
	for i := range 10 {
		id := apply(benchDetection("bench", "bench", i, 1+i%3))
		p, missing := catalogue.Price(benchSKU(i), benchDay, "USD")
		if missing != "" {
			return nil, nil, fmt.Errorf("%w: no %s of %s", ledger.ErrInvalid, missing, benchSKU(i))
		}
		p.Detection = id
		apply(p)
	}
	apply(ledger.GateExited{Visit: "bench", Gate: "gate"})
	if lines, err := cart.Lines(); err != nil || len(lines) < 10 || cart.Blocked() {
		return nil, nil, fmt.Errorf("%w: the cart has %d lines: %w", ledger.ErrInvalid, len(lines), err)
	}
	return catalogue, cart, nil
}

func benchDetection(store ledger.StoreID, visit ledger.VisitID, i, n int) ledger.DetectionRecorded {
	return ledger.DetectionRecorded{
		Store: store, Sensor: "cam-1", Source: ledger.SensorCamera, Slot: fmt.Sprint("A", i),
		Items:   []ledger.ItemHypothesis{{SKU: benchSKU(i), Confidence: 970}},
		Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 970}},
		Persons: []ledger.PersonHypothesis{{Visit: visit, Confidence: 990}}, Quantity: n, Model: "bench 1",
		Evidence: []ledger.EvidenceRef{}, Presence: []ledger.PersonHypothesis{},
	}
}
