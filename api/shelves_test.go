package api

import (
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// shelfChange is what cam-1 says of slot A1.
func (s *shop) shelfChange(purpose ledger.ShelfPurpose, action ledger.Action, sku string, left int, more ...any) map[string]any {
	m := map[string]any{
		"id": s.id(), "occurred_at": s.now(), "sensor": "cam-1", "slot": "A1", "sku": sku, "purpose": purpose, "action": action,
		"quantity": 1, "confidence": 900, "left": left, "sure": 1000, "untidy": false, "model": "vouch-shelf/1",
	}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

const shelfAt = "/v1/shops/berlin-1/shelf-changes"

// slot returns what the operator is told of the only slot.
func (s *shop) slot() slotView {
	s.t.Helper()
	var l list[slotView]
	s.send("olga", "GET", "/v1/shelves?store=berlin-1", nil).want(200, &l)
	if len(l.Items) != 1 {
		s.t.Fatalf("slots = %+v, want A1 alone", l.Items)
	}
	return l.Items[0]
}

// TestTheOperatorSeesWhatWasDoneOnTheShelves: staff restocks, a shopper takes
// one and leaves another's product, staff puts that right; nobody is charged
// for any of it but the one that was taken.
func TestTheOperatorSeesWhatWasDoneOnTheShelves(t *testing.T) {
	s := openShop(t)
	if page := s.send("olga", "GET", "/shelves", nil, "Accept", "text/html").Body.String(); !strings.Contains(page, "Nothing was restocked") {
		t.Error("an empty page of shelves does not say so")
	}
	restock := s.shelfChange(ledger.ShelfRestocking, ledger.ActionReturn, "cola", 6, "quantity", 3)
	for range 2 { // the outbox may send it twice
		s.send("gate", "POST", shelfAt, restock).want(201)
	}
	if v := s.slot(); v.Left != 6 || v.Untidy || v.Purpose != ledger.ShelfRestocking || v.Quantity != 3 || v.Planned != "cola" {
		t.Errorf("slot = %+v, want six of the planned cola, three of them new", v)
	}
	see := s.see("take", "cola", "A1", 990)
	see["detection"].(map[string]any)["sensor"] = "cam-1"
	s.send("gate", "POST", "/v1/detections", see).want(201)
	if v := s.slot(); v.Left != 5 || v.Sure >= 1000 {
		t.Errorf("slot = %+v, want five after one was taken, and less sure", v)
	}
	s.send("gate", "POST", shelfAt, s.shelfChange(ledger.ShelfStraying, ledger.ActionMove, "chocolate", 6, "home", "A2", "untidy", true)).want(201)
	if v := s.slot(); !v.Untidy || v.Stray != "chocolate" || v.Home != "A2" || v.Left != 6 {
		t.Errorf("slot = %+v, want it untidy with chocolate of A2", v)
	}
	page := s.send("olga", "GET", "/shelves", nil, "Accept", "text/html").Body.String()
	for _, want := range []string{"Untidy", "belongs to A2", "6, 100 % sure", "astray", `aria-current="page">Devices`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of shelves does not say %q", want)
		}
	}
	s.send("gate", "POST", shelfAt, s.shelfChange(ledger.ShelfTidying, ledger.ActionTake, "chocolate", 5, "home", "A2")).want(201)
	if v := s.slot(); v.Untidy || v.Stray != "" || v.Left != 5 {
		t.Errorf("slot = %+v, want it tidy", v)
	}
	for r, err := range s.log.Read(t.Context(), ledger.Query{Kinds: []ledger.Kind{ledger.KindShelfChanged}}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Stream != ledger.DeviceStream(berlin, "cam-1") {
			t.Errorf("a change of the shelf is in %s, want it in no visit's stream", r.Stream)
		}
	}
}

func TestAShelfOfAnotherShopIsNotSpokenFor(t *testing.T) {
	s := openShop(t)
	// A device's key is of its own shop, and is not told which others there are.
	s.send("gate", "POST", "/v1/shops/munich-9/shelf-changes", s.shelfChange(ledger.ShelfTidying, ledger.ActionTake, "cola", 1)).want(404)
	s.send("olga", "POST", "/v1/shops/munich-9/shelf-changes", s.shelfChange(ledger.ShelfTidying, ledger.ActionTake, "cola", 1)).want(404)
	s.send("gate", "POST", shelfAt, s.shelfChange("shopping", ledger.ActionTake, "cola", 1)).want(400)
	late := s.shelfChange(ledger.ShelfTidying, ledger.ActionTake, "cola", 1, "clock_offset_ms", -3_600_000)
	at := ledger.Instant(s.now().Add(-time.Second))
	late["occurred_at"] = at.Add(time.Hour)
	s.send("gate", "POST", shelfAt, late).want(201)
	if v := s.slot(); !v.Changed.Equal(at) {
		t.Errorf("changed at %v, want %v on the server's clock", v.Changed, at)
	}
}

// shelfSamples are requests for [TestWhoMaySeeWhat].
func (s *shop) shelfSamples() map[string]sample {
	return map[string]sample{
		"GET /v1/shelves": {there: "/v1/shelves", list: true},
		"GET /shelves":    {there: "/shelves", list: true},
		"POST /v1/shops/:store/shelf-changes": {
			there: shelfAt, missing: "/v1/shops/nowhere/shelf-changes",
			body: func(bool) any { return s.shelfChange(ledger.ShelfRestocking, ledger.ActionReturn, "cola", 1) },
		},
	}
}
