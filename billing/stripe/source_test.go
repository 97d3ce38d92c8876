package stripe

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/billing"
)

// calls are the methods of the SDK that this package may call, and whether
// they change something at Stripe.
var calls = map[string]bool{
	"New": true, "Capture": true, "Cancel": true, "Attach": true, "Update": true, "Close": true,
	"IncrementAuthorization": true, "Get": false, "List": false,
}

// keyless are changes that may come twice: staged evidence replaces itself.
var keyless = []string{"Stage"}

// A call without parameters has no key, no deadline and no context, and
// stripe-go sends it all the same. So none is written: every call of the SDK
// has parameters made on the spot or just above, with a context, and those
// that change something with a key.
func TestNoCallWithoutParameters(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n, faults := badCalls(t, string(text))
		found += n
		for _, f := range faults {
			t.Errorf("%s: %s", name, f)
		}
	}
	if found < 12 {
		t.Errorf("%d calls of the SDK were found, want all", found)
	}
	// It must bite.
	for _, bad := range []string{
		`g.intents.Capture(o.Object, nil)`,
		`g.intents.Capture(o.Object, &stripego.PaymentIntentCaptureParams{AmountToCapture: &amount})`,
		`g.intents.Capture(o.Object, &stripego.PaymentIntentCaptureParams{Params: stripego.Params{Context: ctx}})`,
		`g.intents.Get(o.Object, nil)`,
		`g.refunds.New(&stripego.RefundParams{Params: stripego.Params{IdempotencyKey: &o.Key}})`,
	} {
		if _, faults := badCalls(t, "package p\nfunc (g *G) F() { "+bad+" }"); len(faults) == 0 {
			t.Errorf("%s was let through", bad)
		}
	}
}

// badCalls returns the calls of the SDK in a file, and what is wrong with them.
func badCalls(t *testing.T, source string) (n int, faults []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		body := source[fn.Pos()-1 : fn.End()-1]
		ast.Inspect(fn, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, changes := sdkCall(call)
			if method == "" {
				return true
			}
			n++
			args := source[call.Lparen : call.Rparen-1]
			said := args
			if !strings.Contains(args, "{") {
				said = body // the parameters are a variable of this function
			}
			keyed := !changes || strings.Contains(said, "IdempotencyKey:") || slices.Contains(keyless, fn.Name.Name)
			bounded := strings.Contains(said, "Context: ctx") || strings.Contains(said, "listing(ctx)")
			if strings.Contains(args, "nil") || !keyed || !bounded {
				faults = append(faults, method+"("+args+") in "+fn.Name.Name)
			}
			return true
		})
	}
	return n, faults
}

// sdkCall returns the method of a call such as g.intents.New, and whether it
// changes something.
func sdkCall(call *ast.CallExpr) (method string, changes bool) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	client, ok := sel.X.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	if g, ok := client.X.(*ast.Ident); !ok || g.Name != "g" {
		return "", false
	}
	changes, known := calls[sel.Sel.Name]
	if !known {
		return "", false
	}
	return client.Sel.Name + "." + sel.Sel.Name, changes
}

// TestMetadata: whatever we make at Stripe says which visit, shop, order, key
// and receipt it is of, and by what parameters, so that it can be adopted by
// a ledger that lost the order.
func TestMetadata(t *testing.T) {
	s := open(t)
	hold := s.order("v1", billing.OpHold, usd(5000), "")
	pi := s.want(hold, billing.Done, "").Object
	capture := s.order("v1", billing.OpCapture, usd(1290), pi)
	capture.Receipt = "s1-2026-000001"
	s.want(capture, billing.Done, "")
	refund := s.order("v1", billing.OpRefund, usd(310), pi)
	refund.Receipt = "s1-2026-000002"
	s.want(refund, billing.Done, "")

	p, err := s.gateway.Fetch(t.Context(), pi)
	if err != nil {
		t.Fatal(err)
	}
	if p.Visit != "v1" || p.Store != "store-1" || p.OpID != hold.ID || p.Key != hold.Key || p.Op != billing.OpHold ||
		p.CaptureOp != capture.ID || p.CaptureKey != capture.Key {
		t.Errorf("Fetch = %+v, want the orders' names", p)
	}
	if r := p.Refunds; len(r) != 1 || r[0].OpID != refund.ID || r[0].Key != refund.Key {
		t.Errorf("Fetch: refunds = %+v, want the order's name", r)
	}
	raw, err := s.gateway.intent(t.Context(), pi)
	if err != nil {
		t.Fatal(err)
	}
	if m := raw.Metadata; m[metaParams] != paramsHash(hold) || m[metaCaptureParams] != paramsHash(capture) ||
		m[metaCaptureReceipt] != capture.Receipt {
		t.Errorf("metadata = %v, want what both orders hash to", m)
	}
	refunds, err := s.gateway.listRefunds(t.Context(), pi)
	if err != nil || len(refunds) != 1 {
		t.Fatalf("listRefunds = %v, %v", refunds, err)
	}
	if m := refunds[0].Metadata; m[metaParams] != paramsHash(refund) || m[metaReceipt] != refund.Receipt || m[metaVisit] != "v1" {
		t.Errorf("metadata of the refund = %v, want what the order hashes to", m)
	}
	for name, change := range map[string]func(*billing.Order){
		"amount":  func(o *billing.Order) { o.Amount.Minor++ },
		"receipt": func(o *billing.Order) { o.Receipt = "s1-2026-000003" },
		"card":    func(o *billing.Order) { o.PaymentMethod = "pm_other" },
		"key":     func(o *billing.Order) { o.Key += "x" },
	} {
		o := capture
		change(&o)
		if paramsHash(o) == paramsHash(capture) {
			t.Errorf("an order with another %s hashes the same", name)
		}
	}
}
