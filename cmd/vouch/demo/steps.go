package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

// openShop renders the shelf video, unless one was given, and writes shop
// file, keys and the shopper's way to pay.
func (r *run) openShop(ctx context.Context) error {
	r.heading("1. The shop opens")
	if r.cfg.Video == "" {
		if err := r.renderShelf(ctx); err != nil {
			return err
		}
	}
	if err := r.makeKeys(); err != nil {
		return err
	}
	file, err := shopFile(r.cfg.Planogram, r.cfg.Now)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.path("shop.json"), append(b, '\n'), 0o600); err != nil {
		return err
	}
	r.say("  %s, %d products; prices, taxes and rules are events of %s\n", file.Seller.Name, len(file.Products), ledger.CatalogueStream(file.Catalogue))
	_, _, err = call(ctx, r.procs.logs, r.cfg.Vouch, nil, "shop", "apply", r.path("shop.json"), "--data", r.cfg.Data)
	return err
}

// startServer starts the simulated Stripe account and the server, and the one
// who pulls its plug if there shall be one.
func (r *run) startServer(ctx context.Context) error {
	bank, err := freeAddress()
	if err != nil {
		return err
	}
	listen, err := freeAddress()
	if err != nil {
		return err
	}
	const secret = "whsec_demo" //nolint:gosec // of the simulated account
	sim := []string{
		"stripesim", "--listen", bank, "--data", r.path("stripesim.jsonl"),
		"--webhook", "http://" + listen + "/webhooks/stripe", "--webhook-secret", secret,
	}
	for _, fault := range r.cfg.Faults {
		sim = append(sim, "--fault", fault)
	}
	if _, err := r.procs.start("stripesim", r.cfg.Vouch, sim...); err != nil {
		return err
	}
	r.bankURL = "http://" + bank
	if err := r.enrol(ctx); err != nil {
		return err
	}
	r.server = newClient("http://"+listen, r.cfg.Patience)
	args := []string{
		"serve", "--data", r.cfg.Data, "--listen", listen, "--stripe-url", "http://" + bank,
		"--stripe-key", stripeKey, "--webhook-secret", secret,
	}
	if err := os.WriteFile(r.path("serve-command"), []byte(strings.Join(args, " ")+"\n"), 0o600); err != nil {
		return err
	}
	start := func() (*process, error) { return r.procs.start("server", r.cfg.Vouch, args...) }
	server, err := start()
	if err != nil {
		return err
	}
	r.tale = newTeller(r)
	r.procs.plug = newPlug(server, start, r.cfg.Chaos)
	if err := r.server.do(ctx, "", http.MethodGet, "/readyz", nil, nil); err != nil {
		return err
	}
	r.say("  the server is up: API and pages on http://%s, ledger in %s\n", listen, r.path("ledger"))
	return nil
}

// enrol gives the shoppers their cards. Carl's is fine to keep and declines
// every charge.
func (r *run) enrol(ctx context.Context) error {
	bank := newClient(r.bankURL, r.cfg.Patience)
	if err := bank.do(ctx, "", http.MethodGet, "/sim/audit", nil, nil); err != nil {
		return err
	}
	for shopper, card := range map[string]string{"anna": "pm_card_visa", "carl": "pm_card_chargeCustomerFail"} {
		_, _, err := call(ctx, r.procs.logs, r.cfg.Vouch, nil, "shopper", "enrol", shopper, "--payment-method", card,
			"--data", r.cfg.Data, "--stripe-url", r.bankURL, "--stripe-key", stripeKey)
		if err != nil {
			return err
		}
	}
	return nil
}

// A plug pulls the server's plug at random moments and puts it back.
type plug struct {
	server *process
	start  func() (*process, error)
	random *rand.Rand
	quit   chan struct{}
	done   chan struct{}
	kills  int
	err    error
}

// The moments between two kills, in milliseconds.
const minCalm, moreCalm = 700, 3500

func newPlug(server *process, start func() (*process, error), seed uint64) *plug {
	p := &plug{server: server, start: start, quit: make(chan struct{}), done: make(chan struct{})}
	if seed == 0 {
		close(p.done)
		return p
	}
	p.random = rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // which moments, not secrets
	go p.run()
	return p
}

func (p *plug) run() {
	defer close(p.done)
	for {
		t := time.NewTimer(time.Duration(minCalm+p.random.IntN(moreCalm)) * time.Millisecond)
		select {
		case <-p.quit:
			t.Stop()
			return
		case <-t.C:
		}
		p.server.kill()
		p.kills++
		if p.server, p.err = p.start(); p.err != nil {
			return
		}
	}
}

// stop ends the pulling and then the server, in peace.
func (p *plug) stop() error {
	if p.random != nil {
		close(p.quit)
	}
	<-p.done
	return errors.Join(p.err, p.server.stop())
}

// ticketFor makes a one-use code for a shopper.
func (r *run) ticketFor(ctx context.Context, shopper string) (visit ledger.VisitID, code string, err error) {
	var t struct {
		Ticket ledger.VisitID `json:"ticket"`
		Code   string         `json:"code"`
	}
	in := map[string]any{"shopper": shopper, "store": store}
	err = r.server.do(ctx, r.keys[keys.Operator], http.MethodPost, "/v1/tickets", in, &t)
	return t.Ticket, t.Code, err
}

// film shows a code to a gate's camera.
func (r *run) film(ctx context.Context, code, film string) error {
	_, _, err := call(ctx, r.procs.logs, r.cfg.Edge, nil, "render", "gate", "--code", code, "--out", r.path("video", film))
	return err
}

// forge returns a code of the right form that we never signed.
func forge(code string) string {
	b := []byte(code)
	at := len(b) - 10 // within the signature
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

// atGate lets a gate look at a film. It returns whether the gate opened and
// what it said.
func (r *run) atGate(ctx context.Context, gate, film string, more ...string) (bool, string, error) {
	args := append([]string{
		"gate", "--video", r.path("video", film), "--server", r.server.url, "--key", r.keys[keys.Device],
		"--store", store, "--gate", gate, "--outbox", r.path("edge", gate), "--speed", "1",
	}, more...)
	out, code, err := call(ctx, r.procs.logs, r.cfg.Edge, []int{3}, args...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return code == 0, lines[len(lines)-1], err
}

func (r *run) enter(ctx context.Context) error {
	r.heading("2. Anna comes in with a QR code on her phone")
	visit, code, err := r.ticketFor(ctx, "anna")
	if err != nil {
		return err
	}
	r.visit = visit
	if err := r.film(ctx, code, "anna-in.mp4"); err != nil {
		return err
	}
	opened, said, err := r.atGate(ctx, gateIn, "anna-in.mp4")
	if err != nil {
		return err
	}
	if !opened {
		return fmt.Errorf("the gate did not open for anna: %s", said)
	}
	r.tale.head()
	return r.tale.settle(ctx)
}

// refusals shows that the same code opens nothing twice, that nobody but us
// can make one, and that a card without cover stays outside.
func (r *run) refusals(ctx context.Context) error {
	r.heading("3. Who does not come in")
	_, code, err := r.ticketFor(ctx, "carl")
	if err != nil {
		return err
	}
	for _, try := range []struct{ who, code, film string }{
		{"the same code again", "", "anna-in.mp4"},
		{"a forged code", forge(code), "forged.mp4"},
		{"a card without cover", code, "carl-in.mp4"},
	} {
		if try.code != "" {
			if err := r.film(ctx, try.code, try.film); err != nil {
				return err
			}
		}
		opened, said, err := r.atGate(ctx, gateIn, try.film)
		if err != nil {
			return fmt.Errorf("%s: %w", try.who, err)
		}
		if opened {
			return fmt.Errorf("%s opened the gate: %s", try.who, said)
		}
		r.say("  %-21s %s\n", try.who+":", said)
	}
	return nil
}

// shop runs the shelf camera over the video while the story is told live.
func (r *run) shop(ctx context.Context) error {
	r.heading("4. At the shelf")
	r.start = time.Now()
	watch, err := r.procs.start("watch", r.cfg.Edge, "watch", "--video", r.cfg.Video, "--planogram", r.cfg.Planogram,
		"--server", r.server.url, "--key", r.keys[keys.Device], "--store", store, "--sensor", camera,
		"--outbox", r.path("edge", camera), "--evidence", r.path("edge", "evidence"), "--speed", strconv.FormatFloat(r.cfg.Speed, 'g', -1, 64))
	if err != nil {
		return err
	}
	for watch.running() && ctx.Err() == nil {
		if err := r.tale.catchUp(ctx); err != nil {
			return err
		}
		sleep(ctx, retryEvery)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if watch.err != nil {
		return fmt.Errorf("the shelf camera: %w", watch.err)
	}
	return r.tale.settle(ctx)
}

func (r *run) leave(ctx context.Context) error {
	r.heading("5. Anna walks out")
	_, said, err := r.atGate(ctx, gateOut, "anna-in.mp4", "--exit")
	if err != nil {
		return fmt.Errorf("the exit: %s: %w", said, err)
	}
	return r.tale.until(ctx, "the exit", func(c *projections.Cart) bool {
		if c.ExitedAt.IsZero() {
			return false
		}
		return c.OpenCount > 0 && c.Provisional != nil || c.Issued != nil || c.Settled != nil
	})
}
