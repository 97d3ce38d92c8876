package scale

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestAScalesLineIsAWeightOrNothing: half a line, another unit, an error or noise
// is never a weight.
func TestAScalesLineIsAWeightOrNothing(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"S S     540.25 g", "540.25"},
		{"S S        540 g\r", "540"},
		{"S D      -12.6 g", "-12.6"},
		{"S S      1.260 kg", "1260"},
		{"S +", "overload"},
		{`{"grams": 540.4}`, "540.4"},
		{`{"overload": true}`, "overload"},
		{"S S     540.25", ""},
		{"S S     540.25 lb", ""},
		{"S S     54S S     540.25 g", ""},
		{"0.25 g", ""},
		{"S 540.25 g", ""},
		{"S S 0x10 g", ""},
		{"S S Inf g", ""},
		{"S S 1e3 g", ""},
		{"S S 9999999 g", ""},
		{"S -", ""},
		{"S I", ""},
		{"ES", ""},
		{"", ""},
		{"S", ""},
		{"\x00\xffS S 5 g", ""},
		{`{"grams": 540`, ""},
		{`{"scale": "a", "at": "2026-11-30T12:00:00Z", "grams": 540}`, "540"},
		{`{"grams": 5.4, "unit": "kg"}`, ""},
		{`{"grams": 540}{"grams": 5}`, ""},
		{`{"grams": 1000001}`, ""},
		{`{"t": -1, "grams": 5}`, ""},
	} {
		r, err := Read([]byte(tt.line))
		got := fmt.Sprint(r.Grams)
		if r.Overload {
			got = "overload"
		}
		if err != nil {
			got = ""
		}
		if got != tt.want || err != nil && !errors.Is(err, ErrReading) {
			t.Errorf("Read(%q) = %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
	if _, err := Read([]byte("S S 1.2 lb")); !strings.Contains(err.Error(), "g or kg") {
		t.Errorf("another unit is refused with %v, want what to set", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"S S     540.25 g", "S D -1 kg", "S +", `{"t":1,"grams":5}`, "S I", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Read(b)
		if err != nil && (!errors.Is(err, ErrReading) || r != (Reading{})) {
			t.Fatalf("Read(%q) = %+v, %v, want nothing and ErrReading", b, r, err)
		}
		if err == nil && max(r.Grams, -r.Grams) > 1_000_000 {
			t.Fatalf("Read(%q) = %+v", b, r)
		}
	})
}
