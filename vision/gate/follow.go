package gate

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/vision/relay"
)

// A Follower reads the crossings that another program writes into a file, as it
// grows. The file may not be there yet, and may be begun anew.
type Follower struct {
	lines *relay.Reader
	start time.Time // of the gate's first frame
}

// Follow begins to follow a file; start is the time of the gate's first frame.
func Follow(path string, start time.Time) *Follower {
	return &Follower{lines: relay.Follow(path), start: start}
}

// Next returns the crossings that were written since the last time. Lines that say
// no crossing are left out and are an [ErrLine], beside those that do.
func (f *Follower) Next() (found []Crossing, err error) {
	var bad error
	err = f.lines.Next(func(line []byte) {
		c, err := ReadLine(line, f.start)
		if err != nil {
			bad = err
			return
		}
		found = append(found, c)
	})
	if err != nil {
		return found, fmt.Errorf("crossings: %w", err)
	}
	return found, bad
}

// Close closes the file.
func (f *Follower) Close() error { return f.lines.Close() }
