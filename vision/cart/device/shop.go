package device

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/internal/pause"
)

const (
	// refreshEvery is how often prices are read again, and retryEvery after
	// they could not be.
	refreshEvery = 5 * time.Minute
	retryEvery   = 3 * time.Second

	// pollEvery is how often the server's total is read again while it is not
	// that of all pieces yet.
	pollEvery = 250 * time.Millisecond

	// maxAnswer bounds what is read of an answer: fifty thousand products.
	maxAnswer = 32 << 20
)

// A shop is the server as a cart asks it.
type shop struct {
	server, key string
	timeout     time.Duration
	http        *http.Client
}

func newShop(cfg Config) *shop {
	return &shop{server: strings.TrimRight(cfg.Server, "/"), key: cfg.Key, timeout: cfg.Timeout, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (s *shop) get(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	res, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: server says %s", path, res.Status)
	}
	return b, err
}

// Run sends what waits, asks who may push the cart, and reads prices and
// totals, until ctx ends.
func (c *Cart) Run(ctx context.Context) error {
	defer c.shop.http.CloseIdleConnections()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.box.Run(ctx) })
	group.Go(func() error { return c.ask(ctx) })
	group.Go(func() error { c.refresh(ctx); return nil })
	group.Go(func() error { c.poll(ctx); return nil })
	return group.Wait()
}

// ask asks the server about each code that wants to push the cart.
func (c *Cart) ask(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := c.While(ctx, cart.PhaseIdle, cart.PhaseShopping, cart.PhaseLeft); err != nil {
			return nil //nolint:nilerr // the cart is switched off
		}
		c.mu.Lock()
		e := vision.GateEntry{
			ID: c.trip.Entry, OccurredAt: ledger.Instant(c.trip.Shown), Store: c.cfg.Cart.Store, Gate: c.cfg.Cart.Cart,
			Place: ledger.PlaceCart, Code: c.trip.Ticket, Party: 1, Offset: c.offset(),
		}
		c.mu.Unlock()
		wait, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
		answer, err := c.client.Enter(wait, e)
		cancel()
		if ctx.Err() != nil {
			return nil // it is asked again under the same id when the cart is on again
		}
		in := cart.Input{Answer: &cart.Answer{}}
		switch {
		case err == nil:
			*in.Answer = cart.Answer{Visit: answer.Visit, Decision: string(answer.Decision), Reason: string(answer.Reason)}
		case !errors.Is(err, gate.ErrNoAnswer):
			c.cfg.Logger.WarnContext(ctx, "the server does not take the cart's question", slog.Any("error", err))
		}
		c.mu.Lock()
		c.online = err == nil
		in.At = c.now
		err = c.feed(in)
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// refresh keeps the price list.
func (c *Cart) refresh(ctx context.Context) {
	for {
		wait := refreshEvery
		if err := c.readPrices(ctx); err != nil {
			wait = retryEvery
			if ctx.Err() == nil {
				c.cfg.Logger.DebugContext(ctx, "prices are not read", slog.Any("error", err))
			}
		}
		if !pause.For(ctx, wait) {
			return
		}
	}
}

func (c *Cart) readPrices(ctx context.Context) error {
	b, err := c.shop.get(ctx, "/v1/shops/"+url.PathEscape(string(c.cfg.Cart.Store))+"/price-list")
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.online {
			c.online = false
			c.tell()
		}
		return err
	}
	book, err := cart.ReadBook(b, c.cfg.Cart.Store)
	if err != nil {
		return err
	}
	if err := writeFile(c.pricesPath(), b); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.book, c.online = book, true
	c.tell()
	return nil
}

// serverCart is what a cart reads of the server's.
type serverCart struct {
	Lines []struct {
		SKU   ledger.SKU  `json:"sku"`
		Gross money.Money `json:"gross"`
	} `json:"lines"`
	Unpriced int          `json:"unpriced"`
	Gross    *money.Money `json:"gross"`
}

// poll reads the server's total whenever the server has all that was told.
func (c *Cart) poll(ctx context.Context) {
	for {
		changed := c.Changed()
		depth := c.box.Status().Depth
		c.mu.Lock()
		visit, want, have := c.trip.Visit, c.made, c.asOf
		missing := c.server == nil || have != want
		c.mu.Unlock()
		if visit == "" || depth > 0 || !missing {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return
			}
		}
		total, err := c.readTotal(ctx, visit)
		if err == nil && total != nil {
			c.mu.Lock()
			c.server, c.asOf, c.online = total, want, true
			c.tell()
			c.mu.Unlock()
			continue
		}
		if !pause.For(ctx, pollEvery) {
			return
		}
	}
}

// readTotal returns nil while the server has not priced everything.
func (c *Cart) readTotal(ctx context.Context, visit ledger.VisitID) (*cart.Total, error) {
	b, err := c.shop.get(ctx, "/v1/visits/"+url.PathEscape(string(visit))+"/cart")
	if err != nil {
		return nil, err
	}
	var v serverCart
	if err := json.Unmarshal(b, &v); err != nil || v.Unpriced > 0 || v.Gross == nil {
		return nil, err
	}
	t := &cart.Total{Gross: *v.Gross}
	for _, l := range v.Lines {
		t.Lines = append(t.Lines, cart.TotalLine{SKU: l.SKU, Gross: l.Gross})
	}
	return t, nil
}
