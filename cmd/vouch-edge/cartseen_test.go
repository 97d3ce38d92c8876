package main

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
)

// withPictures skips what needs frames to be encoded.
func withPictures(t *testing.T) {
	t.Helper()
	if _, err := cv.NewFrame(1, 1, make([]byte, 3)); errors.Is(err, cv.ErrNoOpenCV) {
		t.Skip("built without OpenCV: a cart has no evidence")
	}
}

// seen is an event of a visit with its evidence.
type seen struct {
	Event struct {
		Kind ledger.Kind
		Body struct {
			Items   []ledger.ItemHypothesis
			Actions []ledger.ActionHypothesis
			Offset  int `json:"clock_offset_ms"`
		}
	}
	Evidence []ledger.EvidenceRef
}

func (s *cartShop) seen(visit string) (all []seen) {
	s.t.Helper()
	var replay struct{ Steps []seen }
	s.ask(keys.Operator, http.MethodGet, "/v1/visits/"+visit+"/replay", nil, &replay)
	for _, e := range replay.Steps {
		if e.Event.Kind == ledger.KindDetectionRecorded || e.Event.Kind == ledger.KindCartWeighed {
			all = append(all, e)
		}
	}
	return all
}

// roles returns what an event shows, without the copies.
func (e seen) roles() string {
	var all []string
	for _, r := range e.Evidence {
		if r.Of == "" {
			all = append(all, r.Role)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// wantShown requires that every piece of the evidence is at the server, and that
// the shopper sees the copies and no original. A picture in which nothing was to
// be hidden is its own copy, also where another event of the visit says so: the
// view after one piece is that before the next.
func (s *cartShop) wantShown(visit string, e seen, all []seen) {
	s.t.Helper()
	var named []ledger.EvidenceRef
	for _, o := range all {
		named = append(named, o.Evidence...)
	}
	var bytes int64
	for _, r := range e.Evidence {
		bytes += r.Bytes
		path := "/v1/evidence/" + string(r.Digest) + "?visit=" + visit
		if code, _ := s.look(keys.Operator, path, "*/*"); code != http.StatusOK {
			s.t.Errorf("%s of a %s answers %d to staff", r.Role, e.Event.Kind, code)
		}
		hidden := r.Original() && !slices.ContainsFunc(named, func(o ledger.EvidenceRef) bool {
			return o.Digest == r.Digest && !o.Original() // nothing was to be hidden
		})
		want := http.StatusOK
		if hidden {
			want = http.StatusForbidden
		}
		if code, _ := s.look(keys.Shopper, path, "*/*"); code != want {
			s.t.Errorf("%s of a %s answers %d to its shopper, want %d", r.Role, e.Event.Kind, code, want)
		}
	}
	s.t.Logf("%s of %v: %s, %d kB", e.Event.Kind, e.Event.Body.Items, e.roles(), bytes/1000)
}

// dispute disputes the first line of a receipt and returns the page on which its
// shopper and the staff look at it.
func (s *cartShop) dispute(visit string, r ledger.ReceiptDocument) (page string) {
	s.t.Helper()
	var d struct{ Dispute string }
	s.ask(keys.Shopper, http.MethodPost, "/v1/receipts/"+r.Number+"/disputes",
		map[string]any{"line": 1, "claim": "not_taken", "quantity": 1, "message": "I put it back"}, &d)
	code, page := s.look(keys.Shopper, "/visits/"+visit, "text/html")
	if code != http.StatusOK {
		s.t.Fatalf("the page of the visit answers %d", code)
	}
	return page
}
