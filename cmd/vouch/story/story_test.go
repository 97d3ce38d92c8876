package story_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vouchledger/vouch/cmd/vouch/story"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// TestEveryKindIsTold tells a zero payload of every kind: none panics, and
// none that a visit can hold is told by the name of its kind alone.
func TestEveryKindIsTold(t *testing.T) {
	ownWords := map[ledger.Kind]bool{ // told by their kind: they are not part of a visit
		ledger.KindStoreOpened: true, ledger.KindPolicySet: true, ledger.KindPlanogramSet: true,
		ledger.KindProductListed: true, ledger.KindPriceSet: true, ledger.KindTaxSet: true,
	}
	for _, p := range payloads() {
		l := story.Tell(ledger.Event{Record: ledger.Record{Kind: p.Kind(), Occurred: noon}, Payload: p}, nil)
		if l.Text == "" || (l.Text == string(p.Kind())) != ownWords[p.Kind()] {
			t.Errorf("Tell(%s) = %q, want words", p.Kind(), l.Text)
		}
	}
	if got, want := len(payloads()), len(ledger.Kinds()); got != want {
		t.Errorf("payloads told = %d, want all %d kinds", got, want)
	}
}

func payloads() []ledger.Payload {
	usd := money.Money{Minor: 199, Currency: "USD"}
	claim := ledger.DetectionRecorded{
		Items:   []ledger.ItemHypothesis{{SKU: "cola", Confidence: 900}},
		Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 900}},
	}
	return []ledger.Payload{
		ledger.StoreOpened{},
		ledger.PolicySet{},
		ledger.PlanogramSet{},
		ledger.ProductListed{},
		ledger.PriceSet{},
		ledger.TaxSet{},
		ledger.GatePresented{},
		ledger.GateEntered{Hold: usd},
		ledger.GateRefused{},
		ledger.GateExited{},
		claim,
		ledger.DetectionImplicated{},
		ledger.DetectionAttributed{},
		ledger.DetectionReverified{},
		ledger.ItemPriced{Unit: usd},
		ledger.PricingFailed{},
		ledger.ReviewRequested{AtRisk: usd},
		ledger.ReviewDecided{},
		ledger.ReceiptProvisional{},
		ledger.ReceiptIssued{},
		ledger.ReceiptCorrected{},
		ledger.DisputeOpened{},
		ledger.DisputeDecided{},
		ledger.VisitSettled{},
		ledger.HoldIntended{},
		ledger.CaptureIntended{},
		ledger.ReleaseIntended{},
		ledger.RefundIntended{},
		ledger.Held{},
		ledger.Captured{},
		ledger.Released{},
		ledger.Refunded{},
		ledger.PaymentDeclined{},
		ledger.PaymentUnclear{},
		ledger.PaymentNotified{},
		ledger.PromotionSet{},
		ledger.PromotionPinned{},
		ledger.CouponRedeemed{},
		ledger.CouponAccepted{},
		ledger.ItemRepriced{},
		ledger.AgeVerified{},
		ledger.CartWeighed{},
		ledger.IncrementIntended{},
		ledger.Incremented{},
		ledger.ChargeIntended{},
		ledger.Charged{},
		ledger.HoldLapsed{},
		ledger.RefundFailed{},
		ledger.ExternalObserved{},
		ledger.PaymentEscalated{},
		ledger.PaymentResolved{},
		ledger.DebtWrittenOff{},
		ledger.GoodwillGranted{},
		ledger.SupplementProposed{},
		ledger.SupplementAnswered{},
		ledger.VisitMatched{},
		ledger.CashTaken{},
		ledger.FraudWarningReceived{},
		ledger.ChargebackOpened{},
		ledger.ChargebackFundsMoved{},
		ledger.EvidencePackBuilt{},
		ledger.ChargebackAnswered{},
		ledger.SubmissionIntended{},
		ledger.EvidenceSubmitted{},
		ledger.ChargebackClosed{},
		ledger.BalanceRecorded{},
		ledger.PayoutRecorded{},
		ledger.PayoutFailed{},
		ledger.BankStatementRecorded{},
		ledger.ExceptionOpened{},
		ledger.ExceptionAssigned{},
		ledger.ExceptionClosed{},
		ledger.DayClosed{},
		ledger.PriceChecked{},
		ledger.EvidenceViewed{},
		ledger.EvidenceHeld{},
		ledger.EvidenceReleased{},
		ledger.EvidenceExpired{},
		ledger.DeviceConfigured{},
		ledger.DeviceReported{},
		ledger.ShelfChanged{},
		ledger.GateDoubted{},
		ledger.PalmConsented{},
		ledger.PalmWithdrawn{},
		ledger.PalmEnrolled{},
		ledger.PalmRevoked{},
		ledger.FiscalStarted{},
		ledger.FiscalSigned{},
		ledger.FiscalFailed{},
		ledger.NoticeQuarantined{},
		ledger.ProviderSwept{},
	}
}

// TestCartInWords puts sure, doubtful, returned and dropped picks into words.
func TestCartInWords(t *testing.T) {
	c := &projections.Cart{Picks: []projections.Pick{
		{SKU: "cola", Left: 1, State: projections.PickSure},
		{SKU: "chips", Left: 1, State: projections.PickOpen},
		{SKU: "cola", Left: 2, State: projections.PickSure},
		{SKU: "water", Left: 0, State: projections.PickSure},
		{SKU: "gum", Left: 1, State: projections.PickDropped},
	}}
	if got, want := story.CartText(c), "3 × cola, 1 × chips?"; got != want {
		t.Errorf("CartText = %q, want %q", got, want)
	}
	if got, want := story.CartText(&projections.Cart{}), "empty"; got != want {
		t.Errorf("CartText(nothing) = %q, want %q", got, want)
	}
}

// TestTableFitsATerminal prints long lines and requires that no line is wider
// than the table, that nothing is cut off, and that a cart is said once.
func TestTableFitsATerminal(t *testing.T) {
	var b strings.Builder
	p := story.NewPrinter(&b)
	p.Head()
	cart := "1 × water-still, 1 × orange-juice, 1 × cola-can, 1 × honey-jar?"
	l := story.Line{At: noon, Text: strings.Repeat("word ", 40), Cart: cart, Money: "12.00 USD"}
	p.Line(l)
	p.Line(l)
	out := b.String()
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 132 {
			t.Errorf("a line of %d characters: %q", n, line)
		}
	}
	if got := strings.Count(out, "word"); got != 80 {
		t.Errorf("words printed = %d, want 80", got)
	}
	if got := strings.Count(out, "honey-jar?"); got != 1 {
		t.Errorf("the cart is said %d times, want once", got)
	}
}
