package stripesim_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing/stripesim"
)

// More than was held, and in parts, where that was asked for.
func TestCaptureMoreAndInParts(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	take := func(id string, amount int64, final bool) (*stripego.PaymentIntent, error) {
		p := &stripego.PaymentIntentCaptureParams{AmountToCapture: &amount, FinalCapture: &final}
		p.AddExpand("latest_charge")
		return b.intents.Capture(id, p)
	}
	pi := must[*stripego.PaymentIntent](b)(b.hold("pm_card_visa", flexible))
	if most := pi.LatestCharge.PaymentMethodDetails.Card.Overcapture.MaximumAmountCapturable; most != 5750 {
		t.Errorf("maximum_amount_capturable = %d, want 15 %% more than 5000", most)
	}
	_, err := take(pi.ID, 5751, true)
	b.refuses(err, "amount_too_large")
	pi = must[*stripego.PaymentIntent](b)(take(pi.ID, 5750, true))
	if pi.AmountReceived != 5750 || pi.LatestCharge.AmountCaptured != 5750 || pi.LatestCharge.AmountRefunded != 0 {
		t.Errorf("overcaptured = %d, charge %+v, want 5750", pi.AmountReceived, pi.LatestCharge)
	}

	pi = must[*stripego.PaymentIntent](b)(b.hold("pm_card_mastercard", flexible))
	pi = must[*stripego.PaymentIntent](b)(take(pi.ID, 1000, false))
	if pi.Status != "requires_capture" || pi.AmountCapturable != 4000 || pi.AmountReceived != 1000 {
		t.Errorf("first part = %s, %d left, %d received", pi.Status, pi.AmountCapturable, pi.AmountReceived)
	}
	_, err = b.intents.Cancel(pi.ID, nil) // money was taken: it can only be refunded
	b.refuses(err, "payment_intent_unexpected_state")
	must[*stripego.PaymentIntent](b)(take(pi.ID, 500, false))
	pi = must[*stripego.PaymentIntent](b)(take(pi.ID, 0, true)) // frees the rest
	if pi.Status != "succeeded" || pi.AmountReceived != 1500 || pi.LatestCharge.AmountRefunded != 3500 {
		t.Errorf("after the rest was freed = %s, %d received, %+v", pi.Status, pi.AmountReceived, pi.LatestCharge)
	}
	n := 0
	for list := b.movements.List(&stripego.BalanceTransactionListParams{Source: &pi.LatestCharge.ID}); list.Next(); n++ {
	}
	if n != 2 {
		t.Errorf("%d balance transactions of two captures", n)
	}

	half := must[*stripego.PaymentIntent](b)(b.hold("pm_card_visa", flexible))
	must[*stripego.PaymentIntent](b)(take(half.ID, 2000, false))
	b.advance(30 * 24 * time.Hour) // what is left lapses, what was taken stays
	half = must[*stripego.PaymentIntent](b)(b.intents.Get(half.ID, nil))
	if half.Status != "succeeded" || half.AmountReceived != 2000 {
		t.Errorf("half taken and left alone = %s, %d received, want succeeded and 2000", half.Status, half.AmountReceived)
	}
	pi = must[*stripego.PaymentIntent](b)(b.hold("pm_card_visa"))
	_, err = take(pi.ID, 5001, true)
	b.refuses(err, "amount_too_large")
	_, err = take(pi.ID, 1000, false)
	b.refuses(err, "invalid_request_error")
	if v := b.sim.Audit().Visits["v1"]; v.Captured != 5750+1500+2000 || len(v.Doubled) > 0 {
		t.Errorf("Audit = %+v, want 92.50 captured", v)
	}
}

// How long a hold lasts depends on the card, on who is there, and on what was
// asked for; the clock ends it to the second.
func TestHoldWindows(t *testing.T) {
	const hour = time.Hour
	atReader := func(p *stripego.PaymentIntentParams) {
		p.PaymentMethodTypes = stripego.StringSlice([]string{"card_present"})
	}
	type sets = []func(*stripego.PaymentIntentParams)
	yen := func(p *stripego.PaymentIntentParams) { p.Currency = stripego.String("jpy") }
	for _, c := range []struct {
		name, method string
		set          sets
		want         time.Duration
	}{
		{"Visa, shopper there", "pm_card_visa", nil, 7 * 24 * hour},
		{"Visa, shopper not there", "pm_card_visa", sets{offSession}, 114 * hour},
		{"Mastercard, shopper not there", "pm_card_mastercard", sets{offSession}, 7 * 24 * hour},
		{"Visa at a reader", stripesim.Present + "visa", sets{atReader}, 114 * hour},
		{"Mastercard at a reader", stripesim.Present + "mastercard", sets{atReader}, 48 * hour},
		{"Amex at a reader", stripesim.Present + "amex", sets{atReader}, 48 * hour},
		{"Visa in yen", "pm_card_visa", sets{yen}, 30 * 24 * hour},
		{"Visa, extended", "pm_card_visa", sets{flexible}, (29*24 + 18) * hour},
		{"Amex, extended", "pm_card_amex", sets{flexible, offSession}, 30 * 24 * hour},
		{"JCB, extended is not to be had", "pm_card_jcb", sets{flexible}, 7 * 24 * hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := openBank(t, stripesim.Config{})
			pi := must[*stripego.PaymentIntent](b)(b.hold(c.method, c.set...))
			details := pi.LatestCharge.PaymentMethodDetails
			before := int64(0)
			if details.CardPresent != nil {
				before = details.CardPresent.CaptureBefore
			} else {
				before = details.Card.CaptureBefore
			}
			if got := time.Unix(before, 0).Sub(noon); got != c.want {
				t.Errorf("capture_before is %s away, want %s", got, c.want)
			}
			b.advance(c.want - time.Second)
			if pi = must[*stripego.PaymentIntent](b)(b.intents.Get(pi.ID, nil)); pi.Status != "requires_capture" {
				t.Errorf("a second before = %s, want it held", pi.Status)
			}
			b.advance(time.Second)
			pi = must[*stripego.PaymentIntent](b)(b.intents.Get(pi.ID, nil))
			if pi.Status != "canceled" || pi.CancellationReason != "automatic" || pi.CanceledAt != before {
				t.Errorf("then = %s (%s) at %d, want canceled automatically", pi.Status, pi.CancellationReason, pi.CanceledAt)
			}
			_, err := b.intents.Capture(pi.ID, &stripego.PaymentIntentCaptureParams{})
			b.refuses(err, "charge_expired_for_capture")
		})
	}
	b := openBank(t, stripesim.Config{})
	_, err := b.hold(stripesim.Present + "visa") // nobody said that there is a reader
	b.refuses(err, "payment_method_invalid_parameter")
}

// Refunds may be pending, and may fail when everybody thinks they are done.
func TestRefundsThatDoNotSucceedAtOnce(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	back := func(pi *stripego.PaymentIntent, amount int64) (*stripego.Refund, error) {
		return b.refunds.New(&stripego.RefundParams{PaymentIntent: &pi.ID, Amount: &amount})
	}
	get := func(r *stripego.Refund) *stripego.Refund { return must[*stripego.Refund](b)(b.refunds.Get(r.ID, nil)) }

	slow := must[*stripego.Refund](b)(back(b.bought("pm_card_pendingRefund"), 1000))
	if slow.Status != "pending" {
		t.Errorf("refund = %s, want pending", slow.Status)
	}
	failing := must[*stripego.Refund](b)(back(b.bought("pm_card_refundFail"), 1000))
	later := must[*stripego.Refund](b)(back(b.bought(stripesim.PendingRefundFails), 1000))
	b.advance(24 * time.Hour)
	if got := get(slow).Status; got != "succeeded" {
		t.Errorf("a day later = %s, want succeeded", got)
	}
	for was, r := range map[stripego.RefundStatus]*stripego.Refund{"succeeded": failing, "pending": later} {
		got := get(r)
		if r.Status != was || got.Status != "failed" || got.FailureReason != "unknown" ||
			got.FailureBalanceTransaction == nil {
			t.Errorf("refund was %s, then %+v, want it failed with a balance transaction", r.Status, got)
		}
		back := must[*stripego.BalanceTransaction](b)(b.movements.Get(got.FailureBalanceTransaction.ID, nil))
		if back.Type != "refund_failure" || back.Amount != 1000 {
			t.Errorf("the money came back as %s %d, want refund_failure 1000", back.Type, back.Amount)
		}
		want := []string{"refund.created", "charge.refund.updated", "refund.updated"}
		if kinds := b.saw(r.ID); !slices.Equal(kinds, want) {
			t.Errorf("events %v, want %v", kinds, want)
		}
		c := must[*stripego.Charge](b)(b.charges.Get(got.Charge.ID, nil))
		if c.AmountRefunded != 0 {
			t.Errorf("charge says %d refunded, want 0 again", c.AmountRefunded)
		}
	}
}

// A refund can fail weeks later, whatever the card, and one that is pending
// can be canceled.
func TestRefundsEnd(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	back := func(pi *stripego.PaymentIntent, amount int64) (*stripego.Refund, error) {
		return b.refunds.New(&stripego.RefundParams{PaymentIntent: &pi.ID, Amount: &amount})
	}
	get := func(r *stripego.Refund) *stripego.Refund { return must[*stripego.Refund](b)(b.refunds.Get(r.ID, nil)) }
	pi := b.bought("pm_card_visa")
	r := must[*stripego.Refund](b)(back(pi, 5000))
	_, err := back(pi, 1)
	b.refuses(err, "charge_already_refunded")
	b.ok(b.sim.FailRefund(r.ID, "expired_or_canceled_card"))
	if got := get(r); got.FailureReason != "expired_or_canceled_card" {
		t.Errorf("failed for %s, want expired_or_canceled_card", got.FailureReason)
	}
	_, err = back(pi, 5001)
	b.refuses(err, "amount_too_large")
	must[*stripego.Refund](b)(back(pi, 5000))
	if err := b.sim.FailRefund(r.ID, ""); !errors.Is(err, stripesim.ErrState) {
		t.Errorf("failing it twice = %v, want %v", err, stripesim.ErrState)
	}

	_, err = b.refunds.Cancel(r.ID, nil)
	b.refuses(err, "invalid_request_error")
	pending := must[*stripego.Refund](b)(back(b.bought("pm_card_pendingRefund"), 1000))
	if got := must[*stripego.Refund](b)(b.refunds.Cancel(pending.ID, nil)); got.Status != "canceled" {
		t.Errorf("canceled = %s", got.Status)
	}
	b.advance(24 * time.Hour)
	if got := get(pending).Status; got != "canceled" {
		t.Errorf("a day later = %s, want canceled still", got)
	}
	done := must[*stripego.Refund](b)(back(b.bought("pm_card_pendingRefund"), 1000))
	b.ok(b.sim.CompleteRefund(done.ID))
	p := &stripego.RefundParams{}
	p.AddMetadata("case", "c1")
	got := must[*stripego.Refund](b)(b.refunds.Update(done.ID, p))
	if got.Status != "succeeded" || got.Metadata["case"] != "c1" {
		t.Errorf("completed = %s %v", got.Status, got.Metadata)
	}
	if v := b.sim.Audit().Visits["v1"]; v.Refunded != 5000+1000 {
		t.Errorf("Audit = %+v, want 60.00 refunded and not what came back", v)
	}
}

// evidenceFile is the smallest thing that calls itself a PDF.
func evidenceFile() *bytes.Reader { return bytes.NewReader([]byte("%PDF-1.7\n%%EOF\n")) }

func (b *bank) upload(name string, content *bytes.Reader) (*stripego.File, error) {
	return b.files.New(&stripego.FileParams{
		FileReader: content, Filename: &name, Purpose: stripego.String("dispute_evidence"),
	})
}

// Evidence is uploaded as a file, of the kinds and the size that a bank takes.
func TestEvidenceFiles(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	f := must[*stripego.File](b)(b.upload("packet.pdf", evidenceFile()))
	got := must[*stripego.File](b)(b.files.Get(f.ID, nil))
	if got.Type != "pdf" || got.Size != 15 || got.Filename != "packet.pdf" || got.Purpose != "dispute_evidence" {
		t.Errorf("file = %+v", got)
	}
	if name, content, err := b.sim.File(f.ID); err != nil || name != "packet.pdf" || len(content) != 15 {
		t.Errorf("File = %q, %d bytes, %v", name, len(content), err)
	}
	big := append([]byte("%PDF-"), make([]byte, 5<<20)...)
	for name, content := range map[string][]byte{
		"a clip": []byte("\x00\x00\x00\x18ftypmp42"), "a text": []byte("hello"), "nothing": {}, "six megabytes": big,
	} {
		if _, err := b.upload("x", bytes.NewReader(content)); err == nil {
			t.Errorf("%s was taken as evidence", name)
		}
	}
	n := 0
	for list := b.files.List(&stripego.FileListParams{Purpose: stripego.String("dispute_evidence")}); list.Next(); n++ {
	}
	if n != 1 {
		t.Errorf("%d files listed, want 1", n)
	}
}
