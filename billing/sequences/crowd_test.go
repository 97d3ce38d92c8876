package sequences_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/stripesim/fault"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// A tally counts what happened in worlds of many visits.
type tally struct {
	visits, kills, requests, faults int
	ends                            map[string]int
}

func (t *tally) add(o tally) {
	t.visits += o.visits
	t.kills += o.kills
	t.requests += o.requests
	t.faults += o.faults
	for k, n := range o.ends {
		t.ends[k] += n
	}
}

func (t tally) String() string {
	s := fmt.Sprintf("%d visits, %d kills, %d requests of which %d went wrong;", t.visits, t.kills, t.requests, t.faults)
	for _, k := range slices.Sorted(maps.Keys(t.ends)) {
		s += fmt.Sprintf(" %s %d", k, t.ends[k])
	}
	return s
}

// TestNobodyTwiceNobodyForgotten draws worlds of visits to which anything may
// happen: cards of every sort, doubts, claims, answers that are lost, orders
// that never arrive, webhooks that are lost, doubled, stale or of another
// version, somebody at the provider's own pages, a process that is killed
// anywhere and comes back at once or a day later. However it goes, every visit
// comes to exactly one end, nobody is charged twice, no hold stands, and the
// ledger's money is the provider's, visit by visit and to the cent.
//
// VOUCH_SEED=n plays the world of that seed again.
func TestNobodyTwiceNobodyForgotten(t *testing.T) {
	first, worlds := uint64(1), uint64(few)
	if text := os.Getenv("VOUCH_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("VOUCH_SEED=%s: %v", text, err)
		}
		first, worlds = n, 1
	}
	many(t, first, 30, func(n uint64) bool { return n < worlds })
}

// few is how many worlds there are at least, so that each thing happens in one.
const few = 12

// TestTortureNobodyTwiceNobodyForgotten does so for as long as VOUCH_TORTURE says; ten
// minutes are some 40,000 visits. make torture runs it.
func TestTortureNobodyTwiceNobodyForgotten(t *testing.T) {
	text := os.Getenv("VOUCH_TORTURE")
	if text == "" {
		t.Skip("takes minutes: set VOUCH_TORTURE, as make torture does")
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("VOUCH_TORTURE=%s: %v", text, err)
	}
	end := time.Now().Add(d)
	many(t, 1000, 30, func(n uint64) bool { return n < few || time.Now().Before(end) })
}

// many plays the worlds from a seed on while another one is due after so many.
func many(t *testing.T, first uint64, visits int, due func(n uint64) bool) {
	t.Helper()
	sum, worlds := tally{ends: map[string]int{}}, uint64(0)
	for ; due(worlds); worlds++ {
		seed := first + worlds
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			sum.add(play(t, seed, visits))
			if t.Failed() {
				t.Logf("again: VOUCH_SEED=%d go test -run TestNobodyTwice ./billing/sequences", seed)
			}
		})
	}
	t.Logf("seeds %d to %d: %s", first, first+worlds-1, sum)
	if worlds > 1 && (sum.kills == 0 || sum.faults == 0 || sum.ends["charged"] == 0 || sum.ends["owed"] == 0 || sum.ends["refused"] == 0) {
		t.Errorf("too little happened: %s", sum)
	}
}

// A crowd is a world whose shoppers do as they like.
type crowd struct {
	*world
	rng     *rand.Rand
	n       int // names are made of it
	visits  []string
	inside  []string
	doubts  []ledger.ID
	trouble bool // faults and kills are on
	late    []letter
	methods map[string]string // which card a shopper has
}

// play lets visits shoppers come, and returns how it ended.
func play(t *testing.T, seed uint64, visits int) tally {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 40))
	w := newWorldOf(t, seed, func(p *ledger.Policy) { drawPolicy(rng, p) })
	c := &crowd{world: w, rng: rng, trouble: true, methods: map[string]string{}}
	w.listen()
	c.misfortune()
	w.killFor = func(place string) bool {
		rarely := 150
		if strings.HasPrefix(place, "sen") { // around an order it matters most
			rarely = 25
		}
		if !c.trouble || rng.IntN(rarely) > 0 {
			return false
		}
		w.down = pick(rng, 0, 0, time.Minute, time.Hour, 25*time.Hour)
		return true
	}
	for len(c.visits) < visits {
		c.step()
	}
	for range 20 {
		c.step()
	}
	c.closes()
	w.over = true
	w.early = len(w.books.journal.Odd()) // what they are about is checked below, visit by visit
	w.end()
	return c.tally()
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func drawPolicy(rng *rand.Rand, p *ledger.Policy) {
	p.Hold = usd(pick(rng, int64(1000), 5000))
	p.AdjustHold, p.Unknown = rng.IntN(2) == 0, true
	p.OnDeadline = pick(rng, ledger.ForShopper, ledger.AsSensed)
	p.DebtLimit, p.FraudRefundLimit = usd(pick(rng, int64(0), 2000)), usd(pick(rng, int64(0), 1200))
	p.ReviewSeconds = pick(rng, 3600, int((8 * day).Seconds()))
}

// misfortune makes the provider, the network and the banks what they are.
func (c *crowd) misfortune() {
	c.t.Helper()
	for _, f := range []fault.Fault{
		{Op: "payment_intents.*", Kind: fault.DropAfter, Probability: 0.04},
		{Op: "payment_intents.*", Kind: fault.DropBefore, Probability: 0.03},
		{Op: "payment_intents.*", Kind: fault.Error503, Probability: 0.02},
		{Op: "payment_intents.*", Kind: fault.Error409, Probability: 0.02},
		{Op: "payment_intents.*", Kind: fault.Error429, Probability: 0.01},
		{Op: "payment_intents.c*", Kind: fault.Error500, Probability: 0.01},
		{Op: "payment_intents.c*", Kind: fault.Error500After, Probability: 0.02},
		{Op: "payment_intents.create", Kind: fault.Decline, Code: "insufficient_funds", Probability: 0.03},
		{Op: "payment_intents.create", Kind: fault.Decline, Code: "authentication_required", Probability: 0.02},
		{Op: "payment_intents.create", Kind: fault.Decline, Code: "lost_card", Probability: 0.01},
		{Op: "refunds.create", Kind: fault.DropAfter, Probability: 0.1},
		{Op: "refunds.create", Kind: fault.DropBefore, Probability: 0.05},
		{Op: "refunds.create", Kind: fault.Error500After, Probability: 0.05},
		{Op: "*", Kind: fault.Lose, Probability: 0.2},
		{Op: "*", Kind: fault.Duplicate, Count: 2, Probability: 0.1},
		{Op: "*", Kind: fault.Stale, Probability: 0.1},
		{Op: "*", Kind: fault.WrongVersion, Probability: 0.03},
	} {
		c.fault(f)
	}
}

// cards are those that shoppers have; the good one most of all.
var cards = []string{
	"pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_mastercard", "pm_card_amex",
	"pm_sim_declineOnUse_2", "pm_sim_declineAtIncrement", "pm_sim_declineAtCapture", "pm_card_chargeCustomerFail",
	"pm_card_authenticationRequired", "pm_card_createDispute", "pm_card_createDisputeInquiry", "pm_card_createIssuerFraudRecord",
	"pm_card_refundFail", "pm_card_pendingRefund", "pm_sim_pendingRefundFails",
}

// name makes a name that nothing else has.
func (c *crowd) name(what string) string {
	c.n++
	return fmt.Sprintf("%s-%d", what, c.n)
}

// step is what happens next.
func (c *crowd) step() {
	c.t.Helper()
	switch n := c.rng.IntN(100); {
	case n < 14:
		c.comes()
	case n < 44:
		c.takesSomething()
	case n < 56 && len(c.inside) > 0:
		i := c.rng.IntN(len(c.inside))
		visit := c.inside[i]
		c.inside = slices.Delete(c.inside, i, i+1)
		c.exits(visit, c.name("exit"))
	case n < 76:
		c.pass(pick(c.rng, time.Second, 10*time.Second, time.Minute, 10*time.Minute, 3*time.Hour, 30*time.Hour, 5*day))
	case n < 79:
		c.reviewsSomething()
	case n < 87:
		c.complains()
	case n < 92:
		c.money()
	case n < 96:
		c.elsewhere()
	default:
		c.looks()
	}
}

// comes shows a credential: of a shopper, of somebody unknown, or of staff.
func (c *crowd) comes() {
	c.t.Helper()
	visit := c.name("v")
	p := engine.PresentCommand{Ticket: visit, Credential: ledger.CredentialQR, Party: 1 + c.rng.IntN(3)}
	switch c.rng.IntN(12) {
	case 0:
		p.Credential = ledger.CredentialNone
	case 1:
		p.Credential, p.Shopper = ledger.CredentialStaff, "staff-cleo"
	case 2, 3:
		p.Shopper = ledger.ShopperID(fmt.Sprint("regular-", c.rng.IntN(3)))
	default:
		p.Shopper = ledger.ShopperID("shopper-" + visit)
	}
	if p.Credential == ledger.CredentialQR {
		card := c.card(string(p.Shopper), c.cardOf(string(p.Shopper)))
		p.Customer, p.PaymentMethod = card.Customer, card.PaymentMethod
	}
	if a := c.present(p); a.Visit != "" {
		c.visits = append(c.visits, visit)
		c.pass(pick(c.rng, 0, 12*time.Second))
		if v := c.visit(visit); v.Cart.Status == projections.StatusInside {
			c.inside = append(c.inside, visit)
			if c.rng.IntN(3) > 0 {
				c.sees(c.name("surely"), visit, sight{n: 1 + c.rng.IntN(4)})
			}
		}
	}
}

// cardOf is always the same for a shopper who comes again.
func (c *crowd) cardOf(shopper string) string {
	if c.methods[shopper] == "" {
		c.methods[shopper] = pick(c.rng, cards...)
	}
	return c.methods[shopper]
}

// takesSomething is seen by a camera, more or less surely.
func (c *crowd) takesSomething() {
	c.t.Helper()
	if len(c.visits) == 0 {
		return
	}
	from := c.visits
	if len(c.inside) > 0 && c.rng.IntN(5) > 0 {
		from = c.inside
	}
	visit, name := pick(c.rng, from...), c.name("seen")
	s := sight{
		sku: pick(c.rng, cola, cola, gum), n: 1 + c.rng.IntN(4), item: pick(c.rng, ledger.PerMille(970), 970, 970, 500),
		action: pick(c.rng, ledger.ActionTake, ledger.ActionTake, ledger.ActionTake, ledger.ActionReturn),
	}
	if other := pick(c.rng, c.visits...); other != visit && c.rng.IntN(6) == 0 {
		s.persons = []ledger.PersonHypothesis{{Visit: ledger.VisitID(visit), Confidence: 600}, {Visit: ledger.VisitID(other), Confidence: 400}}
	}
	c.sees(name, visit, s)
	c.doubts = append(c.doubts, c.id("detection "+name))
}

func (c *crowd) reviewsSomething() {
	c.t.Helper()
	var open []ledger.ID
	c.live.View(func(e *engine.Engine) {
		for _, id := range c.doubts {
			if q, ok := e.Question(id); ok && q.Decided == nil {
				open = append(open, id)
			}
		}
	})
	if len(open) == 0 {
		return
	}
	cmd := engine.ReviewCommand{
		ID: c.id(c.name("review")), Detection: pick(c.rng, open...), Reviewer: "reviewer:anna",
		Verdict: pick(c.rng, ledger.VerdictConfirmed, ledger.VerdictConfirmed, ledger.VerdictDismissed),
	}
	if c.rng.IntN(4) == 0 && cmd.Verdict == ledger.VerdictConfirmed {
		cmd.Visit = ledger.VisitID(pick(c.rng, c.visits...))
	}
	c.perhaps(func(ctx context.Context) error { _, err := c.desk.DecideReview(ctx, cmd); return err })
}

// perhaps gives a command that may be refused: the shop's state is not known
// to who gives it.
func (c *crowd) perhaps(f func(context.Context) error) {
	c.t.Helper()
	c.survive(func() { _ = f(c.ctx) })
	c.settle()
}

// complains has a shopper dispute a line, and somebody decide.
func (c *crowd) complains() {
	c.t.Helper()
	if len(c.visits) == 0 {
		return
	}
	visit, name := pick(c.rng, c.visits...), c.name("dispute")
	latest := c.visit(visit).Cart.Latest
	if latest == nil || len(latest.Lines) == 0 {
		return
	}
	line := pick(c.rng, latest.Lines...)
	to := ledger.VisitID("")
	if c.rng.IntN(3) == 0 {
		to = ledger.VisitID(pick(c.rng, c.visits...))
	}
	decision := engine.DisputeDecision{
		ID: c.id("decide " + name), Occurred: c.now(), Dispute: c.id(name), Reviewer: "reviewer:anna", Reason: "seen on the clip",
		Outcome: pick(c.rng, ledger.DisputeUpheld, ledger.DisputeUpheld, ledger.DisputeDenied),
	}
	if decision.Outcome == ledger.DisputeUpheld {
		decision.MoveTo = to
	}
	c.perhaps(func(ctx context.Context) error {
		_, err := c.desk.OpenDispute(ctx, engine.DisputeCommand{
			ID: c.id(name), Occurred: c.now(), Actor: "shopper", Receipt: latest.Number, Line: line.No, Quantity: 1 + c.rng.IntN(2),
			Claim: ledger.ClaimNotTaken, Message: "not mine",
		})
		if err == nil {
			_, err = c.desk.DecideDispute(ctx, decision)
		}
		return err
	})
}

// money is what shoppers and operators do about it.
func (c *crowd) money() {
	c.t.Helper()
	if len(c.visits) == 0 {
		return
	}
	visit, m := pick(c.rng, c.visits...), c.meta(c.name("money"))
	v := c.visit(visit)
	number := ""
	if v.Cart.Latest != nil {
		number = v.Cart.Latest.Number
	}
	shopper := v.Cart.Presented.Shopper
	var open []engine.SupplementView
	c.live.View(func(e *engine.Engine) { open = e.Supplements(shopper) })
	what, answer := c.rng.IntN(6), pick(c.rng, ledger.SupplementConsented, ledger.SupplementConsented, ledger.SupplementRefused)
	amount, onSession := usd(1+c.rng.Int64N(600)), c.rng.IntN(2) == 0
	card := c.card("payer-"+visit, "pm_card_visa")
	c.perhaps(func(ctx context.Context) (err error) {
		switch what {
		case 0, 1:
			_, err = c.desk.PayDebt(ctx, engine.PayCommand{
				Meta: m, Visit: ledger.VisitID(visit), Shopper: shopper, Customer: card.Customer, PaymentMethod: card.PaymentMethod,
				OnSession: onSession,
			})
		case 2:
			if len(open) > 0 {
				_, err = c.desk.AnswerSupplement(ctx, engine.AnswerCommand{Meta: m, Proposal: open[0].Proposal, Shopper: shopper, Answer: answer})
			}
		case 3:
			_, err = c.desk.GrantGoodwill(ctx, engine.GoodwillCommand{Meta: m, Receipt: number, Amount: amount, By: "operator:finn", Reason: "sorry"})
		case 4:
			_, err = c.desk.MatchVisit(ctx, engine.MatchCommand{
				Meta: m, Visit: ledger.VisitID(visit), Shopper: ledger.ShopperID("payer-" + visit), Customer: card.Customer,
				PaymentMethod: card.PaymentMethod, By: "operator:finn", Reason: "recognised",
			})
		case 5:
			_, err = c.desk.TakeCash(ctx, engine.CashCommand{Meta: m, Receipt: number, Till: "till", By: "operator:finn"})
		}
		return err
	})
}

// looks is what the server does beside: webhooks, the event list, claims.
func (c *crowd) looks() {
	c.t.Helper()
	c.late = append(c.late, c.arrived()...)
	c.rng.Shuffle(len(c.late), func(i, j int) { c.late[i], c.late[j] = c.late[j], c.late[i] })
	n := c.rng.IntN(len(c.late) + 1)
	for i, l := range c.late[:n] { // sent again, and so signed again
		c.late[i].header = stripesim.Sign(l.body, webhookSecret, c.time.Now())
	}
	c.opens(c.late[:n]...) // one that fails is found by the poll
	c.late = slices.Clone(c.late[n:])
	c.perhaps(func(ctx context.Context) error { _, err := c.watcher.Poll(ctx); return err })
	c.perhaps(func(ctx context.Context) error { _, err := c.watcher.Tend(ctx); return err })
}
