package cart

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
		{"S S     540.25 g", "540"},
		{"S S        540 g\r", "540"},
		{"S D      -12.6 g", "-13"},
		{"S S      1.260 kg", "1260"},
		{"S +", "overload"},
		{`{"grams": 540.4}`, "540"},
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
	} {
		r, err := ReadLine([]byte(tt.line))
		got := fmt.Sprint(r.Grams)
		if r.Overload {
			got = "overload"
		}
		if err != nil {
			got = ""
		}
		if got != tt.want || err != nil && !errors.Is(err, ErrReading) {
			t.Errorf("ReadLine(%q) = %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
	if _, err := ReadLine([]byte("S S 1.2 lb")); !strings.Contains(err.Error(), "g or kg") {
		t.Errorf("another unit is refused with %v, want what to set", err)
	}
}

func FuzzReadLine(f *testing.F) {
	for _, s := range []string{"S S     540.25 g", "S D -1 kg", "S +", `{"t":1,"grams":5}`, "S I", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ReadLine(b)
		if err != nil && (!errors.Is(err, ErrReading) || r != (Reading{})) {
			t.Fatalf("ReadLine(%q) = %+v, %v, want nothing and ErrReading", b, r, err)
		}
		if err == nil && max(r.Grams, -r.Grams) > 1_000_000 {
			t.Fatalf("ReadLine(%q) = %+v", b, r)
		}
	})
}
