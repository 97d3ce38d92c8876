package fiscal_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/billing/fiscal"
	"github.com/vouchledger/vouch/billing/fiscal/tsesim"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	full = ledger.TaxRule{Category: "full", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp}
	half = ledger.TaxRule{Category: "half", Jurisdiction: "DE", Rate: "0.07", Inclusive: true, Rounding: money.HalfUp}
)

// A shop sells to visitors, one event after the other, and has a device.
type shop struct {
	t      *testing.T
	now    time.Time
	log    *memlog.Log
	dir    string
	device *tsesim.Device
	fault  func(op string) error // what the way to the device does
	runner *fiscal.Runner
	n      int
}

func open(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, now: noon, log: memlog.New(func() time.Time { return noon }), dir: filepath.Join(t.TempDir(), "tse")}
	s.restart()
	t.Cleanup(func() { _ = s.device.Close() })
	return s
}

// restart is a new process beside the same log and the same device.
func (s *shop) restart() {
	s.t.Helper()
	if s.device != nil {
		if err := s.device.Close(); err != nil {
			s.t.Fatal(err)
		}
	}
	var err error
	if s.device, err = tsesim.Open(s.dir, "vouch-s1", func() time.Time { return s.now }, rand.New(rand.NewSource(1))); err != nil {
		s.t.Fatal(err)
	}
	s.runner = fiscal.NewRunner(s.log, s, func() time.Time { return s.now }, slog.New(slog.DiscardHandler))
}

// Begin and Finish are the way to the device, which may be bad.
func (s *shop) Begin(ctx context.Context, key string) (fiscal.Begun, error) {
	if s.fault != nil {
		if err := s.fault("begin"); err != nil {
			return fiscal.Begun{}, err
		}
	}
	return s.device.Begin(ctx, key)
}

func (s *shop) Finish(ctx context.Context, key, process, data string) (fiscal.Signature, error) {
	if s.fault == nil {
		return s.device.Finish(ctx, key, process, data)
	}
	if err := s.fault("finish"); err != nil {
		return fiscal.Signature{}, err
	}
	sig, err := s.device.Finish(ctx, key, process, data)
	if lost := s.fault("answer"); lost != nil {
		return fiscal.Signature{}, lost
	}
	return sig, err
}

func (s *shop) tell(visit ledger.VisitID, p ledger.Payload) {
	s.t.Helper()
	s.n++
	s.now = s.now.Add(time.Second)
	d, err := ledger.NewDraft(ledger.Meta{ID: ledger.DeriveID(ledger.ID{1}, fmt.Sprint(s.n)), Occurred: s.now, Actor: "test"}, p)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.log.Append(s.t.Context(), ledger.VisitStream(visit), ledger.Any(), d); err != nil {
		s.t.Fatal(err)
	}
	s.step()
}

func (s *shop) step() {
	s.t.Helper()
	for range 3 { // what one step makes due, the next one does
		if err := s.runner.CatchUp(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.runner.Step(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *shop) enter(visit ledger.VisitID, regime ledger.FiscalRegime) {
	s.t.Helper()
	eur := func(n int64) money.Money { return money.Money{Minor: n, Currency: "EUR"} }
	s.tell(visit, ledger.GatePresented{
		Visit: visit, Store: "s1", Gate: "g", Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: string(visit),
		Shopper: "anna", Party: 1, Catalogue: "c",
		Seller: ledger.Seller{Name: "Späti", Currency: "EUR", Timezone: "Europe/Berlin", Fiscal: regime},
		Policy: ledger.Policy{Hold: eur(5000), ReviewSeconds: 1, GateSeconds: 1, OnDeadline: ledger.ForShopper},
	})
	s.tell(visit, ledger.GateEntered{Visit: visit, Gate: "g", Hold: eur(5000)})
}

func document(number, corrects string, at time.Time, cola, bread int64, rule ledger.TaxRule) ledger.ReceiptDocument {
	eur := func(n int64) money.Money { return money.Money{Minor: n, Currency: "EUR"} }
	line := func(no int, net, tax int64, r ledger.TaxRule) ledger.ReceiptLine {
		return ledger.ReceiptLine{
			No: no, SKU: "x", Name: "x", Category: "x", Quantity: 1, Unit: eur(net + tax), Net: eur(net), Tax: eur(tax), Gross: eur(net + tax),
			TaxRule: r, Check: ledger.CheckMachine, Causes: []ledger.ID{{1}},
		}
	}
	return ledger.ReceiptDocument{
		Number: number, Corrects: corrects, Visit: "v", Store: "s1",
		Seller: ledger.Seller{Name: "Späti", Currency: "EUR", Timezone: "Europe/Berlin", Fiscal: ledger.FiscalDE},
		Lines:  []ledger.ReceiptLine{line(1, cola*126, cola*24, rule), line(2, bread*343, bread*24, half)},
		Taxes:  []ledger.TaxTotal{{Rule: rule, Net: eur(cola * 126), Tax: eur(cola * 24)}, {Rule: half, Net: eur(bread * 343), Tax: eur(bread * 24)}},
		Net:    eur(cola*126 + bread*343), Tax: eur(cola*24 + bread*24), Gross: eur(cola*150 + bread*367), Issued: at,
	}
}

// papers returns what the log says of signatures, in order.
func (s *shop) papers() (started []ledger.FiscalStarted, signed []ledger.FiscalSigned, failed []ledger.FiscalFailed) {
	s.t.Helper()
	for r, err := range s.log.Read(s.t.Context(), ledger.Query{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			s.t.Fatal(err)
		}
		switch p := e.Payload.(type) { // the others are the shop's
		case ledger.FiscalStarted:
			started = append(started, p)
		case ledger.FiscalSigned:
			signed = append(signed, p)
			if err := tsesim.Verify(p); err != nil {
				s.t.Error(err)
			}
		case ledger.FiscalFailed:
			failed = append(failed, p)
		}
	}
	return started, signed, failed
}

func (s *shop) sell(visit ledger.VisitID) {
	s.t.Helper()
	s.enter(visit, ledger.FiscalDE)
	s.tell(visit, ledger.ReceiptIssued{Document: document("s1-2026-000001", "", s.now, 2, 1, full)})
	s.tell(visit, ledger.ReceiptCorrected{
		Document: document("s1-2026-000002", "s1-2026-000001", s.now, 1, 1, full), Because: ledger.ID{9},
		Change: money.Money{Minor: -150, Currency: "EUR"},
	})
}

// TestEachDocumentIsSignedOnce: the transaction begins at the gate and ends
// with the receipt; the correction is a transaction of its own over what
// changed.
func TestEachDocumentIsSignedOnce(t *testing.T) {
	s := open(t)
	s.sell("v")
	started, signed, failed := s.papers()
	if len(started) != 1 || len(signed) != 2 || len(failed) != 0 {
		t.Fatalf("%d begun, %d signed, %d failed; want 1, 2, 0", len(started), len(signed), len(failed))
	}
	first, second := signed[0], signed[1]
	if first.Transaction != started[0].Transaction || !first.Started.Equal(started[0].At) || first.Device != started[0].Device {
		t.Errorf("the receipt ends transaction %d of %s, want the one that began at the gate, %d", first.Transaction, first.Started, started[0].Transaction)
	}
	if want := "Beleg^3.00_3.67_0.00_0.00_0.00^6.67:Unbar"; first.Data != want || first.Process != fiscal.ProcessReceipt {
		t.Errorf("signed %s %q, want %q", first.Process, first.Data, want)
	}
	if want := "Beleg^-1.50_0.00_0.00_0.00_0.00^-1.50:Unbar"; second.Data != want {
		t.Errorf("the correction signs %q, want %q", second.Data, want)
	}
	if first.Counter != 1 || second.Counter != 2 || second.Transaction != 2 {
		t.Errorf("counters %d, %d, transaction %d; want 1, 2, 2", first.Counter, second.Counter, second.Transaction)
	}
}

// TestWhoTakesNothingEndsTheTransaction: a gap in the transaction numbers must
// be explained, so a visit without a receipt is signed as abandoned.
func TestWhoTakesNothingEndsTheTransaction(t *testing.T) {
	s := open(t)
	zero := money.Zero("EUR")
	s.enter("v", ledger.FiscalDE)
	s.tell("v", ledger.VisitSettled{Outcome: ledger.SettledNothing, Charged: zero, Owed: zero})
	s.enter("w", ledger.FiscalNone)
	s.tell("w", ledger.VisitSettled{Outcome: ledger.SettledNothing, Charged: zero, Owed: zero})
	started, signed, _ := s.papers()
	if len(started) != 1 || len(signed) != 1 || signed[0].Receipt != "" || signed[0].Data != "AVBelegabbruch^0.00_0.00_0.00_0.00_0.00^" {
		t.Errorf("begun %v, signed %+v; want one transaction, abandoned", started, signed)
	}
}

// TestDeviceThatFails: the receipt goes out as not signed, said once for each
// try, and is signed when the device is back.
func TestDeviceThatFails(t *testing.T) {
	s := open(t)
	s.fault = func(string) error { return errors.New("the device does not answer") }
	s.enter("v", ledger.FiscalDE)
	s.tell("v", ledger.ReceiptIssued{Document: document("s1-2026-000001", "", s.now, 1, 0, full)})
	if started, signed, failed := s.papers(); len(started) != 0 || len(signed) != 0 || len(failed) != 1 {
		t.Fatalf("%d begun, %d signed, %d failed; want 0, 0, 1", len(started), len(signed), len(failed))
	}
	s.fault = nil
	s.step()
	if _, signed, _ := s.papers(); len(signed) != 0 {
		t.Fatal("asked again at once, want a rest")
	}
	s.now = s.now.Add(2 * time.Minute)
	s.step()
	if _, signed, failed := s.papers(); len(signed) != 1 || len(failed) != 1 || signed[0].Receipt != "s1-2026-000001" {
		t.Errorf("%d signed and %d failed after the device came back, want 1 and 1", len(signed), len(failed))
	}
}

// TestAnswerThatIsLost kills the process between every answer of the device and
// the event that records it, and has it started again: each document is signed
// once, with consecutive counters.
func TestAnswerThatIsLost(t *testing.T) {
	s := open(t)
	lose := true
	s.fault = func(op string) error {
		if op != "answer" {
			return nil
		}
		if lose = !lose; !lose {
			return errors.New("killed")
		}
		return nil
	}
	s.sell("v")
	for range 4 {
		s.now = s.now.Add(2 * time.Minute)
		s.restart()
		s.step()
	}
	_, signed, failed := s.papers()
	if len(signed) != 2 || len(failed) == 0 {
		t.Fatalf("%d signed and %d failed, want 2 and some", len(signed), len(failed))
	}
	for i, f := range signed {
		if f.Counter != uint64(i+1) {
			t.Errorf("counter %d of document %d: an answer was thrown away", f.Counter, i+1)
		}
	}
}

// TestRateWithoutAPlace: a rate that the form does not know is said to be the
// reason, once, and not tried for ever.
func TestRateWithoutAPlace(t *testing.T) {
	s := open(t)
	odd := full
	odd.Rate = "0.16"
	s.enter("v", ledger.FiscalDE)
	s.tell("v", ledger.ReceiptIssued{Document: document("s1-2026-000001", "", s.now, 1, 1, odd)})
	s.now = s.now.Add(time.Hour)
	s.step()
	if _, signed, failed := s.papers(); len(signed) != 0 || len(failed) != 1 {
		t.Errorf("%d signed, %d failed; want 0, 1", len(signed), len(failed))
	}
}

// TestNoDevice: a server without a device says so on each document.
func TestNoDevice(t *testing.T) {
	s := open(t)
	s.runner = fiscal.NewRunner(s.log, nil, func() time.Time { return s.now }, slog.New(slog.DiscardHandler))
	s.enter("v", ledger.FiscalDE)
	s.tell("v", ledger.ReceiptIssued{Document: document("s1-2026-000001", "", s.now, 1, 1, full)})
	if _, _, failed := s.papers(); len(failed) != 1 || failed[0].Detail != fiscal.ErrNoDevice.Error() {
		t.Errorf("failed = %+v, want one for want of a device", failed)
	}
}

// TestAlteredSignatureIsFound changes every field that a signature covers.
func TestAlteredSignatureIsFound(t *testing.T) {
	s := open(t)
	s.sell("v")
	_, signed, _ := s.papers()
	for name, change := range map[string]func(f *ledger.FiscalSigned){
		"data": func(f *ledger.FiscalSigned) { f.Data = "Beleg^0.00_0.00_0.00_0.00_0.00^0.00:Unbar" }, "process": func(f *ledger.FiscalSigned) { f.Process = "x" },
		"counter": func(f *ledger.FiscalSigned) { f.Counter++ }, "transaction": func(f *ledger.FiscalSigned) { f.Transaction++ },
		"start": func(f *ledger.FiscalSigned) { f.Started = f.Started.Add(time.Second) }, "end": func(f *ledger.FiscalSigned) { f.Finished = f.Finished.Add(time.Second) },
		"register": func(f *ledger.FiscalSigned) { f.Register = "x" }, "device": func(f *ledger.FiscalSigned) { f.Device = "x" },
		"key": func(f *ledger.FiscalSigned) { f.Key = "BAgH" }, "value": func(f *ledger.FiscalSigned) { f.Value = f.Key },
		"algorithm": func(f *ledger.FiscalSigned) { f.Algorithm = "none" },
	} {
		f := signed[0]
		if change(&f); !errors.Is(tsesim.Verify(f), tsesim.ErrForged) {
			t.Errorf("another %s: Verify = %v, want ErrForged", name, tsesim.Verify(f))
		}
	}
}

// TestRunnerFollows runs the whole runner beside a shop, as a server does.
func TestRunnerFollows(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	runner := fiscal.NewRunner(s.log, s.device, func() time.Time { return noon }, slog.New(slog.DiscardHandler))
	go func() { ended <- runner.Run(ctx) }()
	s.runner = fiscal.NewRunner(s.log, s.device, func() time.Time { return noon }, slog.New(slog.DiscardHandler)) // two do not harm
	s.sell("v")
	seen := 0
	for r, err := range s.log.Subscribe(ctx, ledger.Query{Kinds: []ledger.Kind{ledger.KindFiscalSigned}}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 2 && r.Position > 0 {
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if _, signed, _ := s.papers(); len(signed) != 2 {
		t.Errorf("%d signatures by two runners, want 2", len(signed))
	}
}
