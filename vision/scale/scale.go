// Package scale reads what scales say in a line: those of a smart cart and those
// under a shelf.
//
//	{"grams": 540.4}                 grams, with a fraction or without
//	{"overload": true}               more than it can carry
//	{"t": 1.25, "grams": 540}        of a recording, seconds since its beginning
//	{"scale": "a", "grams": 540}     where several speak on one line
//	S S     540.25 g                 MT-SICS: see [ReadSICS]
//
// What is not whole, has another unit or says anything else is no weight: a wrong
// one would be charged for.
package scale

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// Most bounds what a scale may show, in grams: more than lies in any cart or on any
// shelf.
const Most = 1_000_000

// longest bounds the time of a recording, in seconds.
const longest = 1e6

// ErrReading means that a line is no reading of a scale. See the scale's cable and
// settings.
var ErrReading = errors.New("not a reading of a scale")

// A Reading is what a scale says at one moment.
type Reading struct {
	Scale    string        // which one, where several speak on one line; empty: the only one
	T        time.Duration // in a recording; below zero: now
	Grams    float64
	Overload bool // then it says no weight
}

// Begin asks a scale that speaks MT-SICS to say its weight again and again: the
// command SIR of level 0.
var Begin = []byte("SIR\r\n")

// Read reads a line of a scale at work.
func Read(line []byte) (Reading, error) {
	line = bytes.TrimSpace(line)
	if bytes.HasPrefix(line, []byte("{")) {
		return ReadJSON(line)
	}
	return ReadSICS(line)
}

// ReadJSON reads a line of JSON. Without t, which only a recording needs, T is below
// zero.
func ReadJSON(line []byte) (Reading, error) {
	var r struct {
		T        *float64   `json:"t"`
		At       *time.Time `json:"at"` // who listens goes by it, or not
		Scale    string     `json:"scale"`
		Grams    *float64   `json:"grams"`
		Overload bool       `json:"overload"`
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields() // a unit, say
	switch err := dec.Decode(&r); {
	case err != nil:
		return Reading{}, fmt.Errorf("%w: %w", ErrReading, err)
	case more(dec):
		return Reading{}, fmt.Errorf("%w: something stands behind it", ErrReading)
	case r.T != nil && !(*r.T >= 0 && *r.T <= longest):
		return Reading{}, fmt.Errorf("%w: it is of %g s", ErrReading, *r.T)
	case r.Grams == nil && !r.Overload:
		return Reading{}, fmt.Errorf("%w: no weight in it", ErrReading)
	}
	out := Reading{Scale: r.Scale, T: -1, Overload: r.Overload}
	if r.T != nil {
		out.T = time.Duration(*r.T * float64(time.Second))
	}
	if r.Grams != nil {
		if !(math.Abs(*r.Grams) <= Most) {
			return Reading{}, fmt.Errorf("%w: %g g", ErrReading, *r.Grams)
		}
		out.Grams = *r.Grams
	}
	return out, nil
}

func more(dec *json.Decoder) bool {
	_, err := dec.Token()
	return !errors.Is(err, io.EOF)
}

// ReadSICS reads an answer with a weight in the standard interface command set of
// METTLER TOLEDO (MT-SICS, level 0), which scales of many makers speak:
//
//	S S     540.25 g    the weight, at rest
//	S D     538.00 g    the weight, still moving
//	S +                 overload
//
// Grams and kilograms are understood. What else there is says no weight: below
// the range (S -), busy (S I), errors (ES, ET, EL). Neither does a line that is
// not whole: without its unit nobody knows how many digits are missing.
func ReadSICS(line []byte) (Reading, error) {
	f := bytes.Fields(line)
	if len(f) < 2 || string(f[0]) != "S" {
		return Reading{}, fmt.Errorf("%w: %.40q", ErrReading, line)
	}
	switch status := string(f[1]); {
	case status == "+" && len(f) == 2:
		return Reading{T: -1, Overload: true}, nil
	case status != "S" && status != "D" || len(f) != 4:
		return Reading{}, fmt.Errorf("%w: %.40q", ErrReading, line)
	}
	per, ok := map[string]float64{"g": 1, "kg": 1000}[string(f[3])]
	if !ok {
		return Reading{}, fmt.Errorf("%w: unit %.10q; set the scale to g or kg", ErrReading, f[3])
	}
	if len(bytes.Trim(f[2], "-+.0123456789")) > 0 { // "Inf", "0x1p4"
		return Reading{}, fmt.Errorf("%w: %.40q", ErrReading, line)
	}
	v, err := strconv.ParseFloat(string(f[2]), 64)
	if err != nil || math.Abs(v*per) > Most {
		return Reading{}, fmt.Errorf("%w: %.40q", ErrReading, line)
	}
	return Reading{T: -1, Grams: v * per}, nil
}
