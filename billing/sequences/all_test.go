package sequences_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/ledger"
)

// TestAllFortyAreThere: each of the forty sequences has one test of its
// number, and each test holds ledger, books and provider against each other at
// its end.
func TestAllFortyAreThere(t *testing.T) {
	tests, err := sequenceTests(func(name string) (*ast.File, error) {
		return parser.ParseFile(token.NewFileSet(), name, nil, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range missing(tests) {
		t.Error(bad)
	}
	// It must bite.
	delete(tests, "TestSequence07KeyInUse")
	tests["TestSequence08CaptureLostResponse"] = 0
	tests["TestSequence40Again"] = 1
	if bad := missing(tests); len(bad) != 3 {
		t.Errorf("three faults were made, and found are %q", bad)
	}
}

// sequenceTests returns how often each test of a sequence calls end.
func sequenceTests(parse func(string) (*ast.File, error)) (map[string]int, error) {
	files, err := filepath.Glob("s*_test.go")
	if err != nil {
		return nil, err
	}
	tests := map[string]int{}
	for _, name := range files {
		f, err := parse(name)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(fn.Name.Name, "TestSequence") {
				continue
			}
			tests[fn.Name.Name] = 0
			ast.Inspect(fn, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "end" {
					tests[fn.Name.Name]++
				}
				return true
			})
		}
	}
	return tests, nil
}

// missing returns what is wrong with the set of tests.
func missing(tests map[string]int) []string {
	var bad []string
	for n := 1; n <= 40; n++ {
		prefix, found := fmt.Sprintf("TestSequence%02d", n), 0
		for name, ends := range tests {
			if strings.HasPrefix(name, prefix) {
				found++
				if ends == 0 {
					bad = append(bad, name+" compares nothing at its end")
				}
			}
		}
		if found != 1 {
			bad = append(bad, fmt.Sprintf("%d tests of sequence %d", found, n))
		}
	}
	return bad
}

// A listener is a test that is told what is wrong and goes on.
type listener struct {
	testing.TB
	said []string
}

func (l *listener) Errorf(format string, args ...any) {
	l.said = append(l.said, fmt.Sprintf(format, args...))
}
func (l *listener) Failed() bool { return false }

// TestTheComparisonBites: money that moves behind our back, and an order that
// is carried out twice, do not pass the comparison that ends every sequence.
func TestTheComparisonBites(t *testing.T) {
	for name, wrong := range map[string]func(w *world, pi string){
		"a refund that the ledger does not know": func(w *world, pi string) {
			w.dashboard("/v1/refunds", map[string]string{"payment_intent": pi, "amount": "1"})
		},
		"an order carried out twice": func(w *world, _ string) {
			c := w.card("shopper-anna", "pm_card_visa")
			for _, key := range []string{"one", "two"} {
				_, err := w.gateway.Charge(w.ctx, billing.Order{
					Op: billing.OpCharge, ID: "twice", Key: key, Visit: "anna", Store: string(corner), Amount: usd(100),
					Customer: c.Customer, PaymentMethod: c.PaymentMethod, Purpose: ledger.ChargeVisit, First: w.now(),
				})
				w.must(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pi := w.shops("anna", 2)
			l := &listener{TB: t}
			w.t = l
			w.end()
			if len(l.said) > 0 {
				t.Fatalf("an honest visit is found wrong: %q", l.said)
			}
			wrong(w, pi)
			w.end()
			if len(l.said) == 0 {
				t.Error("nothing was found")
			}
		})
	}
}
