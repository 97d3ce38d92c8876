package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/palm"
)

func newPalmCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "palm",
		Short: "Read palms: try a camera, enrol somebody, and count how well it does",
		Long: `Reads palms from pictures, a video or a camera. No picture and no code is written to
disk, printed or logged. Read docs/gate.md first: what one camera cannot show, and what
nobody has measured on people.`,
	}
	cmd.AddCommand(newPalmCaptureCommand(), newPalmEnrolCommand(), newPalmMatchCommand())
	return cmd
}

// palmFlags say where hands are seen.
type palmFlags struct {
	images []string
	video  string
	ask    []string
	want   int
}

func (f *palmFlags) add(cmd *cobra.Command, want int) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.images, "image", nil, "picture `FILE` of a hand; several times, in the order of time")
	flags.StringVar(&f.video, "video", "", "video `FILE`, address, or number of a camera")
	flags.StringSliceVar(&f.ask, "ask", nil, "what the hand is to do, in this order: nearer, farther, turned, spread; none for nothing (default two by lot with --video, none with --image)")
	flags.IntVar(&f.want, "captures", want, "how many captures are kept")
}

// session begins what the flags ask for.
func (f *palmFlags) session() (*palm.Session, error) {
	if (len(f.images) == 0) == (f.video == "") {
		return nil, fmt.Errorf("%w: give either --image, or --video", errUsage)
	}
	if f.want < palm.MinCaptures || f.want > palm.MaxCaptures {
		return nil, fmt.Errorf("%w: --captures %d: from %d to %d", errUsage, f.want, palm.MinCaptures, palm.MaxCaptures)
	}
	asked, err := challenges(f.ask, f.video != "")
	if err != nil {
		return nil, err
	}
	return palm.NewSession(f.want, asked...), nil
}

// challenges reads what is asked of a hand; nothing given is by lot before a camera.
func challenges(names []string, lot bool) ([]palm.Challenge, error) {
	if len(names) == 0 && lot {
		return palm.Draw(), nil
	}
	var asked []palm.Challenge
	for _, name := range names {
		switch c := palm.Challenge(name); c {
		case palm.Nearer, palm.Farther, palm.Turned, palm.Spread:
			asked = append(asked, c)
		default:
			if name != "none" || len(names) > 1 {
				return nil, fmt.Errorf("%w: --ask %q: use nearer, farther, turned and spread, or none", errUsage, name)
			}
		}
	}
	return asked, nil
}

// look shows hands to a session until it is complete or there are no more. A person
// is told what to do.
func (f *palmFlags) look(ctx context.Context, s *palm.Session, told io.Writer) error {
	show := func(name string, g *image.Gray) error {
		c, err := palm.See(g)
		if errors.Is(err, palm.ErrNoHand) {
			if f.video == "" {
				fmt.Fprintf(told, "%s: %v\n", name, err)
			}
			return nil
		}
		if err != nil {
			return err
		}
		before := s.Asks()
		s.Add(c)
		if f.video == "" {
			line := "kept"
			if err := s.Err(); err != nil && !errors.Is(err, palm.ErrCaptures) {
				line = err.Error()
			}
			fmt.Fprintf(told, "%s: %s (width %.0f, turn %.2f, grid %.0f, shine %.3f, ground %.3f)\n", name, line, c.Width, c.Turn, c.Grid, c.Shine, c.Ground)
		} else if asks := s.Asks(); asks != before && !s.Complete() {
			fmt.Fprintln(told, asks)
		}
		return nil
	}
	for _, path := range f.images {
		g, err := greyPicture(path)
		if err == nil {
			err = show(filepath.Base(path), g)
		}
		if err != nil {
			return err
		}
	}
	if f.video == "" {
		return s.Err()
	}
	fmt.Fprintln(told, s.Asks())
	return f.film(ctx, s, show)
}

// film shows the frames of a video, as many a second as a gate looks at.
func (f *palmFlags) film(ctx context.Context, s *palm.Session, show func(string, *image.Gray) error) error {
	src, err := cv.Open(f.video)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // only read
	next := time.Duration(0)
	begun := time.Now()
	for n := 0; ctx.Err() == nil && !s.Complete(); n++ {
		frame, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		at := seconds(src.Rate().Seconds(n))
		if src.Live() {
			at = time.Since(begun)
		}
		if at >= next {
			next = at + gate.HandEvery
			err = show("", greyFrame(frame))
		}
		frame.Close()
		if err != nil {
			return err
		}
	}
	return s.Err()
}

func greyFrame(f *cv.Frame) *image.Gray {
	return &image.Gray{Pix: f.Gray(), Stride: f.Width(), Rect: image.Rect(0, 0, f.Width(), f.Height())}
}

func greyPicture(path string) (*image.Gray, error) {
	f, err := cv.ReadImage(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return greyFrame(f), nil
}

func newPalmCaptureCommand() *cobra.Command {
	f := &palmFlags{}
	cmd := &cobra.Command{
		Use:   "capture",
		Short: "Say what a camera makes of a hand, and keep nothing",
		Example: `  vouch-edge palm capture --video 0
  vouch-edge palm capture --image a.jpg --image b.jpg --ask nearer`,
		Args: cobra.NoArgs,
	}
	f.add(cmd, palm.MinCaptures)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := f.session()
		if err == nil {
			err = f.look(cmd.Context(), s, cmd.OutOrStdout())
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%d captures of one hand; nothing was kept\n", len(s.Codes()))
		return nil
	}
	return cmd
}

func newPalmEnrolCommand() *cobra.Command {
	f := &palmFlags{}
	cmd := &cobra.Command{
		Use:   "enrol",
		Short: "Send what was read of a hand to the server, which makes a template",
		Long: `Reads several captures of one hand and sends their codes to the server, which seals them
under the consent that the shopper has given (on their page, or to the operator). Without
one, or where palms are off, the server refuses and nothing is made.`,
		Example: `  vouch-edge palm enrol --server https://vouch.example --store frankfurt-1 --shopper anna --video 0`,
		Args:    cobra.NoArgs,
	}
	f.add(cmd, 3)
	flags := cmd.Flags()
	server := flags.String("server", "", "address `URL` of the server")
	key := flags.String("key", os.Getenv("VOUCH_KEY"), "`KEY` of this device; or set VOUCH_KEY")
	store := flags.String("store", "", "`ID` of the shop")
	shopper := flags.String("shopper", "", "`ID` of who stands there")
	flags.Lookup("key").DefValue = ""
	for _, name := range []string{"server", "store", "shopper"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic("vouch-edge: " + err.Error())
		}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := f.session()
		if err != nil {
			return err
		}
		client, err := gate.NewClient(*server, *key)
		if err != nil {
			return err
		}
		// Asked before anything is read of a hand.
		offer, err := client.PalmOffer(cmd.Context(), ledger.StoreID(*store))
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "text %s of %s is in force\n", offer.Version, offer.Jurisdiction)
		if err := f.look(cmd.Context(), s, cmd.OutOrStdout()); err != nil {
			return err
		}
		id, err := ledger.NewID(time.Now(), rand.Reader)
		if err != nil {
			return err
		}
		state, err := client.EnrolPalm(cmd.Context(), id, time.Now(), ledger.StoreID(*store), ledger.ShopperID(*shopper), s.Codes())
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "the palm of %s is %s\n", *shopper, state)
		return nil
	}
	return cmd
}

func newPalmMatchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "match [PICTURE...]",
		Short: "Hold pictures of hands against each other, or count a whole set",
		Long: `With pictures: makes a template of those given with --with and says how far each other one
is from it. With --labels: a file of JSON lines {"file", "person", "role"}, role enrol or
probe, files beside it; says how many own palms are refused and others taken, and what the
true rates are below with 95 % confidence. Nothing is kept.`,
		Example: `  vouch-edge palm match --with a.jpg --with b.jpg c.jpg
  vouch-edge palm match --labels hands/labels.jsonl`,
	}
	with := cmd.Flags().StringArray("with", nil, "picture `FILE` to enrol")
	labels := cmd.Flags().String("labels", "", "`FILE` of a whole set")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case *labels != "" && len(*with)+len(args) == 0:
			return countPalms(cmd.OutOrStdout(), *labels)
		case *labels == "" && len(*with) > 0 && len(args) > 0:
			return matchPalms(cmd.OutOrStdout(), *with, args)
		}
		return fmt.Errorf("%w: give pictures with --with and to match, or --labels alone", errUsage)
	}
	return cmd
}

func readPicture(path string) (palm.Code, error) {
	g, err := greyPicture(path)
	if err != nil {
		return palm.Code{}, err
	}
	c, err := palm.Read(g)
	if err != nil {
		return palm.Code{}, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return c, nil
}

func matchPalms(w io.Writer, with, probes []string) error {
	var codes []palm.Code
	for _, path := range with {
		c, err := readPicture(path)
		if err != nil {
			return err
		}
		codes = append(codes, c)
	}
	t, err := palm.NewTemplate(codes)
	if err != nil {
		return err
	}
	for _, path := range probes {
		c, err := readPicture(path)
		if errors.Is(err, palm.ErrNoHand) {
			fmt.Fprintln(w, err)
			continue
		}
		if err != nil {
			return err
		}
		d, what := t.Distance(c), "another hand"
		if d <= palm.Same {
			what = "the same hand"
		}
		fmt.Fprintf(w, "%s: %s, distance %.3f where %.2f is allowed\n", filepath.Base(path), what, d, palm.Same)
	}
	return nil
}

func countPalms(w io.Writer, labels string) error {
	b, err := os.ReadFile(labels)
	if err != nil {
		return err
	}
	var trial palm.Trial
	for line := range strings.Lines(string(b)) {
		var l struct{ File, Person, Role string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.File == "" || l.Person == "" || l.Role != "enrol" && l.Role != "probe" {
			return fmt.Errorf(`%w: %s: a line is {"file": …, "person": …, "role": "enrol" or "probe"}`, errUsage, labels)
		}
		c, err := readPicture(filepath.Join(filepath.Dir(labels), l.File))
		switch {
		case errors.Is(err, palm.ErrNoHand):
			trial.Unseen()
		case err != nil:
			return err
		default:
			trial.Add(l.Person, l.Role == "enrol", c)
		}
	}
	f := trial.Figures()
	fmt.Fprintf(w, "%d people, %d enrolled; threshold %.2f; equal error rate %.2f %% at %.3f\n", f.People, f.Enrolled, palm.Same, 100*f.Equal, f.At)
	for _, r := range []struct {
		what string
		palm.Rate
	}{
		{"captures without a palm", f.Unseen},
		{"own palms refused (false rejects)", f.Refused},
		{"others taken (false accepts)", f.Taken},
		{"taken for the wrong person", f.Wrong},
		{"enrolled, and nobody", f.Unknown},
	} {
		fmt.Fprintf(w, "%-34s %5d of %5d  %6.2f %%, below %.2f %% with 95 %% confidence\n", r.what, r.Wrong, r.Of, 100*r.Share(), 100*r.Bound())
	}
	return nil
}
