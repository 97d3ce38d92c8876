package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/edge/host"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/line"
	"github.com/vouchledger/vouch/vision/terminal"
)

// partReader is the card reader in what a terminal reports of itself.
const partReader = "reader"

// terminalFlags are the flags of `terminal`. Those that a gate has too are its.
type terminalFlags struct {
	gateFlags

	reader, as, badges, cardKey, state string

	speed       int
	tokens, cut bool
}

func newTerminalCommand() *cobra.Command {
	f := &terminalFlags{}
	cmd := &cobra.Command{
		Use:   "terminal",
		Short: "Be a card reader at the door: who taps a card or a badge enters, or leaves",
		Long: `Terminal reads a card reader, one line a tap, and asks the server whether its bearer
may enter; with --exit it tells that they leave. A reader that is a keyboard types into
this program's terminal (--reader -); others are a serial line or a pipe.

Numbers become tokens by a key that all terminals of the shop share. The number of a
payment card is refused, and kept and shown nowhere. "vouch-edge terminal token" says the
token of the card that is tapped, for "vouch shopper token".

With --alone the terminal goes on when the server cannot be reached: it lets in whom the
server let in here within a month, each once, up to 200 within 30 minutes, and tells the
server when it is back. What is told waits, encrypted, in --state.

When what --reader names has ended it ends, with 0 if all entered and 3 if somebody was
refused.`,
		Example: `  vouch-edge terminal --reader /dev/ttyACM0 --alone --server https://vouch.example --store frankfurt-1 --gate door-1
  vouch-edge terminal --reader - --as staff --server https://vouch.example --store frankfurt-1 --gate back-door
  vouch-edge terminal token --reader /dev/ttyACM0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.server, "server", "", "address `URL` of the server")
	flags.StringVar(&f.key, "key", os.Getenv("VOUCH_KEY"), "`KEY` of this device; or set VOUCH_KEY")
	flags.StringVar(&f.store, "store", "", "`ID` of the shop")
	flags.StringVar(&f.id, "gate", "terminal-1", "`ID` of this terminal")
	flags.BoolVar(&f.exit, "exit", false, "cards are tapped on the way out")
	flags.BoolVar(&f.cut, "alone", false, "let in known cards while the server cannot be reached")
	flags.IntVar(&f.party, "party", 1, "persons that enter on one card")
	flags.StringVar(&f.out, "out", "", "append decisions as JSON lines to `FILE`")
	flags.BoolVar(&f.json, "json", false, "print decisions as JSON lines")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to ask for a decision")
	// The default of --key may be a secret and must not be shown by --help.
	flags.Lookup("key").DefValue = ""
	// What is read and how is asked of the subcommand too.
	both := cmd.PersistentFlags()
	both.StringVar(&f.reader, "reader", "", "serial line, pipe or file that says one card a line, or - for what is typed `DEVICE`")
	both.IntVar(&f.speed, "reader-speed", 9600, "speed of the serial line in `BITS` a second")
	both.StringVar(&f.as, "as", string(ledger.CredentialCard), "what is tapped here: card or staff")
	both.StringVar(&f.badges, "badges", "", "numbers that begin so are badges of staff `TEXT`")
	both.BoolVar(&f.tokens, "tokens", false, "the reader is a payment terminal and says tokens, which are handed on as they are")
	both.StringVar(&f.state, "state", "vouch-terminal", "`FOLDER` of what waits for the server, the known cards and the keys")
	both.StringVar(&f.cardKey, "card-key", "", "`FILE` of the key that all terminals of the shop share (default: STATE/cards.key), made if it is not there")
	cmd.AddCommand(&cobra.Command{
		Use:   "token",
		Short: "Say the token of the card that is tapped, for vouch shopper token",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.say(cmd) },
	})
	return cmd
}

// cards returns what understands the reader.
func (f *terminalFlags) cards() (*terminal.Reader, error) {
	as := ledger.CredentialKind(f.as)
	switch {
	case f.reader == "":
		return nil, fmt.Errorf("%w: which --reader? A serial line, a pipe, a file, or - for a reader that types", errUsage)
	case as != ledger.CredentialCard && as != ledger.CredentialStaff:
		return nil, fmt.Errorf("%w: --as %q: use card or staff", errUsage, f.as)
	}
	key, err := terminal.OpenKey(cmp.Or(f.cardKey, filepath.Join(f.state, "cards.key")))
	if err != nil {
		return nil, err
	}
	return &terminal.Reader{Key: key, As: as, Badges: f.badges, Tokens: f.tokens}, nil
}

// errTapped ends what waits for one tap.
var errTapped = errors.New("a card was tapped")

// say prints the token of the first card.
func (f *terminalFlags) say(cmd *cobra.Command) error {
	cards, err := f.cards()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(cmd.Context())
	defer stop(nil)
	told := func(state ledger.DeviceState, detail string) {
		if state == ledger.DeviceUnreachable || state == ledger.DeviceMisconfigured {
			fmt.Fprintf(cmd.ErrOrStderr(), "the reader: %s %s\n", state, detail)
		}
	}
	err = f.listen(ctx, cmd.InOrStdin(), told, func(b []byte) error {
		tap, err := cards.Hear(b, time.Now(), 0)
		if err != nil || ctx.Err() != nil {
			return unheard(err)
		}
		stop(errTapped)
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n", tap.Token)
		return nil
	})
	if errors.Is(context.Cause(ctx), errTapped) {
		return nil
	}
	return errors.Join(err, errors.New("no card was tapped"))
}

// unheard says of an error whether a line may be as it is.
func unheard(err error) error {
	if errors.Is(err, terminal.ErrNothing) {
		return line.ErrNothing
	}
	return err
}

// listen hears the reader: what is typed or lies in a file to its end, a device until
// ctx ends.
func (f *terminalFlags) listen(
	ctx context.Context, typed io.Reader, told func(ledger.DeviceState, string), hear func([]byte) error,
) error {
	file := typed
	if f.reader != "-" {
		st, err := os.Stat(f.reader)
		if err != nil || !st.Mode().IsRegular() {
			line.Device{
				Open: func() (io.ReadWriteCloser, error) { return line.Open(f.reader, f.speed) }, Hear: hear, Told: told,
			}.Listen(ctx)
			return nil
		}
		in, err := os.Open(f.reader)
		if err != nil {
			return err
		}
		defer in.Close()
		file = in
	}
	told(ledger.DeviceWell, "")
	// Nobody can break off who waits for a key: at the end it is left behind.
	done := make(chan error, 1)
	go func() {
		done <- line.Each(file, func(b []byte) {
			if ctx.Err() == nil {
				_ = hear(b) // it has said what is wrong
			}
		})
	}()
	select {
	case err := <-done:
		if errors.Is(err, io.EOF) {
			err = nil
		}
		told(ledger.DeviceEnded, "it says no more")
		return err
	case <-ctx.Done():
		return nil
	}
}

// A terminalRun is one run of `terminal`: a gate at which cards are tapped.
type terminalRun struct {
	*gateRun
	cards      *terminal.Reader
	tapped     sync.Mutex // while a card is seen to
	unanswered int        // taps that the server did not decide in time
}

// beat feeds the watchdog while the terminal waits for a card. One that is seen to
// feeds it when that is done, so that nothing beside it hides that it hangs.
func (r *terminalRun) beat() {
	if r.tapped.TryLock() {
		defer r.tapped.Unlock()
		r.pulse.turn(time.Now())
	}
}

func (f *terminalFlags) run(cmd *cobra.Command) error {
	if f.server == "" || f.store == "" {
		return fmt.Errorf("%w: a terminal needs --server and --store", errUsage)
	}
	cards, err := f.cards()
	if err != nil {
		return err
	}
	f.place, f.outbox = string(ledger.PlaceGate), filepath.Join(f.state, "outbox")
	if f.cut {
		f.alone = filepath.Join(f.state, "alone")
	}
	r := &terminalRun{
		gateRun: &gateRun{gateFlags: &f.gateFlags, start: time.Now(), text: cmd.OutOrStdout(), pulse: pulse{feed: beat}}, cards: cards,
	}
	shut, err := r.printTo(cmd)
	if err != nil {
		return err
	}
	defer shut() //nolint:errcheck // each line was written
	h, stop, err := r.connect(cmd.Context(), f)
	if err != nil {
		return errors.Join(err, stop())
	}
	ctx, end := context.WithCancelCause(cmd.Context())
	defer end(nil)
	told := func(state ledger.DeviceState, detail string) { h.Tell(ctx, partReader, state, detail) }
	err = f.listen(ctx, cmd.InOrStdin(), told, func(b []byte) error {
		err := r.hear(ctx, b)
		var fatal *fatalError
		if errors.As(err, &fatal) {
			end(err)
		}
		return err
	})
	if cause := context.Cause(ctx); cause != nil && cmd.Context().Err() == nil {
		err = cause
	}
	tellSystemd(daemon.SdNotifyStopping)
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	switch {
	case r.unanswered > 0:
		return fmt.Errorf("%d taps: %w", r.unanswered, gate.ErrNoAnswer)
	case r.refused > 0:
		return &refusedError{r.refused}
	}
	return nil
}

// A fatalError ends a terminal: its disk, its key or its server's address is wrong.
type fatalError struct{ err error }

// Error gives the error's words.
func (e *fatalError) Error() string { return e.err.Error() }

// Unwrap returns the error.
func (e *fatalError) Unwrap() error { return e.err }

// connect opens what a terminal sends through, and begins to report. stop is as of
// [gateRun.connect].
func (r *terminalRun) connect(ctx context.Context, f *terminalFlags) (h *host.Host, stop func() error, err error) {
	stop = func() error { return nil }
	if r.client, err = gate.NewClient(f.server, f.key); err != nil {
		return nil, stop, err
	}
	if err := os.MkdirAll(f.state, 0o700); err != nil {
		return nil, stop, err
	}
	if r.alone != "" && !r.exit {
		if r.solo, err = r.openAlone(ctx); err != nil {
			return nil, stop, err
		}
		stop = r.solo.Close
	}
	if err := r.openBox(); err != nil {
		return nil, stop, err
	}
	h = host.New(host.Config{
		Store: ledger.StoreID(f.store), Device: ledger.DeviceID(f.id), Program: "vouch-edge/" + version, State: f.state,
		Server: f.server, Key: f.key, Client: sameServer(), Box: r.box, Now: time.Now, Roll: mathrand.Float64,
		Beat: r.beat, Logger: slog.Default(),
	})
	r.lacks = func() int {
		d, _ := h.Offset()
		return int(d.Milliseconds())
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- h.Run(running) }()
	tellSystemd(daemon.SdNotifyReady)
	sent := r.sendAll(ctx, stop)
	return h, func() error {
		cancel()
		return errors.Join(<-done, sent())
	}, nil
}

// hear takes a line of the reader.
func (r *terminalRun) hear(ctx context.Context, b []byte) error {
	r.tapped.Lock()
	defer r.tapped.Unlock()
	defer func() { r.pulse.turn(time.Now()) }()
	at := ledger.Instant(time.Now())
	ev := gateEvent{At: at, T: at.Sub(r.start).Seconds(), Gate: r.id}
	tap, err := r.cards.Hear(b, at, gate.Forget)
	if errors.Is(err, terminal.ErrNothing) {
		return line.ErrNothing
	}
	if err != nil {
		ev.Decision, ev.Detail = "unread", err.Error()
		return errors.Join(err, r.fatal(r.tell(ev)))
	}
	id, err := ledger.NewID(at, rand.Reader)
	if err != nil {
		return r.fatal(err)
	}
	ev.ID = id.String()
	if r.exit {
		exit := vision.GateExit{ID: id, Store: ledger.StoreID(r.store), Credential: tap.Credential, Token: tap.Token}
		return r.fatal(r.leave(exit, ev))
	}
	err = r.enter(ctx, vision.GateEntry{ID: id, Credential: tap.Credential, Token: tap.Token}, &ev)
	if errors.Is(err, gate.ErrNoAnswer) {
		r.unanswered++ // it stayed shut, and said so
		err = nil
	}
	return r.fatal(errors.Join(err, r.tell(ev)))
}

func (*terminalRun) fatal(err error) error {
	if err == nil {
		return nil
	}
	return &fatalError{err}
}
