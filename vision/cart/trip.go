package cart

import (
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/ticket"
)

// A Phase says how far a trip is.
type Phase string

// The phases. A cart that was left waits for the next shopper.
const (
	PhaseIdle     Phase = "idle"
	PhaseAsking   Phase = "asking" // the server is asked whether the code may push it
	PhaseShopping Phase = "shopping"
	PhaseLeft     Phase = "left"
)

const (
	// Quiet is what a cart may weigh more or less than its pieces before
	// anybody is asked: a scale's own trembling, and the spread of packages.
	// What is lighter is not noticed by itself.
	Quiet = 25

	// slackGrams and slackPerMille say how far a piece may be from what it
	// should weigh.
	slackGrams    = 15
	slackPerMille = 40

	// Patience is how long a shopper has before staff are told of a weight
	// that nothing explains.
	Patience = 30 * time.Second

	// LayIn is how long what was scanned may be in the hand.
	LayIn = 20 * time.Second

	// MaxPieces bounds a trip: more than fits into any cart.
	MaxPieces = 500
)

// LanePrefix begins the code of a lane through which carts leave; the lane's
// name follows.
const LanePrefix = "VL1-"

// Config says which cart it is.
type Config struct {
	Store ledger.StoreID
	Cart  ledger.DeviceID
	Model string // name and version of what decides, for the detections
}

// A Piece is one thing of a trip.
type Piece struct {
	ID      ledger.ID // the input that it came with
	Product vision.Product
	At      time.Time
	Grams   int  // as the scale said when it was laid in; 0 before
	Placed  bool // the scale saw it come, or does not matter
	Told    bool // the server was told
	Leaving bool // a shopper said that it goes, and it still lies there

	Offset   int                  // of the clock when it was scanned
	Evidence []ledger.EvidenceRef // of the scan
}

// A Coupon is one that was presented.
type Coupon struct {
	ID    ledger.ID
	State string // sent, taken, refused
	Why   string
}

// A Trip is what a cart knows. The zero value is a cart that nobody pushes.
type Trip struct {
	Phase   Phase
	Entry   ledger.ID // of the code that was shown
	Ticket  string    // until the server answers
	Shown   time.Time
	Visit   ledger.VisitID
	Pieces  []Piece
	Coupons []Coupon
	Gate    ledger.DeviceID // through which it was left
	Left    time.Time       // when
	TakeOut bool            // what is scanned next is taken out
	Note    Note

	Grams   int // the last weight that came to rest
	Known   bool
	Change  int    // by how much the last weight was another, until a piece explains it
	Lost    []Loss // what left and nobody touched, oldest first: see lose
	Fault   Fault
	Zero    int  // what the empty cart shows
	Reached bool // before the last weight; true if no camera could tell

	Moved    []ledger.EvidenceRef // of the last weight
	Odds     []ledger.EvidenceRef // of the weight since which they differ
	Odd      time.Time            // since when the weights differ; zero if they do not
	Reported bool                 // staff were told of it
	Warned   bool                 // the shopper wanted to leave and was asked
	From     int64                // last sample of a recording
}

// Apply moves the trip past an input and returns what the server is to be
// told, in order. The input must be valid.
func (t *Trip) Apply(cfg *Config, in *Input) []Message {
	if t.Phase == "" {
		t.Phase = PhaseIdle
	}
	t.From = max(t.From, in.From)
	o := &outcome{cfg: cfg, in: in}
	switch {
	case in.Shown != nil:
		t.show(o, in.Shown.Text, in.Shown.Product)
	case in.Weight != nil:
		t.weigh(o, *in.Weight)
	case in.Touch != nil:
		t.touch(o, in.Touch)
	case in.Answer != nil:
		t.answer(o, in.Answer)
	case in.Coupon != nil:
		t.reply(in.Coupon)
	case in.Clock:
		t.clock(o)
	}
	t.settle(o)
	return o.messages
}

// show takes a code: a ticket, a lane, a coupon, or a product's.
func (t *Trip) show(o *outcome, text string, p *vision.Product) {
	switch {
	case ticket.IsCode(text):
		t.signIn(o, text)
	case t.Phase != PhaseShopping:
		t.Note = note(NoteSignIn, "")
	case strings.HasPrefix(text, LanePrefix):
		t.leave(o, ledger.DeviceID(strings.TrimPrefix(text, LanePrefix)))
	case strings.Count(text, ".") >= 2:
		t.coupon(o, text)
	case p != nil:
		t.scan(o, p)
	case !digits(text):
		t.Note = note(NoteUnread, "")
	case ledger.ValidateGTIN(text) != nil:
		t.Note = note(NoteMisread, text)
	default:
		t.Note = note(NoteUnknown, text)
	}
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func (t *Trip) signIn(o *outcome, text string) {
	switch t.Phase {
	case PhaseAsking:
		return // the same phone, still there
	case PhaseShopping:
		t.Note = note(NoteTaken, "")
		return
	case PhaseLeft:
		t.next()
	case PhaseIdle:
	}
	if !ticket.Same(text, t.Ticket) { // else it is asked again what was not answered: under the same id
		t.Entry, t.Shown = o.in.ID, o.in.At
	}
	t.Ticket = text
	t.Phase = PhaseAsking
	t.Note = note(NoteAsking, "")
}

// next makes the cart ready for another shopper. What the scale says stays.
func (t *Trip) next() {
	*t = Trip{
		Phase: PhaseIdle, Grams: t.Grams, Known: t.Known, Fault: t.Fault, Zero: t.Zero, Reached: t.Reached, From: t.From,
	}
}

func (t *Trip) answer(o *outcome, a *Answer) {
	if t.Phase != PhaseAsking {
		return
	}
	switch a.Decision {
	case "entered":
		t.Phase, t.Visit, t.Ticket, t.Note = PhaseShopping, a.Visit, "", note(NoteWelcome, "")
		t.zero(o)
	case "refused":
		t.Phase, t.Ticket, t.Note = PhaseIdle, "", note(NoteRefused, a.Reason)
	default:
		t.Phase, t.Note = PhaseIdle, note(NoteNoAnswer, a.Reason)
	}
}

// zero takes what the scale shows as the empty cart, unless something lies in
// it: then the scale's own zero counts and the shopper is asked.
func (t *Trip) zero(o *outcome) {
	t.Zero, t.Lost = 0, nil
	switch {
	case !t.Known || t.Fault != FaultNone && t.Fault != FaultTare:
	case t.Grams > Quiet && o.in.Touch == nil:
		t.Note = note(NoteNotEmpty, "")
	case t.Grams < -Quiet && o.in.Touch == nil:
		t.Fault, t.Note = FaultTare, note(NoteFault, string(FaultTare))
	default:
		t.Zero, t.Fault = t.Grams, FaultNone
	}
}

// scan adds a piece, or lets one go if the shopper said so before.
func (t *Trip) scan(o *outcome, p *vision.Product) {
	if t.TakeOut {
		t.TakeOut = false
		for i := len(t.Pieces) - 1; i >= 0; i-- {
			if t.Pieces[i].Product.SKU == p.SKU && !t.Pieces[i].Leaving {
				t.remove(o, i)
				return
			}
		}
		t.Note = note(NoteNotHere, p.Name)
		return
	}
	switch {
	case len(t.Pieces) >= MaxPieces:
		t.Note = note(NoteFull, "")
		return
	case p.Weighed() && !t.weighing():
		t.Note = note(NoteCannotWeigh, p.Name)
		return
	}
	piece := Piece{ID: o.in.ID, Product: *p, At: o.in.At, Offset: o.in.Offset, Evidence: o.in.Evidence}
	if t.Unseen(p) {
		piece.Placed, piece.Grams = true, p.Grams
		o.take(t, &piece, nil)
	}
	t.Pieces = append(t.Pieces, piece)
	t.Warned = false
	t.Note = note(NoteScanned, p.Name)
	if p.MinAge > 0 {
		t.Note = note(NoteAge, p.Name)
	}
}

// Unseen reports whether nobody will see a product being laid in: it is too
// light, or nothing weighs. Then it is told as soon as it is scanned.
func (t *Trip) Unseen(p *vision.Product) bool {
	return !t.weighing() || !p.Weighed() && p.Grams > 0 && p.Grams <= Quiet
}

// remove lets piece i go: at once if it was never laid in or nobody can weigh,
// else when the scale sees it leave.
func (t *Trip) remove(o *outcome, i int) {
	p := &t.Pieces[i]
	if p.Placed && p.Grams > Quiet && t.weighing() {
		p.Leaving = true
		t.Note = note(NoteTakeOut, p.Product.Name)
		return
	}
	seen := o.in.Evidence
	if p.Placed && p.Grams > Quiet {
		seen = t.Moved
	}
	t.gone(o, i, seen)
}

// gone takes piece i off the trip. seen is the evidence of its leaving.
func (t *Trip) gone(o *outcome, i int, seen []ledger.EvidenceRef) {
	p := &t.Pieces[i]
	t.Note = note(NoteGone, p.Product.Name)
	if p.Told {
		o.giveBack(t, p, seen)
	}
	t.Pieces = append(t.Pieces[:i:i], t.Pieces[i+1:]...)
}

func (t *Trip) touch(o *outcome, f *Touch) {
	if t.Phase != PhaseShopping {
		if f.Do == ActZero {
			t.zero(o)
			return
		}
		t.Note = note(NoteSignIn, "")
		return
	}
	switch f.Do {
	case ActKey, ActScan:
		if f.Product == nil {
			t.Note = note(NoteNoNumber, f.Number)
			return
		}
		t.scan(o, f.Product)
	case ActTakeOut:
		t.TakeOut = !t.TakeOut
		t.Note = Note{}
	case ActRemove:
		for i := range t.Pieces {
			if t.Pieces[i].ID == f.Piece {
				t.remove(o, i)
				return
			}
		}
	case ActCoupon:
		t.coupon(o, f.Text)
	case ActHelp:
		t.report(o)
		t.Note = note(NoteHelp, "")
	case ActZero:
		if len(t.Pieces) == 0 {
			t.zero(o)
		}
	case ActLeave:
		gate := ledger.DeviceID(f.Gate)
		if gate == "" && !t.Warned && t.unsure() {
			t.Warned, t.Note = true, note(NoteBeforeYouGo, "")
			return
		}
		t.leave(o, gate)
	}
}

func (t *Trip) coupon(o *outcome, text string) {
	t.Coupons = append(t.Coupons, Coupon{ID: o.in.ID, State: "sent"})
	t.Note = note(NoteCoupon, "")
	o.coupon(t, strings.TrimSpace(text))
}

func (t *Trip) reply(r *Reply) {
	for i := range t.Coupons {
		c := &t.Coupons[i]
		if c.ID != r.Coupon {
			continue
		}
		c.State, c.Why = "refused", r.Why
		t.Note = note(NoteCouponRefused, r.Why)
		if r.Taken {
			c.State, t.Note = "taken", note(NoteCouponTaken, "")
		}
	}
}

// unsure reports whether something is still open that the shopper could
// settle.
func (t *Trip) unsure() bool {
	if !t.weighing() {
		return false
	}
	if e := t.Excess(); e > Quiet || e < -Quiet {
		return true
	}
	for i := range t.Pieces {
		if !t.Pieces[i].Placed {
			return true
		}
	}
	return false
}

// leave ends the trip: what was scanned and never weighed is told, then the
// weight, then that the cart left. What costs by weight and was never weighed
// does not count: nobody knows what it is.
func (t *Trip) leave(o *outcome, gate ledger.DeviceID) {
	for i := range t.Pieces {
		if p := &t.Pieces[i]; !p.Product.Weighed() {
			o.take(t, p, nil)
		}
	}
	if t.Known || t.Fault != FaultNone { // a scale that never spoke is a reason to look
		o.weighing(t)
	}
	t.Gate = gate
	if gate == "" {
		t.Gate = o.cfg.Cart
	}
	o.exit(t)
	t.Phase, t.Left, t.Note, t.Odd = PhaseLeft, o.in.At, note(NoteBye, ""), time.Time{}
}
