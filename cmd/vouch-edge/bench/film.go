package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/walks"
	"github.com/vouchledger/vouch/vision/watch"
)

// A clip is a film of a shelf that can be played to a shop.
type clip struct {
	walks.Clip
	plan string // the planogram's file
}

// drawnClips is how many shelves are drawn where none are given.
const drawnClips = 4

// films returns the given clips, or drawn ones where there are none.
func (r *run) films(ctx context.Context) ([]clip, error) {
	given, err := walks.Folder(r.video())
	if errors.Is(err, walks.ErrNoClips) {
		return r.drawn(ctx, drawnClips)
	}
	if err != nil {
		return nil, err
	}
	return clips(given, r.video()), nil
}

// reached returns n films whose truth says when hands were there: the given ones
// and, for what is missing, drawn ones.
func (r *run) reached(ctx context.Context, n int) ([]clip, error) {
	all, err := r.films(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c clip) bool { return len(c.Reaches) == 0 })
	if len(all) >= n {
		return all[:n], nil
	}
	more, err := r.drawn(ctx, n-len(all))
	return append(all, more...), err
}

// drawn returns n drawn shelves.
func (r *run) drawn(ctx context.Context, n int) ([]clip, error) {
	for seed := len(r.own) + 1; seed <= n; seed++ {
		r.progress(fmt.Sprintf("drawing shelf %d of %d", seed, n))
		dir := filepath.Join(r.dir, fmt.Sprintf("drawn-%d", seed))
		if err := r.Draw(ctx, uint64(seed), dir); err != nil { //nolint:gosec // from 1 on
			return nil, err
		}
		drawn, err := walks.Folder(dir)
		if err != nil {
			return nil, err
		}
		drawn[0].Name = filepath.Base(dir)
		r.own = append(r.own, clips(drawn, dir)...)
	}
	return r.own[:n], nil
}

func clips(in []walks.Clip, dir string) []clip {
	var out []clip
	for _, c := range in {
		out = append(out, clip{c, filepath.Join(dir, "planogram.json")})
	}
	return out
}

// picks returns what happens on a film at this rate, with the last frame of each
// hand's visit. Picks without a known visit are left out.
func (c clip) picks(rate float64) []pick {
	var out []pick
	for _, e := range c.Truth {
		frame := int(e.T*rate + 0.5)
		for _, reach := range c.Reaches {
			if reach.In <= frame && frame <= reach.Out {
				out = append(out, pick{film: c.Name, slot: e.Slot, action: e.Action, frame: frame, out: reach.Out})
				break
			}
		}
	}
	return out
}

// filmScheme is what the source of a camera begins with that plays a film.
const filmScheme = "film://"

// A source is an open film.
type source interface {
	watch.Source
	Skip() error
	Close() error
}

// A playing is a film that is played in real time, as a camera delivers: each
// frame at its moment. At its end the camera stays on and shows nothing more.
type playing struct {
	source
	name string
	book *logbook
	done <-chan struct{} // closed when nobody looks any more
	over func()          // called once at the end of the film
	now  func() time.Time

	n     int
	begun time.Time
}

// Next returns the next frame when it is due.
func (p *playing) Next() (*cv.Frame, error) {
	f, err := p.source.Next()
	if err = p.due(err); err != nil && f != nil {
		f.Close()
		f = nil
	}
	return f, err
}

// Skip passes over the next frame when it is due.
func (p *playing) Skip() error { return p.due(p.source.Skip()) }

// due waits for the moment of the frame that was just decoded, if err is nil, and
// notes it.
func (p *playing) due(err error) error {
	if errors.Is(err, io.EOF) {
		if p.over != nil {
			p.over()
			p.over = nil
		}
		<-p.done
	}
	if err != nil {
		return err
	}
	if p.n == 0 {
		p.begun = p.now()
	}
	if !p.until(p.begun.Add(time.Duration(float64(p.n) / p.Rate().Float() * float64(time.Second)))) {
		return io.EOF
	}
	p.n++
	p.book.delivered(p.name)
	return nil
}

// until waits for a moment, and returns false if nobody looks any more.
func (p *playing) until(due time.Time) bool {
	t := time.NewTimer(due.Sub(p.now()))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.done:
		return false
	}
}

// Live implements watch.Source.
func (p *playing) Live() bool { return true }

// filmOf returns the name of the film in a camera's source.
func filmOf(source string) (string, error) {
	name, ok := strings.CutPrefix(source, filmScheme)
	if !ok {
		return "", fmt.Errorf("%w: %s is no film", os.ErrInvalid, source)
	}
	return name, nil
}
