package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/cv"
	visionedge "github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/palm"
	"github.com/vouchledger/vouch/vision/qr"
)

// exitRefused is what `gate` ends with when somebody was refused: the gate
// worked, and stays shut.
const exitRefused = 3

// refusedError ends the command with exitRefused.
type refusedError struct{ n int }

// Error says how many were refused.
func (e *refusedError) Error() string { return fmt.Sprintf("%d refused at the gate", e.n) }

// ExitCode is the status the process ends with.
func (e *refusedError) ExitCode() int { return exitRefused }

// gateFlags are the flags of `gate`.
type gateFlags struct {
	image, video, server, key, store, id, place, start, out, outbox, outboxKey, alone, crossings string

	exit, once, json, palm bool

	ask     []string
	party   int
	speed   float64
	timeout time.Duration
}

func newGateCommand() *cobra.Command {
	f := &gateFlags{}
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Read the codes that shoppers show and ask the server whether they may enter",
		Long: `Gate reads QR codes from a picture, a video or a camera. Each code that comes
into sight is sent to the server once, and its decision is printed. Without
--server the codes are printed and nothing is sent.

With --alone the gate goes on when the server cannot be reached: it lets in up to
200 codes within 30 minutes, each once, and tells the server when it is back.

How its camera does (lost, black, frozen, damaged) is told the server as of any device, and
a camera that is lost is opened again each second.

With --exit a code says that its bearer leaves. Exits are kept in the outbox
until the server has them, so a gate without a line lets everybody out.

It ends with 0 if all entered, 3 if somebody was refused, and 1 on an error.`,
		Example: `  vouch-edge gate --image code.png
  vouch-edge gate --video 0 --server https://vouch.example --store frankfurt-1 --gate gate-1
  vouch-edge gate --video rtsp://camera/exit --exit --server https://vouch.example --gate gate-2`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.image, "image", "", "picture `FILE` that shows a code")
	flags.StringVar(&f.video, "video", "", "video `FILE`, address, or number of a camera; ${CAMERA_…} in it is filled in from the environment")
	flags.StringVar(&f.server, "server", "", "address `URL` of the server")
	flags.StringVar(&f.key, "key", os.Getenv("VOUCH_KEY"), "`KEY` of this device; or set VOUCH_KEY")
	flags.StringVar(&f.store, "store", "", "`ID` of the shop")
	flags.StringVar(&f.id, "gate", "gate-1", "`ID` of this gate")
	flags.StringVar(&f.place, "place", string(ledger.PlaceGate), "where the code is shown: gate or cart")
	flags.BoolVar(&f.exit, "exit", false, "codes are shown on the way out")
	flags.BoolVar(&f.palm, "palm", false, "know palms too, where the shop's policy has them on; opens nothing without the server")
	flags.StringSliceVar(&f.ask, "ask", nil, "what a hand is to do: nearer, farther, turned, spread, or none (default two by lot)")
	flags.IntVar(&f.party, "party", 1, "persons that enter on one code")
	flags.StringVar(&f.start, "start", "", "`TIME` of the first frame, RFC 3339 (default now)")
	flags.Float64Var(&f.speed, "speed", 0, "1 plays a file in real time, 2 twice as fast, 0 as fast as it decodes")
	flags.BoolVar(&f.once, "once", false, "end after the first code")
	flags.StringVar(&f.out, "out", "", "append decisions as JSON lines to `FILE`")
	flags.BoolVar(&f.json, "json", false, "print decisions as JSON lines")
	flags.StringVar(&f.outbox, "outbox", "vouch-gate-outbox", "`FOLDER` in which exits wait for the server")
	flags.StringVar(&f.outboxKey, "outbox-key", "", "`FILE` with the key that what waits is encrypted to (default: OUTBOX.key), made if it is not there")
	flags.StringVar(&f.alone, "alone", "", "`FOLDER` for deciding without a server: its keys, and the codes that were let in")
	flags.StringVar(&f.crossings, "crossings", "", "`FILE` of persons who crossed the gate's line, as JSON lines: finds tailgating")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to ask for a decision")
	// The default of --key may be a secret and must not be shown by --help.
	flags.Lookup("key").DefValue = ""
	return cmd
}

// gateEvent is one line of --json and --out.
type gateEvent struct {
	At       time.Time            `json:"at"`
	T        float64              `json:"t"` // seconds since the first frame; 0 of an exit that the server has taken
	Gate     string               `json:"gate"`
	ID       string               `json:"id,omitempty"`
	Code     string               `json:"code,omitempty"` // only without a server
	Visit    ledger.VisitID       `json:"visit,omitempty"`
	Party    int                  `json:"party,omitempty"` // persons who enter on it
	Staff    bool                 `json:"staff,omitempty"` // who entered works here, as the server says
	Decision string               `json:"decision"`        // entered, refused, pending, exit, left, read, tailgated, asked, unread
	Reason   ledger.RefusalReason `json:"reason,omitempty"`
	Detail   string               `json:"detail,omitempty"`
}

// gateRun is one run of `gate`.
type gateRun struct {
	*gateFlags
	client  *gate.Client
	box     *outbox.Outbox
	solo    *gate.Alone // nil without --alone
	door    *door       // nil without --crossings
	eye     *eye        // how its camera does; nil where nobody is told
	lacks   func() int  // what this clock lacks, in milliseconds; nil: nobody compares it
	hands   *gate.Hands // nil without --palm
	pulse   pulse       // of the loop over pictures, or of the taps
	start   time.Time
	leaving sync.Mutex  // an exit is told before what the server says of it
	telling sync.Mutex  // the outbox tells beside the camera
	print   []io.Writer // JSON lines
	text    io.Writer   // a person; nil with --json
	codes   int
	refused int
}

func (f *gateFlags) run(cmd *cobra.Command) error {
	r := &gateRun{gateFlags: f, start: time.Now(), text: cmd.OutOrStdout(), pulse: pulse{feed: beat}}
	if (f.image == "") == (f.video == "") {
		return fmt.Errorf("%w: give either --image or --video; see vouch-edge gate --help", errUsage)
	}
	if f.start != "" {
		t, err := time.Parse(time.RFC3339, f.start)
		if err != nil {
			return fmt.Errorf("%w: --start %q: want a time like 2026-11-23T12:00:00Z", errUsage, f.start)
		}
		r.start = t
	}
	if f.palm && f.exit {
		return fmt.Errorf("%w: --palm lets in; who leaves shows a code, or nothing", errUsage)
	}
	if f.palm {
		asked, err := challenges(f.ask, true)
		if err != nil {
			return err
		}
		r.hands = &gate.Hands{}
		if len(f.ask) > 0 {
			r.hands.Ask = func() []palm.Challenge { return asked }
		}
	}
	if p := ledger.Place(f.place); p != ledger.PlaceGate && p != ledger.PlaceCart {
		return fmt.Errorf("%w: --place %q: use gate or cart", errUsage, f.place)
	}
	shut, err := r.printTo(cmd)
	if err != nil {
		return err
	}
	defer shut() //nolint:errcheck // each line was written
	stop, err := r.connect(cmd.Context())
	if err != nil {
		return errors.Join(err, stop())
	}
	defer r.door.close()
	tellSystemd(daemon.SdNotifyReady)
	err = r.look(cmd.Context())
	tellSystemd(daemon.SdNotifyStopping)
	if serr := stop(); err == nil {
		err = serr
	}
	switch {
	case err != nil:
		return err
	case r.codes == 0 && cmd.Context().Err() == nil:
		return fmt.Errorf("%w in %s: hold the phone still, nearer and brighter", gate.ErrNoCode, f.image+f.video)
	case r.refused > 0:
		return &refusedError{r.refused}
	}
	return nil
}

// connect prepares what is sent. stop waits for what is in the outbox to be
// taken; what is not stays for the next run.
func (r *gateRun) connect(ctx context.Context) (stop func() error, err error) {
	stop = func() error { return nil }
	if r.server == "" {
		return stop, nil
	}
	if r.client, err = gate.NewClient(r.server, r.key); err != nil {
		return stop, err
	}
	if !r.exit && r.store == "" {
		return stop, fmt.Errorf("%w: --store is needed with --server: the code may be for another shop", errUsage)
	}
	if stop, err = r.compareClocks(ctx); err != nil {
		return stop, err
	}
	if r.crossings != "" {
		r.door = &door{crossings: gate.Follow(r.crossings, r.start)}
	}
	if r.alone != "" && !r.exit {
		if r.solo, err = r.openAlone(ctx); err != nil {
			return stop, err
		}
		before := stop
		stop = func() error { return errors.Join(before(), r.solo.Close()) }
	}
	reports := r.store != "" && (visionedge.Camera{Source: r.video}).Live()
	if !r.exit && r.solo == nil && r.door == nil && !reports {
		return stop, nil
	}
	if err := r.openBox(); err != nil {
		return stop, err
	}
	stop = r.sendAll(ctx, stop)
	if reports {
		r.eye, stop = r.report(ctx, stop)
	}
	return stop, nil
}

// openBox opens the outbox, in which nothing can be read without its key.
func (r *gateRun) openBox() error {
	seal, err := outbox.OpenKey(cmp.Or(r.outboxKey, r.outbox+".key"))
	if err != nil {
		return err
	}
	r.box, err = outbox.Open(r.outbox, outbox.Config{Server: r.server, Key: r.key, Seal: seal, Now: time.Now, Notify: r.sent})
	return err
}

// compareClocks begins to compare this machine's clock with the server's, until the
// returned function is called.
func (r *gateRun) compareClocks(ctx context.Context) (stop func() error, err error) {
	if r.gateFlags.start != "" { // the pictures have times of their own
		return func() error { return nil }, nil
	}
	clock := &gateClock{client: r.client}
	if err := clock.ask(ctx); err != nil {
		return func() error { return nil }, err
	}
	r.lacks = clock.offset
	running, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); clock.run(running) }()
	return func() error { cancel(); <-done; return nil }, nil
}

// sendAll sends what is put into the outbox until the returned function is
// called.
func (r *gateRun) sendAll(ctx context.Context, then func() error) (stop func() error) {
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- r.box.Run(running) }()
	return func() error {
		waiting, end := context.WithTimeout(ctx, r.timeout)
		defer end()
		late := r.box.Drain(waiting)
		cancel()
		err := <-done
		if st := r.box.Status(); late != nil && r.text != nil {
			what := "entries"
			if r.exit {
				what = "exits"
			}
			fmt.Fprintf(r.text, "%d %s wait in %s for the server: %s\n", st.Depth, what, r.outbox, st.Error)
		} else if st.Dead > 0 {
			err = errors.Join(err, fmt.Errorf("the server refused %d messages; see %s/dead", st.Dead, r.outbox))
		}
		return errors.Join(err, r.box.Close(), then())
	}
}

// see looks at one frame. It returns true when enough was seen.
func (r *gateRun) see(ctx context.Context, w *gate.Watcher, f *cv.Frame, at time.Duration) (bool, error) {
	g := greyFrame(f)
	code, fresh, err := w.See(g, at)
	if errors.Is(err, qr.ErrPicture) {
		return false, err
	}
	if err == nil && code == "" && r.hands != nil {
		return r.seeHand(ctx, g, at)
	}
	if err != nil || !fresh {
		return false, err
	}
	r.codes++
	ev := gateEvent{At: ledger.Instant(r.start.Add(at)), T: at.Seconds(), Gate: r.id}
	if r.client == nil {
		ev.Decision, ev.Code = "read", code
		return r.once, r.tell(ev)
	}
	id, err := ledger.NewID(ev.At, rand.Reader)
	if err != nil {
		return false, err
	}
	ev.ID = id.String()
	if r.exit {
		w.Done()
		return r.once, r.leave(vision.GateExit{ID: id, Code: code}, ev)
	}
	err = r.enter(ctx, vision.GateEntry{ID: id, Code: code}, &ev)
	if ev.Decision == string(vision.Entered) {
		w.Done()
	}
	return r.once, errors.Join(err, r.tell(ev))
}
