//go:build opencv

package main

import (
	"sync"
	"time"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/edge/host"
)

// A filmClock goes as fast as the machine's clock, and waits for films that a busy
// machine plays more slowly than they are: what is seen in them is never late.
type filmClock struct {
	begun time.Time

	mu    sync.Mutex
	lacks time.Duration // of the machine's clock
	still int           // films that have not begun
	shown map[*clockedFilm]time.Duration
}

// beyond is how far the clock goes beyond the film that is the furthest behind: more
// than there is between two of its pictures.
const beyond = 300 * time.Millisecond

func newFilmClock(films int) *filmClock {
	return &filmClock{begun: time.Now(), still: films, shown: map[*clockedFilm]time.Duration{}}
}

// Now stands still until all films have begun.
func (c *filmClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now().Add(-c.lacks)
	most := now
	if c.still > 0 {
		most = c.begun
	}
	for _, at := range c.shown {
		if end := c.begun.Add(at + beyond); end.Before(most) {
			most = end
		}
	}
	c.lacks += now.Sub(most)
	return most
}

// open opens a film.
func (c *filmClock) open(source string) (host.Camera, error) {
	r, err := cv.Open(source)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.still--
	if err != nil {
		return nil, err // not a Camera that is nil
	}
	f := &clockedFilm{Reader: r, clock: c}
	c.shown[f] = 0
	return f, nil
}

// A clockedFilm tells the clock how far it is.
type clockedFilm struct {
	*cv.Reader
	clock *filmClock
	n     int
}

func (f *clockedFilm) Next() (*cv.Frame, error) {
	f.tell()
	return f.Reader.Next()
}

func (f *clockedFilm) Skip() error {
	f.tell()
	return f.Reader.Skip()
}

func (f *clockedFilm) tell() {
	f.clock.mu.Lock()
	defer f.clock.mu.Unlock()
	f.clock.shown[f] = time.Duration(f.Rate().Seconds(f.n) * float64(time.Second))
	f.n++
}

func (f *clockedFilm) Close() error {
	f.clock.mu.Lock()
	delete(f.clock.shown, f)
	f.clock.mu.Unlock()
	return f.Reader.Close()
}
