package api

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/palm"
)

// hand returns codes of one palm, as a camera reads it at different times. Palms
// are told apart by their seed.
func hand(seed uint64, n int) [][]byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var first palm.Code
	for k := range first {
		for y := range first[k] {
			first[k][y] = r.Uint32()
		}
	}
	out := make([][]byte, n)
	for i := range out {
		c := first
		for range 150 { // of 3,072 bits
			c[r.IntN(len(c))][r.IntN(len(c[0]))] ^= 1 << r.IntN(32)
		}
		out[i] = c.Bytes()
	}
	return out
}

// palmsOn turns palms on in the shop, for a jurisdiction, with a text to agree to.
func (s *shop) palmsOn(in string) {
	s.t.Helper()
	p := policy()
	p.Palm = in
	m := ledger.Meta{ID: s.id(), Occurred: s.now(), Actor: "operator:test"}
	must(s.desk.SetPolicy(s.t.Context(), m, ledger.PolicySet{Store: berlin, Policy: p}))(s.t)
	s.palmText(in, "2026-11", "We make a number of your palm to know you at the gate.\n\nYou can take this back at any time.")
}

func (s *shop) palmText(in, version, words string) {
	s.t.Helper()
	dir := filepath.Join(s.data, palms.TextsDir, in)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, version+".txt"), []byte(words+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) agrees(who, version string) call {
	s.t.Helper()
	return s.send(who, "POST", "/v1/shoppers/"+who+"/palm/consent", map[string]any{"store": berlin, "version": version, "agreed": "in the app"})
}

func (s *shop) enrols(who string, captures [][]byte) call {
	s.t.Helper()
	return s.send("gate", "POST", "/v1/shoppers/"+who+"/palm/template", s.template(captures))
}

func (s *shop) template(captures [][]byte) map[string]any {
	return map[string]any{"id": s.id(), "occurred_at": s.now(), "store": berlin, "method": palm.Method, "captures": captures}
}

// shows is what a gate sends of a palm.
func (s *shop) shows(code []byte) map[string]any {
	e := s.entry("")
	delete(e, "code")
	e["credential"], e["palm"] = "palm", code
	return e
}

func TestPalmsAreOffUntilTheOperatorTurnsThemOn(t *testing.T) {
	s := openShop(t)
	ans := s.present(s.shows(hand(1, 1)[0]))
	if ans.Reason != ledger.RefusedStranger || !strings.Contains(ans.Detail, "palms are off in this shop") {
		t.Errorf("the gate says %+v, want that palms are off", ans)
	}
	for story, c := range map[string]call{
		"the text":     s.send("lea", "GET", "/v1/shops/berlin-1/palm", nil),
		"a consent":    s.agrees("lea", "2026-11"),
		"an enrolment": s.enrols("lea", hand(1, 3)),
	} {
		if c.Code != http.StatusConflict || !strings.Contains(c.Body.String(), "palms are off in this shop") {
			t.Errorf("%s is answered %d %s, want that palms are off", story, c.Code, c.Body)
		}
	}
	s.palmsOn("DE")
	if err := os.RemoveAll(filepath.Join(s.data, palms.TextsDir)); err != nil {
		t.Fatal(err)
	}
	if c := s.agrees("lea", "2026-11"); c.Code != http.StatusConflict || !strings.Contains(c.Body.String(), "no text to agree to") {
		t.Errorf("a consent without a text is answered %d %s, want that there is none", c.Code, c.Body)
	}
}

// TestAPalmOpensTheGateFromConsentToWithdrawal: and what is left behind is nothing
// that any key opens.
func TestAPalmOpensTheGateFromConsentToWithdrawal(t *testing.T) {
	s := openShop(t)
	s.palmsOn("DE")
	lea, tom := hand(1, 5), hand(2, 4)
	if c := s.enrols("lea", lea[:3]); c.Code != http.StatusConflict || !strings.Contains(c.Body.String(), "no consent") {
		t.Fatalf("an enrolment before the consent is answered %d %s, want it refused", c.Code, c.Body)
	}
	var offer vision.PalmOffer
	s.send("lea", "GET", "/v1/shops/berlin-1/palm", nil).want(200, &offer)
	s.palmText("DE", "2026-12", "A newer text.")
	if c := s.agrees("lea", offer.Version); c.Code != http.StatusConflict || !strings.Contains(c.Body.String(), "2026-12") {
		t.Errorf("a consent to the text before is answered %d %s, want the one in force named", c.Code, c.Body)
	}
	var v palmView
	s.agrees("lea", "2026-12").want(201, &v)
	if v.State != "agreed" || v.Consent.Jurisdiction != "DE" || v.Consent.Text != ledger.DigestOf([]byte("A newer text.")) || v.Template != nil {
		t.Errorf("agreed = %+v, want a consent to the text in force and nothing made", v)
	}
	s.agrees("tom", "2026-12").want(201)
	body := s.template(lea[:3])
	s.send("gate", "POST", "/v1/shoppers/lea/palm/template", body).want(201, &v)
	first := v.Template.Digest
	s.send("gate", "POST", "/v1/shoppers/lea/palm/template", body).want(201, &v) // its answer was lost
	if v.State != "enrolled" || v.Template.Digest != first {
		t.Errorf("the retry = %+v, want the first template", v)
	}
	s.enrols("tom", tom[:3]).want(201)

	ans := s.present(s.shows(lea[3]))
	if ans.Decision != engine.GateEntered {
		t.Fatalf("the gate says %+v to lea's palm, want entered", ans)
	}
	if p := must(s.api.story(t.Context(), ans.Visit))(t).cart.Presented; p.Shopper != "lea" || p.Credential != ledger.CredentialPalm {
		t.Errorf("visit %s is %s's by %s, want lea's by palm", ans.Visit, p.Shopper, p.Credential)
	}
	s.exit(string(ans.Visit))
	if ans := s.present(s.shows(hand(3, 1)[0])); ans.Reason != ledger.RefusedStranger {
		t.Errorf("the gate says %+v to a stranger's palm, want refused", ans)
	}

	path := filepath.Join(s.data, palms.Dir, v.Consent.Event.String()+".age")
	backup := must(os.ReadFile(path))(t)
	s.send("lea", "POST", "/v1/shoppers/lea/palm/withdrawal", map[string]any{"reason": "asked for it"}).want(201, &v)
	if v.State != "destroyed" || v.Destroyed.Sealed != first || v.Destroyed.Sealed != ledger.DigestOf(backup) {
		t.Errorf("withdrawn = %+v, want the template of %s destroyed", v, first)
	}
	if err := os.WriteFile(path, backup, 0o600); err != nil { // from a backup
		t.Fatal(err)
	}
	if ans := s.present(s.shows(lea[4])); ans.Reason != ledger.RefusedStranger {
		t.Errorf("the gate says %+v after the withdrawal, want refused", ans)
	}
	if c := s.enrols("lea", lea[:3]); c.Code != http.StatusConflict {
		t.Errorf("an enrolment after the withdrawal is answered %d, want refused", c.Code)
	}
	if ans := s.present(s.shows(tom[3])); ans.Decision != engine.GateEntered {
		t.Errorf("the gate says %+v to tom's palm, want that he is let in as before", ans)
	}
	s.agrees("lea", "2026-12").want(201)
	s.enrols("lea", lea[:3]).want(201, &v)
	if v.State != "enrolled" || v.Template.Digest == first {
		t.Errorf("who agrees again = %+v, want another template", v)
	}
	s.noPalmIn(append(lea, tom...))
}

// noPalmIn fails if a code of a palm stands in the log or in a file of the server.
func (s *shop) noPalmIn(codes [][]byte) {
	s.t.Helper()
	var written bytes.Buffer
	for r, err := range s.log.Read(s.t.Context(), ledger.Query{}) {
		if err != nil {
			s.t.Fatal(err)
		}
		written.Write(r.Body)
	}
	err := filepath.WalkDir(s.data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		written.Write(b)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range codes {
		if bytes.Contains(written.Bytes(), c[:32]) || bytes.Contains(written.Bytes(), []byte(base64.StdEncoding.EncodeToString(c))[:40]) {
			s.t.Error("a code of a palm lies in the log or in a file")
		}
	}
}

func TestAPalmIsShownOneWay(t *testing.T) {
	s := openShop(t)
	s.palmsOn("DE")
	code := hand(1, 1)[0]
	short, both, card, offline := s.shows(code[:100]), s.shows(code), s.shows(code), s.shows(code)
	both["token"], card["credential"], offline["offline"] = "t", "card", true
	for story, e := range map[string]map[string]any{
		"half a code": short, "a palm and its token": both, "a palm on the card reader": card, "at a gate that is cut off": offline,
	} {
		c := s.send("gate", "POST", "/v1/gate/entries", e)
		if c.Code != http.StatusUnprocessableEntity || bytes.Contains(c.Body.Bytes(), []byte(base64.StdEncoding.EncodeToString(code))[:40]) {
			t.Errorf("%s is answered %d %s, want 422 and no word of the code", story, c.Code, c.Body)
		}
	}
	s.agrees("lea", "2026-11").want(201)
	if c := s.enrols("lea", [][]byte{code, code}); c.Code != http.StatusUnprocessableEntity || bytes.Contains(c.Body.Bytes(), []byte(base64.StdEncoding.EncodeToString(code))[:40]) {
		t.Errorf("one picture twice is answered %d %s, want 422 and no word of the code", c.Code, c.Body)
	}
}

// TestNoMorePalmsThanMayBeToldApart: with so many people known as the operator has
// counted for, one more shows a code, and who is known may be enrolled again.
func TestNoMorePalmsThanMayBeToldApart(t *testing.T) {
	s := openShop(t)
	s.palmsOn("DE")
	s.api.s.Palms.People = 1
	for _, who := range []string{"lea", "tom"} {
		s.agrees(who, "2026-11").want(201)
	}
	s.enrols("lea", hand(1, 3)).want(201)
	if c := s.enrols("tom", hand(2, 3)).want(409); !strings.Contains(c.Body.String(), "no more people") {
		t.Errorf("one more is answered %s, want why not", c.Body)
	}
	s.enrols("lea", hand(1, 4)[1:]).want(201)
	s.send("lea", "POST", "/v1/shoppers/lea/palm/withdrawal", map[string]any{"reason": "asked for it"}).want(201)
	s.enrols("tom", hand(2, 3)).want(201)
}

// TestAForgottenShoppersPalmIsDestroyed: the key goes without a server, and the
// server records it.
func TestAForgottenShoppersPalmIsDestroyed(t *testing.T) {
	s := openShop(t)
	s.palmsOn("DE")
	var v palmView
	s.agrees("lea", "2026-11").want(201)
	s.enrols("lea", hand(1, 3)).want(201, &v)
	if ans := s.present(s.shows(hand(1, 4)[3])); ans.Decision != engine.GateEntered { // now it is in the server's memory
		t.Errorf("the gate says %+v, want entered", ans)
	}
	if err := palms.Forget(s.data, "", v.Consent.Event); err != nil {
		t.Fatal(err)
	}
	if ans := s.present(s.shows(hand(1, 4)[3])); ans.Reason != ledger.RefusedStranger {
		t.Errorf("the gate says %+v, want refused", ans)
	}
	for range 2 { // a second look finds nothing to do
		if err := s.api.s.Palms.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.send("otto", "GET", "/v1/shoppers/lea/palm", nil).want(200, &v)
	if v.State != "destroyed" || v.Withdrawn.Reason != "the shopper was forgotten" || v.Destroyed.Sealed != v.Template.Digest {
		t.Errorf("lea's palm = %+v, want it destroyed", v)
	}
	if left := must(os.ReadDir(filepath.Join(s.data, palms.Dir)))(t); len(left) > 0 {
		t.Errorf("%d templates are left, want none", len(left))
	}
}

// palmSamples are requests for [TestWhoMaySeeWhat].
func (s *shop) palmSamples() map[string]sample {
	form := func(fields string) func(bool) any {
		return func(bool) any { return "form:" + fields + "&nonce=" + s.id().String() }
	}
	return map[string]sample{
		"GET /palm":                      {there: "/palm", list: true},
		"POST /palm/consent":             {there: "/palm/consent", list: true, body: form("agree=no")},
		"POST /palm/withdrawal":          {there: "/palm/withdrawal", list: true, body: form("")},
		"GET /v1/shops/:store/palm":      {there: "/v1/shops/berlin-1/palm", list: true},
		"GET /v1/shoppers/:shopper/palm": {there: "/v1/shoppers/lea/palm", list: true},
		"POST /v1/shoppers/:shopper/palm/consent": {
			there: "/v1/shoppers/lea/palm/consent", list: true, body: fields("store", berlin, "version", "1", "agreed", "in the app"),
		},
		"POST /v1/shoppers/:shopper/palm/template": {
			there: "/v1/shoppers/lea/palm/template", missing: "/v1/shoppers/lea/palm/template", body: func(there bool) any {
				body := s.template([][]byte{make([]byte, palm.CodeBytes), make([]byte, palm.CodeBytes)})
				if !there {
					body["store"] = "nowhere"
				}
				return body
			},
		},
		"POST /v1/shoppers/:shopper/palm/withdrawal": {
			there: "/v1/shoppers/lea/palm/withdrawal", list: true, body: fields("reason", "asked"),
		},
	}
}

// TestThePalmPageInABrowser: a shopper reads, agrees, sees what was made of it, and
// takes it back; on a phone, with nothing wider than the screen.
func TestThePalmPageInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	s := openShop(t)
	b := openBrowser(t, s)
	b.signIn(s, "lea")
	look := func(name, says string) {
		t.Helper()
		b.do(chromedp.Navigate(b.url + "/palm"))
		for _, w := range []int64{1280, 390} {
			b.wide(w, 844)
			b.shot(fmt.Sprintf("palm-%s-%d", name, w))
		}
		if got := b.text(`document.querySelector("main").textContent.replace(/\s+/g, " ")`); !strings.Contains(got, says) {
			t.Errorf("%s: the page says %q, want %q", name, got, says)
		}
	}
	look("off", "No shop here knows palms.")
	s.palmsOn("DE")
	look("offered", "We make a number of your palm to know you at the gate.")
	b.do(chromedp.Click(chromedp.CSS("button.main")))
	look("offered", "Be known by your palm") // not without the tick
	b.do(chromedp.Click(chromedp.CSS("input[name=agree]")), chromedp.Click(chromedp.CSS("button.main")))
	b.wait(`document.querySelector("#consent .chip")?.textContent.trim() === "Agreed, nothing made yet"`)
	var v palmView
	s.enrols("lea", hand(1, 3)).want(201, &v)
	look("enrolled", "Your palm is known")
	b.do(chromedp.Click(chromedp.CSS("#consent button.main")))
	b.wait(`document.querySelector("#consent .chip")?.textContent.trim() === "Destroyed"`)
	look("destroyed", "Proof: event")
	s.send("otto", "GET", "/v1/shoppers/lea/palm", nil).want(200, &v)
	if v.State != "destroyed" || v.Consent.Agreed != onPage || v.Withdrawn.By != "shopper:lea" {
		t.Errorf("lea's palm = %+v, want it agreed to and destroyed by her", v)
	}
	b.do(chromedp.Navigate(b.url + "/code"))
	b.wait(`[...document.querySelectorAll("a")].some(a => a.getAttribute("href") === "/palm")`)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.errors) > 0 {
		t.Errorf("the console says:\n%s", strings.Join(b.errors, "\n"))
	}
}
