package edge

import "time"

const (
	// minWait and maxWait bound the time between two tries of a camera: a plug
	// that was loose is back at once, and a dead camera is not hammered.
	minWait = time.Second
	maxWait = time.Minute
)

// wait returns how long to wait before the next try after so many failed
// ones: doubled each time, and spread by up to a half, so that the cameras of
// a shop whose switch restarts do not all ask in the same moment. roll is in
// 0 to 1.
func wait(tries int, roll float64) time.Duration {
	d := maxWait
	if tries < 7 { // 2^6 s is above maxWait
		d = min(maxWait, minWait<<max(0, tries-1))
	}
	return d/2 + time.Duration(roll*float64(d)/2)
}
