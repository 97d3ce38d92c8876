package gate

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/ticket"
)

const (
	// MaxAlone bounds what a gate decides while it is cut off: so many entries.
	// Then it stays shut and staff is asked.
	MaxAlone = 200

	// MaxTime is for how long.
	MaxTime = 30 * time.Minute

	usedFile = "used.jsonl"
	keysFile = "keys.json"
)

// An Alone lets people in while the server cannot be reached. It checks codes
// with the server's keys, which it keeps, and remembers each code that it let
// in, on disk, before the gate opens.
//
// It cannot know what other gates let in meanwhile. The server finds that when
// it is told, and asks people about it. It may be used by one goroutine.
//
//	DIR/keys.json     what the server gave, readable by the owner alone
//	DIR/used.jsonl    one line a code or card that was let in here, and one each time the server was back
//	DIR/cards.jsonl   cards that the server let in here before, by their tokens
type Alone struct {
	dir      string
	store    ledger.StoreID
	verifier ticket.Verifier
	file     *os.File
	lock     *os.File // keeps a second process out

	used   map[ledger.ID]bool // let in here while their tickets may live
	tapped map[Card]bool      // let in here since the server was last there
	cards  cards

	since time.Time // first entry since the server was last there; zero if none
	count int       // entries since then
}

// usedLine is one line of the used-set.
type usedLine struct {
	Ticket ledger.ID `json:"ticket"`
	Card   *Card     `json:"card,omitempty"` // instead of a ticket
	At     time.Time `json:"at"`
}

// back reports whether the line says that the server was back.
func (l usedLine) back() bool { return l.Ticket.IsZero() && l.Card == nil }

// OpenAlone reads what a gate keeps in dir, and makes the folder if it is not
// there. now leaves out codes that have long ended.
func OpenAlone(dir string, store ledger.StoreID, now time.Time) (*Alone, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("gate alone: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("gate alone: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("gate alone: %w: %s", ErrInUse, dir), lock.Close())
	}
	a := &Alone{dir: dir, store: store, lock: lock, used: map[ledger.ID]bool{}, tapped: map[Card]bool{}}
	if err := a.open(now); err != nil {
		return nil, errors.Join(fmt.Errorf("gate alone: %w", err), lock.Close())
	}
	return a, nil
}

func (a *Alone) open(now time.Time) error {
	b, err := os.ReadFile(filepath.Join(a.dir, keysFile))
	if err == nil {
		err = a.learn(b)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	kept, err := a.read(now)
	if err != nil {
		return err
	}
	if a.cards, err = openCards(a.dir, now); err != nil {
		return err
	}
	a.file, err = rewriteLines(filepath.Join(a.dir, usedFile), kept)
	return err
}

// Close gives the folder to others.
func (a *Alone) Close() error {
	return errors.Join(a.file.Close(), a.cards.file.Close(), a.lock.Close())
}

// read takes in the used-set and returns the lines that still matter. A line
// that is cut off is the last one of a process that died before its gate
// opened.
func (a *Alone) read(now time.Time) (kept []usedLine, err error) {
	err = readLines(filepath.Join(a.dir, usedFile), func(l usedLine) {
		if l.At.IsZero() {
			return
		}
		a.take(l)
		if l.back() {
			kept = kept[:0:0] // counts anew; the codes stay used below
		}
		kept = append(kept, l)
	})
	if err != nil {
		return nil, err
	}
	// Codes from before the server was back stay used while they may live.
	var old []usedLine
	for id := range a.used {
		if at := time.UnixMilli(stamp(id)); at.Add(ticket.MaxLife + ticket.Skew).After(now) {
			old = append(old, usedLine{Ticket: id, At: at})
		}
	}
	if len(kept) == 0 || !kept[0].back() {
		return kept, nil
	}
	return append(old, kept...), nil
}

// stamp returns the milliseconds at which a ticket's id was made: it is a
// UUIDv7.
func stamp(id ledger.ID) (ms int64) {
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	return ms
}

func (a *Alone) take(l usedLine) {
	if l.back() {
		a.since, a.count, a.tapped = time.Time{}, 0, map[Card]bool{}
		return
	}
	if a.since.IsZero() {
		a.since = l.At
	}
	a.count++
	if l.Card != nil {
		a.tapped[*l.Card] = true
		return
	}
	a.used[l.Ticket] = true
}

// Learn keeps the keys that a server gave: what [Client.Keys] returns.
func (a *Alone) Learn(keys []byte) error {
	if err := a.learn(keys); err != nil {
		return fmt.Errorf("gate alone: %w", err)
	}
	if err := replace(filepath.Join(a.dir, keysFile), keys); err != nil {
		return fmt.Errorf("gate alone: %w", err)
	}
	return nil
}

func (a *Alone) learn(b []byte) error {
	var k struct {
		Tickets  [][]byte `json:"tickets"`
		Rotation []byte   `json:"rotation"`
	}
	if err := json.Unmarshal(b, &k); err != nil {
		return fmt.Errorf("%w: %w", ticket.ErrKey, err)
	}
	var public []ed25519.PublicKey
	for _, t := range k.Tickets {
		public = append(public, t)
	}
	ring, err := ticket.NewRing(public...)
	if err != nil {
		return err
	}
	v := ticket.Verifier{Ring: ring}
	if len(k.Rotation) > 0 {
		if v.Rotation, err = ticket.ParseRotation(k.Rotation); err != nil {
			return err
		}
	}
	a.verifier = v
	return nil
}

// Left returns how many may still be let in, and until when; the time is zero
// while nobody was.
func (a *Alone) Left(now time.Time) (entries int, until time.Time) {
	if a.since.IsZero() {
		return MaxAlone, time.Time{}
	}
	until = a.since.Add(MaxTime)
	if !now.Before(until) {
		return 0, until
	}
	return max(0, MaxAlone-a.count), until
}

// Admit decides about a code while the server cannot be reached. A nil error
// means that the gate may open: that it did is on disk. [ErrCap] means that
// this gate has let in as many as it may by itself; any other is a
// [ticket.RefusalError] or a fault of the disk, and the gate stays shut.
func (a *Alone) Admit(now time.Time, code string) (ticket.Claims, error) {
	if len(a.verifier.Ring) == 0 {
		return ticket.Claims{}, fmt.Errorf("%w: it has no keys yet", ErrCap)
	}
	c, err := a.verifier.Verify(now, a.store, code)
	if err != nil {
		return ticket.Claims{}, err
	}
	if a.used[c.Ticket] {
		return ticket.Claims{}, &ticket.RefusalError{
			Reason: ledger.RefusedReplayed, Ticket: c.Ticket, Detail: "it was used at this gate",
		}
	}
	if err := a.use(usedLine{Ticket: c.Ticket, At: now}); err != nil {
		return ticket.Claims{}, err
	}
	return c, nil
}

// use notes that somebody is let in, if one more may be.
func (a *Alone) use(l usedLine) error {
	if n, _ := a.Left(l.At); n == 0 {
		return fmt.Errorf("%w: %d entries since %s", ErrCap, a.count, a.since.Format(time.TimeOnly))
	}
	if err := appendLine(a.file, l); err != nil {
		return err
	}
	// Nothing below can fail: it is used, whatever happens.
	a.take(l)
	return nil
}

// Back notes that the server was reached: the cap counts anew. Codes that were
// let in here stay used.
func (a *Alone) Back(now time.Time) error {
	if a.since.IsZero() {
		return nil
	}
	l := usedLine{At: now}
	if err := appendLine(a.file, l); err != nil {
		return err
	}
	a.take(l)
	return nil
}

// Keys asks the server for what a gate needs to check codes by itself.
func (c *Client) Keys(ctx context.Context) ([]byte, error) {
	b, err := c.send(ctx, http.MethodGet, vision.PathKeys, nil)
	if err != nil {
		return nil, fmt.Errorf("gate keys: %w", err)
	}
	return b, nil
}
