package cart

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/vouchledger/vouch/ledger"
)

// Begin asks a scale that speaks MT-SICS to say its weight again and again: the
// command SIR of level 0.
var Begin = []byte("SIR\r\n")

// ReadLine reads a line of a scale at work: a JSON reading, see [ReadReading], or
// MT-SICS, see [ReadSICS].
func ReadLine(line []byte) (Reading, error) {
	line = bytes.TrimSpace(line)
	if bytes.HasPrefix(line, []byte("{")) {
		return ReadReading(line)
	}
	return ReadSICS(line)
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
	if err != nil || math.Abs(v*per) > ledger.MaxCartGrams {
		return Reading{}, fmt.Errorf("%w: %.40q", ErrReading, line)
	}
	return Reading{T: -1, Grams: int(math.Round(v * per))}, nil
}
