package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/vouchledger/vouch/billing/shopfile"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// errNoServer means that there is no vouch to acknowledge events.
var errNoServer = errors.New("no vouch beside this program or in the path: name it with --vouch")

const (
	// startWithin and stopWithin are how long the server gets to begin and to
	// end by itself.
	startWithin = 20 * time.Second
	stopWithin  = 10 * time.Second
	askEvery    = 50 * time.Millisecond
	// store is the shop's name at the server.
	store = "bench"
)

// A server is a `vouch serve` with a new ledger on this machine's loopback.
type server struct {
	url, key string
	cmd      *exec.Cmd
	said     bytes.Buffer
	ended    chan struct{}
}

// serverProgram returns the server's program.
func (r *run) serverProgram() (string, error) {
	if r.Vouch != "" {
		return exec.LookPath(r.Vouch)
	}
	if self, err := os.Executable(); err == nil {
		if beside, err := exec.LookPath(filepath.Join(filepath.Dir(self), "vouch")); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath("vouch")
	if err != nil {
		return "", errNoServer
	}
	return path, nil
}

// openShop sets up a shop that sells what stands on the films.
func (r *run) openShop(ctx context.Context, program, data string, films []clip) error {
	f := shopfile.File{
		Store: store, Catalogue: store, ValidFrom: r.Now().Add(-time.Hour).UTC().Truncate(time.Second),
		Seller: ledger.Seller{
			Name: "Bench", Address: "1 Pike Street, Seattle WA", TaxID: "US1", Currency: "USD", Timezone: "America/Los_Angeles",
		},
		Policy: shopfile.Policy{
			Hold: "50.00", ItemMin: 800, ActionMin: 800, PersonMin: 900, ReviewSeconds: 3600, OnDeadline: ledger.ForShopper,
			GateSeconds: 60, DisputeDays: 14,
		},
		Taxes: []shopfile.Tax{{Category: "food", Jurisdiction: "US-WA", Rate: "0.1", Rounding: money.HalfUp}},
	}
	sold := map[string]bool{}
	for _, c := range films {
		for _, s := range c.Plan.Slots {
			if sold[s.SKU] {
				continue
			}
			sold[s.SKU] = true
			f.Products = append(f.Products, shopfile.Product{
				SKU: ledger.SKU(s.SKU), Name: s.SKU, Category: "food", TaxCategory: "food", Price: "1.99",
			})
		}
	}
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	path := filepath.Join(r.dir, "server.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, program, "shop", "apply", path, "--data", data).CombinedOutput(); err != nil { //nolint:gosec // the program beside this one
		return fmt.Errorf("%s shop apply: %w: %s", program, err, bytes.TrimSpace(out))
	}
	return nil
}

// serve starts the server of a shop. It charges nobody: there is no payment
// provider at the address it is given.
func (r *run) serve(ctx context.Context, films []clip) (*server, error) {
	program, err := r.serverProgram()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(r.dir, "server")
	if err := r.openShop(ctx, program, data, films); err != nil {
		return nil, err
	}
	//nolint:gosec // likewise
	out, err := exec.CommandContext(ctx, program, "keys", "create", "--data", data, "--role", "device", "--store", store,
		"--name", "edge", "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("%s keys create: %w", program, err)
	}
	var made struct{ Key string }
	if err := json.Unmarshal(out, &made); err != nil {
		return nil, fmt.Errorf("%s keys create: %w", program, err)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{url: "http://" + address, key: made.Key, ended: make(chan struct{})}
	//nolint:gosec // likewise
	s.cmd = exec.Command(program, "serve", "--data", data, "--listen", address, "--log-level", "warn",
		"--stripe-url", "http://127.0.0.1:1", "--stripe-key", "sk_test_bench", "--webhook-secret", "whsec_bench")
	s.cmd.Stdout, s.cmd.Stderr = &s.said, &s.said
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is told by stop
		close(s.ended)
	}()
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// ready waits until the server answers.
func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close() // nothing of it is wanted
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-again.C:
		case <-s.ended:
			return fmt.Errorf("the server ended: %s", bytes.TrimSpace(s.said.Bytes()))
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", ctx.Err())
		}
	}
}

// stop ends the server.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(os.Interrupt) // it may have ended
	t := time.NewTimer(stopWithin)
	defer t.Stop()
	select {
	case <-s.ended:
		return nil
	case <-t.C:
		_ = s.cmd.Process.Kill() // it does not end by itself
		<-s.ended
		return fmt.Errorf("the server did not end within %v of being asked", stopWithin)
	}
}

// freeAddress returns an address of this machine that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
