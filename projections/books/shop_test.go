package books_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

const store = ledger.StoreID("s1")

// noon is noon in Berlin of the first day.
var noon = time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

var seller = ledger.Seller{Name: "Corner", Address: "1 Main St", TaxID: "DE1", Currency: "EUR", Timezone: "Europe/Berlin"}

// A reporter is what both tests and properties report to.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// A shop tells events to a journal, in stored form.
type shop struct {
	t       reporter
	j       *books.Journal
	events  []ledger.Event
	lengths map[ledger.StreamID]uint64
	at      time.Time // when the next event occurs
	number  int
	last    ledger.ReceiptDocument // that was issued
}

func newShop(t reporter) *shop {
	s := &shop{t: t, j: &books.Journal{}, lengths: map[ledger.StreamID]uint64{}, at: noon}
	s.tell(ledger.StoreStream(store), ledger.StoreOpened{Store: store, Seller: seller, Catalogue: "c1"})
	return s
}

// tell appends p, a minute after the event before, and returns its id.
func (s *shop) tell(stream ledger.StreamID, p ledger.Payload) ledger.ID {
	s.t.Helper()
	id := ledger.DeriveID(ledger.ID{}, "event", fmt.Sprint(len(s.events)))
	d, err := ledger.NewDraft(ledger.Meta{ID: id, Occurred: s.at, Actor: "test"}, p)
	if err != nil {
		s.t.Fatalf("%s: %v", p.Kind(), err)
	}
	e, err := ledger.Decode(ledger.Record{
		ID: id, Kind: d.Kind, Stream: stream, Revision: s.lengths[stream], Position: uint64(len(s.events)) + 1,
		Occurred: d.Occurred, Actor: d.Actor, Body: d.Body,
	})
	if err != nil {
		s.t.Fatalf("%s: %v", p.Kind(), err)
	}
	if err := s.j.Apply(e); err != nil {
		s.t.Fatalf("Apply(%s) = %v, want nil", p.Kind(), err)
	}
	s.events = append(s.events, e)
	s.lengths[stream]++
	s.at = s.at.Add(time.Minute)
	return id
}

func (s *shop) visit(v ledger.VisitID, p ledger.Payload) ledger.ID {
	s.t.Helper()
	return s.tell(ledger.VisitStream(v), p)
}

func (s *shop) pay(v ledger.VisitID, p ledger.Payload) ledger.ID {
	s.t.Helper()
	return s.tell(ledger.PaymentStream(v), p)
}

func presented(v ledger.VisitID, c ledger.CredentialKind) ledger.GatePresented {
	return ledger.GatePresented{
		Visit: v, Store: store, Gate: "gate-1", Place: ledger.PlaceGate, Credential: c, Ticket: string(v),
		Shopper: "lea", Customer: "cus_1", PaymentMethod: "pm_1", Party: 1, Catalogue: "c1", Seller: seller,
		Policy: ledger.Policy{
			Hold: eur(5000), ItemMin: 800, ActionMin: 800, PersonMin: 800, ReviewSeconds: 900,
			OnDeadline: ledger.ForShopper, GraceMillis: 3000, GateSeconds: 10, DisputeDays: 60,
		},
	}
}

// An item is a line of a receipt.
type item struct {
	category string
	kind     ledger.LineKind
	pieces   int
	net, tax int64
	rule     ledger.TaxRule
	discount int64
}

var (
	vat19 = ledger.TaxRule{Category: "standard", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp}
	vat0  = ledger.TaxRule{Category: "none", Jurisdiction: "DE", Rate: "0", Inclusive: true, Rounding: money.HalfUp}
	split = ledger.TaxRule{
		Category: "general", Jurisdiction: "US-WA-SEATTLE", Rate: "0.1035", Rounding: money.HalfUp,
		Parts: "US-WA=0.065 US-WA-SEATTLE=0.0385",
	}
)

func cola(pieces int) item {
	return item{category: "Soft Drinks", pieces: pieces, net: int64(pieces) * 168, tax: int64(pieces) * 32, rule: vat19}
}

func bottle(pieces int) item {
	return item{category: "Soft Drinks", kind: ledger.LineDeposit, pieces: pieces, net: int64(pieces) * 25, rule: vat0}
}

// document writes a receipt over items; the goods left at noon.
func (s *shop) document(v ledger.VisitID, corrects string, items ...item) ledger.ReceiptDocument {
	s.number++
	d := ledger.ReceiptDocument{
		Number: fmt.Sprintf("s1-2026-%06d", s.number), Corrects: corrects, Visit: v, Store: store, Seller: seller,
		Exited: s.at.Add(-time.Minute), Issued: s.at, Net: eur(0), Tax: eur(0), Gross: eur(0),
	}
	for i, it := range items {
		l := ledger.ReceiptLine{
			No: i + 1, SKU: "sku", Name: "Thing", Category: it.category, LineKind: it.kind, Quantity: it.pieces,
			Unit: eur(100), Net: eur(it.net), Tax: eur(it.tax), Gross: eur(it.net + it.tax), TaxRule: it.rule,
			Check: ledger.CheckMachine, Causes: []ledger.ID{{1}},
		}
		if it.discount > 0 {
			l.List = eur(it.net + it.tax + it.discount)
			l.Discounts = []ledger.Discount{{Promotion: "p1", Name: "Spring", Amount: eur(it.discount), Pieces: 1, Reason: "10 % off"}}
		}
		d.Lines = append(d.Lines, l)
		d.Net.Minor, d.Tax.Minor, d.Gross.Minor = d.Net.Minor+it.net, d.Tax.Minor+it.tax, d.Gross.Minor+it.net+it.tax
	}
	return d
}

// sell issues a receipt and returns it.
func (s *shop) sell(v ledger.VisitID, items ...item) ledger.ReceiptDocument {
	s.t.Helper()
	d := s.document(v, "", items...)
	s.visit(v, ledger.ReceiptIssued{Document: d})
	s.last = d
	return d
}

func (s *shop) correct(before ledger.ReceiptDocument, items ...item) ledger.ReceiptDocument {
	s.t.Helper()
	d := s.document(before.Visit, before.Number, items...)
	s.visit(before.Visit, ledger.ReceiptCorrected{
		Document: d, Change: eur(d.Gross.Minor - before.Gross.Minor), Because: ledger.ID{1},
	})
	return d
}

func (s *shop) capture(v ledger.VisitID, minor int64) {
	s.t.Helper()
	id := s.pay(v, ledger.CaptureIntended{Visit: v, Store: store, Amount: eur(minor), Object: "pi_1", Receipt: "r", Key: "k"})
	s.pay(v, ledger.Captured{Intent: id, Object: "pi_1", Amount: eur(minor)})
}

func (s *shop) refund(v ledger.VisitID, minor int64, purpose ledger.RefundPurpose, object string) {
	s.t.Helper()
	id := s.pay(v, ledger.RefundIntended{
		Visit: v, Store: store, Amount: eur(minor), Object: "pi_1", Receipt: "r", Key: "k", Purpose: purpose,
	})
	s.pay(v, ledger.Refunded{Intent: id, Object: object, Amount: eur(minor)})
}

// balances requires exactly these accounts; those at nothing are left out.
func (s *shop) balances(want map[string]int64) {
	s.t.Helper()
	got := map[string]int64{}
	for _, b := range s.j.Balances() {
		if b.Amount.Minor != 0 {
			got[b.Account] += b.Amount.Minor
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("balances (-want +got)\n%s", diff)
	}
}

func (s *shop) noOdd() {
	s.t.Helper()
	for _, o := range s.j.Odd() {
		s.t.Errorf("odd: %s", o.What)
	}
}

// zone knows the zones that the tests name.
func zone(name string) (*time.Location, error) {
	switch name {
	case "Europe/Berlin":
		return time.FixedZone("CET", 3600), nil
	case "", "UTC":
		return time.UTC, nil
	}
	return nil, fmt.Errorf("no zone %q", name)
}

func open(t *testing.T) *shop {
	t.Helper()
	return newShop(t)
}
