package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrLine is returned for a line that says no crossing.
var ErrLine = errors.New(`a crossing is {"at": time, "track": n, "way": "in" or "out"}, or has t, seconds since the first frame`)

// A Line is how a crossing is told from one program to another: as a JSON line.
type Line struct {
	At    *time.Time `json:"at,omitempty"`
	T     *float64   `json:"t,omitempty"` // seconds since the gate's first frame, of a recording
	Track int        `json:"track"`
	Way   string     `json:"way"` // in or out
}

// LineOf returns the line of a crossing.
func LineOf(at time.Time, track int, in bool) Line {
	at = at.UTC()
	l := Line{At: &at, Track: track, Way: "out"}
	if in {
		l.Way = "in"
	}
	return l
}

// ReadLine reads a crossing; start is the time of the gate's first frame.
func ReadLine(b []byte, start time.Time) (Crossing, error) {
	var l Line
	if err := json.Unmarshal(b, &l); err != nil {
		return Crossing{}, fmt.Errorf("%w: %w", ErrLine, err)
	}
	if (l.Way != "in" && l.Way != "out") || (l.At == nil) == (l.T == nil) {
		return Crossing{}, ErrLine
	}
	c := Crossing{Track: l.Track, Out: l.Way == "out"}
	if l.At != nil {
		c.At = l.At.Sub(start)
	} else {
		c.At = time.Duration(*l.T * float64(time.Second))
	}
	return c, nil
}
