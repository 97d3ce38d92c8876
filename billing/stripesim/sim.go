package stripesim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/vouchledger/vouch/billing/stripesim/account"
	"github.com/vouchledger/vouch/billing/stripesim/fault"
)

// APIVersion is the only version of Stripe's API that is spoken.
const APIVersion = account.APIVersion

// Account is the id of the simulated account.
const Account = account.ID

// A Config says how a simulator works. Only Now is needed.
type Config struct {
	// Now is the clock under the simulator's own, which runs ahead of it by
	// what was added with Advance.
	Now func() time.Time

	// Data is the journal file; empty keeps everything in memory.
	Data string

	// Seed decides the ids and the chances of faults.
	Seed uint64

	// SecretKey is the only key accepted; empty accepts every "sk_" and "rk_".
	SecretKey string

	// Livemode is what every object says of itself.
	Livemode bool

	// WebhookURL and WebhookSecret name the endpoint for events; no URL, no
	// webhooks. The secret is needed with the URL.
	WebhookURL, WebhookSecret string

	// WebhookRetries are the pauses before a refused webhook is sent again;
	// nil means 0.1, 0.5, 2, 10 and 60 s.
	WebhookRetries []time.Duration

	// Transport delivers webhooks; nil is a transport of the simulator's own.
	Transport http.RoundTripper

	// ManualPayouts leaves the money in the account until a payout is asked
	// for; otherwise what is available is paid out every midnight (UTC).
	ManualPayouts bool

	// KeepEvents and KeepRequests bound what stays in memory to be looked at;
	// 0 means 50,000 events and 1,000,000 requests.
	KeepEvents, KeepRequests int
}

// account is the configuration of what the simulator simulates.
func (c Config) account(listening func() bool) account.Config {
	a := account.Config{
		Seed: c.Seed, Livemode: c.Livemode, ManualPayouts: c.ManualPayouts, KeepEvents: c.KeepEvents,
		KeepRequests: c.KeepRequests, Listening: listening,
	}
	if a.KeepEvents == 0 {
		a.KeepEvents = 50_000
	}
	if a.KeepRequests == 0 {
		a.KeepRequests = 1_000_000
	}
	return a
}

// A Sim is a simulated Stripe account. It is an [http.Handler], and all its
// methods may be called from many goroutines.
type Sim struct {
	cfg     Config
	faults  *fault.Set
	hooks   *hooks
	control *http.ServeMux

	done     chan struct{} // closed by Close
	closing  sync.Once
	requests sync.WaitGroup // of Transport

	mu      sync.Mutex // guards all below
	acc     *account.Account
	journal *journal
	busy    map[string]bool // idempotency keys of requests under way
}

// Open reads the journal, if one is named, and returns a simulator at work on
// it. Events that were not delivered before are sent again.
func Open(cfg Config) (*Sim, error) {
	if cfg.Now == nil {
		return nil, fmt.Errorf("%w: no clock", ErrConfig)
	}
	s := &Sim{cfg: cfg, faults: fault.NewSet(cfg.Seed), done: make(chan struct{}), busy: map[string]bool{}}
	s.hooks = newHooks(s)
	s.acc = account.New(cfg.account(s.hooks.listening))
	if err := s.SetWebhook(cfg.WebhookURL, cfg.WebhookSecret); err != nil {
		return nil, err
	}
	var err error
	if s.journal, err = openJournal(cfg.Data, s.acc); err != nil {
		return nil, err
	}
	s.control = s.controls()
	s.hooks.start()
	for _, e := range s.acc.Undelivered() {
		s.hooks.send(e)
	}
	return s, nil
}

// Close ends hanging requests and webhooks and closes the journal. Webhooks
// not delivered yet are sent by the next Open.
func (s *Sim) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.done)
		s.hooks.stop()
		s.requests.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		err = s.journal.close()
	})
	return err
}

// SetWebhook names the endpoint that gets the events from now on.
func (s *Sim) SetWebhook(url, secret string) error {
	if url != "" && secret == "" {
		return fmt.Errorf("%w: a webhook without a secret would be signed by nobody", ErrConfig)
	}
	s.hooks.aim(url, secret)
	return nil
}

// RotateWebhookSecret signs with a new secret from now on, and for a day of
// the simulator's clock with the one before as well.
func (s *Sim) RotateWebhookSecret(secret string) error {
	if secret == "" || !s.hooks.listening() {
		return fmt.Errorf("%w: a new secret needs a webhook", ErrConfig)
	}
	s.hooks.rotate(secret, s.Now().Add(24*time.Hour))
	return nil
}

// Now returns the simulator's time.
func (s *Sim) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Advance sets the simulator's clock forward. What becomes due by it happens
// and is announced at once, each thing at its own time.
func (s *Sim) Advance(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("advance by %s: %w", d, ErrClock)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.commit(account.Record{Advanced: s.acc.Advanced() + d}); err != nil {
		return fmt.Errorf("advance by %s: %w", d, err)
	}
	if err := s.settle(); err != nil {
		return fmt.Errorf("advance by %s: %w", d, err)
	}
	return nil
}

// Settle does what the clock has made due. Every request does so too; a
// program that serves in real time calls it now and then, so that what is due
// does not wait for a request.
func (s *Sim) Settle() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settle()
}

// Flush waits until every webhook that is due now has been delivered, given
// up or lost.
func (s *Sim) Flush(ctx context.Context) error {
	select {
	case <-s.hooks.idle():
		return nil
	case <-s.done:
		return errors.New("simulator was closed")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pause waits, and reports false if the simulator is closed meanwhile.
func (s *Sim) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.done:
		return false
	}
}

// now is the simulator's clock. The lock is held.
func (s *Sim) now() time.Time { return s.cfg.Now().Add(s.acc.Advanced()) }

// commit makes a record durable, installs it, and sends its events.
func (s *Sim) commit(rec account.Record) error {
	err := s.journal.append(rec)
	if err == nil {
		err = s.journal.sync()
	}
	if err != nil {
		return err
	}
	s.acc.Apply(rec)
	for _, e := range rec.Events {
		s.hooks.send(e)
	}
	return nil
}

// install writes a record and applies it. It is durable after the next sync.
func (s *Sim) install(rec account.Record) error {
	if err := s.journal.append(rec); err != nil {
		return err
	}
	s.acc.Apply(rec)
	return nil
}

// settle does what the clock has made due, and makes it durable together.
func (s *Sim) settle() error {
	now := s.now().Unix()
	s.acc.ForgetKeys(now)
	var said []account.Event
	for changed := false; ; changed = true {
		rec, again, ok := s.acc.Due(now)
		switch {
		case ok:
			s.hooks.again(again)
			if err := s.install(rec); err != nil {
				return err
			}
			said = append(said, rec.Events...)
			continue
		case !changed:
			return nil
		}
		if err := s.journal.sync(); err != nil {
			return err
		}
		for _, e := range said {
			s.hooks.send(e)
		}
		return nil
	}
}
