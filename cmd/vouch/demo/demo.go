// Package demo shows the whole way of a charge on one machine: a shopper
// enters with a QR code, takes bottles from a shelf before a camera, puts one
// back, leaves, is charged, disputes a line, and gets the refund, with the
// ledger proving every step.
//
// Nothing is faked: the gate and the shelf are vouch-edge processes that read
// video frames through OpenCV, the server is a `vouch serve` process on an
// embedded ledger, the money goes through stripe-go to a simulated Stripe
// account in a process of its own. The demo only plays the people: shopper,
// reviewer, and whoever pulls the server's plug when asked to.
package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/cmd/vouch/audit"
	"github.com/vouchledger/vouch/ledger"
)

// Names of the demo's shop.
const (
	store   = "shop-1"
	camera  = "cam-1"
	gateIn  = "gate-1"
	gateOut = "gate-2"

	stripeKey = "sk_test_demo" // of the simulated account
)

// ErrFailed means that the demo did not end as it must; its output and the
// logs in its folder say where.
var ErrFailed = errors.New("the demo did not end as it should")

// Config says how to run the demo.
type Config struct {
	Vouch, Edge string        // the two binaries
	Data        string        // folder, new or empty
	Video       string        // shelf video; empty renders one
	Planogram   string        // of Video
	Seed        uint64        // of the rendered video
	Speed       float64       // of the shelf video; 1 is real time
	Chaos       uint64        // above 0: kill the server at random moments from this seed
	Faults      []string      // of the simulated Stripe account, as vouch stripesim --fault takes them
	Out         io.Writer     // the story
	Now         time.Time     // when prices begin to hold
	Patience    time.Duration // longest wait for any one thing
}

// A Result is what the demo ends with.
type Result struct {
	Visit         ledger.VisitID `json:"visit"`
	Events        uint64         `json:"events"`
	Receipt       string         `json:"receipt"`
	Correction    string         `json:"correction"`
	Charged       string         `json:"charged"`
	Refunded      string         `json:"refunded"`
	ExitToReceipt time.Duration  `json:"exit_to_receipt_ns"` // wall time from the gate's exit to the issued receipt
	Kills         int            `json:"kills"`
	Audit         audit.Report   `json:"audit"`
}

// A run is one demo under way.
type run struct {
	cfg     Config
	procs   *processes
	keys    map[keys.Role]string
	server  *client // as whoever asks
	tale    *teller
	truth   []truth
	start   time.Time // of the shelf video
	visit   ledger.VisitID
	bankURL string // of the simulated Stripe account
	result  Result
}

// Run plays the demo.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if err := prepareFolder(cfg.Data); err != nil {
		return Result{}, err
	}
	r := &run{cfg: cfg, keys: map[keys.Role]string{}}
	r.procs = newProcesses(filepath.Join(cfg.Data, "logs"))
	defer r.procs.stopAll()
	for _, step := range []func(context.Context) error{
		r.openShop, r.startServer, r.enter, r.refusals, r.shop, r.leave, r.review, r.charge, r.dispute, r.prove,
	} {
		if err := step(ctx); err != nil {
			return r.result, fmt.Errorf("%w: %w (logs are in %s)", ErrFailed, err, filepath.Join(cfg.Data, "logs"))
		}
	}
	return r.result, r.report(ctx)
}

// prepareFolder makes the demo's folder and refuses one with something in it.
func prepareFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("demo folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("demo folder %s is not empty: remove it, or name another with --data", dir)
	}
	for _, sub := range []string{"logs", "video", "edge"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o750); err != nil {
			return fmt.Errorf("demo folder: %w", err)
		}
	}
	return nil
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.cfg.Out, format, args...) }

func (r *run) heading(s string) { r.say("\n%s\n", s) }

// path returns a path in the demo's folder.
func (r *run) path(parts ...string) string {
	return filepath.Join(append([]string{r.cfg.Data}, parts...)...)
}

// makeKeys gives each role of the demo its key, kept in a file for whoever
// looks around afterwards.
func (r *run) makeKeys() error {
	ring, err := keys.Open(r.cfg.Data)
	if err != nil {
		return err
	}
	for _, spec := range []keys.Spec{
		{Role: keys.Device, Store: store, Name: camera},
		{Role: keys.Shopper, Shopper: "anna", Name: "anna"},
		{Role: keys.Reviewer, Name: "ben"},
		{Role: keys.Auditor, Name: "clara"},
		{Role: keys.Finance, Name: "dora"},
		{Role: keys.Operator, Name: "emil"},
	} {
		_, text, err := ring.Create(spec, r.cfg.Now, rand.Reader)
		if err != nil {
			return err
		}
		r.keys[spec.Role] = text
	}
	b, err := json.MarshalIndent(r.keys, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(r.path("demo-keys.json"), append(b, '\n'), 0o600)
}
