package host

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/watch"
)

// errEyes marks a model that cannot be used.
var errEyes = errors.New("model")

// eyes are the models that a camera's watcher looks with.
type eyes struct {
	detector   Detector
	recogniser Recogniser
}

// eyes opens what a camera names.
func (h *Host) eyes(c edge.Camera) (eyes, error) {
	var e eyes
	var err error
	if c.Detector != "" {
		if h.cfg.Detector == nil {
			return e, fmt.Errorf("%w: this program looks with no detector", errEyes)
		}
		if e.detector, err = h.cfg.Detector(h.file(c.Detector)); err != nil {
			return eyes{}, fmt.Errorf("%w: %w", errEyes, err)
		}
	}
	if c.Recogniser != "" {
		if h.cfg.Recogniser == nil {
			err = errors.New("this program looks with no recogniser")
		} else {
			e.recogniser, err = h.cfg.Recogniser(h.file(c.Recogniser))
		}
		if err != nil {
			e.recogniser = nil
			e.close()
			return eyes{}, fmt.Errorf("%w: %w", errEyes, err)
		}
	}
	return e, nil
}

// look lets a watcher see with e.
func (e eyes) look(cfg *watch.Config) {
	if e.detector != nil {
		cfg.Detector = e.detector
		if n, ok := e.detector.(interface{ Names() []string }); ok && slices.Contains(n.Names(), "person") {
			cfg.Persons = e.detector
		}
	}
	if e.recogniser != nil {
		cfg.Recogniser = e.recogniser
	}
}

func (e eyes) close() {
	if e.detector != nil {
		_ = e.detector.Close()
	}
	if e.recogniser != nil {
		e.recogniser.Close()
	}
}

// Check opens the models and reads the planograms that the shop's own file names, and
// says which cannot be used. It needs no more of the configuration than that and what
// opens them. Remarks, each with its camera, are what may be meant otherwise.
func (h *Host) Check() (remarks []string, err error) {
	err = h.tryEyes(h.cfg.Local.Cameras)
	for _, c := range h.cfg.Local.Cameras {
		if c.Floor != "" {
			continue
		}
		p, perr := h.plan(c)
		if perr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w: %w", c.Name, errPlan, perr))
		} else if said := placeless(c, p); said != "" {
			remarks = append(remarks, c.Name+": "+said)
		}
	}
	return remarks, err
}

// placeless says of a planogram that it does not say how its camera sees the place, and
// what to do; nothing of one that does.
func placeless(c edge.Camera, p planogram.Planogram) string {
	if p.Look != nil {
		return ""
	}
	return "its planogram has no look: what the camera shows at the start is taken for its place, also where it is another; " +
		"vouch-edge planogram --look SRC --write " + cmp.Or(c.Planogram, "FILE")
}

// tryEyes opens what cameras name once, and says which cannot be used.
func (h *Host) tryEyes(cameras []edge.Camera) error {
	type pair struct{ detector, recogniser string }
	tried := map[pair]bool{}
	for _, c := range cameras {
		if c.Floor != "" {
			if err := h.checkFloor(c); err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			continue
		}
		if p := (pair{c.Detector, c.Recogniser}); !tried[p] {
			e, err := h.eyes(c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			e.close()
			tried[p] = true
		}
	}
	return nil
}
