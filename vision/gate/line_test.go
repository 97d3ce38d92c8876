package gate

import (
	"errors"
	"testing"
	"time"
)

func TestALineThatSaysNoCrossingIsRefused(t *testing.T) {
	start := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	for _, line := range []string{
		"", "{}", `{"t": 1, "track": 2, "way": "up"}`, `{"track": 2, "way": "in"}`,
		`{"t": 1, "at": "2026-11-30T08:00:01Z", "track": 2, "way": "in"}`,
	} {
		if c, err := ReadLine([]byte(line), start); !errors.Is(err, ErrLine) {
			t.Errorf("ReadLine(%s) = %+v, %v, want %v", line, c, err, ErrLine)
		}
	}
	for _, line := range []string{`{"t": 1.5, "track": 2, "way": "out"}`, `{"at": "2026-11-30T09:00:01.5+01:00", "track": 2, "way": "out"}`} {
		if c, err := ReadLine([]byte(line), start); err != nil || c != (Crossing{At: 1500 * time.Millisecond, Track: 2, Out: true}) {
			t.Errorf("ReadLine(%s) = %+v, %v, want track 2 out after 1.5 s", line, c, err)
		}
	}
}
