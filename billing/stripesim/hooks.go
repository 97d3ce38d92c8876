package stripesim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/vouchledger/vouch/billing/stripesim/account"
)

// olderVersion is what a wrong-version fault claims.
const olderVersion = "2020-08-27"

// webhookTimeout is how long an endpoint may think.
const webhookTimeout = 10 * time.Second

// hooks delivers events, one after the other in the order of their making,
// as far as no fault and no retry changes it.
type hooks struct {
	sim    *Sim
	client *http.Client
	pauses []time.Duration
	cancel context.CancelFunc
	ctx    context.Context // the life of the workers

	workers sync.WaitGroup

	mu      sync.Mutex
	url     string
	secret  string
	retired string    // the secret before, which still signs
	retires time.Time // until then
	queue   []parcel
	late    []parcel // put back by a reorder fault
	wake    chan struct{}
	pending int
	stopped bool
	waiters []chan struct{}
}

// parcel is one delivery of an event.
type parcel struct {
	event   account.Event
	fault   FaultKind
	attempt int
}

func newHooks(s *Sim) *hooks {
	h := &hooks{sim: s, pauses: s.cfg.WebhookRetries, wake: make(chan struct{}, 1)}
	if h.pauses == nil {
		h.pauses = []time.Duration{
			100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 10 * time.Second, time.Minute,
		}
	}
	transport := s.cfg.Transport
	if transport == nil {
		transport = &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute}
	}
	h.client = &http.Client{Transport: transport, Timeout: webhookTimeout}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

func (h *hooks) start() { h.workers.Go(h.run) }

func (h *hooks) stop() {
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	h.cancel()
	h.workers.Wait()
	h.client.CloseIdleConnections()
}

func (h *hooks) aim(url, secret string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.url, h.secret, h.retired = url, secret, ""
}

func (h *hooks) rotate(secret string, retires time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secret, h.retired, h.retires = secret, h.secret, retires
}

// secrets are those that sign now, the newest first.
func (h *hooks) secrets() []string {
	now := h.sim.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.retired != "" && now.Before(h.retires) {
		return []string{h.secret, h.retired}
	}
	return []string{h.secret}
}

// again sends an event that nobody took before once more.
func (h *hooks) again(e account.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped || h.url == "" || e.ID == "" {
		return
	}
	h.pending++
	h.push(parcel{event: e, attempt: len(h.pauses)})
}

// listening reports whether anybody gets webhooks.
func (h *hooks) listening() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.url != ""
}

// send queues an event for delivery, as a fault of webhooks wants it.
func (h *hooks) send(e account.Event) {
	if !h.listening() {
		return
	}
	f := h.sim.faults.Webhook(e.Type, visitOf(e.Object))
	n := 1
	if f.Kind == Duplicate {
		n += max(1, f.Count)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return // the event stays undelivered, for the next Open
	}
	h.pending += n
	p := parcel{event: e, fault: f.Kind}
	switch f.Kind { //nolint:exhaustive // the others act at delivery
	case Lose:
		h.workers.Go(func() { h.sim.delivered(e.ID, account.Lost); h.over() })
	case Delay:
		h.after(time.Duration(f.DelayMS)*time.Millisecond, p)
	case Reorder:
		h.late = append(h.late, p)
		h.workers.Go(func() { // nothing may come after it
			if h.wait(time.Second) {
				h.overtaken()
			}
		})
		return
	default:
		for range n {
			h.push(p)
		}
	}
	for _, late := range h.late {
		h.push(late)
	}
	h.late = nil
}

// visitOf returns the visit in an object's metadata, which is of another Go
// type when the object comes from the journal.
func visitOf(object account.Wire) string {
	switch m := object["metadata"].(type) {
	case map[string]string:
		return m["visit"]
	case account.Wire:
		visit, _ := m["visit"].(string)
		return visit
	}
	return ""
}

// overtaken sends what waited for a later event that did not come.
func (h *hooks) overtaken() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, late := range h.late {
		h.push(late)
	}
	h.late = nil
}

// push appends to the queue. The lock is held.
func (h *hooks) push(p parcel) {
	h.queue = append(h.queue, p)
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// after pushes a parcel when d has passed.
func (h *hooks) after(d time.Duration, p parcel) {
	h.workers.Go(func() {
		if h.wait(d) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.push(p)
		}
	})
}

func (h *hooks) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-h.ctx.Done():
		return false
	}
}

// over counts a delivery as finished, for whatever reason.
func (h *hooks) over() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pending--; h.pending > 0 {
		return
	}
	for _, w := range h.waiters {
		close(w)
	}
	h.waiters = nil
}

// idle returns a channel that is closed when nothing is left to deliver.
func (h *hooks) idle() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := make(chan struct{})
	if h.pending == 0 {
		close(c)
	} else {
		h.waiters = append(h.waiters, c)
	}
	return c
}

// run delivers until the simulator is closed.
func (h *hooks) run() {
	for {
		h.mu.Lock()
		var next *parcel
		if len(h.queue) > 0 {
			next = &h.queue[0]
			h.queue = h.queue[1:]
		}
		url := h.url
		h.mu.Unlock()
		if next == nil {
			select {
			case <-h.wake:
				continue
			case <-h.ctx.Done():
				return
			}
		}
		h.deliver(*next, url)
	}
}

// deliver posts one event, and again later if the endpoint does not take it.
func (h *hooks) deliver(p parcel, url string) {
	err := h.post(p, url)
	switch {
	case err == nil:
		h.sim.delivered(p.event.ID, account.Reached)
	case h.ctx.Err() != nil:
		return // closing: the event stays undelivered
	case p.attempt < len(h.pauses):
		p.attempt++
		h.after(h.pauses[p.attempt-1], p)
		return
	default:
		h.sim.putOff(p.event)
	}
	h.over()
}

func (h *hooks) post(p parcel, url string) error {
	version, secrets := APIVersion, h.secrets()
	switch p.fault {
	case WrongVersion:
		version = olderVersion
	case WrongSignature:
		secrets = []string{"not-" + secrets[0]}
	case Stale:
		p.event.Object = h.sim.before(p.event)
	}
	body := encode(h.sim.acc.EventWire(p.event, version))
	req, err := http.NewRequestWithContext(h.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("webhook %s: %w", p.event.ID, err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "Stripe/1.0 (stripesim)")
	req.Header.Set("Stripe-Signature", Sign(body, secrets[0], h.sim.cfg.Now(), secrets[1:]...))
	res, err := h.client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook %s: %w", p.event.ID, err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxBody)); err != nil {
		return fmt.Errorf("webhook %s: %w", p.event.ID, err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("webhook %s: answered %d", p.event.ID, res.StatusCode)
	}
	return nil
}

// Sign returns the Stripe-Signature header of a webhook's body: the time and
// HMAC-SHA256 over "time.body", as docs.stripe.com/webhooks describes it, one
// for each secret that signs.
func Sign(body []byte, secret string, at time.Time, more ...string) string {
	header := fmt.Sprintf("t=%d", at.Unix())
	for _, secret := range append([]string{secret}, more...) {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(fmt.Appendf(nil, "%d.", at.Unix()))
		mac.Write(body)
		header += ",v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	return header
}

// putOff decides about an event that nobody took.
func (s *Sim) putOff(e account.Event) {
	s.mu.Lock()
	d := account.PutOff(e, s.now().Unix())
	s.mu.Unlock()
	s.noteDelivery(d)
}

// before returns an event's object as it was before the event.
func (s *Sim) before(e account.Event) account.Wire {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acc.Before(e)
}

// delivered writes down what became of an event's webhook. It is not worth a
// sync: after a crash the event is sent again, as Stripe may do too.
func (s *Sim) delivered(id, how string) { s.noteDelivery(account.Delivered{Event: id, How: how}) }

func (s *Sim) noteDelivery(d account.Delivered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// When the journal cannot be written, the next commit meets the same file
	// and says so.
	_ = s.install(account.Record{Delivery: []account.Delivered{d}})
}
