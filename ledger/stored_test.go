package ledger_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vouchledger/vouch/ledger"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files instead of comparing with them")

func golden(k ledger.Kind) string { return filepath.Join("testdata", "kinds", string(k)+".json") }

// sampled is a payload and the name of its golden file.
type sampled struct {
	name string
	ledger.Payload
}

// goldens returns every sample: one of each kind, and those with fields that
// came later.
func goldens() []sampled {
	var all []sampled
	for _, p := range samples() {
		all = append(all, sampled{golden(p.Kind()), p})
	}
	for i, p := range fuller() {
		all = append(all, sampled{filepath.Join("testdata", "fuller", fmt.Sprintf("%02d-%s.json", i+1, p.Kind())), p})
	}
	return all
}

// TestStoredForm compares each kind with the bytes it has had since it was
// first written. A changed file here is a changed history: add a version.
func TestStoredForm(t *testing.T) {
	for _, s := range goldens() {
		p := s.Payload
		t.Run(filepath.Base(s.name), func(t *testing.T) {
			d, err := ledger.NewDraft(ledger.Meta{ID: id(1), Occurred: noon, Actor: "test"}, p)
			if err != nil {
				t.Fatalf("NewDraft(%s) = %v, want a draft", p.Kind(), err)
			}
			if *rewrite {
				if err := os.WriteFile(s.name, append(d.Body, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(s.name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSuffix(string(want), "\n"), string(d.Body)); diff != "" {
				t.Errorf("stored form of %s (-want +got):\n%s", p.Kind(), diff)
			}
			back, err := ledger.Unmarshal(p.Kind(), d.Body)
			if err != nil {
				t.Fatalf("Unmarshal(%s) = %v, want the payload", p.Kind(), err)
			}
			if diff := cmp.Diff(p, back, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("Unmarshal(%s) (-want +got):\n%s", p.Kind(), diff)
			}
		})
	}
}

// TestEveryKindHasASample fails for a kind that the golden bytes do not cover,
// and for a golden file whose kind is gone: old kinds are read for ever.
func TestEveryKindHasASample(t *testing.T) {
	var have []ledger.Kind
	for _, p := range samples() {
		have = append(have, p.Kind())
	}
	for _, k := range ledger.Kinds() {
		if !slices.Contains(have, k) {
			t.Errorf("kind %s has no sample", k)
		}
	}
	files, err := filepath.Glob(golden("*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("golden files: %v, %v", files, err)
	}
	for _, f := range files {
		k := ledger.Kind(strings.TrimSuffix(filepath.Base(f), ".json"))
		if !slices.Contains(ledger.Kinds(), k) {
			t.Errorf("kind %s is in testdata and can no longer be read", k)
		}
	}
}

// TestOneStoredForm checks that a body in any other form is corrupt, and that
// an unknown kind stops the reader.
func TestOneStoredForm(t *testing.T) {
	body, err := ledger.Marshal(ledger.GateExited{Visit: "v1", Gate: "gate-1"})
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"white space":        strings.Replace(string(body), ":", ": ", 1),
		"other field order":  `{"gate":"gate-1","visit":"v1"}`,
		"an unknown field":   `{"visit":"v1","gate":"gate-1","x":1}`,
		"a missing field":    `{"visit":"v1"}`,
		"a doubled field":    `{"visit":"v1","visit":"v1","gate":"gate-1"}`,
		"an empty visit":     `{"visit":"","gate":"gate-1"}`,
		"escaped characters": `{"visit":"\u0076","gate":"gate-1"}`,
		"trailing bytes":     string(body) + "{}",
		"nothing":            "",
	} {
		if _, err := ledger.Unmarshal(ledger.KindGateExited, []byte(bad)); !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("Unmarshal(%s) = %v, want ErrCorrupt", name, err)
		}
	}
	if _, err := ledger.Unmarshal("gate.exited.v9", body); !errors.Is(err, ledger.ErrUnknownKind) {
		t.Errorf("Unmarshal(gate.exited.v9) = %v, want ErrUnknownKind", err)
	}
}

// TestRefusedPayloads checks that what cannot be a fact never becomes a draft.
func TestRefusedPayloads(t *testing.T) {
	short := document("s1-2026-000001", "", 2)
	short.Gross.Minor--
	loose := document("s1-2026-000001", "", 1)
	loose.Lines[0].Causes = nil
	for name, p := range map[string]ledger.Payload{
		"a negative price":                 ledger.PriceSet{SKU: "cola", Price: usd(-1), From: noon},
		"an unknown currency":              ledger.PriceSet{SKU: "cola", Price: usdAs("ZZZ"), From: noon},
		"a wrong GTIN check digit":         ledger.ProductListed{SKU: "c", GTIN: "4006381333932", Name: "c", Category: "c", TaxCategory: "t"},
		"a tax rate above one":             ledger.TaxSet{Category: "food", Jurisdiction: "x", Rate: "1.5", Rounding: "half_up", From: noon},
		"a receipt that does not add up":   ledger.ReceiptIssued{Document: short},
		"a line without cause":             ledger.ReceiptIssued{Document: loose},
		"an order to move nothing":         ledger.CaptureIntended{Visit: "v", Store: "s", Amount: usd(0), Object: "pi", Receipt: "r", Key: "k"},
		"a confidence above one":           ledger.DetectionImplicated{Detection: id(1), Stream: "visit-v", Confidence: 1001},
		"settled as charged, and owed":     ledger.VisitSettled{Outcome: ledger.SettledCharged, Charged: usd(1), Owed: usd(1)},
		"a time that is not in UTC":        ledger.PriceSet{SKU: "cola", Price: usd(1), From: noon.In(time.FixedZone("x", 3600))},
		"a product lighter than nothing":   ledger.ProductListed{SKU: "c", Name: "c", Category: "c", TaxCategory: "t", Grams: -1},
		"a cart that agrees and does not":  ledger.CartWeighed{Visit: "v", Store: "s", Device: "d", Measured: 131, Expected: 100, Tolerance: 30, Passed: true},
		"a cart that fails and agrees":     ledger.CartWeighed{Visit: "v", Store: "s", Device: "d", Measured: 70, Expected: 100, Tolerance: 30},
		"a cart passed by unknown goods":   ledger.CartWeighed{Visit: "v", Store: "s", Device: "d", Measured: 100, Expected: 100, Unknown: 1, Passed: true},
		"a cart above a tonne":             ledger.CartWeighed{Visit: "v", Store: "s", Device: "d", Measured: ledger.MaxCartGrams + 1},
		"a denied dispute that takes away": ledger.DisputeDecided{Dispute: id(1), Outcome: ledger.DisputeDenied, Quantity: 1, Reviewer: "r", Reason: "r"},
	} {
		if _, err := ledger.NewDraft(ledger.Meta{ID: id(1), Occurred: noon}, p); err == nil {
			t.Errorf("NewDraft(%s) = nil error, want a refusal", name)
		}
	}
}
