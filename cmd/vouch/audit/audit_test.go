package audit

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/audit"
	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision/evidence"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func usd(minor int64) money.Money { return money.Money{Minor: minor, Currency: "USD"} }

// write makes a data folder that holds the given payloads.
func write(t *testing.T, facts ...fact) Config {
	t.Helper()
	dir := t.TempDir()
	cfg := Config{Ledger: filepath.Join(dir, "ledger"), Evidence: evidencestore.In(dir, "", "")}
	log, err := embedded.Open(t.Context(), cfg.Ledger, embedded.Config{Now: func() time.Time { return noon }, SegmentBytes: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range facts {
		d, err := ledger.NewDraft(ledger.Meta{ID: ledger.ID{1, byte(i)}, Occurred: noon}, f.payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), f.stream, ledger.Any(), d); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

type fact struct {
	stream  ledger.StreamID
	payload ledger.Payload
}

// wantFinding requires that exactly this kind of thing is found.
func wantFinding(t *testing.T, cfg Config, check, what string) {
	t.Helper()
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatalf("Run = %v, want a report", err)
	}
	for _, f := range r.Findings {
		if f.Check == check && strings.Contains(f.What, what) {
			return
		}
	}
	t.Errorf("findings = %v, want one of %s that says %q", r.Findings, check, what)
}

// TestLiesAreFound writes ledgers that are intact to the byte and false, and
// requires that each lie is found.
func TestLiesAreFound(t *testing.T) {
	captured := fact{"payment-v1", ledger.Captured{Intent: ledger.ID{9}, Object: "pi_1", Amount: usd(100)}}
	settled := fact{"visit-v1", ledger.VisitSettled{Outcome: ledger.SettledCharged, Charged: usd(100), Owed: usd(0)}}
	t.Run("charged twice", func(t *testing.T) {
		wantFinding(t, write(t, captured, captured), "settled", "2 captures of")
	})
	t.Run("settled twice", func(t *testing.T) {
		wantFinding(t, write(t, settled, settled), "settled", "settled 2 times")
	})
	t.Run("more refunded than charged", func(t *testing.T) {
		refunded := fact{"payment-v1", ledger.Refunded{Intent: ledger.ID{8}, Object: "re_1", Amount: usd(101)}}
		wantFinding(t, write(t, captured, refunded), "settled", "refunded, for a receipt of")
	})
	t.Run("a receipt from nothing", func(t *testing.T) {
		wantFinding(t, write(t, fact{"visit-v1", receipt("s1-2026-000001")}), "receipt", "")
	})
	t.Run("a number is missing", func(t *testing.T) {
		wantFinding(t, write(t, fact{"visit-v1", receipt("s1-2026-000002")}), "number", "2 where 1 is due")
	})
	t.Run("evidence that is not there", func(t *testing.T) {
		frame := ledger.DigestOf([]byte("frame"))
		claim := ledger.DetectionRecorded{
			Store: "s1", Sensor: "cam-1", Source: ledger.SensorCamera, Slot: "left", Quantity: 1, Model: "m",
			Items:    []ledger.ItemHypothesis{{SKU: "cola", Confidence: 900}},
			Actions:  []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 900}},
			Evidence: []ledger.EvidenceRef{{Role: "before", Digest: frame, MediaType: "image/jpeg", Bytes: 5}},
		}
		cfg := write(t, fact{"store-s1", claim})
		wantFinding(t, cfg, "evidence", "missing: an event names it, named by event "+ledger.ID{1, 0}.String())
		expired := fact{ledger.EvidenceStream(frame), ledger.EvidenceExpired{Digest: frame, Class: ledger.RetentionUnnamed, Days: 30}}
		if r, err := Run(t.Context(), write(t, fact{"store-s1", claim}, expired)); err != nil || !r.OK() || r.Expiries != 1 {
			t.Errorf("Run after it expired = %v, %v, want no findings", r.Findings, err)
		}
		wantFinding(t, write(t, expired, fact{"store-s1", claim}), "evidence", "missing")
		store, err := evidence.Open(cfg.Evidence.Address, evidence.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.PutBytes(t.Context(), []byte("frame")); err != nil {
			t.Fatal(err)
		}
		if r, err := Run(t.Context(), cfg); err != nil || !r.OK() || r.Evidence != 1 {
			t.Errorf("Run with the evidence back = %v, %v, want no findings", r.Findings, err)
		}
	})
	t.Run("a key that was destroyed in secret", func(t *testing.T) {
		pack := ledger.EvidencePackBuilt{Chargeback: "dp_1", Digest: ledger.DigestOf([]byte("pack")), Pages: 1, Position: 1}
		cfg := write(t, fact{"visit-v1", pack})
		cfg.Evidence.Make = true
		store, err := evidencestore.Open(t.Context(), cfg.Evidence)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.PutFor(t.Context(), "v1", strings.NewReader("pack"), pack.Digest); err != nil {
			t.Fatal(err)
		}
		if r, err := Run(t.Context(), cfg); err != nil || r.Evidence != 1 || slices.ContainsFunc(r.Findings, ofEvidence) {
			t.Errorf("Run before = %v, %v, want nothing about evidence", r.Findings, err)
		}
		if err := errors.Join(store.Destroy("v1"), store.Close()); err != nil {
			t.Fatal(err)
		}
		wantFinding(t, cfg, "evidence", "its key was destroyed, and no event says that it has expired")
	})
}

func receipt(number string) ledger.ReceiptIssued {
	line := ledger.ReceiptLine{
		No: 1, SKU: "cola", Name: "Cola", Category: "drinks", Quantity: 1, Unit: usd(100), Net: usd(100), Tax: usd(0), Gross: usd(100),
		TaxRule: ledger.TaxRule{Rate: "0", Rounding: money.HalfUp}, Check: ledger.CheckMachine, Causes: []ledger.ID{{7}},
	}
	return ledger.ReceiptIssued{Document: ledger.ReceiptDocument{
		Number: number, Visit: "v1", Store: "s1", Seller: ledger.Seller{Name: "Corner", Currency: "USD", Timezone: "UTC"}, Issued: noon,
		Lines: []ledger.ReceiptLine{line}, Net: usd(100), Tax: usd(0), Gross: usd(100),
	}}
}

func ofEvidence(f audit.Finding) bool { return f.Check == "evidence" }
