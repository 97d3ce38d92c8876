package api

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/receipt"
	"github.com/vouchledger/vouch/ledger/money"
)

// look returns the words of a page, without its tags.
func (s *shop) look(who, path string) string {
	s.t.Helper()
	html := s.send(who, "GET", path, nil, "Accept", "text/html").want(200).Body.String()
	html = regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>`).ReplaceAllString(html, " ")
	return strings.Join(strings.Fields(html), " ")
}

// sees requires that a page shows these words, as soon as the engine has done
// its part.
func (s *shop) sees(who, path string, want ...string) {
	s.t.Helper()
	var got string
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		s.api.limits = newLimiters()
		got = s.look(who, path)
		missing := slices.DeleteFunc(slices.Clone(want), func(w string) bool { return strings.Contains(got, w) })
		if len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Errorf("page %s shows %s %q, want %q in it", path, who, got, missing)
			return
		}
	}
}

// TestThePageTellsEveryVisit: shut out, inside, with a doubt, without a price,
// with nothing taken.
func TestThePageTellsEveryVisit(t *testing.T) {
	s := openShop(t)
	s.bank.declines = true
	var tk ticketAnswer
	s.send("lea", "POST", "/v1/tickets", map[string]any{}).want(201, &tk)
	s.send("gate", "POST", "/v1/gate/entries", s.entry(tk.Code)).want(200)
	s.sees("lea", "/visits/"+tk.Ticket.String(), "Refused", "The gate stayed shut",
		"Because the card was declined.",
		"Nothing was charged: the gate stayed shut.", "card_declined")
	s.bank.declines = false

	visit := s.enter("lea")
	s.sees("lea", "/visits/"+visit, "Inside", "Live", "In the cart", "€0.00", "Up to €50.00 is held.",
		"There is no receipt yet.")
	s.sees("anna", "/reviews", "Nothing is in doubt.")
	s.send("gate", "POST", "/v1/detections", s.see("take", "mate", "A3", 610)).want(201)
	s.send("gate", "POST", "/v1/detections", s.see("take", "ghost", "A4", 990)).want(201)
	s.until(visit, "asked about", func(v visitView) bool {
		return len(v.Cart.Open) == 1 &&
			v.Cart.Unpriced > 0
	})
	s.sees("lea", "/visits/"+visit, "Club Mate 0.5 l taken", "In doubt: which product.", "61.0 %",
		"Below what counts as sure. Or: Iced Tea Peach 0.5 l 39.0 %", "No price for ghost",
		"1 in doubt and not in the sum")
	s.sees("anna", "/reviews", "Club Mate 0.5 l taken?", "€2.19", "A3 Club Mate 0.5 l",
		"No frames came with this detection.")
	s.exit(visit)
	s.until(visit, "provisional", func(v visitView) bool { return v.Provisional != nil })
	s.sees("lea", "/visits/"+visit, "Provisional receipt", "Not charged yet, being looked at until",
		"Left, receipt to come")

	empty := s.enter("tom")
	s.exit(empty)
	s.settled(empty)
	s.until(empty, "free of its hold", func(v visitView) bool {
		return slices.ContainsFunc(v.Payment.Steps, func(p paymentStep) bool { return strings.Contains(p.Kind, "released") })
	})
	s.sees("tom", "/visits/"+empty, "Nothing owed", "Hold freed", "Nothing was taken and nothing was charged.")
	s.sees("tom", "/visits", "Your visits", "Corner Shop Torstraße", "Nothing owed")
}

// TestAFormSentTwiceIsOneDispute: an impatient thumb opens no second one, and
// a dispute of what is disputed is told in words.
func TestAFormSentTwiceIsOneDispute(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990)).want(201)
	s.exit(visit)
	number := s.settled(visit).Receipts[0].Document.Number
	path := "/visits/" + visit + "/disputes/" + number
	send := func(nonce string) call {
		return s.send("lea", "POST", path, "line=1&quantity=1&claim=not_taken&nonce="+nonce,
			"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
	}
	for range 2 {
		if got := send("n1").want(303).Header().Get("Location"); got != "/visits/"+visit+"#disputes" {
			t.Errorf("the form leads to %q, want the dispute", got)
		}
	}
	if got := send("n2").want(409).Body.String(); !strings.Contains(got, "line is in dispute") {
		t.Errorf("a second dispute answers %q, want why not", got)
	}
	send("").want(422)
	if n := strings.Count(s.stream("visit-"+visit), "dispute.opened.v1"); n != 1 {
		t.Errorf("the visit's stream holds %d disputes, want 1", n)
	}
	s.sees("lea", "/visits/"+visit, "In dispute", "“I did not take it”", "Club Cola 0.5 l, 1 piece")
}

// TestNothingASensorSaysIsRunByABrowser: a name with a tag in it is shown.
func TestNothingASensorSaysIsRunByABrowser(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	s.send("gate", "POST", "/v1/detections", s.see("take", "<script>alert(1)</script>", "<img src=x>",
		990)).want(201)
	s.until(visit, "seen", func(v visitView) bool { return v.Cart.Unpriced > 0 })
	for _, path := range []string{"/visits/" + visit, "/visits"} {
		got := s.send("anna", "GET", path, nil, "Accept", "text/html").want(200).Body.String()
		if strings.Contains(got, "<script>alert") || strings.Contains(got, "<img src=x") {
			t.Errorf("page %s holds the tag of a sensor", path)
		}
	}
}

// TestAmountsAndRatesReadAsPeopleWriteThem: without floats.
func TestAmountsAndRatesReadAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct {
		m    money.Money
		want string
	}{
		{money.Money{Minor: 119, Currency: "EUR"}, "€1.19"},
		{money.Money{Minor: -649, Currency: "EUR"}, "−€6.49"},
		{money.Money{Minor: 500, Currency: "JPY"}, "¥500"},
		{money.Money{Minor: -1234, Currency: "KWD"}, "−1.234 KWD"},
		{money.Money{}, ""},
	} {
		if got := cash(c.m); got != c.want {
			t.Errorf("cash(%v) = %q, want %q", c.m, got, c.want)
		}
	}
	for rate, want := range map[string]string{
		"0.19": "19 %", "0.07": "7 %", "0": "0 %", "0.0825": "8.25 %",
		"1": "100 %", "0.5": "50 %", "0.005": "0.5 %",
	} {
		if got := receipt.Percent(rate); got != want {
			t.Errorf("receipt.Percent(%q) = %q, want %q", rate, got, want)
		}
	}
}
