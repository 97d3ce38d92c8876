package device

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/ticket"
)

// Config says which cart it is and who it talks to.
type Config struct {
	Cart    cart.Config
	Dir     string        // of the journal, the prices and the outbox
	Server  string        // "https://vouch.example"
	Key     string        // of this device
	Timeout time.Duration // of one question to the server
	Now     func() time.Time
	Random  io.Reader
	Logger  *slog.Logger

	Seal   *age.X25519Identity // what waits is encrypted to it; nil: as it is
	Memory Memory              // nil: what is told has no evidence
	// Offset returns what has to be added to Now to have the server's time, and
	// whether that is known; nil: never.
	Offset func() (time.Duration, bool)
}

// ErrClosed means that an input came after the cart's folder was closed.
var ErrClosed = errors.New("the cart is switched off")

// A Cart is one cart at work. Its methods may be called by many goroutines;
// Run by one.
type Cart struct {
	cfg     Config
	client  *gate.Client
	shop    *shop
	box     *outbox.Outbox
	journal *journal

	mu      sync.Mutex
	trip    cart.Trip
	book    *cart.Book
	now     time.Time // of the last input or tick
	eyes    string
	online  bool
	made    int // messages that follow from the journal
	put     int // of those, in the outbox
	coupons map[string]ledger.ID
	server  *cart.Total
	asOf    int             // made, when server was read
	sent    map[string]bool // evidence that the outbox was given, by its path
	closed  bool
	changed chan struct{} // closed and replaced at every change
}

// Open opens the cart's folder and is where the cart was when it was switched
// off.
func Open(cfg Config) (*Cart, error) {
	client, err := gate.NewClient(cfg.Server, cfg.Key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cart: %w", err)
	}
	c := &Cart{
		cfg: cfg, client: client, shop: newShop(cfg), book: &cart.Book{}, changed: make(chan struct{}),
		coupons: map[string]ledger.ID{}, sent: map[string]bool{}, trip: cart.Trip{Phase: cart.PhaseIdle},
	}
	c.box, err = outbox.Open(filepath.Join(cfg.Dir, "outbox"), outbox.Config{
		Server: cfg.Server, Key: cfg.Key, Now: cfg.Now, Notify: c.told, Seal: cfg.Seal, Timeout: cfg.Timeout, MaxBackoff: 5 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	if err := c.restore(); err != nil {
		return nil, errors.Join(fmt.Errorf("cart: %w", err), c.box.Close())
	}
	return c, nil
}

// restore plays the journal again, and puts into the outbox what may be
// missing there.
func (c *Cart) restore() error {
	j, lines, err := openJournal(c.cfg.Dir)
	if err != nil {
		return err
	}
	c.journal = j
	var all []cart.Message
	for _, l := range lines {
		if l.Input == nil {
			c.put = l.Put
			continue
		}
		all = append(all, c.trip.Apply(&c.cfg.Cart, l.Input)...)
		if c.now.Before(l.Input.At) {
			c.now = l.Input.At
		}
	}
	if c.put > len(all) {
		return fmt.Errorf("%w: %d messages of %d are with the outbox", cart.ErrJournal, c.put, len(all))
	}
	for _, m := range all {
		c.note(m)
	}
	c.made = len(all)
	if err := c.send(all[c.put:]); err != nil {
		return err
	}
	if b, err := os.ReadFile(c.pricesPath()); err == nil {
		if book, err := cart.ReadBook(b, c.cfg.Cart.Store); err == nil {
			c.book = book
		} else {
			c.cfg.Logger.Warn("the kept price list is not used", slog.Any("error", err))
		}
	}
	return nil
}

func (c *Cart) pricesPath() string { return filepath.Join(c.cfg.Dir, "prices.json") }

// note remembers which message is which coupon.
func (c *Cart) note(m cart.Message) {
	if !m.Coupon.IsZero() {
		c.coupons[m.ID.String()] = m.Coupon
	}
}

// send puts messages into the outbox and notes how far that went. Should the
// note be lost, they are put again, and the server knows their ids.
func (c *Cart) send(messages []cart.Message) error {
	for _, m := range messages {
		err := c.box.Put(outbox.Item{ID: m.ID.String(), Path: m.Path, ContentType: "application/json", Body: m.Body})
		if err != nil {
			return err
		}
		c.put++
	}
	if len(messages) == 0 {
		return nil
	}
	return c.journal.write(cart.Line{Put: c.put}, false)
}

// Feed takes an input, completed with an id. When it returns nil the input
// survives a kill.
func (c *Cart) Feed(in cart.Input) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.feed(in)
}

func (c *Cart) feed(in cart.Input) error {
	if c.closed {
		return ErrClosed
	}
	in.At = ledger.Instant(in.At)
	id, err := ledger.NewID(in.At, c.cfg.Random)
	if err != nil {
		return err
	}
	in.ID = id
	in.Offset = c.offset()
	if err := in.Validate(); err != nil {
		return err
	}
	if err := c.turn(&in); err != nil {
		return fmt.Errorf("cart: %w", err)
	}
	if err := c.journal.write(cart.Line{Input: &in}, true); err != nil {
		return fmt.Errorf("cart: %w", err)
	}
	messages := c.trip.Apply(&c.cfg.Cart, &in)
	c.made += len(messages)
	for _, m := range messages {
		c.note(m)
	}
	if c.now.Before(in.At) {
		c.now = in.At
	}
	defer c.tell()
	if err := c.send(messages); err != nil {
		return fmt.Errorf("cart: %w", err)
	}
	return nil
}

// offset returns what has to be added to this clock, in milliseconds.
func (c *Cart) offset() int {
	if c.cfg.Offset == nil {
		return 0
	}
	off, _ := c.cfg.Offset()
	return int(off.Milliseconds())
}

// turn begins a new journal when a new shopper comes to a cart that was left:
// it holds only what the scale showed.
func (c *Cart) turn(in *cart.Input) error {
	if c.trip.Phase != cart.PhaseLeft || in.Shown == nil || c.put != c.made || !ticket.IsCode(in.Shown.Text) {
		return nil
	}
	old := c.trip
	id, err := ledger.NewID(in.At, c.cfg.Random)
	if err != nil {
		return err
	}
	w := cart.Input{ID: id, At: in.At, From: old.From, Weight: &cart.Weighed{Grams: old.Grams, Fault: old.Fault}}
	if !old.Known && old.Fault == cart.FaultNone {
		w.Weight, w.Clock = nil, true // no scale: only how far a recording was played
	}
	if err := c.journal.begin(cart.Line{Input: &w}); err != nil {
		return err
	}
	c.trip, c.made, c.put, c.server, c.sent = cart.Trip{Phase: cart.PhaseIdle}, 0, 0, nil, map[string]bool{}
	c.trip.Apply(&c.cfg.Cart, &w)
	return nil
}

// tell wakes everyone who waits for a change. The lock must be held.
func (c *Cart) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// Changed returns a channel that is closed at the next change.
func (c *Cart) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// Tick says what time it is.
func (c *Cart) Tick(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.Before(at) {
		c.now = at
	}
	if !c.trip.Due(at) {
		return nil
	}
	return c.feed(cart.Input{At: at, Clock: true})
}

// Shown takes the text of a code, of sample from of a recording if it is one.
func (c *Cart) Shown(text string, at time.Time, from int64) error {
	p, clip := c.product(text)
	in := cart.Input{At: at, From: from, Shown: &cart.Shown{Text: text, Product: p}}
	switch {
	case p != nil:
		in.Evidence = c.show(func(w Memory) ([]Evidence, error) { return w.Label(context.Background(), clip) })
	case strings.HasPrefix(text, cart.LanePrefix):
		in.Evidence = c.show(func(w Memory) ([]Evidence, error) { return w.Now(context.Background()) })
	}
	return c.Feed(in)
}

// product returns whose label a text is, and whether nobody will see the thing
// being laid in.
func (c *Cart) product(text string) (p *vision.Product, unseen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p = c.book.Barcode(text)
	return p, p != nil && c.trip.Unseen(p)
}

// Weighed takes a weight that came to rest.
func (c *Cart) Weighed(w cart.Weighed, at time.Time, from int64) error {
	in := cart.Input{At: at, From: from, Weight: &w}
	if w.Fault == cart.FaultNone {
		c.mu.Lock()
		before := c.trip.Grams
		c.mu.Unlock()
		in.Evidence = c.show(func(s Memory) ([]Evidence, error) { return s.Moved(context.Background(), before) })
	}
	return c.Feed(in)
}

// Touched takes a finger on the screen. A removal may name a product instead
// of a piece: then its last piece is meant.
func (c *Cart) Touched(f Finger, at time.Time, from int64) error {
	if f.Do == cart.ActScan {
		return c.Shown(f.Text, at, from)
	}
	var seen []ledger.EvidenceRef
	if f.Do == cart.ActHelp || f.Do == cart.ActLeave {
		seen = c.show(func(w Memory) ([]Evidence, error) { return w.Now(context.Background()) })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := cart.Touch{Do: f.Do, Number: f.Number, Piece: f.Piece, Text: f.Text, Gate: f.Gate}
	if f.Do == cart.ActKey {
		t.Product = c.book.Keyed(f.Number)
	}
	for _, p := range c.trip.Pieces {
		if f.SKU != "" && p.Product.SKU == f.SKU && !p.Leaving {
			t.Piece = p.ID
		}
	}
	return c.feed(cart.Input{At: at, From: from, Touch: &t, Evidence: seen})
}

// See says what is wrong with the camera; nothing if it is empty.
func (c *Cart) See(fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.eyes != fault {
		c.eyes = fault
		c.tell()
	}
}

// View returns the screen.
func (c *Cart) View() cart.View {
	st := c.box.Status()
	c.mu.Lock()
	defer c.mu.Unlock()
	a := cart.Around{
		Now: c.now, Online: c.online, Waiting: st.Depth, Refused: st.Dead - c.refusedCoupons(), PricesAt: c.book.List.At, Eyes: c.eyes,
	}
	if c.asOf == c.made {
		a.Server = c.server
	}
	return c.trip.View(a)
}

// refusedCoupons counts the coupons that the server did not take: they lie
// among the dead letters and are nobody's worry.
func (c *Cart) refusedCoupons() (n int) {
	for _, k := range c.trip.Coupons {
		if k.State == "refused" {
			n++
		}
	}
	return n
}

// Outbox returns where what the server is told waits.
func (c *Cart) Outbox() *outbox.Outbox { return c.box }

// Trip returns where the trip is.
func (c *Cart) Trip() (phase cart.Phase, visit ledger.VisitID, from int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trip.Phase, c.trip.Visit, c.trip.From
}

// While waits while the trip is in one of the phases.
func (c *Cart) While(ctx context.Context, phases ...cart.Phase) error {
	for {
		changed := c.Changed()
		phase, _, _ := c.Trip()
		in := false
		for _, p := range phases {
			in = in || p == phase
		}
		if !in {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Drain waits until the server has everything. Run must be running.
func (c *Cart) Drain(ctx context.Context) error { return c.box.Drain(ctx) }

// Waiting returns how many messages the server does not have, and how many it
// will not take.
func (c *Cart) Waiting() (waiting, refused int) {
	st := c.box.Status()
	return st.Depth, st.Dead
}

// Close gives the folder to others. Run must have returned.
func (c *Cart) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return errors.Join(c.journal.file.Close(), c.box.Close())
}

// told is called with what became of each message.
func (c *Cart) told(o outbox.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.online = o.Status > 0 && o.Status < 500
	defer c.tell()
	coupon, ok := c.coupons[o.Item.ID]
	if !ok || !o.Final {
		return
	}
	r := cart.Reply{Coupon: coupon, Taken: o.Taken()}
	if !r.Taken {
		p := struct{ Detail, Title string }{}
		_ = json.Unmarshal(o.Answer, &p) // a proxy's page is no JSON: then there is no reason
		if r.Why = p.Detail; r.Why == "" {
			r.Why = p.Title
		}
	}
	delete(c.coupons, o.Item.ID)
	if err := c.feed(cart.Input{At: c.now, Coupon: &r}); err != nil {
		c.cfg.Logger.Error("what became of a coupon is not noted", slog.Any("error", err))
	}
}
