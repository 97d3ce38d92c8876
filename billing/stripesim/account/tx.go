package account

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// A tx is one request at work: it reads the account through its own changes
// and keeps them in rec until they are applied together, or dropped together.
type tx struct {
	acc   *Account
	now   int64
	call  *Call  // nil when the clock or a control does something
	cause string // which of these, and what
	rec   Record
	made  int // ids made, so that one request's ids differ

	result string // id of what an act made
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
	return lookup(t.rec.Customers, &t.acc.customers, id)
}

func (t *tx) method(id string) (method, bool) {
	return lookup(t.rec.Methods, &t.acc.methods, id)
}

func (t *tx) intent(id string) (intent, bool) {
	return lookup(t.rec.Intents, &t.acc.intents, id)
}

func (t *tx) charge(id string) (charge, bool) {
	return lookup(t.rec.Charges, &t.acc.charges, id)
}

// id makes an id from the seed and what asked for it: the idempotency key if
// there is one, so that ids do not depend on the order in which goroutines got
// their turn, else the number of the request.
func (t *tx) id(prefix string) string {
	t.made++
	cause := t.cause
	switch {
	case t.call != nil && t.call.Key != "":
		cause = t.call.Key
	case t.call != nil:
		cause = fmt.Sprintf("#%d", t.acc.asked)
	}
	for again := 0; ; again++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s/%s/%d/%d", t.acc.cfg.Seed, prefix, cause, t.made, again))
		id := prefix + IDText(sum)
		if !t.acc.has(id) { // a key may be used again once it was forgotten
			return id
		}
	}
}

var lettersOnly = strings.NewReplacer("-", "x", "_", "y")

// IDText is 24 letters and digits, as Stripe's ids have.
func IDText(sum [sha256.Size]byte) string {
	return lettersOnly.Replace(base64.RawURLEncoding.EncodeToString(sum[:18]))
}

// announce records an event about an object as it is now.
func (t *tx) announce(kind string, object Wire) {
	e := Event{ID: t.id("evt_"), Created: t.now, Type: kind, Object: object}
	if !t.acc.cfg.Listening() {
		e.Delivery = None
	}
	if t.call != nil {
		e.Request, e.Key = t.call.RequestID, t.call.Key
	}
	t.rec.Events = append(t.rec.Events, e)
}

// base is the address by which the request reached the simulator.
func (t *tx) base() string {
	if t.call == nil {
		return ""
	}
	return t.call.Base
}
