package stripesim

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// A tx is one request at work: it reads the state through its own changes and
// keeps them in rec until they are committed together, or dropped together.
// The simulator's lock is held for its whole life.
type tx struct {
	sim   *Sim
	now   int64
	call  *call  // nil when the clock or a control does something
	cause string // which of these, and what
	rec   record
	made  int // ids made, so that one request's ids differ
}

// lookup finds an object among the changes or in the state.
func lookup[T interface{ id() string }](changed []T, t *table[T], id string) (T, bool) {
	for _, v := range changed {
		if v.id() == id {
			return v, true
		}
	}
	v, ok := t.byID[id]
	return v, ok
}

// store keeps the newest version of a changed object.
func store[T interface{ id() string }](changed *[]T, v T) {
	for i, old := range *changed {
		if old.id() == v.id() {
			(*changed)[i] = v
			return
		}
	}
	*changed = append(*changed, v)
}

func (t *tx) customer(id string) (customer, bool) {
	return lookup(t.rec.Customers, &t.sim.state.customers, id)
}

func (t *tx) method(id string) (method, bool) {
	return lookup(t.rec.Methods, &t.sim.state.methods, id)
}

func (t *tx) intent(id string) (intent, bool) {
	return lookup(t.rec.Intents, &t.sim.state.intents, id)
}

func (t *tx) charge(id string) (charge, bool) {
	return lookup(t.rec.Charges, &t.sim.state.charges, id)
}

// id makes an id from the seed and what asked for it: the idempotency key if
// there is one, so that ids do not depend on the order in which goroutines got
// their turn, else the number of the request.
func (t *tx) id(prefix string) string {
	t.made++
	cause := t.cause
	switch {
	case t.call != nil && t.call.key != "":
		cause = t.call.key
	case t.call != nil:
		cause = fmt.Sprintf("#%d", t.sim.state.asked)
	}
	for again := 0; ; again++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s/%s/%d/%d", t.sim.cfg.Seed, prefix, cause, t.made, again))
		id := prefix + idText(sum)
		if !t.sim.state.has(id) { // a key may be used again once it was forgotten
			return id
		}
	}
}

var lettersOnly = strings.NewReplacer("-", "x", "_", "y")

// idText is 24 letters and digits, as Stripe's ids have.
func idText(sum [sha256.Size]byte) string {
	return lettersOnly.Replace(base64.RawURLEncoding.EncodeToString(sum[:18]))
}

// announce records an event about an object as it is now.
func (t *tx) announce(kind string, object wire) {
	e := event{ID: t.id("evt_"), Created: t.now, Type: kind, Object: object}
	if !t.sim.hooks.listening() {
		e.Delivery = "none"
	}
	if t.call != nil {
		e.Request, e.Key = t.call.requestID, t.call.key
	}
	t.rec.Events = append(t.rec.Events, e)
}

// base is the address by which the request reached the simulator.
func (t *tx) base() string {
	if t.call == nil {
		return ""
	}
	return t.call.base
}

// begin opens a transaction at the simulator's present time.
func (s *Sim) begin(c *call) *tx { return &tx{sim: s, now: s.now().Unix(), call: c} }

// now is the simulator's clock. The lock is held.
func (s *Sim) now() time.Time { return s.cfg.Now().Add(s.state.advanced) }

// commit makes a record durable, installs it, and sends its events.
func (s *Sim) commit(rec record) error {
	err := s.journal.append(rec)
	if err == nil {
		err = s.journal.sync()
	}
	if err != nil {
		return err
	}
	s.state.apply(rec, s.cfg.limits())
	for _, e := range rec.Events {
		s.hooks.send(e)
	}
	return nil
}

// install writes a record and applies it. It is durable after the next sync.
func (s *Sim) install(rec record) error {
	if err := s.journal.append(rec); err != nil {
		return err
	}
	s.state.apply(rec, s.cfg.limits())
	return nil
}
