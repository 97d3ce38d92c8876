//go:build opencv

package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/billing/shopfile"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/planogram"
)

// drawnFile is a shop that sells them.
func drawnFile(*cartShop) shopfile.File {
	p := func(sku, price string) shopfile.Product {
		return shopfile.Product{SKU: ledger.SKU(sku), Name: sku, Category: "Food", TaxCategory: "food", Price: price}
	}
	return shopfile.File{
		Store: "shop-1", Catalogue: "food", ValidFrom: time.Now().Add(-48 * time.Hour).UTC().Truncate(time.Second),
		Seller: ledger.Seller{
			Name: "Corner Shop", Address: "Torstraße 1, 10119 Berlin", TaxID: "DE123456789", Currency: "EUR", Timezone: "Europe/Berlin",
		},
		Policy: shopfile.Policy{
			Hold: "50.00", ItemMin: 500, ActionMin: 500, PersonMin: 800, ReviewSeconds: 24 * 3600,
			OnDeadline: ledger.ForShopper, GraceMillis: 50, GateSeconds: 20, DisputeDays: 30,
		},
		Taxes:    []shopfile.Tax{{Category: "food", Jurisdiction: "DE", Rate: "0.07", Inclusive: true, Rounding: money.HalfUp}},
		Products: []shopfile.Product{p("water-still", "0.89"), p("oat-biscuits", "2.19"), p("orange-juice", "1.99"), p("cola-can", "1.09"), p("honey-jar", "4.99")},
	}
}

// drawShelf renders a shelf and returns its folder.
func drawShelf(t *testing.T, seed int, scenario string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "scenario.txt")
	if err := os.WriteFile(path, []byte(scenario), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := runEdge(t, "render", "shelf", "--scenario", path, "--seed", fmt.Sprint(seed), "--out", dir); err != nil {
		t.Fatal(out, err)
	}
	return dir
}

// photographShelf cuts pictures of five products out of drawn shelves, each into
// the folder of its SKU.
func photographShelf(t *testing.T) string {
	t.Helper()
	catalogue := t.TempDir()
	for seed := range 5 {
		dir := drawShelf(t, 20+seed, fmt.Sprintf("noise %d, lights@0.3s, seconds 1", 1+seed))
		plan, err := planogram.Load(filepath.Join(dir, "planogram.json"))
		if err != nil {
			t.Fatal(err)
		}
		film, err := cv.Open(filepath.Join(dir, "shelf.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		for range 4 * seed {
			must(film.Next())(t).Close()
		}
		f := must(film.Next())(t)
		img := image.NewRGBA(image.Rect(0, 0, f.Width(), f.Height()))
		for i, b := 0, f.BGR(); i < f.Width()*f.Height(); i++ {
			img.Set(i%f.Width(), i/f.Width(), color.RGBA{b[3*i+2], b[3*i+1], b[3*i], 255})
		}
		f.Close()
		if err := film.Close(); err != nil {
			t.Fatal(err)
		}
		for _, s := range plan.Slots {
			r := image.Rectangle{Min: img.Rect.Max}
			for _, p := range s.Polygon {
				r.Min.X, r.Min.Y, r.Max.X, r.Max.Y = min(r.Min.X, p[0]), min(r.Min.Y, p[1]), max(r.Max.X, p[0]), max(r.Max.Y, p[1])
			}
			path := filepath.Join(catalogue, s.SKU, fmt.Sprintf("%d.png", seed))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := png.Encode(&b, img.SubImage(r)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return catalogue
}

// trainOn trains a model on a catalogue and returns its file.
func trainOn(t *testing.T, catalogue, name string, more ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".vmodel")
	args := append([]string{"train", "--catalogue", catalogue, "--out", file, "--name", name, "--version", "1", "--licence", "ours"}, more...)
	if out, err := runEdge(t, args...); err != nil || !strings.HasPrefix(out, name+"@1 sha256:") {
		t.Fatalf("vouch-edge train = %v\n%s", err, out)
	}
	return file
}

// TestADisputedClaimIsLookedAtAgain follows one charge: a model that learned two
// products the wrong way round sells water as biscuits, the shopper disputes it,
// a better model looks at the stored evidence, and everybody sees what it found
// and what the receipt would have been. The receipt itself stays as it was.
func TestADisputedClaimIsLookedAtAgain(t *testing.T) {
	s := openShopSelling(t, t.TempDir(), drawnFile)
	catalogue := photographShelf(t)
	better := trainOn(t, catalogue, "better")
	swapFolders(t, catalogue, "water-still", "oat-biscuits")
	old := trainOn(t, catalogue, "old")

	visit, detection := s.buyLeft(old)
	number := s.receipt(visit)
	if len(number.Lines) != 1 || number.Lines[0].SKU != "oat-biscuits" || number.Gross.Minor != 219 {
		t.Fatalf("the receipt is over %v, %s, want biscuits for 2.19", number.Lines, number.Gross)
	}
	s.ask(keys.Shopper, http.MethodPost, "/v1/receipts/"+number.Number+"/disputes", map[string]any{
		"line": 1, "claim": "wrong_item", "quantity": 1,
	}, new(json.RawMessage))

	// Before the better model is let live it is compared, and nothing is told.
	since := time.Now().Add(-time.Hour).Format(time.RFC3339)
	args := []string{"reverify", "--server", s.direct, "--key", s.keys[keys.Reviewer], "--model", better}
	out := must(runEdge(t, append(args, "--all", "--since", since, "--dry-run")...))(t)
	for _, want := range []string{
		"claimed oat-biscuits  sees water-still", "0.89 EUR instead of 2.19 EUR", "1 visits, 1 detections: agrees 0, differs 1",
		"1 visits would have been asked for another sum", "0.00 EUR more, 1.30 EUR less", "the server was told nothing",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("reverify --all --dry-run does not say %q:\n%s", want, out)
		}
	}
	s.wantLooks(visit, 0)

	// It looks at the disputed visit, and so does the old one again.
	out = must(runEdge(t, append(args, visit)...))(t)
	if !strings.Contains(out, "claimed oat-biscuits  differs, sees water-still") {
		t.Errorf("reverify = %s, want water where biscuits were claimed", out)
	}
	must(runEdge(t, append(args, visit)...))(t) // the same again is the same look
	s.wantLooks(visit, 1)
	out = must(runEdge(t, "reverify", "--server", s.direct, "--key", s.keys[keys.Reviewer], "--model", old, "--json", visit))(t)
	if !strings.Contains(out, `"agreement":"agrees"`) {
		t.Errorf("the old model looking again = %s, want that it agrees with itself", out)
	}
	s.wantLooks(visit, 2)

	page := s.page(keys.Reviewer, "/visits/"+visit)
	desk, _, _ := strings.Cut(page[max(0, strings.Index(page, `id="disputes"`)):], "</section>")
	if !strings.Contains(page, "Looked at again: it differs") || !strings.Contains(desk, "Differs") || !strings.Contains(desk, "better@1 sees") {
		t.Error("the dispute's card does not show the second look beside the claim")
	}
	after := s.receipt(visit)
	if after.Number != number.Number || after.Gross != number.Gross {
		t.Errorf("after the looks the receipt is %s over %s, want it as it was", after.Number, after.Gross)
	}
	s.wonder(number.Number, better, detection)
}

// swapFolders lets two folders of a catalogue change names.
func swapFolders(t *testing.T, catalogue, a, b string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(catalogue, name) }
	for _, m := range [][2]string{{a, "aside"}, {b, a}, {"aside", b}} {
		if err := os.Rename(at(m[0]), at(m[1])); err != nil {
			t.Fatal(err)
		}
	}
}

// buyLeft takes what stands in the left slot, seen by a model, and leaves. It
// returns the visit and the detection.
func (s *cartShop) buyLeft(model string) (visit string, detection ledger.ID) {
	s.t.Helper()
	id := func() ledger.ID {
		v, err := ledger.NewID(time.Now(), rand.Reader)
		if err != nil {
			s.t.Fatal(err)
		}
		return v
	}
	var in struct{ Visit, Decision string }
	s.ask(keys.Device, http.MethodPost, "/v1/gate/entries", map[string]any{
		"id": id(), "occurred_at": time.Now(), "store": "shop-1", "gate": "gate-1", "place": "gate", "code": s.ticket(), "party": 1,
	}, &in)
	if in.Decision != "entered" {
		s.t.Fatalf("the gate says %+v", in)
	}
	dir := drawShelf(s.t, 3, "take left@3s, seconds 7")
	plan := filepath.Join(dir, "planogram.json")
	b, err := os.ReadFile(plan)
	if err != nil {
		s.t.Fatal(err)
	}
	// The planogram is as wrong as the model: somebody filled the shelf otherwise.
	b = []byte(strings.NewReplacer("water-still", "oat-biscuits", "oat-biscuits", "water-still").Replace(string(b)))
	if err := os.WriteFile(plan, b, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if out, err := runEdge(s.t, "watch", "--video", filepath.Join(dir, "shelf.mp4"), "--planogram", plan, "--recogniser", model,
		"--server", s.direct, "--key", s.keys[keys.Device], "--store", "shop-1", "--sensor", "cam-1", "--person", in.Visit,
		"--outbox", filepath.Join(dir, "outbox"), "--evidence", filepath.Join(dir, "evidence"), "--drain", "2m"); err != nil {
		s.t.Fatal(out, err)
	}
	s.ask(keys.Device, http.MethodPost, "/v1/gate/exits", map[string]any{
		"id": id(), "occurred_at": time.Now(), "gate": "gate-1", "visit": in.Visit,
	}, new(json.RawMessage))
	seen := s.detections(in.Visit)
	if len(seen) != 1 || !strings.Contains(seen[0].Claim.Model, "old@1 sha256:") {
		s.t.Fatalf("detections = %+v, want one that names the model and its digest", seen)
	}
	return in.Visit, seen[0].ID
}

// looked is a detection with its second looks.
type looked struct {
	ID         ledger.ID                `json:"id"`
	Claim      ledger.DetectionRecorded `json:"claim"`
	Reverified []json.RawMessage        `json:"reverified"`
}

func (s *cartShop) detections(visit string) []looked {
	s.t.Helper()
	var list struct{ Items []looked }
	s.ask(keys.Device, http.MethodGet, "/v1/visits/"+visit+"/detections", nil, &list)
	return list.Items
}

func (s *cartShop) wantLooks(visit string, n int) {
	s.t.Helper()
	if got := s.detections(visit); len(got[0].Reverified) != n {
		s.t.Errorf("%d second looks are kept, want %d", len(got[0].Reverified), n)
	}
}

// page returns a page as somebody sees it.
func (s *cartShop) page(who keys.Role, path string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.direct+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.keys[who])
	req.Header.Set("Accept", "text/html")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s %v", path, res.Status, err)
	}
	return string(b)
}

// wonder asks the ledger what the receipt would have been, by the better model
// and by the last that looked, and checks that nothing is written by it.
func (s *cartShop) wonder(number, better string, detection ledger.ID) {
	s.t.Helper()
	said := must(runEdge(s.t, "models", better))(s.t)
	_, digest, _ := strings.Cut(strings.Fields(said)[1], "sha256:")
	s.eventually("the money to be settled", func() bool {
		var v struct{ Status string }
		s.ask(keys.Operator, http.MethodGet, "/v1/visits/"+s.visitOf(number), nil, &v)
		return v.Status == "settled"
	})
	before := s.vouchSays("replay", "--data", s.data, number, "--json")
	out := s.vouchSays("replay", "--data", s.data, number, "--what-if", "reverified:sha256:"+digest)
	for _, want := range []string{
		detection.String(), "oat-biscuits -> water-still", "issued             2.19 EUR", "would be           0.89 EUR  -130 minor units",
		"nothing was written",
	} {
		if !strings.Contains(out, want) {
			s.t.Errorf("replay --what-if does not say %q:\n%s", want, out)
		}
	}
	// The old model looked last, and agreed with itself.
	if out := s.vouchSays("replay", "--data", s.data, number, "--what-if", "reverified"); !strings.Contains(out, "2.19 EUR  +0 minor units") {
		s.t.Errorf("replay --what-if by the last look = %s, want the receipt as it was", out)
	}
	var story vision.WhatIfAnswer
	s.ask(keys.Reviewer, http.MethodPost, "/v1/visits/"+s.visitOf(number)+"/what-if", map[string]any{"model_digest": "sha256:" + digest}, &story)
	if story.Claims != 1 || story.Change.Minor != -130 {
		s.t.Errorf("what if over the API = %+v, want 1.30 less", story)
	}
	if after := s.vouchSays("replay", "--data", s.data, number, "--json"); after != before {
		s.t.Errorf("the visit before and after asking:\n%s%s", before, after)
	}
}

// visitOf returns the visit of a receipt.
func (s *cartShop) visitOf(number string) string {
	s.t.Helper()
	var r struct{ Document ledger.ReceiptDocument }
	s.ask(keys.Reviewer, http.MethodGet, "/v1/receipts/"+number, nil, &r)
	return string(r.Document.Visit)
}

// vouchSays runs vouch beside the server and returns what it prints.
func (s *cartShop) vouchSays(args ...string) string {
	s.t.Helper()
	b, err := exec.CommandContext(s.t.Context(), s.vouch, args...).Output()
	if err != nil {
		s.t.Fatalf("vouch %v: %v\n%s", args, err, b)
	}
	return string(b)
}

// must is for calls that may not go wrong.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(v, err)
		}
		return v
	}
}
