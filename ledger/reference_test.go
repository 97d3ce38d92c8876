package ledger_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
)

const referencePage = "../docs/reference/events.md"

// writers says who appends each kind, and what holds when it is there.
var writers = map[ledger.Kind][2]string{
	ledger.KindStoreOpened:           {"operator", "The last one counts for visits that begin after it."},
	ledger.KindPolicySet:             {"operator", "Never changes a visit that has begun: visits pin their policy."},
	ledger.KindPlanogramSet:          {"operator", "The last one of a sensor counts."},
	ledger.KindProductListed:         {"operator", "The GTIN's check digit is right."},
	ledger.KindPriceSet:              {"operator", "Never below zero. Does not change a pinned price."},
	ledger.KindTaxSet:                {"operator", "Does not change pinned tax."},
	ledger.KindGatePresented:         {"gate, through the server", "First event of its visit; its ticket was valid and is now used."},
	ledger.KindGateEntered:           {"engine", "A hold for this visit stands at the provider."},
	ledger.KindGateRefused:           {"engine, or server", "Nobody entered; nothing is owed."},
	ledger.KindGateExited:            {"gate, through the server", "The first one counts; further ones change nothing."},
	ledger.KindDetectionRecorded:     {"device, through the server", "Kept as claimed, whatever is thought of it later."},
	ledger.KindDetectionImplicated:   {"engine", "The visit is not finalised until the question is answered."},
	ledger.KindDetectionAttributed:   {"engine", "Follows from the decision that it names."},
	ledger.KindDetectionReverified:   {"device or reviewer, through the server", "Stands beside the claim; no line, question or money follows from it."},
	ledger.KindItemPriced:            {"engine", "The price and tax in force at the pick, once per pick and SKU."},
	ledger.KindPricingFailed:         {"engine", "The visit waits; it is priced when the catalogue has the answer."},
	ledger.KindReviewRequested:       {"engine", "Once per question and visit."},
	ledger.KindReviewDecided:         {"reviewer, or policy at the deadline", "The first answer counts."},
	ledger.KindReceiptProvisional:    {"engine", "Nothing is captured on it."},
	ledger.KindReceiptIssued:         {"engine", "Once per visit; equals its replay byte for byte; numbered without gaps."},
	ledger.KindReceiptCorrected:      {"engine", "Equals its replay byte for byte; names the document before."},
	ledger.KindDisputeOpened:         {"shopper", "The line and the pieces were on the receipt."},
	ledger.KindDisputeDecided:        {"reviewer", "Once per dispute."},
	ledger.KindVisitSettled:          {"engine", "Once per visit."},
	ledger.KindHoldIntended:          {"engine", "Nothing was sent before it was durable."},
	ledger.KindCaptureIntended:       {"engine", "At most what is held and at most the receipt."},
	ledger.KindReleaseIntended:       {"engine", "Nothing will be captured on this hold."},
	ledger.KindRefundIntended:        {"engine", "At most what was captured and not yet refunded."},
	ledger.KindHeld:                  {"runner", "Answers exactly one intention."},
	ledger.KindCaptured:              {"runner", "Answers exactly one intention."},
	ledger.KindReleased:              {"runner", "Answers exactly one intention."},
	ledger.KindRefunded:              {"runner", "Answers exactly one intention."},
	ledger.KindPaymentDeclined:       {"runner", "Definite: the order will never be done."},
	ledger.KindPaymentUnclear:        {"runner", "The order is asked for again with the same key."},
	ledger.KindPaymentNotified:       {"server", "Once per event of the provider; moves nothing by itself."},
	ledger.KindPromotionSet:          {"operator", "Can only lower what is paid. Does not change a visit that has pinned it."},
	ledger.KindPromotionPinned:       {"engine", "Once per promotion and visit; its terms count for that visit."},
	ledger.KindCouponRedeemed:        {"server", "First and only event of its coupon: it works once."},
	ledger.KindCouponAccepted:        {"engine", "Follows from the redemption that it names."},
	ledger.KindItemRepriced:          {"engine", "Only where the price at the exit is lower."},
	ledger.KindAgeVerified:           {"staff, through the server", "Says nothing of who the shopper is."},
	ledger.KindCartWeighed:           {"cart or exit lane, through the server", "Changes no line; the visit waits for an answer unless it passed or the receipt is out."},
	ledger.KindIncrementIntended:     {"engine", "Nothing was sent before it was durable."},
	ledger.KindIncremented:           {"runner", "Answers exactly one intention."},
	ledger.KindChargeIntended:        {"engine", "At most what is owed; a supplement only with consent."},
	ledger.KindCharged:               {"runner", "Answers exactly one intention."},
	ledger.KindHoldLapsed:            {"runner", "Nothing can be captured on this hold any more."},
	ledger.KindRefundFailed:          {"runner", "The money is ours again, and the shopper's claim stands."},
	ledger.KindExternalObserved:      {"runner", "Moved without an order of ours; once per object."},
	ledger.KindPaymentEscalated:      {"engine", "No machine goes on with this order."},
	ledger.KindPaymentResolved:       {"operator", "Closes the order that was escalated."},
	ledger.KindDebtWrittenOff:        {"operator", "At most what is owed."},
	ledger.KindGoodwillGranted:       {"operator", "At most what was captured and not yet refunded."},
	ledger.KindSupplementProposed:    {"engine", "Nothing is taken for it without consent."},
	ledger.KindSupplementAnswered:    {"shopper, operator, or engine at the deadline", "The first answer counts."},
	ledger.KindVisitMatched:          {"operator", "Only a visit whose payer was not known."},
	ledger.KindCashTaken:             {"operator", "At most what is owed."},
	ledger.KindFraudWarningReceived:  {"runner", "Once per warning."},
	ledger.KindChargebackOpened:      {"runner", "Once per chargeback; no refund is given while it is open, unless it is an inquiry."},
	ledger.KindChargebackFundsMoved:  {"runner", "Once per balance transaction."},
	ledger.KindEvidencePackBuilt:     {"engine", "The file is in the evidence store under its digest."},
	ledger.KindChargebackAnswered:    {"operator", "The first answer to a chargeback counts."},
	ledger.KindSubmissionIntended:    {"engine", "Once per chargeback."},
	ledger.KindEvidenceSubmitted:     {"runner", "Answers exactly one intention."},
	ledger.KindChargebackClosed:      {"runner", "Once per chargeback."},
	ledger.KindBalanceRecorded:       {"reconciler", "Each balance transaction once."},
	ledger.KindPayoutRecorded:        {"reconciler", "Its transactions sum to its amount when all parts are there."},
	ledger.KindPayoutFailed:          {"reconciler", "The money is at the provider again."},
	ledger.KindBankStatementRecorded: {"operator", "Each line of a bank once, however often its file is read."},
	ledger.KindExceptionOpened:       {"reconciler", "First event of its exception; it keeps its day open."},
	ledger.KindExceptionAssigned:     {"operator", "Changes who looks into it, and nothing else."},
	ledger.KindExceptionClosed:       {"operator, or reconciler", "Says why."},
	ledger.KindDayClosed:             {"operator", "Numbered without gaps; never edited; no exception of the day is open."},
	ledger.KindPriceChecked:          {"operator", "Compares shelf and charge; changes no price."},
	ledger.KindFiscalStarted:         {"runner", "Once per visit."},
	ledger.KindFiscalSigned:          {"runner", "Once per document."},
	ledger.KindFiscalFailed:          {"runner", "The document went out without a signature, and says so."},
	ledger.KindNoticeQuarantined:     {"server", "Moves nothing; the object is fetched anew."},
	ledger.KindProviderSwept:         {"runner", "Nothing was sent between a restore and its sweep."},
	ledger.KindEvidenceViewed:        {"api", "Once for each person, piece and day."},
	ledger.KindEvidenceHeld:          {"operator", "Keeps the evidence of a visit until it is released; of several holds each by itself."},
	ledger.KindEvidenceReleased:      {"operator", "The first release of a hold counts."},
	ledger.KindDeviceConfigured:      {"operator", "The versions of a device run 1, 2, 3; the device keeps running by the one before until it has said otherwise."},
	ledger.KindDeviceReported:        {"edge", "On a change only, and whole: the last one of a stream is how the device does."},
	ledger.KindShelfChanged:          {"edge", "In no visit's stream, and changes no cart."},
	ledger.KindGateDoubted:           {"gate, through the server", "The visit waits for an answer unless the receipt is out; at the deadline a tailgated one is billed and one in conflict is not."},
	ledger.KindPalmConsented:         {"shopper, or operator", "Only in a shop whose policy names a jurisdiction; before any template; one at a time."},
	ledger.KindPalmWithdrawn:         {"shopper, or operator", "Once for each consent; no gate knows the palm from then on."},
	ledger.KindPalmEnrolled:          {"device, through the server", "Under the consent before it; no template is in the log."},
	ledger.KindPalmRevoked:           {"server", "After the key and the template were destroyed."},
	ledger.KindEvidenceExpired:       {"server", "Before its key and its bytes are destroyed; never during a question, a dispute, a chargeback or a hold."},
}

// structs returns the doc comment and the fields of every struct of package
// ledger, read from its source.
func structs(t *testing.T) map[string]*ast.GenDecl {
	t.Helper()
	files, err := filepath.Glob("payload_*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("payload files: %v, %v", files, err)
	}
	found, fset := map[string]*ast.GenDecl{}, token.NewFileSet()
	for _, f := range files {
		file, err := parser.ParseFile(fset, f, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE && !g.Lparen.IsValid() {
				found[g.Specs[0].(*ast.TypeSpec).Name.Name] = g
			}
		}
	}
	return found
}

func writeFields(b *bytes.Buffer, g *ast.GenDecl) {
	st, ok := g.Specs[0].(*ast.TypeSpec).Type.(*ast.StructType)
	if !ok {
		return
	}
	fmt.Fprint(b, "| field | type | meaning |\n|---|---|---|\n")
	for _, f := range st.Fields.List {
		name := strings.Split(strings.TrimPrefix(f.Tag.Value, "`json:\""), "\"")[0]
		var typ bytes.Buffer
		writeType(&typ, f.Type)
		if short, ok := strings.CutSuffix(name, ",omitzero"); ok {
			name = short
			typ.WriteString(", left out while it is nothing")
		}
		meaning := f.Comment.Text() + strings.ReplaceAll(f.Doc.Text(), "\n", " ")
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, typ.String(), strings.TrimSpace(meaning))
	}
	fmt.Fprintln(b)
}

func writeType(b *bytes.Buffer, e ast.Expr) {
	switch e := e.(type) {
	case *ast.Ident:
		b.WriteString(e.Name)
	case *ast.SelectorExpr:
		b.WriteString(e.Sel.Name)
	case *ast.IndexExpr:
		b.WriteString("list of ")
		writeType(b, e.Index)
	}
}

// reference renders docs/reference/events.md from the source and the samples.
func reference(t *testing.T) string {
	decls := structs(t)
	var b bytes.Buffer
	b.WriteString("# Events\n\nEvery kind of event that Vouch writes, made from the source of package `ledger` and its golden samples\n" +
		"(`go test ./ledger -rewrite`). The bytes are the stored form: canonical JSON, struct order, no white space; they are shown\n" +
		"indented here. Money is `{amount_minor, currency}` in minor units. Confidences are thousandths. Times are UTC.\n\n")
	for _, p := range samples() {
		name := strings.TrimPrefix(fmt.Sprintf("%T", p), "ledger.")
		g, ok := decls[name]
		if !ok {
			t.Fatalf("no source for %s", name)
		}
		w, ok := writers[p.Kind()]
		if !ok {
			t.Fatalf("no writer is named for %s", p.Kind())
		}
		fmt.Fprintf(&b, "## %s\n\n%s\nWritten by: %s. %s\n\n", p.Kind(), g.Doc.Text(), w[0], w[1])
		writeFields(&b, g)
		body, err := ledger.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, body, "", "  "); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "<details><summary>example</summary>\n\n```json\n%s\n```\n</details>\n\n", pretty.String())
	}
	return b.String()
}

// TestReferencePage checks that docs/reference/events.md tells what the
// source says.
func TestReferencePage(t *testing.T) {
	want := reference(t)
	if *rewrite {
		if err := os.WriteFile(referencePage, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not what the source says; run go test ./ledger -rewrite (-want +got):\n%.2000s", referencePage, diff)
	}
}
