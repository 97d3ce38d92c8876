package edge

import "time"

const (
	// loadOver is the time over which what is lost is counted, soon the time in
	// which it is known of a machine that is far from keeping up.
	loadOver, soon = time.Minute, 10 * time.Second
	// heavyShare of what came, lost over loadOver, makes a load too heavy, and
	// mostShare over soon; lightShare over loadOver ends it.
	heavyShare, mostShare, lightShare = 0.1, 0.5, 0.02
)

// A Load says whether too much of what comes is lost for want of time. The zero
// value has seen nothing.
type Load struct {
	long, short window
	is          bool
}

// A window is what had come when it began.
type window struct {
	since      time.Time
	came, lost int
}

// share is what was lost since the window began.
func (w window) share(came, lost int) float64 {
	return float64(lost-w.lost) / float64(max(1, came-w.came))
}

// Heavy takes how much has come until now and how much of it was lost, and
// reports whether that is too much.
func (l *Load) Heavy(now time.Time, came, lost int) bool {
	next := window{now, came, lost}
	if l.long.since.IsZero() {
		l.long, l.short = next, next
	}
	if now.Sub(l.short.since) >= soon {
		l.is = l.is || l.short.share(came, lost) > mostShare
		l.short = next
	}
	if now.Sub(l.long.since) >= loadOver {
		l.is = l.long.share(came, lost) > pick(l.is, lightShare, heavyShare)
		l.long, l.short = next, next
	}
	return l.is
}
