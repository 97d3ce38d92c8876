package page

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/stripesim"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// desk is a simulator with its pages, and somebody who presses the buttons.
type desk struct {
	*testing.T
	sim *stripesim.Sim
	url string
	c   *http.Client
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	sim, err := stripesim.Open(stripesim.Config{
		Now: func() time.Time { return noon }, WebhookURL: "http://shop.invalid", WebhookSecret: "whsec_1",
		WebhookRetries: []time.Duration{}, Transport: deaf{},
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := New(sim)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages)
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &desk{T: t, sim: sim, url: server.URL, c: &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: stay,
	}}
}

// deaf is a shop that takes no webhook.
type deaf struct{}

func (deaf) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

// ask sends a request and returns its status, where it leads and its text.
func (d *desk) ask(req *http.Request, err error) (status int, to, text string) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
	res, err := d.c.Do(req)
	if err != nil {
		d.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		d.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(body)
}

func (d *desk) get(path string) string {
	d.Helper()
	status, _, text := d.ask(http.NewRequestWithContext(d.Context(), http.MethodGet, d.url+path, nil))
	if status != http.StatusOK {
		d.Fatalf("GET %s = %d", path, status)
	}
	return text
}

// press presses a button: fields as "name=value".
func (d *desk) press(path string, fields ...string) (status int, to, text string) {
	d.Helper()
	v := url.Values{}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		v.Set(name, value)
	}
	req, err := http.NewRequestWithContext(d.Context(), http.MethodPost, d.url+path, strings.NewReader(v.Encode()))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return d.ask(req, err)
}

// shows wants the page of a section to hold a text.
func (d *desk) shows(section, want string) {
	d.Helper()
	if got := d.get("/" + section); !strings.Contains(got, want) {
		d.Errorf("page %s does not show %q", section, want)
	}
}

// api calls the simulated Stripe and returns the id of what it made.
func (d *desk) api(path, form string) string {
	d.Helper()
	req, err := http.NewRequestWithContext(d.Context(), http.MethodPost, d.url+path, strings.NewReader(form))
	if err != nil {
		d.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_1")
	status, _, text := d.ask(req, nil)
	m := regexp.MustCompile(`"id":"([a-z]+_[A-Za-z0-9]+)"`).FindStringSubmatch(text)
	if status != http.StatusOK || m == nil {
		d.Fatalf("POST %s = %d %s", path, status, text)
	}
	return regexp.MustCompile(`"id":"((?:pi|re|seti|du)_[A-Za-z0-9]+)"`).FindStringSubmatch(text)[1]
}

func (d *desk) buy(method string) string {
	d.Helper()
	const form = "amount=1290&currency=usd&confirm=true&metadata[visit]=visit-7&payment_method="
	return d.api("/v1/payment_intents", form+method)
}

// All that can be done to a payment is done by its buttons, and each page
// says what came of it.
func TestButtons(t *testing.T) {
	d := openDesk(t)
	ok := func(fields ...string) {
		t.Helper()
		if status, to, text := d.press("/act", fields...); status != http.StatusSeeOther || to == "" {
			t.Errorf("pressing %v = %d to %q\n%s", fields, status, to, alert(text))
		}
	}
	d.shows("", "No payment yet.")
	ok("do=decline", "op=payment_intents.create", "code=lost_card")
	d.shows("faults", "lost card")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/v1/payment_intents",
		strings.NewReader("amount=500&currency=usd&confirm=true&payment_method=pm_card_visa"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_1")
	if status, _, text := d.ask(req, nil); status != http.StatusPaymentRequired || !strings.Contains(text, "lost_card") {
		t.Errorf("the next payment = %d %s, want lost_card", status, text)
	}
	d.shows("payments", "lost card")

	sold := d.buy("pm_card_visa")
	d.shows("payments", "visit visit-7")
	d.shows("payments", "12.90 USD")
	ok("do=warn", "object="+sold)
	d.shows("warnings", "actionable")
	ok("do=dispute", "object="+sold, "reason=duplicate", "amount=2.90")
	d.shows("disputes", "2.90 USD")
	dispute := regexp.MustCompile(`du_[A-Za-z0-9]+`).FindString(d.get("/disputes"))
	ok("do=decide", "object="+dispute, "result=won", "here=disputes")
	d.shows("disputes", `chip good">won`)
	asked := d.buy("pm_card_createDisputeInquiry")
	d.shows("disputes", asked)
	inquiry := regexp.MustCompile(`du_[A-Za-z0-9]+`).FindString(d.get("/disputes"))
	ok("do=escalate", "object="+inquiry)
	d.shows("disputes", "needs response")

	refund := d.api("/v1/refunds", "payment_intent="+d.buy("pm_card_visa"))
	ok("do=refund", "object="+refund, "result=failed")
	d.shows("refunds", `chip bad">failed`)
	pending := d.api("/v1/refunds", "payment_intent="+d.buy("pm_card_pendingRefund"))
	ok("do=refund", "object="+pending, "result=succeeded")
	d.shows("refunds", `chip good">succeeded`)
	setup := d.api("/v1/setup_intents", "payment_method=pm_card_authenticationRequired&confirm=true")
	ok("do=authenticate", "object="+setup, "result=success")
	d.shows("setups", `chip good">succeeded`)
	d.shows("balance", "dispute reversal")

	d.laterButtons(ok)
}

// laterButtons presses those that need time to pass.
func (d *desk) laterButtons(ok func(...string)) {
	d.Helper()
	for range 3 { // the fees of disputes have eaten up what was sold
		d.buy("pm_card_visa")
	}
	ok("do=clock", "advance=36h") // the charges have two days to go
	d.buy("pm_card_visa")
	ok("do=clock", "advance=24h")
	d.shows("payouts", "pending")
	payout := regexp.MustCompile(`po_[A-Za-z0-9]+`).FindString(d.get("/payouts"))
	ok("do=fail-payout", "object="+payout)
	d.shows("payouts", "account closed")
	ok("do=payout", "currency=USD", "here=payouts")
	if err := d.sim.Flush(d.Context()); err != nil {
		d.Fatal(err)
	}
	event := regexp.MustCompile(`evt_[A-Za-z0-9]+`).FindString(d.get("/webhooks"))
	ok("do=resend", "object="+event)
	d.shows("webhooks", "waiting")
	ok("do=fault", "kind=drop_after", "op=refunds.*", "nth=2", "times=1")
	d.shows("faults", "match number 2, at most 1 times")
	ok("do=clear", "here=faults")
	d.shows("faults", "Nothing is set to go wrong.")
}

// alert is what a page says went wrong.
func alert(text string) string {
	m := regexp.MustCompile(`role="alert">([^<]*)`).FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

// What cannot be done is said on the page, and nothing is changed.
func TestButtonsThatDoNothing(t *testing.T) {
	d := openDesk(t)
	sold := d.buy("pm_card_visa")
	for fields, want := range map[string]string{
		"do=decide&object=du_none&result=won":                "no such object",
		"do=dispute&object=" + sold + "&amount=twelve":       "the form cannot be read",
		"do=dispute&object=" + sold + "&amount=12.91":        "state does not allow it",
		"do=clock&advance=-1h":                               "clock cannot go back",
		"do=clock&advance=soon":                              "the form cannot be read",
		"do=fault&kind=explode":                              "fault specification",
		"do=fault&kind=hang&nth=x":                           "the form cannot be read",
		"do=decline&op=payment_intents.create&code=bad_mood": "decline code",
		"do=payout&currency=usd":                             "nothing is available",
		"do=dance":                                           "nothing is called",
	} {
		status, _, text := d.press("/act", strings.Split(fields, "&")...)
		if status != http.StatusUnprocessableEntity || !strings.Contains(alert(text), want) {
			t.Errorf("pressing %s = %d %q, want %q", fields, status, alert(text), want)
		}
	}
	if got := d.sim.Audit().Visits["visit-7"]; got.Disputes != 0 || got.Captured != 1290 {
		t.Errorf("Audit = %+v, want nothing but the sale", got)
	}
	// Another site's form does nothing.
	body := strings.NewReader("do=warn&object=" + sold)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/act", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if status, _, _ := d.ask(req, nil); status != http.StatusForbidden {
		t.Errorf("a form of another site = %d, want 403", status)
	}
	if n := d.sim.Audit().Visits["visit-7"].Warnings; n != 0 {
		t.Errorf("%d warnings by another site", n)
	}
	for _, path := range []string{"/nothing", "/static/none.css", "/authenticate/pi_none"} {
		if status, _, _ := d.ask(http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)); status != 404 {
			t.Errorf("GET %s = %d, want 404", path, status)
		}
	}
}

// The shopper answers at the bank and comes back to the shop.
func TestShopperAnswersTheBank(t *testing.T) {
	d := openDesk(t)
	const form = "amount=1290&currency=usd&confirm=true&payment_method=pm_card_authenticationRequired" +
		"&return_url=https://shop.example/back"
	pi := d.api("/v1/payment_intents", form)
	if text := d.get("/authenticate/" + pi); !strings.Contains(text, "Is this payment of 12.90 USD yours?") {
		t.Errorf("the bank asks %s", text)
	}
	status, to, _ := d.press("/authenticate/"+pi, "result=success")
	if status != http.StatusSeeOther || to != "https://shop.example/back" {
		t.Errorf("the answer leads to %d %q, want back to the shop", status, to)
	}
	d.shows("payments", `chip good">succeeded`)
	if status, _, text := d.press("/authenticate/"+pi, "result=success"); status != 422 || alert(text) == "" {
		t.Errorf("answering twice = %d, want 422 and why", status)
	}
}

// Nothing on the pages comes from another host, is an inline script or style,
// or is put there by what somebody wrote into the account.
func TestPagesAreClosed(t *testing.T) {
	foreign := regexp.MustCompile(`https?://[^"'\s)]+|@import| style="| on[a-z]+="|<script|<style`)
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, name)
		for _, hit := range foreign.FindAllString(string(b), -1) {
			if hit != "http://www.w3.org/2000/svg" { // a name, and nothing is fetched from it
				t.Errorf("%s holds %q", name, hit)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !foreign.MatchString(`<p onclick="x">`) || !foreign.MatchString(`<script src=x>`) {
		t.Error("the pattern finds nothing")
	}
	d := openDesk(t)
	d.api("/v1/payment_intents", "amount=500&currency=usd&metadata[visit]="+url.QueryEscape("<script>alert(1)</script>"))
	text := d.get("/")
	if strings.Contains(text, "<script") || !strings.Contains(text, "&lt;script") {
		t.Error("the page holds a tag that somebody wrote into a visit")
	}
	res, err := d.c.Get(d.url + "/disputes")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Security-Policy"); got != policy || strings.Contains(got, "unsafe") {
		t.Errorf("Content-Security-Policy = %q", got)
	}
}

// The pages look like the shop's own: every colour is one of theirs, where its
// contrast is tested.
func TestColoursAreTheShops(t *testing.T) {
	shop, err := os.ReadFile(filepath.Join("..", "..", "..", "api", "web", "static", "base.css"))
	if err != nil {
		t.Fatal(err)
	}
	css, err := fs.ReadFile(files, "static/page.css")
	if err != nil {
		t.Fatal(err)
	}
	colours := regexp.MustCompile(`--[a-z-]+: light-dark\([^)]*\)`).FindAllString(string(css), -1)
	if len(colours) < 8 {
		t.Errorf("%d colours found, want over eight", len(colours))
	}
	for _, colour := range colours {
		if !strings.Contains(string(shop), colour) {
			t.Errorf("the shop's pages have no %s", colour)
		}
	}
}

// Whether anybody was charged twice is on every page.
func TestChargedTwice(t *testing.T) {
	d := openDesk(t)
	const form = "amount=500&currency=usd&confirm=true&payment_method=pm_card_visa&metadata[visit]=v1&metadata[op_id]=hold-1"
	d.api("/v1/payment_intents", form)
	d.shows("payments", "<dd>nobody</dd>")
	d.api("/v1/payment_intents", form)
	d.shows("refunds", "<code>hold-1</code>")
}

// Amounts are in the units that people use.
func TestAmountsForPeople(t *testing.T) {
	for want, c := range map[string]struct {
		minor    int64
		currency string
	}{
		"12.90 USD": {1290, "usd"}, "500 JPY": {500, "jpy"}, "1.230 KWD": {1230, "kwd"}, "100 ISK": {10000, "isk"},
		"-0.05 EUR": {-5, "eur"},
	} {
		if got := amount(c.minor, c.currency); got != want {
			t.Errorf("amount(%d, %s) = %q, want %q", c.minor, c.currency, got, want)
		}
	}
	if got := fmt.Sprint(object{"a": map[string]any{"b": int64(1)}}.num("a", "b"), object{}.num("a", "b")); got != "1 0" {
		t.Errorf("num = %s, want 1 and 0", got)
	}
}
