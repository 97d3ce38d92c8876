package fuse

import (
	"math"
	"slices"
	"time"
)

// A TagRead is one answer of an RFID tag.
type TagRead struct {
	Reader string
	Tag    string
	At     time.Time
	RSSI   float64 // dBm; 0 if the reader does not say
}

const (
	// around is the time before and after a moment in which answers count.
	around = 2500 * time.Millisecond
	// clear is left out next to the moment: a hand shields and moves the tag.
	clear = 300 * time.Millisecond
	// stray is how often a second a tag that is not on the shelf answers its
	// reader as strongly as if it were.
	stray = 0.05
	// usual is how often a second a tag answers before its own rate is known.
	usual = 1.5
	// maxTag bounds what a single tag may say, in nats: tags fall off.
	maxTag = 6.0
)

// A tag is what is known of one.
type tag struct {
	sku    string
	reads  []time.Time // strong ones of the last time, in order
	reader string      // of the last strong one
}

// read notes an answer; it reports false for one that is known.
func (g *tag) read(r TagRead) bool {
	i, found := slices.BinarySearchFunc(g.reads, r.At, func(a, b time.Time) int { return a.Compare(b) })
	if found && g.reader == r.Reader {
		return false
	}
	g.reads = slices.Insert(g.reads, i, r.At)
	if g.reader != r.Reader {
		g.reader = r.Reader
		g.reads = append(g.reads[:0], r.At)
	}
	newest := g.reads[len(g.reads)-1]
	for newest.Sub(g.reads[0]) > keep {
		g.reads = g.reads[1:]
	}
	return true
}

// rate is how often a second the tag answers where it is.
func (g *tag) rate() float64 {
	if len(g.reads) < 4 {
		return usual
	}
	span := g.reads[len(g.reads)-1].Sub(g.reads[0]).Seconds()
	return max(0.4, min(20, (float64(len(g.reads)-1)+2*usual)/(span+2)))
}

func (g *tag) within(from, until time.Time) int {
	n := 0
	for _, at := range g.reads {
		if !at.Before(from) && at.Before(until) {
			n++
		}
	}
	return n
}

// says returns how much better the answers around a moment fit the tag having
// left (or come) then than having stayed (or stayed away), as a logarithm:
// with n answers in t seconds, n ln(p/q) − (p−q) t for the rates p and q.
func (g *tag) says(at time.Time, left bool) float64 {
	here := g.rate()
	poisson := func(n int, t, p, q float64) float64 { return float64(n)*math.Log(p/q) - (p-q)*t }
	t := (around - clear).Seconds()
	before := g.within(at.Add(-around), at.Add(-clear))
	after := g.within(at.Add(clear), at.Add(around))
	var s float64
	if left {
		// It was there before either way; if it was silent then, it had left.
		s = poisson(after, t, stray, here)
		if before == 0 {
			s += poisson(0, t, here, stray)
		}
	} else {
		s = poisson(after, t, here, stray) + poisson(before, t, stray, here) + poisson(0, t, here, stray)
	}
	return max(-maxTag, min(maxTag, s))
}
