package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/cv"
	visionedge "github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/score"
	"github.com/vouchledger/vouch/vision/track"
	"github.com/vouchledger/vouch/vision/truth"
)

// personsFlags are the flags of `vouch-edge persons`.
type personsFlags struct {
	video, floor, persons, detector, truth, camera string
	every                                          int
	json                                           bool
}

func newPersonsCommand() *cobra.Command {
	f := &personsFlags{}
	cmd := &cobra.Command{
		Use:   "persons --video SRC",
		Short: "Find the persons in a video, and with a truth say how well",
		Long: `Persons looks for persons in a video as a camera of ` + "`run`" + ` does, to choose how one
should: by what moves, by OpenCV's people detector or a network, or both. Each frame is a
JSON line with its boxes. With --truth nothing is printed but how many boxes are right, at
a third and at a half of overlap, and how long a frame takes.`,
		Example: `  vouch-edge persons --video entrance.mp4 --floor entrance.floor.json --truth truth.jsonl --camera entrance
  vouch-edge persons --video rtsp://10.0.0.8/1 --persons shapes --detector yolo-fastest.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.OutOrStdout()) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.video, "video", "", "video `FILE`, address, or number of a camera")
	fl.StringVar(&f.floor, "floor", "", "floor `FILE` of the camera")
	fl.StringVar(&f.persons, "persons", "", "by what: moving, shapes or both (default both, from straight above moving)")
	fl.StringVar(&f.detector, "detector", "", "manifest `FILE` of a network, instead of OpenCV's people detector")
	fl.IntVar(&f.every, "every", 1, "look at each n-th frame")
	fl.StringVar(&f.truth, "truth", "", "`FILE` of true boxes, as render shop writes it")
	fl.StringVar(&f.camera, "camera", "", "whose boxes of the truth count")
	fl.BoolVar(&f.json, "json", false, "with --truth: print the counts as JSON")
	return cmd
}

// personsLine is what is said of one frame.
type personsLine struct {
	Frame int         `json:"frame"`
	T     float64     `json:"t"`
	Boxes []personBox `json:"boxes"`
}

type personBox struct {
	Box   [4]int      `json:"box"` // left, top, right, bottom
	Score float64     `json:"score"`
	Floor *[2]float64 `json:"floor,omitempty"` // where they stand, in metres
}

// personsCount is how well persons were found.
type personsCount struct {
	Frames    int     `json:"frames"`
	Third     rates   `json:"at_third"`
	Half      rates   `json:"at_half"`
	MSaFrame  float64 `json:"ms_a_frame"`
	Detector  string  `json:"detector"`
	third     score.Boxes
	half      score.Boxes
	looking   time.Duration
	truth     map[int][]truth.Box
	hasTruths bool
}

type rates struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
}

func (f *personsFlags) run(w io.Writer) error {
	if f.video == "" || f.every < 1 {
		return fmt.Errorf("%w: --video is needed, and --every is 1 or more", errUsage)
	}
	src, err := cv.Open(f.video)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // only read
	var m *mount.Mount
	if f.floor != "" {
		if m, err = mount.Load(f.floor); err != nil {
			return err
		}
		if err := m.CheckSize(src.Size()); err != nil {
			return err
		}
	}
	rate := src.Rate().Float()
	if rate == 0 {
		rate = 25
	}
	width, height := src.Size()
	p, err := openPersons(visionedge.Persons(f.persons), f.detector, m, width, height, rate/float64(f.every))
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // only read
	count := personsCount{Detector: p.Label()}
	if f.truth != "" {
		if count.truth, err = readBoxes(f.truth, f.camera); err != nil {
			return err
		}
		count.hasTruths = true
	}
	if err := f.look(w, src, p, m, &count); err != nil || !count.hasTruths {
		return err
	}
	return count.print(w, f.json)
}

func (f *personsFlags) look(w io.Writer, src *cv.Reader, p people, m *mount.Mount, count *personsCount) error {
	out := json.NewEncoder(w)
	for n := 0; ; n++ {
		frame, err := src.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case n%f.every != 0:
			frame.Close()
			continue
		}
		begun := time.Now()
		boxes, err := p.People(frame)
		count.looking += time.Since(begun)
		count.Frames++
		frame.Close()
		if err != nil {
			return err
		}
		if count.hasTruths {
			count.add(n, boxes)
			continue
		}
		line := personsLine{Frame: n, T: src.Rate().Seconds(n), Boxes: []personBox{}}
		for _, b := range boxes {
			r := b.Rect
			box := personBox{Box: [4]int{r.Min.X, r.Min.Y, r.Max.X, r.Max.Y}, Score: float64(int(1000*b.Score)) / 1000}
			if m != nil && b.Foot != (track.Point{}) {
				at := m.Camera("").Floor.Floor(b.Foot)
				box.Floor = &[2]float64{centi(at.X), centi(at.Y)}
			}
			line.Boxes = append(line.Boxes, box)
		}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
}

func (c *personsCount) add(n int, boxes []track.Box) {
	var rects []image.Rectangle
	for _, b := range boxes {
		rects = append(rects, b.Rect)
	}
	c.third = c.third.Add(score.Persons(c.truth[n], rects, 1.0/3))
	c.half = c.half.Add(score.Persons(c.truth[n], rects, 0.5))
}

func (c *personsCount) print(w io.Writer, asJSON bool) error {
	c.Third, c.Half = rates{c.third.Precision(), c.third.Recall()}, rates{c.half.Precision(), c.half.Recall()}
	if c.Frames > 0 {
		c.MSaFrame = float64(c.looking.Microseconds()) / 1000 / float64(c.Frames)
	}
	if asJSON {
		return json.NewEncoder(w).Encode(c)
	}
	_, err := fmt.Fprintf(w, "%s: of %d frames, at a third of overlap precision %.3f, recall %.3f; at a half %.3f, %.3f; %.1f ms a frame\n",
		c.Detector, c.Frames, c.Third.Precision, c.Third.Recall, c.Half.Precision, c.Half.Recall, c.MSaFrame)
	return err
}

// readBoxes reads the true boxes of a camera, by frame.
func readBoxes(path, camera string) (map[int][]truth.Box, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s, err := truth.ReadShop(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	all := map[int][]truth.Box{}
	for _, b := range s.Boxes {
		if b.Camera == camera {
			all[b.Frame] = append(all[b.Frame], b)
		}
	}
	if len(all) == 0 {
		var names []string
		for _, b := range s.Boxes {
			if !slices.Contains(names, b.Camera) {
				names = append(names, b.Camera)
			}
		}
		return nil, fmt.Errorf("%w: %s has no boxes of camera %q, but of %v", errUsage, path, camera, names)
	}
	return all, nil
}
