package stripe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
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

	"github.com/vouchledger/vouch/billing"
)

// A Config says which account to use and how.
type Config struct {
	// SecretKey is "sk_test_…", "rk_test_…" or their live forms. It decides
	// whether test or live objects are accepted.
	SecretKey string

	// URL replaces Stripe's own addresses, for a simulator. A live key goes to
	// Stripe only.
	URL string

	// Timeout bounds each call; 0 is 10 seconds.
	Timeout time.Duration

	// Transport carries the calls; nil is one of the gateway's own.
	Transport http.RoundTripper
}

// defaultTimeout leaves room for a slow bank behind Stripe.
const defaultTimeout = 10 * time.Second

// maxKey is Stripe's limit for idempotency keys.
const maxKey = 255

// Gateway moves money at Stripe. It may be used from many goroutines.
type Gateway struct {
	live     bool
	key      string
	timeout  time.Duration
	client   *http.Client
	backends stripego.Backends

	intents   paymentintent.Client
	refunds   refund.Client
	charges   charge.Client
	customers customer.Client
	methods   paymentmethod.Client
	disputes  dispute.Client
	warnings  earlyfraudwarning.Client
	files     file.Client
	events    event.Client
	balances  balancetransaction.Client
	payouts   payout.Client
}

var _ billing.Gateway = (*Gateway)(nil)

// New returns a gateway to the account of cfg. It sends nothing.
func New(cfg Config) (*Gateway, error) {
	live, err := modeOf(cfg.SecretKey)
	if err != nil {
		return nil, err
	}
	if err := checkURL(cfg.URL, live); err != nil {
		return nil, err
	}
	if cfg.Timeout < 0 {
		return nil, fmt.Errorf("%w: time-out %s", ErrConfig, cfg.Timeout)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	g := &Gateway{live: live, timeout: cfg.Timeout, client: httpClient(cfg)}
	g.backends = stripego.Backends{
		API:     backend(stripego.APIBackend, g.client, cfg.URL),
		Uploads: backend(stripego.UploadsBackend, g.client, cfg.URL),
	}
	api, key := g.backends.API, cfg.SecretKey
	g.intents = paymentintent.Client{B: api, Key: key}
	g.refunds = refund.Client{B: api, Key: key}
	g.charges = charge.Client{B: api, Key: key}
	g.customers = customer.Client{B: api, Key: key}
	g.methods = paymentmethod.Client{B: api, Key: key}
	g.disputes = dispute.Client{B: api, Key: key}
	g.warnings = earlyfraudwarning.Client{B: api, Key: key}
	g.events = event.Client{B: api, Key: key}
	g.balances = balancetransaction.Client{B: api, Key: key}
	g.payouts = payout.Client{B: api, Key: key}
	g.files = file.Client{B: api, BUploads: g.backends.Uploads, Key: key}
	g.key = key
	return g, nil
}

// Close ends idle connections. Calls under way go on.
func (g *Gateway) Close() { g.client.CloseIdleConnections() }

// Livemode reports whether the key moves real money.
func (g *Gateway) Livemode() bool { return g.live }

// modeOf tells a live key from a test key.
func modeOf(key string) (live bool, err error) {
	for _, kind := range []string{"sk_", "rk_"} {
		rest, ok := strings.CutPrefix(key, kind)
		if ok && strings.HasPrefix(rest, "test_") {
			return false, nil
		}
		if ok && strings.HasPrefix(rest, "live_") {
			return true, nil
		}
	}
	return false, fmt.Errorf("%w: the secret key is not of the form sk_test_… or sk_live_…", ErrConfig)
}

// checkURL refuses an address that cannot work, and any for a live key.
func checkURL(address string, live bool) error {
	if address == "" {
		return nil
	}
	if live {
		return fmt.Errorf("%w: a live key is not sent to %s", ErrConfig, address)
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%w: %q is no http address", ErrConfig, address)
	}
	return nil
}

// httpClient has the deadline a second time, behind the context's, and follows
// no redirect: Stripe sends none, and an order goes nowhere else.
func httpClient(cfg Config) *http.Client {
	transport := cfg.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: cfg.Timeout, ForceAttemptHTTP2: true,
		}
	}
	return &http.Client{
		Transport: transport, Timeout: cfg.Timeout + time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// backend makes one backend with a configuration of its own: stripe-go v76
// writes the first backend's address into a shared one, and uploads would then
// go to the wrong host. Retries are the runner's, with the order's key;
// telemetry is off; errors come back and are not printed.
func backend(kind stripego.SupportedBackend, client *http.Client, address string) stripego.Backend {
	cfg := &stripego.BackendConfig{
		HTTPClient:        client,
		MaxNetworkRetries: stripego.Int64(0),
		EnableTelemetry:   stripego.Bool(false),
		LeveledLogger:     &stripego.LeveledLogger{Level: stripego.LevelNull},
	}
	if address != "" {
		cfg.URL = stripego.String(address)
	}
	return stripego.GetBackendWithConfig(kind, cfg)
}

// within gives a call its deadline.
func (g *Gateway) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, g.timeout)
}

// mode checks that an object is of the key's mode.
func (g *Gateway) mode(livemode bool, object string) error {
	if livemode != g.live {
		return fmt.Errorf("%w: %s has livemode=%t, the key %t", ErrLivemode, object, livemode, g.live)
	}
	return nil
}

// check refuses an order that must not be sent.
func check(o billing.Order, op billing.Op) error {
	lacks := func(what string) error {
		return fmt.Errorf("%w: %s %s: %s", ErrOrder, op, o.ID, what)
	}
	switch {
	case o.Op != op:
		return lacks("is a " + string(o.Op))
	case o.ID == "" || o.Visit == "":
		return lacks("has no id or no visit")
	case o.Key == "" || len(o.Key) > maxKey:
		return lacks("has no key of 1 to 255 bytes")
	case makes(op) && (o.Customer == "" || o.PaymentMethod == ""):
		return lacks("has no customer or no payment method")
	case !makes(op) && !strings.HasPrefix(o.Object, "pi_"):
		return lacks("names no payment intent")
	case op != billing.OpRelease && o.Amount.Minor <= 0:
		return lacks("has no positive amount")
	}
	return nil
}

// makes reports whether an order makes an intent, and acts on none.
func makes(op billing.Op) bool { return op == billing.OpHold || op == billing.OpCharge }
