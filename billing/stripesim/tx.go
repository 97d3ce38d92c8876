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
	sim  *Sim
	now  int64
	call *call // nil when the clock itself does something
	rec  record
	made int // ids made, so that one request's ids differ
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
	cause := fmt.Sprintf("#%d", t.sim.state.asked)
	if t.call != nil && t.call.key != "" {
		cause = t.call.key
	}
	for again := 0; ; again++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s/%s/%d/%d", t.sim.cfg.Seed, prefix, cause, t.made, again))
		id := prefix + idText(sum)
		if !t.sim.taken(id) {
			return id
		}
	}
}

// idText is 24 letters and digits, as Stripe's ids have.
func idText(sum [sha256.Size]byte) string {
	return strings.NewReplacer("-", "x", "_", "y").Replace(base64.RawURLEncoding.EncodeToString(sum[:18]))
}

// taken reports whether an object has the id: an idempotency key used again
// after it was forgotten makes new objects.
func (s *Sim) taken(id string) bool {
	st := &s.state
	_, a := st.intents.byID[id]
	_, b := st.charges.byID[id]
	_, c := st.refunds.byID[id]
	_, d := st.customers.byID[id]
	_, e := st.methods.byID[id]
	_, f := st.events.byID[id]
	_, g := st.balances.byID[id]
	return a || b || c || d || e || f || g
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

// post books a balance transaction and returns its id.
func (t *tx) post(kind, source string, amount int64, currency string) string {
	b := balance{ID: t.id("txn_"), Created: t.now, Kind: kind, Source: source, Amount: amount, Currency: currency}
	if kind == "charge" {
		b.Fee = t.sim.cfg.fee(amount)
	}
	t.rec.Balances = append(t.rec.Balances, b)
	return b.ID
}

// fee is 2.9 % and 30, Stripe's list price for cards in the US, rounded half
// up. It is the same number of minor units in every currency.
func (c Config) fee(amount int64) int64 { return (amount*29+500)/1000 + 30 }

// begin opens a transaction at the simulator's present time.
func (s *Sim) begin(c *call) *tx { return &tx{sim: s, now: s.now().Unix(), call: c} }

// now is the simulator's clock. The lock is held.
func (s *Sim) now() time.Time { return s.cfg.Now().Add(s.state.advanced) }

// commit makes a record durable, installs it, and sends its events.
func (s *Sim) commit(rec record) error {
	if err := s.journal.append(rec, true); err != nil {
		return err
	}
	s.state.apply(rec, s.cfg.limits())
	for _, e := range rec.Events {
		s.hooks.send(e)
	}
	return nil
}

// settle does what the clock has made due: holds lapse, keys are forgotten.
func (s *Sim) settle() error {
	now := s.now().Unix()
	for len(s.state.keys) > 0 {
		a, ok := s.state.answers[s.state.keys[0]]
		if ok && a.Created+int64(keyLife/time.Second) > now {
			break
		}
		delete(s.state.answers, s.state.keys[0])
		s.state.keys = s.state.keys[1:]
	}
	if s.state.lapse == 0 || now < s.state.lapse {
		return nil
	}
	t := s.begin(nil)
	next := int64(0)
	for _, id := range s.state.intents.ids {
		until, held := s.state.held[id]
		switch {
		case held && until <= now:
			t.release(s.state.intents.byID[id], "automatic", until)
		case held && (next == 0 || until < next):
			next = until
		}
	}
	err := s.commit(t.rec)
	s.state.lapse = next
	return err
}
