package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/cart/device"
	"github.com/vouchledger/vouch/vision/cv"
	visionedge "github.com/vouchledger/vouch/vision/edge"
)

// cartFlags are the flags of `cart`.
type cartFlags struct {
	video, pictures, scale, touches     string
	server, key, store, id, state, page string
	start                               string
	speed                               float64
	capacity                            int
	timeout, drain                      time.Duration
	json                                bool

	scanner, outboxKey string
	scaleSpeed         int
	faces              cv.FaceModel
}

func newCartCommand() *cobra.Command {
	f := &cartFlags{}
	cmd := &cobra.Command{
		Use:   "cart",
		Short: "Be a smart cart: sign in, scan, weigh, show the total, leave",
		Long: `Cart is the computer of a smart cart. Its camera reads the code on a shopper's
phone, the labels on goods, coupons and the code of the lane it leaves through;
its scale says what was laid in and what was taken out; its screen is a page on
this machine.

What was scanned is kept in --state before it counts, and sent when the server
can be reached: a cart that is cut off or switched off goes on where it was.

Of what is laid in and taken out it keeps pictures, a clip and what the scale read,
and sends them beside; shoppers are shown copies without faces.

With a video file or --pictures a recorded trip is played: --scale and --touches
are then files of JSON lines with their times. With a camera's number, or with
none, --scale is a serial line or a pipe: it speaks MT-SICS ("S S  540.25 g") or
says {"grams": 540} again and again. --scanner is one that says codes line by
line; one that types like a keyboard types into the screen.`,
		Example: `  vouch-edge cart --video 0 --scale /dev/ttyUSB0 --server https://vouch.example --store frankfurt-1 --cart cart-7
  vouch-edge cart --video trip/cart.mp4 --scale trip/scale.jsonl --touches trip/touches.jsonl \
      --server http://127.0.0.1:8080 --store shop-1 --cart cart-7 --page ""`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.video, "video", "", "video `FILE`, address, or number of the cart's camera")
	flags.StringVar(&f.pictures, "pictures", "", "`FOLDER` of pictures named by their milliseconds, instead of a video")
	flags.StringVar(&f.scale, "scale", "", "`FILE` of readings, or the scale's device (default: there is no scale)")
	flags.IntVar(&f.capacity, "capacity", 0, "`GRAMS` that the scale can carry (default: it says so itself)")
	flags.StringVar(&f.touches, "touches", "", "`FILE` of touches, of a recorded trip")
	flags.StringVar(&f.server, "server", "", "address `URL` of the server")
	flags.StringVar(&f.key, "key", os.Getenv("VOUCH_KEY"), "`KEY` of this device; or set VOUCH_KEY")
	flags.StringVar(&f.store, "store", "", "`ID` of the shop")
	flags.StringVar(&f.id, "cart", "cart-1", "`ID` of this cart")
	flags.StringVar(&f.state, "state", "vouch-cart", "`FOLDER` of the journal, the prices and the outbox")
	flags.StringVar(&f.page, "page", "127.0.0.1:8095", "loopback `ADDRESS` of the screen; empty: none")
	flags.StringVar(&f.start, "start", "", "`TIME` of the first frame, RFC 3339 (default now)")
	flags.Float64Var(&f.speed, "speed", 0, "1 plays a recorded trip in real time, 2 twice as fast, 0 as fast as it goes")
	flags.IntVar(&f.scaleSpeed, "scale-speed", 9600, "speed of the serial lines in `BITS` a second")
	flags.StringVar(&f.scanner, "scanner", "", "serial line or pipe of a scanner `DEVICE` for bar codes (default: the camera reads them)")
	flags.StringVar(&f.outboxKey, "outbox-key", "", "`FILE` with the key that what waits is encrypted to (default: STATE/outbox.key), made if it is not there")
	flags.StringVar(&f.faces.Weights, "face-model", "", "face network for the copies that shoppers see: RFB-320 (.onnx) or res10 (.pb)")
	flags.StringVar(&f.faces.Config, "face-config", "", "description of the face network (.pbtxt of res10)")
	flags.DurationVar(&f.timeout, "timeout", 20*time.Second, "how long to ask the server one thing")
	flags.DurationVar(&f.drain, "drain", 30*time.Second, "how long to wait in the end for the server to take all")
	flags.BoolVar(&f.json, "json", false, "print the screen as JSON in the end")
	// The default of --key may be a secret and must not be shown by --help.
	flags.Lookup("key").DefValue = ""
	return cmd
}

func (f *cartFlags) check() error {
	switch {
	case f.video != "" && f.pictures != "":
		return fmt.Errorf("%w: give either --video or --pictures; see vouch-edge cart --help", errUsage)
	case f.server == "" || f.store == "":
		return fmt.Errorf("%w: a cart needs --server and --store", errUsage)
	case f.touches != "" && f.live():
		return fmt.Errorf("%w: --touches is of a recorded trip; a live cart is touched on its page", errUsage)
	case f.scanner != "" && !f.live():
		return fmt.Errorf("%w: --scanner is of a live cart; a recorded trip has touches that scan", errUsage)
	case f.speed < 0 || f.capacity < 0:
		return fmt.Errorf("%w: --speed and --capacity are not below zero", errUsage)
	}
	return nil
}

// live reports whether devices are looked at and not files.
func (f *cartFlags) live() bool {
	_, err := strconv.Atoi(f.video)
	return err == nil || strings.Contains(f.video, "://") || f.video == "" && f.pictures == ""
}

func (f *cartFlags) run(cmd *cobra.Command) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	start := time.Now()
	if f.start != "" {
		if start, err = time.Parse(time.RFC3339, f.start); err != nil {
			return fmt.Errorf("%w: --start %q: want a time like 2026-11-30T12:00:00Z", errUsage, f.start)
		}
	}
	recording, closer, err := f.open()
	if err != nil {
		return err
	}
	defer closer.Close() //nolint:errcheck // only read
	seen, err := f.memory()
	if err != nil {
		return err
	}
	defer seen.close()
	line := &cartLine{settings: make(chan visionedge.Cart, 1)}
	c, err := f.openCart(seen, line)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	running, stop := context.WithCancel(context.WithoutCancel(cmd.Context()))
	line.host = f.newHost(c, line)
	workers := []func(context.Context) error{c.Run, line.host.Run}
	if f.page != "" {
		page, err := device.Listen(f.page, c, time.Now)
		if err != nil {
			stop()
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "the screen is at %s\n", page.Address())
		workers = append(workers, page.Serve)
	}
	done := make(chan error, len(workers))
	for _, w := range workers {
		go func() { done <- w(running) }()
	}
	player := &device.Player{Cart: c, Start: start, Capacity: f.capacity, HasScale: f.scale != "", Now: time.Now}
	if f.live() {
		err = line.follow(cmd.Context(), player)
	} else {
		err = line.play(cmd.Context(), player, recording, f.speed)
	}
	err = errors.Join(err, f.finish(cmd, c))
	stop()
	for range workers {
		err = errors.Join(err, <-done)
	}
	return err
}

// finish waits for the server and says what is left.
func (f *cartFlags) finish(cmd *cobra.Command, c *device.Cart) error {
	waiting, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), f.drain)
	defer cancel()
	_ = c.Drain(waiting) // what is left is said below
	v := c.View()
	if f.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
	}
	out := cmd.OutOrStdout()
	for _, l := range v.Lines {
		fmt.Fprintf(out, "%3d x %-36s %10s  %s\n", l.Pieces, l.Name, l.Amount, l.State)
	}
	fmt.Fprintf(out, "%s, %d pieces, %s (%s). %s\n", v.Phase, v.Pieces, v.Total, v.From, v.Line)
	return nil
}
