package stripesim

import (
	"slices"
	"strconv"
)

func (c customer) at() int64 { return c.Created }
func (m method) at() int64   { return m.Created }
func (p intent) at() int64   { return p.Created }
func (c charge) at() int64   { return c.Created }
func (r refund) at() int64   { return r.Created }
func (b balance) at() int64  { return b.Created }
func (e event) at() int64    { return e.Created }

// listed is what every list needs of its objects.
type listed interface {
	id() string
	at() int64
}

// span is the "created" filter of a list.
type span struct{ from, to int64 }

const always = int64(1) << 60

func createdSpan(f form) (span, *apiError) {
	s := span{from: 0, to: always}
	for name, set := range map[string]func(int64){
		"created":      func(n int64) { s = span{n, n} },
		"created[gte]": func(n int64) { s.from = n },
		"created[gt]":  func(n int64) { s.from = n + 1 },
		"created[lte]": func(n int64) { s.to = n },
		"created[lt]":  func(n int64) { s.to = n - 1 },
	} {
		n, given, e := f.integer(name)
		if e != nil {
			return s, e
		}
		if given {
			set(n)
		}
	}
	return s, nil
}

// page returns the objects of a list request, newest first.
func page[T listed](t *tx, f form, tab *table[T], match func(T) bool) ([]T, bool, *apiError) {
	limit, given, e := f.integer("limit")
	if e != nil || (given && (limit < 1 || limit > 100)) {
		return nil, false, invalid("limit", "parameter_invalid_integer", "Limit must be between 1 and 100.")
	}
	if !given {
		limit = 10
	}
	when, e := createdSpan(f)
	if e != nil {
		return nil, false, e
	}
	after, before := f.get("starting_after"), f.get("ending_before")
	for param, id := range map[string]string{"starting_after": after, "ending_before": before} {
		if _, ok := tab.byID[id]; id != "" && !ok {
			return nil, false, missing(param, "object", id)
		}
	}
	var out []T
	for _, id := range slices.Backward(tab.ids) {
		if id == before {
			break
		}
		v := tab.byID[id]
		if v.at() < when.from { // ids are in the order of their times
			break
		}
		if after != "" {
			if id == after {
				after = ""
			}
			continue
		}
		if v.at() <= when.to && match(v) {
			out = append(out, v)
		}
		if before == "" && len(out) > int(limit) {
			break
		}
	}
	more := len(out) > int(limit)
	switch {
	case more && before != "":
		out = out[len(out)-int(limit):]
	case more:
		out = out[:limit]
	}
	return out, more, nil
}

// list renders a page.
func list[T listed](t *tx, f form, tab *table[T], match func(T) bool, render func(T) wire) (wire, *apiError) {
	items, more, e := page(t, f, tab, match)
	if e != nil {
		return nil, e
	}
	data := make([]wire, 0, len(items))
	for _, v := range items {
		data = append(data, render(v))
	}
	return wire{"object": "list", "url": t.call.path, "has_more": more, "data": data}, nil
}

// same reports whether a filter is absent or equal to the value.
func same(f form, name, value string) bool {
	want := f.get(name)
	return want == "" || want == value
}

func listIntents(t *tx, f form) (wire, *apiError) {
	return list(t, f, &t.sim.state.intents,
		func(p intent) bool { return same(f, "customer", p.Customer) },
		func(p intent) wire { return t.intentWire(p, f) })
}

func listCharges(t *tx, f form) (wire, *apiError) {
	return list(t, f, &t.sim.state.charges,
		func(c charge) bool { return same(f, "customer", c.Customer) && same(f, "payment_intent", c.Intent) },
		t.chargeWire)
}

// listRefunds looks only at the refunds of the intent it is asked for.
func listRefunds(t *tx, f form) (wire, *apiError) {
	tab := &t.sim.state.refunds
	if name := f.get("payment_intent"); name != "" {
		p, ok := t.intent(name)
		if !ok {
			return nil, missing("payment_intent", "payment_intent", name)
		}
		few := &table[refund]{}
		for _, id := range p.Refunds {
			few.put(tab.byID[id])
		}
		tab = few
	}
	return list(t, f, tab, func(r refund) bool { return same(f, "charge", r.Charge) }, refundWire)
}

func listBalances(t *tx, f form) (wire, *apiError) {
	return list(t, f, &t.sim.state.balances,
		func(b balance) bool { return same(f, "type", b.Kind) && same(f, "source", b.Source) }, balanceWire)
}

func listCustomers(t *tx, f form) (wire, *apiError) {
	return list(t, f, &t.sim.state.customers,
		func(c customer) bool { return !c.Deleted && same(f, "email", c.Email) }, t.customerWire)
}

func listMethods(t *tx, f form) (wire, *apiError) {
	who := f.get("customer")
	if t.call.id != "" {
		who = t.call.id
	}
	return list(t, f, &t.sim.state.methods,
		func(m method) bool { return who != "" && m.Customer == who }, t.methodWire)
}

func listEvents(t *tx, f form) (wire, *apiError) {
	kinds := f.under("types")
	return list(t, f, &t.sim.state.events, func(e event) bool {
		if ok := f.get("delivery_success"); ok != "" && ok != strconv.FormatBool(e.Delivery == "delivered") {
			return false
		}
		if !same(f, "type", e.Type) {
			return false
		}
		for _, k := range kinds {
			if k == e.Type {
				return true
			}
		}
		return len(kinds) == 0
	}, func(e event) wire { return t.sim.eventWire(e, APIVersion) })
}
