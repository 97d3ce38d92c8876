package evidencepack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

const visit = ledger.VisitID("01935700-0001-7000-8000-000000000001")

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

// history is a visit's records as a log would give them.
type history struct {
	t       *testing.T
	records []ledger.Record
	next    map[ledger.StreamID]uint64
	now     time.Time
	shots   map[ledger.Digest][]byte
}

func newHistory(t *testing.T) *history {
	return &history{t: t, next: map[ledger.StreamID]uint64{}, now: noon, shots: map[ledger.Digest][]byte{}}
}

// say appends what happened, so much later, and returns its id.
func (h *history) say(stream ledger.StreamID, later time.Duration, p ledger.Payload) ledger.ID {
	h.t.Helper()
	h.now = h.now.Add(later)
	n := len(h.records)
	d, err := ledger.NewDraft(ledger.Meta{ID: ledger.DeriveID(ledger.ID{}, fmt.Sprint(n)), Occurred: h.now, Actor: "test"}, p)
	if err != nil {
		h.t.Fatal(err)
	}
	h.records = append(h.records, ledger.Record{
		ID: d.ID, Kind: d.Kind, Stream: stream, Revision: h.next[stream], Position: uint64(4711 + n),
		Recorded: h.now.Add(time.Millisecond), Occurred: d.Occurred, Actor: d.Actor, Body: d.Body,
	})
	h.next[stream]++
	return d.ID
}

func (h *history) visit(later time.Duration, p ledger.Payload) ledger.ID {
	h.t.Helper()
	return h.say(ledger.VisitStream(visit), later, p)
}

func (h *history) payment(later time.Duration, p ledger.Payload) ledger.ID {
	h.t.Helper()
	return h.say(ledger.PaymentStream(visit), later, p)
}

// shot is a picture of a shelf with an empty place.
func (h *history) shot(role string, hue uint8, gap int) ledger.EvidenceRef {
	h.t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 640, 360))
	for y := range 360 {
		for x := range 640 {
			c := color.RGBA{225, 222, 214, 255}
			bottle := x / 80
			if y > 90 && y < 300 && x%80 > 18 && x%80 < 62 && bottle != gap {
				c = color.RGBA{hue, uint8(60 + 20*bottle), 70, 255}
			}
			if y >= 300 && y < 312 {
				c = color.RGBA{90, 80, 70, 255}
			}
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		h.t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	d := ledger.Digest("sha256:" + hex.EncodeToString(sum[:]))
	h.shots[d] = b.Bytes()
	return ledger.EvidenceRef{Role: role, Digest: d, MediaType: "image/jpeg", Bytes: int64(b.Len())}
}

func (h *history) frame(d ledger.Digest) ([]byte, error) {
	if b, ok := h.shots[d]; ok {
		return b, nil
	}
	return nil, errors.New("no such picture")
}

var seller = ledger.Seller{
	Name: "Eckladen Müller GmbH", Address: "Hauptstraße 1\n10115 Berlin", TaxID: "DE123456789", Currency: "EUR",
	Timezone: "Europe/Berlin",
}

func (h *history) enter() {
	h.visit(0, ledger.GatePresented{
		Visit: visit, Store: "s1", Gate: "gate-1", Place: ledger.PlaceGate, Credential: ledger.CredentialQR, Ticket: string(visit),
		Shopper: "anna", Customer: "cus_1", PaymentMethod: "pm_1", Party: 1, Seller: seller, Catalogue: "c1",
		Policy: ledger.Policy{
			Hold: eur(5000), ItemMin: 900, ActionMin: 900, PersonMin: 800, ReviewSeconds: 60,
			OnDeadline: ledger.ForShopper, GraceMillis: 500, GateSeconds: 10, DisputeDays: 14,
		},
	})
	h.payment(100*time.Millisecond, ledger.Held{Intent: ledger.DeriveID(ledger.ID{}, "hold"), Object: "pi_1", Amount: eur(5000)})
	h.visit(100*time.Millisecond, ledger.GateEntered{Visit: visit, Gate: "gate-1", Hold: eur(5000)})
}

// takes is a detection of one piece, with the shelf before and after.
func (h *history) takes(sku ledger.SKU, slot string, hue uint8, gap int) (ledger.ID, []ledger.Digest) {
	refs := []ledger.EvidenceRef{h.shot("before", hue, -1), h.shot("after", hue, gap)}
	id := h.visit(20*time.Second, ledger.DetectionRecorded{
		Store: "s1", Sensor: "cam-1", Source: ledger.SensorCamera, Slot: slot,
		Items:   []ledger.ItemHypothesis{{SKU: sku, Confidence: 970}},
		Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 960}},
		Persons: []ledger.PersonHypothesis{{Visit: visit, Confidence: 940}}, Presence: []ledger.PersonHypothesis{},
		Quantity: 1, Grams: -350, Model: "slot-diff 1.0", Evidence: refs,
	})
	return id, []ledger.Digest{refs[0].Digest, refs[1].Digest}
}

// sees is a detection whose pictures are named alone.
func (h *history) sees(sku ledger.SKU, slot string, _ uint8, _ int) (ledger.ID, []ledger.Digest) {
	var refs []ledger.EvidenceRef
	var digests []ledger.Digest
	for _, role := range []string{"before", "after"} {
		sum := sha256.Sum256([]byte(slot + role))
		d := ledger.Digest("sha256:" + hex.EncodeToString(sum[:]))
		digests = append(digests, d)
		refs = append(refs, ledger.EvidenceRef{Role: role, Digest: d, MediaType: "image/jpeg", Bytes: 1})
	}
	id := h.visit(time.Second, ledger.DetectionRecorded{
		Store: "s1", Sensor: "cam-1", Source: ledger.SensorCamera, Slot: slot,
		Items:   []ledger.ItemHypothesis{{SKU: sku, Confidence: 970}},
		Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 960}},
		Persons: []ledger.PersonHypothesis{{Visit: visit, Confidence: 940}}, Presence: []ledger.PersonHypothesis{},
		Quantity: 1, Model: "slot-diff 1.0", Evidence: refs,
	})
	return id, digests
}

func line(no int, sku ledger.SKU, name string, n int, unit int64, cause ledger.ID, shots []ledger.Digest) ledger.ReceiptLine {
	gross := unit * int64(n)
	tax := gross * 19 / 119
	return ledger.ReceiptLine{
		No: no, SKU: sku, Name: name, Category: "drinks", Quantity: n, Unit: eur(unit), Net: eur(gross - tax), Tax: eur(tax),
		Gross: eur(gross), TaxRule: ledger.TaxRule{
			Category: "standard", Jurisdiction: "DE", Rate: "0.19", Inclusive: true, Rounding: money.HalfUp,
		},
		Check: ledger.CheckReviewed, Causes: []ledger.ID{cause}, Evidence: shots,
	}
}

func receipt(number, corrects string, lines ...ledger.ReceiptLine) ledger.ReceiptDocument {
	d := ledger.ReceiptDocument{
		Number: number, Corrects: corrects, Visit: visit, Store: "s1", Seller: seller, Entered: noon, Exited: noon.Add(2 * time.Minute),
		Issued: noon.Add(3 * time.Minute), Lines: lines, Pending: []ledger.PendingItem{}, Net: eur(0), Tax: eur(0), Gross: eur(0),
		Events: 9,
	}
	for _, l := range lines {
		d.Net.Minor += l.Net.Minor
		d.Tax.Minor += l.Tax.Minor
		d.Gross.Minor += l.Gross.Minor
	}
	d.Taxes = []ledger.TaxTotal{{Rule: lines[0].TaxRule, Net: d.Net, Tax: d.Tax}}
	return d
}

// shopping is a visit with two items, of which a person looked at one and the
// shopper got one back after a complaint.
func shopping(t *testing.T) *history {
	h := newHistory(t)
	h.enter()
	cola, colaShots := h.takes("cola-330", "A3", 180, 2)
	tea, teaShots := h.takes("tea-500", "B1", 60, 5)
	h.visit(10*time.Second, ledger.ItemPriced{
		Detection: cola, SKU: "cola-330", Name: "Cola 0,33 l", Category: "drinks", Unit: eur(199), Price: ledger.DeriveID(ledger.ID{}, "p"),
		Tax: line(1, "", "", 1, 1, cola, nil).TaxRule,
	})
	h.visit(0, ledger.ReviewRequested{
		Detection: tea, Doubts: []ledger.Doubt{ledger.DoubtItem}, AtRisk: eur(249), Deadline: noon.Add(time.Hour),
	})
	h.visit(15*time.Second, ledger.ReviewDecided{
		Detection: tea, Verdict: ledger.VerdictConfirmed, SKU: "tea-500", Action: ledger.ActionTake, Quantity: 1, Visit: visit,
		Reviewer: "reviewer:omar", Reason: "label readable on the second frame",
	})
	h.visit(30*time.Second, ledger.GateExited{Visit: visit, Gate: "gate-2"})
	h.visit(time.Second, ledger.ReceiptIssued{Document: receipt("s1-2026-000001", "",
		line(1, "cola-330", "Cola 0,33 l", 1, 199, cola, colaShots), line(2, "tea-500", "Grüner Tee 0,5 l", 2, 249, tea, teaShots))})
	h.payment(time.Second, ledger.Captured{Intent: ledger.DeriveID(ledger.ID{}, "capture"), Object: "pi_1", Amount: eur(697)})
	h.visit(26*time.Hour, ledger.DisputeOpened{
		Dispute: ledger.DeriveID(ledger.ID{}, "d"), Receipt: "s1-2026-000001", Line: 2, Claim: ledger.ClaimNotTaken, Quantity: 1, Message: "only one",
	})
	h.visit(time.Hour, ledger.DisputeDecided{
		Dispute: ledger.DeriveID(ledger.ID{}, "d"), Outcome: ledger.DisputeUpheld, Quantity: 1, Reviewer: "reviewer:omar", Reason: "one was put back",
	})
	h.visit(time.Second, ledger.ReceiptCorrected{
		Document: receipt("s1-2026-000002", "s1-2026-000001",
			line(1, "cola-330", "Cola 0,33 l", 1, 199, cola, colaShots), line(2, "tea-500", "Grüner Tee 0,5 l", 1, 249, tea, teaShots)),
		Change: eur(-249), Because: ledger.DeriveID(ledger.ID{}, "because"),
	})
	intent := h.payment(time.Second, ledger.RefundIntended{
		Visit: visit, Store: "s1", Amount: eur(249), Object: "pi_1", Receipt: "s1-2026-000002", Key: "v1/s1/x/refund/s1-2026-000002/1",
	})
	h.payment(time.Second, ledger.Refunded{Intent: intent, Object: "re_1", Amount: eur(249)})
	h.say(ledger.EvidenceStream(colaShots[0]), time.Hour, ledger.EvidenceViewed{Digest: colaShots[0], By: "reviewer:omar"})
	return h
}

func claim() chargeback.Case {
	return chargeback.Case{
		Chargeback: "dp_1PqX", Visit: visit, Object: "pi_1", Amount: eur(448), Reason: "product_not_received", NetworkCode: "13.1",
		DueBy: noon.Add(14 * 24 * time.Hour), Answer: &ledger.ChargebackAnswered{
			Chargeback: "dp_1PqX", Reply: ledger.ReplyContest, By: "operator:finn", Reason: "Two cameras saw both items being taken.",
		},
	}
}

func collect(t *testing.T, h *history, until uint64) Pack {
	t.Helper()
	p, err := Collect(claim(), h.records, until)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The pack says what happened, what was billed, who looked, what was given
// back and where each event stands in the log.
func TestPackTellsTheVisit(t *testing.T) {
	h := shopping(t)
	p := collect(t, h, 0)
	file, pages, err := p.PDF(h.frame)
	if err != nil {
		t.Fatal(err)
	}
	if pages > 5 || len(file) > 400<<10 {
		t.Errorf("%d pages and %d bytes for a small visit", pages, len(file))
	}
	text := peer.PDFText(t, file)
	for _, want := range []string{
		"dp_1PqX", "product not received (13.1)", "4.48 EUR", "Eckladen Müller GmbH, Hauptstraße 1, 10115 Berlin", "6.97 EUR on 23 November 2026 (pi_1)",
		"13:00:00 to 13:01:35 CET", "s1-2026-000002, corrects s1-2026-000001", "Personal one-use QR code", "Cola 0,33 l", "Grüner Tee 0,5 l",
		"Replaces receipt s1-2026-000001 over 6.97 EUR", "label readable on the second frame", "omar (reviewer)", "re_1", "2.49",
		"Takes 1 × Cola 0,33 l at A3, shelf weight -350 g, seen", "4711", "Two cameras saw both items being taken.", "1 of ",
		"Pictures and clips",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the pack does not say %q:\n%s", want, text)
		}
	}
	hash := p.Timeline[0].Hash
	if !strings.Contains(text, hash[:32]) || !strings.Contains(text, hash[32:]) {
		t.Errorf("the pack lacks the leaf's hash %s", hash)
	}
}

// The same events give the same bytes; one changed event gives others.
func TestSameEventsSameBytes(t *testing.T) {
	h := shopping(t)
	first, again := collect(t, h, 0), collect(t, h, 0)
	a, _, err := first.PDF(h.frame)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := again.PDF(h.frame)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("PDF differs from itself: %d and %d bytes, %v", len(a), len(b), err)
	}
	shuffled := newHistory(t)
	shuffled.records = append(append(shuffled.records, h.records[7:]...), h.records[:7]...)
	other := collect(t, shuffled, 0)
	if c, _, err := other.PDF(h.frame); err != nil || !bytes.Equal(a, c) {
		t.Errorf("PDF hangs on the order in which records were read, %v", err)
	}
	h.records[0].Actor = "somebody else"
	changed := collect(t, h, 0)
	if d, _, err := changed.PDF(h.frame); err != nil || bytes.Equal(a, d) {
		t.Errorf("PDF does not show a changed event, %v", err)
	}
	if diff := cmp.Diff(first.Texts(), again.Texts()); diff != "" {
		t.Errorf("Texts differ from themselves:\n%s", diff)
	}
}

// TestPackTellsOfSecondLooks: what a model found in the stored pictures stands
// in the timeline, also where it speaks against us.
func TestPackTellsOfSecondLooks(t *testing.T) {
	h := newHistory(t)
	h.enter()
	id, shots := h.takes("cola-330", "A3", 180, 2)
	look := func(sku ledger.SKU, says ledger.Agreement) {
		items := []ledger.ItemHypothesis{}
		if sku != "" {
			items = append(items, ledger.ItemHypothesis{SKU: sku, Confidence: 940})
		}
		h.visit(time.Hour, ledger.DetectionReverified{
			Detection: id, Model: "fridge@2 sha256:00", ModelDigest: shots[0], Items: items, Actions: []ledger.ActionHypothesis{},
			Agreement: says, Evidence: []ledger.EvidenceRef{{Role: "before", Digest: shots[0], MediaType: "image/jpeg", Bytes: 1}},
		})
	}
	h.visit(0, ledger.ReceiptIssued{Document: receipt("s1-2026-000001", "", line(1, "cola-330", "Cola 0,33 l", 1, 199, id, shots))})
	look("cola-330", ledger.AgreementAgrees)
	look("mate", ledger.AgreementDiffers)
	look("", ledger.AgreementUnsure)
	var got []string
	for _, e := range collect(t, h, 0).Timeline {
		if said, ok := strings.CutPrefix(e.Words, "The stored pictures were looked at again by fridge@2, which "); ok {
			got = append(got, said)
		}
	}
	want := []string{"agrees: Cola 0,33 l", "differs: mate", "is not sure what they show"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("second looks (-want +got):\n%s", diff)
	}
}

// What was done about the claim itself does not make a pack old.
func TestPackIsNotMadeOldByItself(t *testing.T) {
	h := shopping(t)
	before, err := Shown(h.records)
	if err != nil {
		t.Fatal(err)
	}
	p := collect(t, h, 0)
	h.payment(time.Minute, ledger.EvidencePackBuilt{Chargeback: "dp_1PqX", Digest: p.Frames[0].Digest, Pages: 3, Position: p.Position})
	h.payment(time.Minute, ledger.ChargebackClosed{Chargeback: "dp_1PqX", Outcome: ledger.ChargebackLost, Amount: eur(448)})
	if after, err := Shown(h.records); err != nil || after != before || p.Position != before {
		t.Errorf("Shown = %d, %v after the pack was built, want %d", after, err, before)
	}
	if again := collect(t, h, 0); again.Position != p.Position || len(again.Timeline) != len(p.Timeline) {
		t.Errorf("the pack at %d shows %d events, want %d at %d", again.Position, len(again.Timeline), len(p.Timeline), p.Position)
	}
	// A pack is made again as it was, whatever came since.
	h.payment(time.Minute, ledger.Refunded{Intent: ledger.DeriveID(ledger.ID{}, "x"), Object: "re_2", Amount: eur(1)})
	was, now := collect(t, h, p.Position), collect(t, h, 0)
	if len(was.Refunds) != 1 || len(now.Refunds) != 2 {
		t.Errorf("%d refunds up to %d and %d now, want 1 and 2", len(was.Refunds), p.Position, len(now.Refunds))
	}
}

// However long a visit was and however large its pictures, a bank takes the
// pack: what is left out is said.
func TestPackKeepsItsLimits(t *testing.T) {
	h := newHistory(t)
	h.enter()
	var lines []ledger.ReceiptLine
	for i := range 450 {
		id, shots := h.sees(ledger.SKU(fmt.Sprint("sku-", i%40)), fmt.Sprint("C", i), uint8(i), i%8)
		if i < 40 {
			lines = append(lines, line(i+1, ledger.SKU(fmt.Sprint("sku-", i)), strings.Repeat("Sehr langer Name ", 5), 1, 100, id, shots))
		}
	}
	h.visit(0, ledger.GateExited{Visit: visit, Gate: "gate-2"})
	h.visit(0, ledger.ReceiptIssued{Document: receipt("s1-2026-000001", "", lines...)})
	noise := noisy(t)
	p := collect(t, h, 0)
	file, pages, err := p.PDF(func(ledger.Digest) ([]byte, error) { return noise, nil })
	if err != nil {
		t.Fatal(err)
	}
	if pages > MaxPages || len(file) > MaxBytes {
		t.Errorf("%d pages and %d bytes, want at most %d and %d", pages, len(file), MaxPages, MaxBytes)
	}
	text := peer.PDFText(t, file)
	if !strings.Contains(text, "events are left out here") || !strings.Contains(text, "further pictures are kept") {
		t.Error("the pack does not say what is left out")
	}
	e := p.Texts()
	for name, s := range map[string]string{"product": e.Product, "access": e.Access, "summary": e.Summary} {
		if n := utf8.RuneCountInString(s); n > MaxText || n < 1000 {
			t.Errorf("%s has %d characters, want at most %d", name, n, MaxText)
		}
	}
	if !strings.HasSuffix(e.Summary, "[…]") {
		t.Error("the summary does not say that it was cut")
	}
}

// noisy is a picture of most of a megapixel that does not compress.
func noisy(t *testing.T) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 1024, 768))
	seed := uint32(1)
	for i := range img.Pix {
		seed = seed*1664525 + 1013904223
		img.Pix[i] = byte(seed >> 24)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Pictures that are gone, or none, are missed and do not stop the pack.
func TestMissingPicturesAreSaid(t *testing.T) {
	h := shopping(t)
	p := collect(t, h, 0)
	for name, frame := range map[string]func(ledger.Digest) ([]byte, error){
		"gone":    func(ledger.Digest) ([]byte, error) { return nil, errors.New("gone") },
		"no jpeg": func(ledger.Digest) ([]byte, error) { return []byte("RIFF"), nil },
	} {
		file, _, err := p.PDF(frame)
		if err != nil {
			t.Errorf("PDF with pictures %s = %v", name, err)
			continue
		}
		if text := peer.PDFText(t, file); !strings.Contains(text, "4 further pictures are kept and are not shown") {
			t.Errorf("the pack does not say that pictures are %s", name)
		}
	}
}

// A record that is not what it says is not made into evidence.
func TestBrokenRecordsAreNoEvidence(t *testing.T) {
	h := shopping(t)
	h.records[3].Body = []byte(`{"visit":"x"}`)
	if _, err := Collect(claim(), h.records, 0); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Collect = %v, want %v", err, ledger.ErrCorrupt)
	}
	if _, err := Shown(h.records); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Shown = %v, want %v", err, ledger.ErrCorrupt)
	}
}
