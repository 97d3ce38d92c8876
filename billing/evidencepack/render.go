package evidencepack

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"time"
	_ "time/tzdata" // a bank reads the shop's clock, whatever machine this is

	"github.com/vouchledger/vouch/billing/internal/pdf"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// ErrTooLarge means that a pack does not fit what a bank takes, although
// everything that can be left out was. It is a bug: nothing else is as long.
var ErrTooLarge = errors.New("evidence pack is too large")

const (
	// pictureBytes is what all pictures together may have: type, tables and
	// fonts need less than the rest.
	pictureBytes = MaxBytes - 800<<10
	// maxRows is how many rows of the timeline are tried first.
	maxRows = 400
)

// PDF sets the pack. Frame returns the bytes of a picture by its digest; what
// it cannot give is left out and said.
func (p *Pack) PDF(frame func(ledger.Digest) ([]byte, error)) (file []byte, pages int, err error) {
	pictures, missing := p.pictures(frame)
	rows := min(len(p.Timeline), maxRows)
	for {
		// Once to count the pages, once to say of how many each is.
		pages = p.draw(pictures, missing, rows, 0).Pages()
		if pages <= MaxPages {
			break
		}
		if rows == 0 {
			return nil, pages, fmt.Errorf("%w: %d pages", ErrTooLarge, pages)
		}
		rows = rows * 3 / 4
	}
	file, err = p.draw(pictures, missing, rows, pages).Bytes()
	if err != nil {
		return nil, 0, fmt.Errorf("evidence of %s: %w", p.Case.Chargeback, err)
	}
	if len(file) > MaxBytes {
		return nil, pages, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(file))
	}
	return file, pages, nil
}

// pictures fetches the most telling frames, makes large ones smaller when they
// would be too many bytes together, and says how many are not there.
func (p *Pack) pictures(frame func(ledger.Digest) ([]byte, error)) (out []pdf.Picture, missing int) {
	total := 0
	for _, f := range p.Frames {
		if len(out) == MaxFrames || total > pictureBytes {
			break
		}
		b, err := frame(f.Digest)
		if err != nil {
			missing++
			continue
		}
		size, kind, err := image.DecodeConfig(bytes.NewReader(b))
		if err != nil || kind != "jpeg" {
			missing++
			continue
		}
		for by := 2; len(b) > pictureBytes/MaxFrames && by <= 8; by *= 2 {
			b, size = smaller(b, size)
		}
		if total += len(b); total > pictureBytes {
			missing++
			continue
		}
		out = append(out, pdf.Picture{
			JPEG: b, Width: size.Width, Height: size.Height, Caption: p.clock(f.At) + "  " + f.Caption,
			Detail: strings.TrimPrefix(string(f.Digest), "sha256:"),
		})
	}
	return out, missing
}

// smaller makes a picture half as wide and high, each pixel the mean of four.
// It reckons in whole numbers, which come out the same on every machine. A
// picture that cannot be read stays as it is, and falls to the limit of bytes.
func smaller(b []byte, size image.Config) ([]byte, image.Config) {
	src, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return b, size
	}
	from := src.Bounds()
	dst := image.NewRGBA(image.Rect(0, 0, max(1, from.Dx()/2), max(1, from.Dy()/2)))
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			var r, g, b uint32
			for n := range 4 {
				u, v, w, _ := src.At(from.Min.X+min(2*x+n%2, from.Dx()-1), from.Min.Y+min(2*y+n/2, from.Dy()-1)).RGBA()
				r, g, b = r+u, g+v, b+w
			}
			dst.SetRGBA(x, y, color.RGBA{uint8(r >> 10), uint8(g >> 10), uint8(b >> 10), 255}) //nolint:gosec // a quarter of four 16 bits, shifted by 8
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, dst, &jpeg.Options{Quality: 80}); err != nil {
		return b, size
	}
	return out.Bytes(), image.Config{Width: dst.Rect.Dx(), Height: dst.Rect.Dy()}
}

// draw sets the whole pack with so many rows of the timeline.
func (p *Pack) draw(pictures []pdf.Picture, missing, rows, pages int) *pdf.Doc {
	d := pdf.New("Evidence for chargeback "+p.Case.Chargeback,
		fmt.Sprintf("%s · chargeback %s · visit %s", p.Presented.Seller.Name, p.Case.Chargeback, p.Visit), p.Made, pages)
	p.front(d)
	p.receipt(d)
	p.entry(d)
	if len(pictures) > 0 || missing > 0 {
		d.Room(100) // the heading stays with the first pictures
		d.Heading("What the sensors saw")
		d.Note("Below each picture stands the SHA-256 digest under which it is kept and which its event names.")
		d.Pictures(pictures)
		if left := len(p.Frames) - len(pictures); left > 0 {
			d.Note(fmt.Sprintf("%d further pictures are kept and are not shown here.", left))
		}
	}
	p.reviews(d)
	p.moneyBack(d)
	p.timeline(d, rows)
	p.views(d)
	d.Heading("How to check this")
	d.Para("Every event above was written down when it happened, in a log that is only ever added to. Its hash is a leaf of " +
		"a Merkle tree (RFC 6962) whose root is signed at short intervals: none of these events can have been changed, added or " +
		"removed afterwards without the signature failing. The proof of any line can be had from the merchant and is checked " +
		"without the merchant's help.")
	return d
}

// front is what a clerk reads first, and perhaps only.
func (p *Pack) front(d *pdf.Doc) {
	doc, _ := p.last()
	d.Title("Evidence for a disputed card payment")
	c := p.Case
	what := "Claim"
	if c.Inquiry {
		what = "Inquiry"
	}
	d.Facts(
		[2]string{what, c.Chargeback + ", " + spaced(c.Reason) + bracketed(c.NetworkCode)},
		[2]string{"Amount in dispute", c.Amount.String()},
		[2]string{"Merchant", p.Presented.Seller.Name + ", " + oneLine(p.Presented.Seller.Address)},
		[2]string{"Payment", p.charged()},
		[2]string{"Date of the visit", p.day(p.At) + ", " + p.clock(p.At) + " to " + p.clock(p.Exited) + zone(p.place(), p.At)},
		[2]string{"Receipt", doc.Number + given(", corrects "+doc.Corrects, doc.Corrects != "")},
		[2]string{"Given back so far", p.refunded().String()},
		[2]string{"Answer by", given(p.day(c.DueBy)+" "+p.clock(c.DueBy), !c.DueBy.IsZero())},
	)
	d.Heading("What happened")
	for _, s := range p.story() {
		d.Para(s)
	}
}

// charged names the payments.
func (p *Pack) charged() string {
	var parts []string
	for _, c := range p.Captures {
		parts = append(parts, fmt.Sprintf("%s on %s (%s)", c.Amount, p.day(c.At), c.Object))
	}
	return strings.Join(parts, ", ")
}

// receipt sets the lines of the last receipt, and what they rest on.
func (p *Pack) receipt(d *pdf.Doc) {
	doc, ok := p.last()
	if !ok {
		return
	}
	d.Heading("Receipt " + doc.Number)
	t := d.Table(
		pdf.Column{Head: "Item", Width: 0.40}, pdf.Column{Head: "Taken at", Width: 0.16}, pdf.Column{Head: "Vouched by", Width: 0.14},
		pdf.Column{Head: "Quantity", Width: 0.10, Right: true}, pdf.Column{Head: "Price", Width: 0.10, Right: true},
		pdf.Column{Head: "Sum", Width: 0.10, Right: true},
	)
	for _, l := range p.Lines {
		var seen []string
		for _, at := range l.Seen {
			if s := p.clock(at); len(seen) == 0 || seen[len(seen)-1] != s {
				seen = append(seen, s)
			}
		}
		t.Row(false, l.Name, strings.Join(seen, ", "), vouched(l.Check), quantity(l), l.Unit.Decimal(), l.Gross.Decimal())
	}
	t.Row(false, "of which tax", "", "", "", "", doc.Tax.Decimal())
	t.Row(true, "Total in "+string(doc.Gross.Currency), "", "", "", "", doc.Gross.Decimal())
	for _, r := range p.Receipts[:len(p.Receipts)-1] {
		d.Note(fmt.Sprintf("Replaces receipt %s over %s of %s.", r.Number, r.Gross, p.day(r.Issued)))
	}
}

func (p *Pack) entry(d *pdf.Doc) {
	g := p.Presented
	d.Heading("How the shopper was let in")
	d.Facts(
		[2]string{"Credential", credential(g.Credential)},
		[2]string{"One-use code", g.Ticket},
		[2]string{"Shopper's account", string(g.Shopper)},
		[2]string{"Card on file", g.PaymentMethod + given(", customer "+g.Customer, g.Customer != "")},
		[2]string{"Shown", p.clock(p.At) + " at " + string(g.Gate)},
		[2]string{"Gate opened", given(p.clock(p.Entered)+", after the card's bank had authorised "+p.Hold.String(), !p.Entered.IsZero())},
		[2]string{"Persons on this card", fmt.Sprint(g.Party)},
		[2]string{"Left", given(p.clock(p.Exited)+" through "+string(p.ExitGate), !p.Exited.IsZero())},
	)
	if g.Credential == ledger.CredentialQR {
		d.Note("The code is made by the shopper's own app after signing in, is signed, is valid for a short time and opens a gate once.")
	}
}

func (p *Pack) reviews(d *pdf.Doc) {
	if len(p.Reviews) == 0 {
		return
	}
	d.Heading("What people decided")
	t := d.Table(pdf.Column{Head: "When", Width: 0.21}, pdf.Column{Head: "Who", Width: 0.16},
		pdf.Column{Head: "Decision", Width: 0.30}, pdf.Column{Head: "Why", Width: 0.33})
	for _, r := range p.Reviews {
		t.Row(false, p.moment(r.At), person(r.By), r.Words, r.Reason)
	}
}

func (p *Pack) moneyBack(d *pdf.Doc) {
	d.Heading("What was given back")
	if len(p.Refunds) == 0 {
		d.Para("Nothing of this payment was given back.")
		return
	}
	t := d.Table(pdf.Column{Head: "When", Width: 0.21}, pdf.Column{Head: "Refund", Width: 0.33},
		pdf.Column{Head: "Why", Width: 0.31}, pdf.Column{Head: "Amount", Width: 0.15, Right: true})
	for _, r := range p.Refunds {
		t.Row(false, p.moment(r.At), r.Object, r.Why+given(", came back", r.Failed), r.Amount.Decimal())
	}
	t.Row(true, "Given back in all", "", "", p.refunded().String())
}

// timeline sets the first rows of what happened, and as many of the end.
func (p *Pack) timeline(d *pdf.Doc, rows int) {
	d.Heading("Timeline")
	d.Note("Every event has its place in the log and the hash of its leaf in the log's tree. Times are those of " + p.place().String() + ".")
	t := d.Table(pdf.Column{Head: "Time", Width: 0.16}, pdf.Column{Head: "What happened", Width: 0.42},
		pdf.Column{Head: "Position", Width: 0.09, Right: true}, pdf.Column{Head: "Leaf hash (SHA-256)", Width: 0.33, Mono: true})
	left := len(p.Timeline) - rows
	for i, e := range p.Timeline {
		if left > 0 && i >= rows/2 && i < rows/2+left {
			if i == rows/2 {
				t.Row(true, "", fmt.Sprintf("%d events are left out here", left), "", "")
			}
			continue
		}
		t.Row(false, p.short(e.At)+" "+p.clock(e.At), e.Words, fmt.Sprint(e.Position), e.Hash[:32]+" "+e.Hash[32:])
	}
}

func (p *Pack) views(d *pdf.Doc) {
	if len(p.Viewed) == 0 {
		return
	}
	d.Heading("Who looked at the pictures")
	t := d.Table(pdf.Column{Head: "Day", Width: 0.25}, pdf.Column{Head: "Who", Width: 0.5},
		pdf.Column{Head: "Pictures and clips", Width: 0.25, Right: true})
	for _, v := range p.Viewed {
		t.Row(false, p.day(v.At), person(v.By), fmt.Sprint(v.Count))
	}
}

// place is where the shop is.
func (p *Pack) place() *time.Location {
	if zone, err := time.LoadLocation(p.Presented.Seller.Timezone); err == nil {
		return zone
	}
	return time.UTC
}

func (p *Pack) day(t time.Time) string {
	return given(t.In(p.place()).Format("2 January 2006"), !t.IsZero())
}

func (p *Pack) moment(t time.Time) string {
	return t.In(p.place()).Format("02 Jan 2006 15:04:05")
}

func (p *Pack) short(t time.Time) string { return t.In(p.place()).Format("02 Jan") }

func (p *Pack) clock(t time.Time) string {
	return given(t.In(p.place()).Format("15:04:05"), !t.IsZero())
}

func zone(l *time.Location, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(l).Format(" MST")
}

func vouched(c ledger.LineCheck) string {
	switch c {
	case ledger.CheckMachine:
		return "sensors"
	case ledger.CheckReviewed:
		return "a person"
	case ledger.CheckPolicy:
		return "the shop's rule"
	}
	return ""
}

func quantity(l Line) string {
	if l.Grams > 0 {
		return fmt.Sprintf("%d g", l.Grams)
	}
	return fmt.Sprint(l.Quantity)
}

func given(s string, ok bool) string {
	if !ok {
		return ""
	}
	return s
}

func bracketed(s string) string { return given(" ("+s+")", s != "") }

func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\n", ", ")), " ")
}

// sum adds amounts of one currency.
func sum(c money.Currency, ms []money.Money) money.Money {
	out := money.Zero(c)
	for _, m := range ms {
		if m.Currency == c {
			out.Minor += m.Minor
		}
	}
	return out
}
