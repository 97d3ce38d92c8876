package stripesim_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/balance"
	"github.com/stripe/stripe-go/v76/balancetransaction"
	"github.com/stripe/stripe-go/v76/charge"
	"github.com/stripe/stripe-go/v76/customer"
	"github.com/stripe/stripe-go/v76/dispute"
	"github.com/stripe/stripe-go/v76/event"
	"github.com/stripe/stripe-go/v76/file"
	"github.com/stripe/stripe-go/v76/paymentintent"
	"github.com/stripe/stripe-go/v76/paymentmethod"
	"github.com/stripe/stripe-go/v76/payout"
	"github.com/stripe/stripe-go/v76/radar/earlyfraudwarning"
	"github.com/stripe/stripe-go/v76/refund"
	"github.com/stripe/stripe-go/v76/setupintent"

	"github.com/vouchledger/vouch/billing/stripesim"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// bank is a simulated account and an unmodified stripe-go that talks to it
// over HTTP.
type bank struct {
	*testing.T
	sim *stripesim.Sim
	url string

	customers customer.Client
	methods   paymentmethod.Client
	intents   paymentintent.Client
	setups    setupintent.Client
	charges   charge.Client
	refunds   refund.Client
	disputes  dispute.Client
	warnings  earlyfraudwarning.Client
	files     file.Client
	balance   balance.Client
	movements balancetransaction.Client
	payouts   payout.Client
	events    event.Client
}

func openBank(t *testing.T, cfg stripesim.Config) *bank {
	t.Helper()
	cfg.Now = func() time.Time { return noon }
	sim, err := stripesim.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	backend := func(kind stripego.SupportedBackend) stripego.Backend {
		return stripego.GetBackendWithConfig(kind, &stripego.BackendConfig{
			URL: stripego.String(server.URL), MaxNetworkRetries: stripego.Int64(0),
			EnableTelemetry: stripego.Bool(false), LeveledLogger: &stripego.LeveledLogger{},
			HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		})
	}
	const key = "sk_test_story"
	api, uploads := backend(stripego.APIBackend), backend(stripego.UploadsBackend)
	return &bank{
		T: t, sim: sim, url: server.URL,
		customers: customer.Client{B: api, Key: key}, methods: paymentmethod.Client{B: api, Key: key},
		intents: paymentintent.Client{B: api, Key: key}, setups: setupintent.Client{B: api, Key: key},
		charges: charge.Client{B: api, Key: key}, refunds: refund.Client{B: api, Key: key},
		disputes: dispute.Client{B: api, Key: key}, warnings: earlyfraudwarning.Client{B: api, Key: key},
		files: file.Client{B: api, BUploads: uploads, Key: key}, balance: balance.Client{B: api, Key: key},
		movements: balancetransaction.Client{B: api, Key: key}, payouts: payout.Client{B: api, Key: key},
		events: event.Client{B: api, Key: key},
	}
}

// must returns what a call answered, or ends the test.
func must[T any](b *bank) func(v T, err error) T {
	return func(v T, err error) T {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
}

func (b *bank) advance(d time.Duration) {
	b.Helper()
	if err := b.sim.Advance(d); err != nil {
		b.Fatal(err)
	}
}

func (b *bank) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// refuses wants an error of Stripe's with the code, or the type where an
// error has no code, and returns it.
func (b *bank) refuses(err error, code string) *stripego.Error {
	b.Helper()
	var e *stripego.Error
	if !errors.As(err, &e) {
		b.Fatalf("error = %v, want %s", err, code)
	}
	got := string(e.Code)
	if e.DeclineCode != "" && string(e.Code) == "card_declined" {
		got = string(e.DeclineCode)
	}
	if got == "" {
		got = string(e.Type)
	}
	if got != code {
		b.Fatalf("error = %s (%s), want %s", got, e.Msg, code)
	}
	return e
}

// saw returns the types of the events since the last call, oldest first.
func (b *bank) saw(about string) (kinds []string) {
	b.Helper()
	p := &stripego.EventListParams{}
	p.Limit = stripego.Int64(100)
	for list := b.events.List(p); list.Next(); {
		if e := list.Event(); e.Data.Object["id"] == about {
			kinds = append(kinds, string(e.Type))
		}
	}
	slices.Reverse(kinds)
	return kinds
}

// hold is an authorisation of fifty dollars.
func (b *bank) hold(method string, set ...func(*stripego.PaymentIntentParams)) (*stripego.PaymentIntent, error) {
	p := &stripego.PaymentIntentParams{
		Amount: stripego.Int64(5000), Currency: stripego.String("usd"), PaymentMethod: &method,
		CaptureMethod: stripego.String("manual"), Confirm: stripego.Bool(true),
		PaymentMethodOptions: &stripego.PaymentIntentPaymentMethodOptionsParams{
			Card: &stripego.PaymentIntentPaymentMethodOptionsCardParams{},
		},
	}
	p.AddMetadata("visit", "v1")
	p.AddExpand("latest_charge")
	for _, f := range set {
		f(p)
	}
	return b.intents.New(p)
}

func offSession(p *stripego.PaymentIntentParams) { p.OffSession = stripego.Bool(true) }

// flexible asks for all that the card may allow.
func flexible(p *stripego.PaymentIntentParams) {
	available := stripego.String("if_available")
	p.PaymentMethodOptions.Card = &stripego.PaymentIntentPaymentMethodOptionsCardParams{
		RequestIncrementalAuthorization: available, RequestOvercapture: available,
		RequestMulticapture: available, RequestExtendedAuthorization: available,
	}
}

// bought is a payment of fifty dollars that was captured.
func (b *bank) bought(method string) *stripego.PaymentIntent {
	b.Helper()
	pi := must[*stripego.PaymentIntent](b)(b.hold(method))
	p := &stripego.PaymentIntentCaptureParams{}
	p.AddExpand("latest_charge")
	return must[*stripego.PaymentIntent](b)(b.intents.Capture(pi.ID, p))
}

// Enrolling in the app: the card is asked once, and then pays without the
// shopper.
func TestCardIsSetUpInTheApp(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	ada := must[*stripego.Customer](b)(b.customers.New(&stripego.CustomerParams{}))
	start := func(method string) (*stripego.SetupIntent, error) {
		return b.setups.New(&stripego.SetupIntentParams{
			Customer: &ada.ID, PaymentMethod: &method, Confirm: stripego.Bool(true), Usage: stripego.String("off_session"),
			ReturnURL: stripego.String("https://shop.example/back"),
		})
	}
	si := must[*stripego.SetupIntent](b)(start("pm_card_visa"))
	m := must[*stripego.PaymentMethod](b)(b.methods.Get(si.PaymentMethod.ID, nil))
	if si.Status != "succeeded" || m.Customer == nil || m.Customer.ID != ada.ID {
		t.Errorf("set up = %s of %+v, want it to be Ada's", si.Status, m.Customer)
	}
	asked := must[*stripego.SetupIntent](b)(start("pm_card_authenticationRequiredOnSetup"))
	if asked.Status != "requires_action" || asked.NextAction.RedirectToURL.URL == "" {
		t.Fatalf("a card that asks = %s, want requires_action and where", asked.Status)
	}
	b.ok(b.sim.Authenticate(asked.ID, true))
	asked = must[*stripego.SetupIntent](b)(b.setups.Get(asked.ID, nil))
	want := []string{"setup_intent.created", "setup_intent.requires_action", "setup_intent.succeeded"}
	if got := b.saw(asked.ID); asked.Status != "succeeded" || !slices.Equal(got, want) {
		t.Errorf("after the answer = %s, events %v, want %v", asked.Status, got, want)
	}
	pi, err := b.hold(asked.PaymentMethod.ID, offSession, func(p *stripego.PaymentIntentParams) { p.Customer = &ada.ID })
	if err != nil || pi.Status != "requires_capture" {
		t.Errorf("hold without the shopper = %+v, %v, want it held", pi, err)
	}

	wrong := must[*stripego.SetupIntent](b)(start("pm_card_authenticationRequired"))
	b.ok(b.sim.Authenticate(wrong.ID, false))
	left := must[*stripego.SetupIntent](b)(start("pm_card_authenticationRequired"))
	b.advance(time.Hour)
	for _, id := range []string{wrong.ID, left.ID} {
		si := must[*stripego.SetupIntent](b)(b.setups.Get(id, nil))
		if si.Status != "requires_payment_method" || si.LastSetupError.Code != "setup_intent_authentication_failure" {
			t.Errorf("failed or left = %s %+v, want an authentication failure", si.Status, si.LastSetupError)
		}
	}
	if err := b.sim.Authenticate(left.ID, true); !errors.Is(err, stripesim.ErrState) {
		t.Errorf("an answer after an hour = %v, want %v", err, stripesim.ErrState)
	}

	_, err = start("pm_card_chargeDeclined")
	if e := b.refuses(err, "generic_decline"); e.SetupIntent == nil || e.SetupIntent.LastSetupError == nil {
		t.Errorf("declined = %+v, want the setup intent with why", e)
	}
	later := must[*stripego.SetupIntent](b)(b.setups.New(&stripego.SetupIntentParams{Customer: &ada.ID}))
	confirmed := must[*stripego.SetupIntent](b)(b.setups.Confirm(later.ID, &stripego.SetupIntentConfirmParams{
		PaymentMethod: stripego.String("pm_card_mastercard"),
	}))
	if confirmed.Status != "succeeded" {
		t.Errorf("confirmed later = %s, want succeeded", confirmed.Status)
	}
	_, err = b.setups.Cancel(later.ID, nil)
	b.refuses(err, "setup_intent_unexpected_state")
	gone := must[*stripego.SetupIntent](b)(b.setups.Cancel(wrong.ID, nil))
	n := 0
	for list := b.setups.List(&stripego.SetupIntentListParams{Customer: &ada.ID}); list.Next(); n++ {
	}
	if gone.Status != "canceled" || n != 6 {
		t.Errorf("canceled = %s, %d listed, want canceled and 6", gone.Status, n)
	}
}

// Strong authentication of a payment, with the shopper there and without.
func TestPaymentWantsAuthentication(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	const method = "pm_card_authenticationRequired"
	pi := must[*stripego.PaymentIntent](b)(b.hold(method))
	b.ok(b.sim.Authenticate(pi.ID, true))
	withCharge := &stripego.PaymentIntentParams{}
	withCharge.AddExpand("latest_charge")
	pi = must[*stripego.PaymentIntent](b)(b.intents.Get(pi.ID, withCharge))
	if pi.Status != "requires_capture" || pi.LatestCharge.PaymentMethodDetails.Card.ThreeDSecure == nil {
		t.Errorf("answered = %s, want it held and the answer on the charge", pi.Status)
	}
	for name, end := range map[string]func(string){
		"wrong answer": func(id string) { b.ok(b.sim.Authenticate(id, false)) },
		"abandoned":    func(string) { b.advance(time.Hour) },
	} {
		pi := must[*stripego.PaymentIntent](b)(b.hold(method))
		end(pi.ID)
		pi = must[*stripego.PaymentIntent](b)(b.intents.Get(pi.ID, nil))
		if pi.Status != "requires_payment_method" || pi.LastPaymentError.Code != "payment_intent_authentication_failure" {
			t.Errorf("%s = %s %+v, want an authentication failure", name, pi.Status, pi.LastPaymentError)
		}
		if got := b.saw(pi.ID); got[len(got)-1] != "payment_intent.payment_failed" {
			t.Errorf("%s: events %v, want the failure last", name, got)
		}
	}
	_, err := b.hold(method, offSession)
	if e := b.refuses(err, "authentication_required"); e.PaymentIntent.Status != "requires_payment_method" {
		t.Errorf("without the shopper = %s, want requires_payment_method", e.PaymentIntent.Status)
	}
	short := must[*stripego.PaymentIntent](b)(b.hold("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"))
	b.ok(b.sim.Authenticate(short.ID, true))
	short = must[*stripego.PaymentIntent](b)(b.intents.Get(short.ID, nil))
	if short.LastPaymentError == nil || short.LastPaymentError.DeclineCode != "insufficient_funds" {
		t.Errorf("right answer, empty account = %+v, want insufficient_funds", short.LastPaymentError)
	}
	if v := b.sim.Audit().Visits["v1"]; v.Holds != 1 || v.Declines != 2 {
		t.Errorf("Audit = %+v, want one hold and two declines", v)
	}
}

// A hold is raised as the cart grows; ten times at most, and a decline leaves
// what was held.
func TestHoldIsRaised(t *testing.T) {
	b := openBank(t, stripesim.Config{})
	raise := func(id string, to int64) (*stripego.PaymentIntent, error) {
		p := &stripego.PaymentIntentIncrementAuthorizationParams{Amount: &to}
		p.AddExpand("latest_charge")
		return b.intents.IncrementAuthorization(id, p)
	}
	pi := must[*stripego.PaymentIntent](b)(b.hold("pm_card_visa", flexible))
	if s := pi.LatestCharge.PaymentMethodDetails.Card.IncrementalAuthorization.Status; s != "available" {
		t.Errorf("incremental authorization is %s, want available", s)
	}
	pi = must[*stripego.PaymentIntent](b)(raise(pi.ID, 6000))
	if held := pi.LatestCharge.PaymentMethodDetails.Card.AmountAuthorized; held != 6000 || pi.AmountCapturable != 6000 {
		t.Errorf("raised = %d of %d, want 6000", pi.AmountCapturable, held)
	}
	_, err := raise(pi.ID, 6000)
	b.refuses(err, "invalid_request_error")
	if _, err := b.sim.Fault(stripesim.Fault{
		Op: "payment_intents.increment_authorization", Kind: stripesim.Decline, Code: "do_not_honor", Times: 1,
	}); err != nil {
		t.Fatal(err)
	}
	_, err = raise(pi.ID, 7000)
	e := b.refuses(err, "do_not_honor")
	if e.PaymentIntent.AmountCapturable != 6000 || e.PaymentIntent.Status != "requires_capture" {
		t.Errorf("after the decline %d, %s, want 6000 still held", e.PaymentIntent.AmountCapturable, e.PaymentIntent.Status)
	}
	for i := range int64(8) {
		must[*stripego.PaymentIntent](b)(raise(pi.ID, 7001+i))
	}
	_, err = raise(pi.ID, 9000) // the eleventh
	b.refuses(err, "invalid_request_error")
	v := b.sim.Audit().Visits["v1"]
	if v.Held != 7008 || v.Increments != 9 || v.Declines != 1 || v.Holds != 1 {
		t.Errorf("Audit = %+v, want 70.08 held, nine raises, one declined", v)
	}

	for method, set := range map[string]func(*stripego.PaymentIntentParams){
		"pm_card_visa": offSession, "pm_card_amex": flexible, // not asked for; not possible
	} {
		pi := must[*stripego.PaymentIntent](b)(b.hold(method, set))
		if s := pi.LatestCharge.PaymentMethodDetails.Card.IncrementalAuthorization.Status; s != "unavailable" {
			t.Errorf("%s: incremental authorization is %s, want unavailable", method, s)
		}
		_, err := raise(pi.ID, 6000)
		b.refuses(err, "invalid_request_error")
	}
	pi = must[*stripego.PaymentIntent](b)(b.hold(stripesim.DeclineAtIncrement, flexible))
	_, err = raise(pi.ID, 6000)
	b.refuses(err, "insufficient_funds")
}

// statement is a line of the account: what moved, for finance.
func (b *bank) statement(about string) (lines []string) {
	b.Helper()
	list := b.movements.List(&stripego.BalanceTransactionListParams{Source: &about})
	for list.Next() {
		m := list.BalanceTransaction()
		lines = append(lines, fmt.Sprintf("%s/%s %d fee %d", m.Type, m.ReportingCategory, m.Amount, m.Fee))
	}
	slices.Reverse(lines)
	return lines
}
