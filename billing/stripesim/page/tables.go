package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger/money"
)

// shown is how many objects a page shows.
const shown = 100

// table is one kind of object, a row each.
type table struct {
	Head  []string
	Rows  []row
	Empty string // said when there is none
}

type row struct {
	Cells []cell
	Acts  []act
}

// cell is a text with a smaller one under it, or a chip.
type cell struct {
	Text, Sub, Chip, Link string
	Code, Right           bool
}

// act is a button: what it does, to what, and what a person may choose.
type act struct {
	Label, Do, Object, Result string
	Page                      string   // where it stands
	Dispute                   []string // reasons to choose from, with an amount
}

// object is one of Stripe's, as a client sees it.
type object map[string]any

// text returns a string at a path, "" if there is none.
func (o object) text(path ...string) string {
	s, _ := o.at(path).(string)
	return s
}

func (o object) num(path ...string) int64 {
	n, _ := o.at(path).(int64)
	return n
}

func (o object) yes(path ...string) bool {
	b, _ := o.at(path).(bool)
	return b
}

func (o object) at(path []string) any {
	var v any = map[string]any(o)
	for _, name := range path {
		in, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = in[name]
	}
	return v
}

// amount is for people: minor units as they are on the wire, and the króna and
// the Ugandan shilling that are there in hundredths.
func amount(minor int64, currency string) string {
	if currency == "isk" || currency == "ugx" {
		minor /= 100
	}
	return money.Money{Minor: minor, Currency: money.Currency(strings.ToUpper(currency))}.String()
}

// when is a time in one line, its spaces being of the kind that holds.
func when(unix int64) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).UTC().Format("2\u00a0Jan\u00a015:04")
}

func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

// tones are the colours of the chips: good, in wait, bad.
var tones = map[string]string{
	"succeeded": "good", "paid": "good", "won": "good", "delivered": "good", "available": "good", "warning_closed": "good",
	"requires_capture": "wait", "requires_action": "wait", "pending": "wait", "in_transit": "wait", "waiting": "wait",
	"needs_response": "bad", "warning_needs_response": "wait", "under_review": "wait", "warning_under_review": "wait",
	"lost": "bad", "failed": "bad", "requires_payment_method": "bad", "actionable": "bad",
}

func chip(status string) cell { return cell{Text: words(status), Chip: "chip " + tones[status]} }

func id(s string) cell { return cell{Text: s, Code: true} }

func (p *Pages) objects(kind string) (out []object) {
	for _, w := range p.sim.Look(kind, shown) {
		out = append(out, object(w))
	}
	return out
}

func (p *Pages) funds() (out []funds) {
	available, underWay := p.sim.Funds()
	for _, c := range slices.Sorted(maps.Keys(available)) {
		out = append(out, funds{amount(available[c], c), amount(underWay[c], c)})
	}
	return out
}

func (p *Pages) payments() table {
	t := table{Head: []string{"Payment", "Status", "Card", "Held until", "Amount"}, Empty: "No payment yet."}
	for _, o := range p.objects("payment_intents") {
		c, _ := o["latest_charge"].(map[string]any)
		charge := object(c)
		currency := o.text("currency")
		sum := cell{Text: amount(o.num("amount"), currency), Right: true}
		if n := o.num("amount_received"); n > 0 {
			sum.Sub = amount(n, currency) + " taken"
		}
		kind := charge.text("payment_method_details", "type")
		card := cell{Text: strings.TrimSpace(charge.text("payment_method_details", kind, "brand") + " " +
			charge.text("payment_method_details", kind, "last4"))}
		status := chip(o.text("status"))
		if code := o.text("last_payment_error", "decline_code"); code != "" {
			status.Sub = words(code)
		}
		name := id(o.text("id"))
		if visit := visitOf(o); visit != "" {
			name.Sub = "visit " + visit
		}
		t.Rows = append(t.Rows, row{
			Cells: []cell{name, status, card, {Text: when(charge.num("payment_method_details", kind, "capture_before"))}, sum},
			Acts:  paymentActs(o, charge),
		})
	}
	return t
}

func visitOf(o object) string {
	data, _ := o["metadata"].(map[string]string)
	return data["visit"]
}

// paymentActs are what a shopper or a bank may do to a payment now.
func paymentActs(o, charge object) []act {
	name := o.text("id")
	switch o.text("status") {
	case "requires_action":
		return []act{
			{Label: "Shopper confirms", Do: "authenticate", Object: name, Result: "success"},
			{Label: "Shopper fails", Do: "authenticate", Object: name, Result: "failure"},
		}
	case "succeeded":
		return []act{
			{Label: "Inquiry", Do: "inquiry", Object: name},
			{Label: "Fraud warning", Do: "warn", Object: name},
			{Label: "Dispute", Do: "dispute", Object: name, Dispute: stripesim.Reasons()},
		}
	}
	return nil
}

func (p *Pages) setups() table {
	t := table{Head: []string{"Setup", "Status", "Customer", "Made"}, Empty: "No card was set up yet."}
	for _, o := range p.objects("setup_intents") {
		r := row{Cells: []cell{
			id(o.text("id")), chip(o.text("status")), id(o.text("customer")), {Text: when(o.num("created"))},
		}}
		if o.text("status") == "requires_action" {
			r.Acts = paymentActs(o, nil)
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func (p *Pages) refunds() table {
	t := table{Head: []string{"Refund", "Status", "Of", "Made", "Amount"}, Empty: "Nothing was refunded yet."}
	for _, o := range p.objects("refunds") {
		name, status := o.text("id"), chip(o.text("status"))
		status.Sub = words(o.text("failure_reason"))
		r := row{Cells: []cell{
			id(name), status, id(o.text("payment_intent")),
			{Text: when(o.num("created"))},
			{Text: amount(o.num("amount"), o.text("currency")), Right: true},
		}}
		if o.text("status") == "pending" {
			r.Acts = append(r.Acts, act{Label: "Complete", Do: "refund", Object: name, Result: "succeeded"})
		}
		if s := o.text("status"); s == "pending" || s == "succeeded" {
			r.Acts = append(r.Acts, act{Label: "Fail", Do: "refund", Object: name, Result: "failed"})
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func (p *Pages) disputes() table {
	t := table{
		Head:  []string{"Dispute", "Status", "About", "Answer by", "Evidence", "Amount"},
		Empty: "Nobody has disputed a payment yet.",
	}
	for _, o := range p.objects("disputes") {
		name, status := o.text("id"), o.text("status")
		about := id(o.text("payment_intent"))
		about.Sub = words(o.text("reason"))
		evidence, n := cell{Text: "none"}, 0
		fields, _ := o["evidence"].(map[string]any)
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			v, _ := fields[field].(string)
			if v != "" {
				n++
			}
			if strings.HasPrefix(v, "file_") {
				evidence.Link = "/sim/files/" + v
			}
		}
		if n > 0 {
			evidence.Text, evidence.Sub = fmt.Sprint(n, " of 27 fields"), "staged"
		}
		if sent, _ := o.at([]string{"evidence_details", "submission_count"}).(int); sent > 0 {
			evidence.Sub = "submitted"
		}
		r := row{Cells: []cell{
			id(name), chip(status), about,
			{Text: when(o.num("evidence_details", "due_by"))},
			evidence,
			{Text: amount(o.num("amount"), o.text("currency")), Right: true},
		}}
		switch status {
		case "needs_response", "under_review":
			r.Acts = []act{
				{Label: "Shop wins", Do: "decide", Object: name, Result: "won"},
				{Label: "Shop loses", Do: "decide", Object: name, Result: "lost"},
			}
		case "warning_needs_response", "warning_under_review":
			r.Acts = []act{
				{Label: "Escalate", Do: "escalate", Object: name},
				{Label: "Close", Do: "decide", Object: name, Result: "won"},
			}
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func (p *Pages) warnings() table {
	t := table{Head: []string{"Warning", "State", "About", "Made"}, Empty: "No bank has warned of fraud yet."}
	for _, o := range p.objects("warnings") {
		state := chip("answered")
		if o.yes("actionable") {
			state = chip("actionable")
		}
		about := id(o.text("payment_intent"))
		about.Sub = words(o.text("fraud_type"))
		t.Rows = append(t.Rows, row{Cells: []cell{id(o.text("id")), state, about, {Text: when(o.num("created"))}}})
	}
	return t
}

func (p *Pages) payouts() table {
	t := table{
		Head: []string{"Payout", "Status", "Reconciliation", "Arrives", "Amount"}, Empty: "Nothing was paid out yet.",
	}
	for _, o := range p.objects("payouts") {
		name, status := o.text("id"), chip(o.text("status"))
		status.Sub = words(o.text("failure_code"))
		r := row{Cells: []cell{
			id(name), status,
			{Text: words(o.text("reconciliation_status"))},
			{Text: when(o.num("arrival_date"))},
			{Text: amount(o.num("amount"), o.text("currency")), Right: true},
		}}
		if s := o.text("status"); s != "failed" && s != "canceled" {
			r.Acts = []act{{Label: "Bank sends it back", Do: "fail-payout", Object: name}}
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func (p *Pages) balance() table {
	t := table{Head: []string{"Movement", "Kind", "Of", "Available", "Fee", "Amount"}, Empty: "Nothing has moved yet."}
	for _, o := range p.objects("balance_transactions") {
		currency := o.text("currency")
		t.Rows = append(t.Rows, row{Cells: []cell{
			id(o.text("id")),
			{Text: words(o.text("reporting_category"))},
			id(o.text("source")),
			{Text: when(o.num("available_on"))},
			{Text: amount(o.num("fee"), currency), Right: true},
			{Text: amount(o.num("amount"), currency), Right: true},
		}})
	}
	return t
}

func (p *Pages) webhooks() table {
	t := table{Head: []string{"Event", "Delivery", "Type", "Object", "Made"}, Empty: "Nothing has happened yet."}
	for _, o := range p.objects("events") {
		how := o.text("delivery")
		r := row{Acts: []act{{Label: "Send again", Do: "resend", Object: o.text("id")}}}
		switch how {
		case "":
			how = "under way"
		case "none":
			how, r.Acts = "nobody listened", nil
		}
		r.Cells = []cell{
			id(o.text("id")), chip(how),
			{Text: o.text("type")},
			id(o.text("data", "object", "id")),
			{Text: when(o.num("created"))},
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func (p *Pages) faults() table {
	t := table{Head: []string{"Fault", "Goes wrong", "Calls or events", "When"}, Empty: "Nothing is set to go wrong."}
	for _, f := range p.sim.Faults() {
		op := f.Op
		if op == "" {
			op = "all"
		}
		kind := cell{Text: words(string(f.Kind)), Sub: words(f.Code)}
		t.Rows = append(t.Rows, row{Cells: []cell{{Text: fmt.Sprint(f.ID)}, kind, {Text: op, Code: true}, {Text: often(f)}}})
	}
	return t
}

// often says when a fault fires.
func often(f stripesim.Fault) string {
	var out []string
	if f.Nth > 0 {
		out = append(out, fmt.Sprint("match number ", f.Nth))
	}
	if f.Times > 0 {
		out = append(out, fmt.Sprint("at most ", f.Times, " times"))
	}
	if f.Probability > 0 {
		out = append(out, fmt.Sprint("with probability ", f.Probability))
	}
	if f.Visit != "" {
		out = append(out, "visit "+f.Visit)
	}
	if len(out) == 0 {
		return "always"
	}
	return strings.Join(out, ", ")
}
