package api

import (
	"bytes"
	"crypto/rand"
	"image"
	_ "image/png"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/qr"
	"github.com/vouchledger/vouch/vision/ticket"
)

// tap is what a terminal sends of a card or a badge.
func (s *shop) tap(kind, token string) map[string]any {
	e := s.entry("")
	delete(e, "code")
	e["credential"], e["token"] = kind, token
	return e
}

// present sends an entry and returns the answer.
func (s *shop) present(e map[string]any) (ans entryAnswer) {
	s.t.Helper()
	s.send("gate", "POST", "/v1/gate/entries", e).want(200, &ans)
	return ans
}

// TestAShopWithoutCamerasAtTheDoor: a card is tapped, a badge is shown, and
// the terminal tells of both.
func TestAShopWithoutCamerasAtTheDoor(t *testing.T) {
	s := openShop(t)
	card := s.tap("card", "fp_lea")
	lea := s.present(card)
	if lea.Decision != engine.GateEntered {
		t.Fatalf("the card is answered %+v, want entered", lea)
	}
	if again := s.present(card); again != lea {
		t.Errorf("the terminal's retry is answered %+v, want %+v", again, lea)
	}
	badge := s.present(s.tap("staff", "0417"))
	if badge.Decision != engine.GateEntered {
		t.Fatalf("the badge is answered %+v, want entered", badge)
	}
	if lea.Staff || !badge.Staff {
		t.Errorf("the gate hears of the card %+v and of the badge %+v, want staff of the badge alone", lea, badge)
	}
	var asked entryAnswer
	if s.send("gate", "GET", "/v1/gate/entries/"+string(badge.Visit), nil).want(200, &asked); asked != badge {
		t.Errorf("asked again the badge is answered %+v, want %+v", asked, badge)
	}
	late := s.tap("staff", "0417") // at a terminal that was cut off
	late["offline"] = true
	if ans := s.present(late); ans.Decision != engine.GateEntered || !ans.Staff {
		t.Errorf("a badge that is told later is answered %+v, want entered as staff", ans)
	}
	for visit, want := range map[ledger.VisitID]ledger.CredentialKind{
		lea.Visit: ledger.CredentialCard, badge.Visit: ledger.CredentialStaff,
	} {
		if got := must(s.api.story(t.Context(), visit))(t).cart.Presented.Credential; got != want {
			t.Errorf("visit %s was begun by %s, want %s", visit, got, want)
		}
	}
	for story, e := range map[string]map[string]any{
		"a card nobody knows": s.tap("card", "fp_x"), "a badge on the card reader": s.tap("card", "0417"),
		"a badge of somebody who is no staff": s.tap("staff", "lost"),
	} {
		if ans := s.present(e); ans.Decision != engine.GateRefused || ans.Reason != ledger.RefusedStranger {
			t.Errorf("%s is answered %+v, want refused as a stranger", story, ans)
		}
	}
	both := s.entry("VT1-X")
	both["credential"], both["token"] = "card", "fp_lea"
	bare := s.tap("card", "fp_lea")
	delete(bare, "token")
	for story, e := range map[string]map[string]any{
		"the number of a card": s.tap("card", "4242 4242 4242 4242"), "a code and a card": both, "a card without a token": bare,
	} {
		if c := s.send("gate", "POST", "/v1/gate/entries", e); c.Code != 422 {
			t.Errorf("%s is answered %d, want 422", story, c.Code)
		}
	}
}

// TestACardIsTappedAndTheShelfSeesTheRest: no camera at the door, a terminal at each
// side of it whose clock is slow, and a receipt in the end.
func TestACardIsTappedAndTheShelfSeesTheRest(t *testing.T) {
	s := openShop(t)
	const slow = 90_000 // milliseconds
	in := s.tap("card", "fp_lea")
	in["occurred_at"], in["clock_offset_ms"] = s.now().Add(-slow*time.Millisecond), slow
	lea := s.present(in)
	if lea.Decision != engine.GateEntered {
		t.Fatalf("the card is answered %+v, want entered", lea)
	}
	s.send("gate", "POST", "/v1/detections", s.see("take", "cola", "A1", 990)).want(201)
	out := func(token string) map[string]any {
		return map[string]any{
			"id": s.id(), "occurred_at": s.now().Add(-slow * time.Millisecond), "gate": "exit-1", "clock_offset_ms": slow,
			"credential": "card", "token": token,
		}
	}
	if c := s.send("gate", "POST", "/v1/gate/exits", out("fp_nobody")); c.Code != 404 {
		t.Errorf("a stranger's card at the exit is answered %d, want 404", c.Code)
	}
	if c := s.send("munich", "POST", "/v1/gate/exits", out("fp_lea")); c.Code != 425 {
		t.Errorf("her card at another shop's exit is answered %d, want 425: she may have entered there", c.Code)
	}
	leaves := out("fp_lea")
	for range 2 { // the terminal's answer was lost
		var ans struct{ Visit ledger.VisitID }
		if s.send("gate", "POST", "/v1/gate/exits", leaves).want(200, &ans); ans.Visit != lea.Visit {
			t.Fatalf("the exit is of visit %s, want %s", ans.Visit, lea.Visit)
		}
	}
	v := s.settled(string(lea.Visit))
	if len(v.Receipts) != 1 || v.Receipts[0].Document.Gross.Minor != 189 {
		t.Errorf("receipts = %+v, want one of 1.89", v.Receipts)
	}
	for _, e := range must(s.api.story(t.Context(), lea.Visit))(t).events {
		var offset int
		switch p := e.Payload.(type) { // of the terminals
		case ledger.GatePresented:
			offset = p.ClockOffset
		case ledger.GateExited:
			offset = p.ClockOffset
		default:
			continue
		}
		if late := s.now().Sub(e.Occurred); offset != slow || late < 0 || late > time.Minute {
			t.Errorf("%s is placed %s ago with an offset of %d, want now and %d", e.Payload.Kind(), late, offset, slow)
		}
	}
	wrong := out("fp_lea")
	wrong["visit"] = lea.Visit
	if c := s.send("gate", "POST", "/v1/gate/exits", wrong); c.Code != 422 {
		t.Errorf("an exit with a visit and a card is answered %d, want 422", c.Code)
	}

	// Staff comes and goes by badge, and owes nothing.
	badge := s.present(s.tap("staff", "0417"))
	s.send("gate", "POST", "/v1/detections", s.see("take", "water", "A2", 990)).want(201)
	leaves = out("0417")
	leaves["credential"] = "staff"
	s.send("gate", "POST", "/v1/gate/exits", leaves).want(200)
	if v := s.settled(string(badge.Visit)); len(v.Receipts) != 0 || s.ops(string(badge.Visit)) != "" {
		t.Errorf("staff has receipts %+v and moves %q, want nothing", v.Receipts, s.ops(string(badge.Visit)))
	}
}

// device is a phone with a ticket.
type device struct {
	*ticket.Device
	ticketAnswer
}

func (s *shop) phone(who string) device {
	s.t.Helper()
	d := device{Device: must(ticket.NewDevice(rand.Reader))(s.t)}
	s.send(who, "POST", "/v1/tickets", map[string]any{"store": berlin, "device": d.Public()}).want(201, &d.ticketAnswer)
	return d
}

func (s *shop) shown(d device, at time.Time) string {
	s.t.Helper()
	return must(d.Device.Code(d.ticketAnswer.Code, d.Ticket, d.Turns, at))(s.t)
}

// TestACodeThatChangesIsShown: it lets in, and a picture of it does not.
func TestACodeThatChangesIsShown(t *testing.T) {
	s := openShop(t)
	lea, tom := s.phone("lea"), s.phone("tom")
	if ans := s.present(s.entry(s.shown(tom, s.now().Add(-time.Minute)))); ans.Reason != ledger.RefusedCopied {
		t.Errorf("a picture taken a minute ago is answered %+v, want copied", ans)
	}
	if ans := s.present(s.entry(tom.ticketAnswer.Code)); ans.Reason != ledger.RefusedUnread {
		t.Errorf("a ticket without its changing part is answered %+v, want unread", ans)
	}
	ans := s.present(s.entry(s.shown(lea, s.now())))
	if ans.Decision != engine.GateEntered {
		t.Fatalf("the code is answered %+v, want entered", ans)
	}
	if ans := s.present(s.entry(s.shown(lea, s.now()))); ans.Reason != ledger.RefusedReplayed {
		t.Errorf("the code at another gate is answered %+v, want replayed", ans)
	}
	if err := s.api.s.Visits.WaitFor(t.Context(), must(s.log.Head(t.Context()))(t)); err != nil {
		t.Fatal(err)
	}
	page := s.send("lea", "GET", "/visits/"+string(ans.Visit), nil, "Accept", "text/html").want(200).Body.String()
	if !strings.Contains(page, "This code was shown again at gate-1") {
		t.Error("her visit's page does not tell lea that her code was shown again")
	}
	s.jump(5 * time.Minute)
	s.send("gate", "POST", "/v1/gate/exits", map[string]any{
		"id": s.id(), "occurred_at": s.now(), "gate": "gate-1", "code": s.shown(lea, s.now()),
	}).want(200)
	if c := s.send("lea", "POST", "/v1/tickets", map[string]any{"device": "AAAA"}); c.Code != 422 {
		t.Errorf("a device key that is none is answered %d, want 422", c.Code)
	}
}

// TestACutOffGateTellsLater: its keys check the code, and the server takes the
// entry whenever it comes.
func TestACutOffGateTellsLater(t *testing.T) {
	s := openShop(t)
	var keys gateKeysAnswer
	s.send("gate", "GET", "/v1/gate/keys", nil).want(200, &keys)
	if len(keys.Tickets) != 1 || len(keys.Rotation) != 32 {
		t.Fatalf("keys = %d and %d bytes, want one and 32", len(keys.Tickets), len(keys.Rotation))
	}
	lea := s.phone("lea")
	e := s.entry(s.shown(lea, s.now()))
	e["offline"] = true
	s.jump(time.Hour) // the code has long ended
	// The gate at the exit was cut off too, and its line is back first.
	exit := map[string]any{"id": s.id(), "occurred_at": s.now(), "gate": "gate-3", "code": e["code"]}
	stray := map[string]any{"id": s.id(), "occurred_at": s.now(), "gate": "gate-3", "code": s.shown(s.phone("tom"), s.now())}
	for _, x := range []map[string]any{exit, stray} {
		if c := s.send("gate", "POST", "/v1/gate/exits", x); c.Code != 425 {
			t.Fatalf("an exit before its entry is answered %d, want 425", c.Code)
		}
	}
	ans := s.present(e)
	if ans.Decision != engine.GateEntered || ans.Visit != ledger.VisitID(lea.Ticket.String()) {
		t.Fatalf("the late entry is answered %+v, want entered", ans)
	}
	second := s.entry(e["code"].(string))
	second["offline"], second["gate"], second["occurred_at"] = true, "gate-2", e["occurred_at"]
	other := s.present(second)
	if other.Decision != engine.GateEntered || other.Visit == ans.Visit {
		t.Fatalf("the same code at another gate is answered %+v, want a visit of its own", other)
	}
	s.send("gate", "POST", "/v1/gate/exits", exit).want(200)
	s.jump(earlyFor)
	s.send("gate", "POST", "/v1/gate/exits", stray).want(404)
	for _, v := range []ledger.VisitID{ans.Visit, other.Visit} {
		s.until(string(v), "asked about", func(v visitView) bool {
			return len(v.Cart.Open) == 1 && !v.Cart.Open[0].Deadline.IsZero()
		})
	}
	var reviews list[reviewItem]
	s.send("anna", "GET", "/v1/reviews", nil).want(200, &reviews)
	if len(reviews.Items) != 2 || reviews.Items[0].Gate == nil {
		t.Fatalf("reviews = %+v, want both visits", reviews.Items)
	}
	s.sees("anna", "/reviews", "One code opened two gates?", "It is not: charge nothing")
	s.send("anna", "POST", "/v1/reviews/"+reviews.Items[0].Detection.String()+"/decision", map[string]any{
		"verdict": "disowned", "reason": "the phone was stolen",
	}, "Idempotency-Key", s.id().String()).want(200)
	s.sees("olga", "/visits/"+string(reviews.Items[0].Visit), "not this shopper")
	none := s.entry("")
	delete(none, "code")
	none["credential"], none["offline"] = "none", true
	if c := s.send("gate", "POST", "/v1/gate/entries", none); c.Code != 422 {
		t.Errorf("a stranger at a cut-off gate is answered %d, want 422", c.Code)
	}
}

// TestTheShopperSeesACodeThatChanges looks at it in a browser as a gate's
// camera does.
func TestTheShopperSeesACodeThatChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	s := openShop(t)
	b := openBrowser(t, s)
	b.signIn(s, "lea")
	b.do(chromedp.Navigate(b.url + "/code"))
	b.wait(`!!document.querySelector("[data-shown-code]")?.dataset.code`)
	b.wide(390, 844)
	shown := b.text(`document.querySelector("[data-shown-code]").dataset.code`)
	// The page goes by the server's clock, which is what this test's is too.
	if _, err := s.api.verifier().Verify(s.now(), berlin, shown); err != nil {
		t.Errorf("the code that the page shows: %v, want entry", err)
	}
	if ans := s.present(s.entry(shown)); ans.Decision != engine.GateEntered {
		t.Errorf("the code that the page shows is answered %+v, want entered", ans)
	}
	b.do(chromedp.EmulateViewport(800, 1000))
	png := must(chromedp.Run(b.ctx, chromedp.FullScreenshot(100)))(t)
	m, _, err := image.Decode(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	got, err := qr.Decode(qr.Gray(m), qr.Full)
	if err != nil || !strings.HasPrefix(got, ticket.PrefixRotating) {
		t.Fatalf("Decode(the page) = %q, %v, want a code that changes", got, err)
	}
	b.text(`{ const now = Date.now; Date.now = () => now() + 15000; "15 s pass" }`)
	b.wait(`document.querySelector("[data-shown-code]").dataset.code !== "` + shown + `"`)

	// Codes of every size it can draw are read as they were written.
	b.do(chromedp.Evaluate[chromedp.Void](`import("/static/code.js").then(m => { window.qr = m.qr; }); undefined`))
	b.wait(`!!window.qr`)
	for n := 100; n <= 330; n += 23 {
		text := strings.Repeat("VT2-ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 10)[:n]
		rows := strings.Split(b.text(`window.qr("`+text+`").map(r => r.join("")).join(",")`), ",")
		if got, err := qr.Decode(modules(rows), qr.Full); err != nil || got != text {
			t.Errorf("%d characters, %d modules: Decode = %q, %v, want them", n, len(rows), got, err)
		}
	}
	if len(b.errors) > 0 {
		t.Errorf("the console complains: %v", b.errors)
	}
}

// modules draws rows of 0 and 1 as a code with its border.
func modules(rows []string) *image.Gray {
	const px, border = 4, 4
	side := (len(rows) + 2*border) * px
	g := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			u, v := x/px-border, y/px-border
			if u < 0 || v < 0 || v >= len(rows) || u >= len(rows[v]) || rows[v][u] == '0' {
				g.Pix[y*side+x] = 255
			}
		}
	}
	return g
}
