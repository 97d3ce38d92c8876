package walks

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/score"
)

// ErrNoClips is returned for a folder without a planogram.json and a video of a
// shelf with its truth beside it; docs/reference/edge.md names the files.
var ErrNoClips = errors.New("no clips of a shelf")

// Clip is a real video with its truth.
type Clip struct {
	Name  string
	Video string
	Plan  planogram.Planogram
	Truth []score.Event
	// Reaches are the times a hand was there, if the truth says so.
	Reaches []Reach
}

// A Reach is one visit of hands: from the first frame with a hand to the last,
// and the first and last frame in which something left or came.
type Reach struct {
	In, First, Last, Out int
	// Events are what left and came meanwhile, at frames of the clip.
	Events []Event
	// After is what stands in each slot afterwards.
	After map[string]int
}

// An Event is a take or return at a frame.
type Event struct {
	Slot, Action string
	Frame        int
}

// line is what a line of truth says beside what is scored.
type line struct {
	Frame    int            `json:"frame"`
	In       int            `json:"hand_in_frame"`
	Out      int            `json:"hand_out_frame"`
	OnShelf  map[string]int `json:"on_shelf_after"`
	Tolerant int            `json:"frame_tol"`
}

// Folder reads the clips of a folder: each NAME.mp4 with the truth of a shelf
// in NAME.jsonl and, where the shelf did not begin as planogram.json says, a
// NAME.meta.json. Videos with another kind of truth are left out.
func Folder(dir string) ([]Clip, error) {
	plan, err := planogram.Load(filepath.Join(dir, "planogram.json"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoClips, err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoClips, err)
	}
	slices.Sort(names)
	var clips []Clip
	for _, path := range names {
		c, err := read(plan, path)
		if errors.Is(err, score.ErrFormat) || errors.Is(err, score.ErrEvent) || errors.Is(err, fs.ErrNotExist) {
			continue // the truth of something else than a shelf
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		clips = append(clips, c)
	}
	if len(clips) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoClips, dir)
	}
	return clips, nil
}

func read(plan planogram.Planogram, path string) (Clip, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Clip{}, err
	}
	stem := strings.TrimSuffix(path, ".jsonl")
	c := Clip{Name: filepath.Base(stem), Video: stem + ".mp4", Plan: plan}
	if _, err := os.Stat(c.Video); err != nil {
		return c, err
	}
	if c.Truth, err = score.Read(strings.NewReader(string(b))); err != nil {
		return c, err
	}
	if c.Reaches, err = reaches(string(b)); err != nil {
		return c, err
	}
	start, err := begun(plan, stem+".meta.json")
	if err != nil {
		return c, err
	}
	c.Plan, err = plan.WithInitial(start)
	return c, err
}

// begun reads how many items stood in each slot, in the order of their names.
func begun(plan planogram.Planogram, path string) (map[string]int, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var meta struct {
		Init string `json:"init"`
	}
	if err := json.Unmarshal(b, &meta); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(meta.Init) != len(plan.Slots) {
		return nil, fmt.Errorf("%s: %w: init %q for %d slots", path, planogram.ErrCount, meta.Init, len(plan.Slots))
	}
	counts := map[string]int{}
	for i, s := range plan.Slots {
		counts[s.Name] = int(meta.Init[i] - '0')
	}
	return counts, nil
}

// reaches joins the events whose hands were there at the same time. Truth that
// does not say when hands were there gives none.
func reaches(text string) ([]Reach, error) {
	var out []Reach
	for one := range strings.Lines(text) {
		var l line
		if strings.TrimSpace(one) == "" {
			continue
		}
		if err := json.Unmarshal([]byte(one), &l); err != nil {
			return nil, err
		}
		if l.Out <= l.In || l.OnShelf == nil {
			return nil, nil
		}
		r := Reach{In: l.In, First: l.Frame - l.Tolerant, Last: l.Frame + l.Tolerant, Out: l.Out, After: l.OnShelf}
		events, err := score.Read(strings.NewReader(one))
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			r.Events = append(r.Events, Event{Slot: e.Slot, Action: e.Action, Frame: l.Frame})
		}
		if n := len(out); n > 0 && out[n-1].Out >= r.In {
			r.In, r.First = min(out[n-1].In, r.In), min(out[n-1].First, r.First)
			r.Last, r.Out = max(out[n-1].Last, r.Last), max(out[n-1].Out, r.Out)
			r.Events = slices.Concat(out[n-1].Events, r.Events)
			out = out[:n-1]
		}
		out = append(out, r)
	}
	return out, nil
}
