package bench

import (
	"errors"
	"io"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/shelf"
	"github.com/vouchledger/vouch/vision/watch"
)

// reel is a film of ten frames a second without pictures.
type reel struct{ left int }

func (r *reel) Next() (*cv.Frame, error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	r.left--
	return &cv.Frame{}, nil
}

func (r *reel) Skip() error {
	_, err := r.Next()
	return err
}
func (r *reel) Size() (w, h int) { return 640, 360 }
func (r *reel) Rate() cv.Rate    { return cv.Rate{Num: 10, Den: 1} }
func (r *reel) Live() bool       { return false }
func (r *reel) Close() error     { return nil }

// TestTheWayOfAPickIsTimed plays a film on a clock that stands still while
// nobody waits, lets a shop see two picks of which the server gets one, and
// checks each step of the way.
func TestTheWayOfAPickIsTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, start := newLogbook(time.Now), time.Now()
		done, over := make(chan struct{}), 0
		film := &playing{source: &reel{left: 100}, name: "film", book: book, done: done, over: func() { over++ }, now: time.Now}
		ended := make(chan error)
		go func() {
			for n := 0; ; n++ {
				err := film.Skip()
				if n%2 == 0 && err == nil {
					_, err = film.Next()
				}
				if err != nil {
					ended <- err
					return
				}
			}
		}()
		picks := []pick{
			{film: "film", slot: "left", action: "take", frame: 20, out: 30},
			{film: "film", slot: "right", action: "take", frame: 40, out: 50},
		}
		sight := func(id int, slot string, at, delay float64) watch.Sighting {
			return watch.Sighting{
				Change: shelf.Change{ID: id, Slot: slot, Action: shelf.Take},
				At:     start.Add(time.Duration(at * float64(time.Second))), Delay: delay,
			}
		}
		until := func(s float64) { time.Sleep(time.Until(start.Add(time.Duration(s * float64(time.Second))))) }
		sent := func(path string) {
			book.tried(outbox.Outcome{Item: outbox.Item{Path: path}, Status: 201, Final: true})
		}
		until(3.6)
		book.saw("film", sight(1, "left", 2.1, 1.3)) // certain at 3.4
		until(3.8)
		book.safe("film", sight(1, "left", 2.1, 1.3))
		until(4.0)
		book.tried(outbox.Outcome{Item: outbox.Item{Path: "/v1/evidence/x"}}) // the line is down for a moment
		until(4.1)
		sent("/v1/evidence/x")
		until(4.15)
		sent(pathDetections)
		book.saw("film", sight(2, "right", 4.2, 1.4)) // its detection never leaves
		book.safe("film", sight(2, "right", 4.2, 1.4))

		until(20)
		if over != 1 {
			t.Errorf("the end of the film was told %d times, want once", over)
		}
		close(done)
		if err := <-ended; !errors.Is(err, io.EOF) {
			t.Errorf("Next after the end = %v, want EOF", err)
		}
		all := book.journeys(picks)
		near := func(what string, got []float64, want ...float64) {
			t.Helper()
			ok := len(got) == len(want)
			for i := 0; ok && i < len(want); i++ {
				ok = math.Abs(got[i]-want[i]) < 0.001
			}
			if !ok {
				t.Errorf("%s = %.3f s, want %.3f", what, got, want)
			}
		}
		near("from the last frame", whole(all, journey.left, time.Now()), 1.15, 15)
		near("from the shelf", whole(all, journey.happened, time.Now()), 2.15, 16)
		sum := 0.0
		for i, want := range []float64{0.4, 0.2, 0.2, 0.3, 0.05} {
			got := waits[i].seconds(all)
			near(waits[i].what, got, want)
			sum += got[0]
		}
		near("the steps together", []float64{sum}, 1.15)
		if book.complete(picks) || !book.complete(picks[:1]) {
			t.Error("complete says otherwise than that the second pick is missing")
		}
		if err := book.accepted(); err != nil {
			t.Errorf("accepted() = %v, want nothing refused", err)
		}
		book.tried(outbox.Outcome{Item: outbox.Item{Path: pathDetections}, Final: true, Err: io.ErrUnexpectedEOF, Answer: []byte("no")})
		if err := book.accepted(); !errors.Is(err, errRefused) {
			t.Errorf("accepted() = %v, want ErrRefused", err)
		}
		if book.complete(picks) {
			t.Error("a refused detection counts as acknowledged")
		}
	})
}

// A sighting counts for one pick, of its own slot, near in time.
func TestASightingIsNoOtherPicks(t *testing.T) {
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	book := newLogbook(func() time.Time { return now })
	for range 100 {
		book.delivered("film")
		now = now.Add(time.Second / 10)
	}
	start := now.Add(-10 * time.Second)
	book.saw("film", watch.Sighting{Change: shelf.Change{ID: 1, Slot: "left", Action: shelf.Take}, At: start.Add(2 * time.Second)})
	book.tried(outbox.Outcome{Item: outbox.Item{Path: pathDetections}, Final: true})
	for _, tt := range []struct {
		story string
		pick  pick
		want  bool
	}{
		{"its own", pick{"film", "left", "take", 25, 30}, true},
		{"another slot", pick{"film", "right", "take", 25, 30}, false},
		{"another film", pick{"other", "left", "take", 25, 30}, false},
		{"a return", pick{"film", "left", "return", 25, 30}, false},
		{"long after", pick{"film", "left", "take", 60, 65}, false},
		{"not played to its end", pick{"film", "left", "take", 25, 200}, false},
	} {
		if got := !book.journeys([]pick{tt.pick})[0].Acked.IsZero(); got != tt.want {
			t.Errorf("%s: acknowledged = %v, want %v", tt.story, got, tt.want)
		}
	}
	two := book.journeys([]pick{{"film", "left", "take", 15, 30}, {"film", "left", "take", 25, 30}})
	if !two[1].Acked.IsZero() {
		t.Error("one sighting counts for two picks")
	}
}
