package sequences_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// closes lets everybody leave and every time-limit pass, and has people answer
// what they are asked.
func (c *crowd) closes() {
	c.t.Helper()
	c.trouble = false
	c.sim.ClearFaults()
	for _, visit := range c.visits {
		c.pass(time.Minute)
		if c.visit(visit).Cart.Status == projections.StatusInside {
			c.exits(visit, c.name("exit"))
		}
	}
	for range 6 {
		c.looks()
		c.decides()
		c.looks()
		for _, a := range c.asked() {
			c.finds(a)
		}
		c.pass(30 * day)
	}
	c.looks()
	c.start()
	c.looks()
	c.settle()
}

// decides ends the claims of card networks, one way or the other.
func (c *crowd) decides() {
	c.t.Helper()
	for _, d := range c.sim.Look("disputes", 1000) {
		id, _ := d["id"].(string)
		_ = c.sim.Decide(id, c.rng.IntN(2) == 0) // most have ended
	}
}

// finds is a person who looks an order up at the provider, and pays another way
// what would not go by card.
func (c *crowd) finds(a engine.AskedView) {
	c.t.Helper()
	cmd := engine.ResolveCommand{
		Meta: c.meta("found " + a.Event.String()), Visit: a.Visit, Intent: a.Intent, By: "operator:finn", Reason: "looked it up",
	}
	v := c.visit(string(a.Visit))
	switch in := v.Payment.Open; {
	case in != nil && in.ID == a.Intent.String():
		out, err := c.gateway.Find(c.ctx, in.Order)
		c.must(err)
		if out.Status == billing.Pending {
			return
		}
		if cmd.Done = out.Status == billing.Done; cmd.Done {
			cmd.Object, cmd.Amount = out.Object, out.Amount
		}
	case a.Op == billing.OpRefund && in == nil && v.Payment.Kept().Minor >= a.Amount.Minor:
		cmd.Done, cmd.Object = true, "bank transfer "+a.Event.String()
	}
	c.perhaps(func(ctx context.Context) error { _, err := c.desk.Resolve(ctx, cmd); return err })
}

// tally says how each visit ended, and what was done to get there.
func (c *crowd) tally() tally {
	c.t.Helper()
	t := tally{visits: len(c.visits), kills: c.killed, ends: map[string]int{}}
	for _, r := range c.sim.Requests() {
		t.requests++
		if r.Fault != "" {
			t.faults++
		}
	}
	waiting := map[ledger.VisitID]bool{}
	for _, a := range c.asked() {
		waiting[a.Visit] = true
	}
	money := c.sim.Audit().Visits
	for _, visit := range c.visits {
		v := c.visit(visit)
		end := "forgotten"
		switch {
		case waiting[ledger.VisitID(visit)]:
			end = "asked about"
		case v.Cart.Status == projections.StatusRefused:
			end = "refused"
		case v.Cart.Settled != nil && v.Owed.Minor > 0:
			end = "owed"
		case v.Cart.Settled != nil && v.Payment.Kept().Minor > 0:
			end = "charged"
		case v.Cart.Settled != nil:
			end = "nothing owed"
		}
		t.ends[end]++
		if end == "forgotten" || v.Stuck != "" {
			c.t.Errorf("visit %s is %s and nobody looks at it %s", visit, v.Cart.Status, v.Stuck)
		}
		if m := money[visit]; end != "asked about" && (m.Held != 0 || v.Payment.Open != nil) {
			c.t.Errorf("visit %s ended, %s, with %d held and %+v open", visit, end, m.Held, v.Payment.Open)
		}
	}
	return t
}

// elsewhere is what banks and people at the provider's own pages do.
func (c *crowd) elsewhere() {
	c.t.Helper()
	var taken []string
	for _, visit := range c.visits {
		for _, t := range c.visit(visit).Payment.Takings {
			taken = append(taken, t.Object)
		}
	}
	if len(taken) == 0 {
		return
	}
	pi := pick(c.rng, taken...)
	switch c.rng.IntN(4) {
	case 0:
		_, _ = c.sim.Dispute(pi, disputed(c.rng)) // may be disputed already
	case 1:
		_, _ = c.sim.Warn(pi, "made_with_stolen_card")
	case 2:
		c.refundsAtTheDashboard(pi)
	case 3:
		for _, r := range c.sim.Look("refunds", 1000) {
			if id, _ := r["id"].(string); r["payment_intent"] == pi {
				_ = c.sim.FailRefund(id, "lost_or_stolen_card") // may have failed already
			}
		}
	}
}

func disputed(rng *rand.Rand) stripesim.Dispute {
	return stripesim.Dispute{Inquiry: rng.IntN(3) == 0, DueDays: 3 + rng.IntN(10)}
}

// refundsAtTheDashboard gives a little back, if the provider lets it.
func (c *crowd) refundsAtTheDashboard(pi string) {
	c.t.Helper()
	status, body := c.ask("", "/v1/refunds", map[string]string{"payment_intent": pi, "amount": strconv.Itoa(1 + c.rng.IntN(100))})
	if status != http.StatusOK && status != http.StatusBadRequest && status/100 != 5 && status != 0 {
		c.t.Errorf("a refund at the dashboard answered %d %s", status, body)
	}
}
