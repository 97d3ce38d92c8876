package account

import (
	"maps"
	"path"
	"slices"
	"strconv"
)

// listed is what every list needs of its objects.
type listed interface {
	id() string
	at() int64
}

// span is the "created" filter of a list.
type span struct{ from, to int64 }

const always = int64(1) << 60

// slack is how much older than the object before it an object may be: a slow
// request is dated when its work began.
const slack = day

func createdSpan(f Form) (span, *Error) { return spanOf(f, "created") }

func spanOf(f Form, field string) (span, *Error) {
	s := span{from: 0, to: always}
	for name, set := range map[string]func(int64){
		field:           func(n int64) { s = span{n, n} },
		field + "[gte]": func(n int64) { s.from = n },
		field + "[gt]":  func(n int64) { s.from = n + 1 },
		field + "[lte]": func(n int64) { s.to = n },
		field + "[lt]":  func(n int64) { s.to = n - 1 },
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
func page[T listed](t *tx, f Form, tab *table[T], match func(T) bool) ([]T, bool, *Error) {
	limit, given, e := f.integer("limit")
	if e != nil || (given && (limit < 1 || limit > 100)) {
		return nil, false, Invalid("limit", "parameter_invalid_integer", "Limit must be between 1 and 100.")
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
		if v.at() < when.from-slack { // ids are in the order of their times
			break
		}
		if after != "" {
			if id == after {
				after = ""
			}
			continue
		}
		if v.at() >= when.from && v.at() <= when.to && match(v) {
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
func list[T listed](t *tx, f Form, tab *table[T], match func(T) bool, render func(T) Wire) (Wire, *Error) {
	items, more, e := page(t, f, tab, match)
	if e != nil {
		return nil, e
	}
	data := make([]Wire, 0, len(items))
	for _, v := range items {
		data = append(data, render(v))
	}
	return Wire{"object": "list", "url": t.call.Path, "has_more": more, "data": data}, nil
}

// same reports whether a filter is absent or equal to the value.
func same(f Form, name, value string) bool {
	want := f.get(name)
	return want == "" || want == value
}

func listIntents(t *tx, f Form) (Wire, *Error) {
	return list(t, f, &t.acc.intents,
		func(p intent) bool { return same(f, "customer", p.Customer) },
		func(p intent) Wire { return t.intentWire(p, f) })
}

func listCharges(t *tx, f Form) (Wire, *Error) {
	return list(t, f, &t.acc.charges,
		func(c charge) bool { return same(f, "customer", c.Customer) && same(f, "payment_intent", c.Intent) },
		t.chargeWire)
}

// listRefunds looks only at the refunds of the intent it is asked for.
func listRefunds(t *tx, f Form) (Wire, *Error) {
	tab := &t.acc.refunds
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
	return list(t, f, tab, func(r refund) bool { return same(f, "charge", r.Charge) }, t.refundWire)
}

// listBalances looks only at what the payout it is asked for is the sum of.
func listBalances(t *tx, f Form) (Wire, *Error) {
	tab := &t.acc.balances
	if name := f.get("payout"); name != "" {
		p, ok := t.acc.payouts.byID[name]
		switch {
		case !ok:
			return nil, missing("payout", "payout", name)
		case !p.Automatic:
			return nil, Invalid("payout", "", "Balance transaction history can only be filtered on automatic payouts.")
		}
		few := &table[balance]{}
		for _, id := range t.acc.bundles[name] {
			few.put(tab.byID[id])
		}
		tab = few
	}
	return list(t, f, tab, func(b balance) bool {
		return same(f, "type", b.Kind) && same(f, "source", b.Source) && same(f, "currency", b.Currency)
	}, func(b balance) Wire {
		w := t.balanceWire(b)
		if source := t.sourceWire(b.Source); source != nil && f.expands("data.source") {
			w["source"] = source
		}
		return w
	})
}

// sourceWire returns what a balance transaction is of, or nil.
func (t *tx) sourceWire(id string) Wire {
	if c, ok := t.charge(id); ok {
		return t.chargeWire(c)
	}
	if r, ok := lookup(t.rec.Refunds, &t.acc.refunds, id); ok {
		return t.refundWire(r)
	}
	if d, ok := lookup(t.rec.Disputes, &t.acc.disputes, id); ok {
		return t.disputeWire(d)
	}
	if p, ok := lookup(t.rec.Payouts, &t.acc.payouts, id); ok {
		return t.payoutWire(p)
	}
	return nil
}

func listCustomers(t *tx, f Form) (Wire, *Error) {
	return list(t, f, &t.acc.customers,
		func(c customer) bool { return !c.Deleted && same(f, "email", c.Email) }, t.customerWire)
}

func listMethods(t *tx, f Form) (Wire, *Error) {
	who := f.get("customer")
	if t.call.ID != "" {
		who = t.call.ID
	}
	return list(t, f, &t.acc.methods,
		func(m method) bool { return who != "" && m.Customer == who }, t.methodWire)
}

func listSetups(t *tx, f Form) (Wire, *Error) {
	return list(t, f, &t.acc.setups, func(s setup) bool {
		return same(f, "customer", s.Customer) && same(f, "payment_method", s.Method)
	}, t.setupWire)
}

func listDisputes(t *tx, f Form) (Wire, *Error) {
	return list(t, f, &t.acc.disputes, func(d dispute) bool {
		return same(f, "charge", d.Charge) && same(f, "payment_intent", d.Intent)
	}, t.disputeWire)
}

func listWarnings(t *tx, f Form) (Wire, *Error) {
	return list(t, f, &t.acc.warnings, func(w warning) bool {
		return same(f, "charge", w.Charge) && same(f, "payment_intent", w.Intent)
	}, t.warningWire)
}

func listFiles(t *tx, f Form) (Wire, *Error) {
	return list(t, f, &t.acc.files, func(v file) bool { return same(f, "purpose", v.Purpose) }, t.fileWire)
}

func listPayouts(t *tx, f Form) (Wire, *Error) {
	arrives, e := spanOf(f, "arrival_date")
	if e != nil {
		return nil, e
	}
	return list(t, f, &t.acc.payouts, func(p payout) bool {
		at := p.Arrives / day * day
		return same(f, "status", p.Status) && same(f, "destination", bankAccount) && at >= arrives.from && at <= arrives.to
	}, t.payoutWire)
}

// eventLife is how far back events are listed.
const eventLife = 30 * day

// listEvents takes "*" in type for any run of characters.
func listEvents(t *tx, f Form) (Wire, *Error) {
	kinds := slices.Collect(maps.Values(f.under("types")))
	if len(kinds) > 20 {
		return nil, Invalid("types", "", "You may name at most 20 types.")
	}
	if kind := f.get("type"); kind != "" {
		kinds = append(kinds, kind)
	}
	oldest := t.now - eventLife
	return list(t, f, &t.acc.events, func(e Event) bool {
		if ok := f.get("delivery_success"); ok != "" && ok != strconv.FormatBool(e.Delivery == Reached) {
			return false
		}
		return e.Created >= oldest && (len(kinds) == 0 || slices.ContainsFunc(kinds, func(kind string) bool {
			fits, err := path.Match(kind, e.Type)
			return err == nil && fits
		}))
	}, func(e Event) Wire { return t.acc.EventWire(e, APIVersion) })
}

// get serves GET of one object.
func get[T interface{ id() string }](
	what string, tab func(*Account) *table[T], render func(*tx, T) Wire,
) func(*tx, Form) (Wire, *Error) {
	return func(t *tx, _ Form) (Wire, *Error) {
		v, ok := tab(t.acc).byID[t.call.ID]
		if !ok {
			return nil, notFound(what, t.call.ID)
		}
		return render(t, v), nil
	}
}

// getIntent serves GET /v1/payment_intents/:id.
func getIntent(t *tx, f Form) (Wire, *Error) {
	p, ok := t.intent(t.call.ID)
	if !ok {
		return nil, notFound("payment_intent", t.call.ID)
	}
	return t.intentWire(p, f), nil
}

// getAccount serves GET /v1/account.
func getAccount(t *tx, _ Form) (Wire, *Error) {
	return Wire{
		"id": ID, "object": "account", "business_type": "company", "charges_enabled": true, "country": "US",
		"created": 0, "default_currency": "usd", "details_submitted": true, "email": nil, "metadata": Wire{},
		"payouts_enabled": true, "type": "standard",
	}, nil
}
