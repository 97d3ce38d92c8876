package gate

import (
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

const (
	// Before is how long before the gate opened the persons of an entry may
	// cross the line: some walk through as it opens, some after.
	Before = time.Second

	// After is how long after the gate opened.
	After = 4 * time.Second

	// Each is how much longer for each further person.
	Each = 2 * time.Second
)

// A Crossing is a person whose track crossed the gate's line inwards, or
// outwards. Whoever follows persons tells it; the gate does not care how.
type Crossing struct {
	At    time.Duration
	Track int  // names the person while it is in sight
	Out   bool // crossed back
}

// An Admission is an entry that a gate opened for.
type Admission struct {
	Visit ledger.VisitID
	Party int
	At    time.Duration
}

// A Tailgate is an entry through which more persons came than it was for.
type Tailgate struct {
	Admission
	Persons int
}

// A Counter holds entries against the persons who walk in. Its zero value has
// seen nothing. It is told of both in any order within a few seconds, and
// answers when an entry's time is over.
//
// A person counts for the first entry that is theirs by its time and has room: who
// opened first goes first, also where the next one's code is nearer in time. One
// without any counts for the last entry before them. One who walks back out
// within the time does not count.
type Counter struct {
	entries   []Admission
	crossings []Crossing
}

// Enter tells that the gate opened.
func (c *Counter) Enter(a Admission) { c.entries = append(c.entries, a) }

// Cross tells that a person crossed the line.
func (c *Counter) Cross(x Crossing) { c.crossings = append(c.crossings, x) }

func (a Admission) ends() time.Duration { return a.At + After + time.Duration(a.Party-1)*Each }

// Settle returns the entries whose time is over by now and through which more
// persons came than they were for. alone is how many came in with no entry near
// them at all.
func (c *Counter) Settle(now time.Duration) (tailgates []Tailgate, alone int) {
	slices.SortStableFunc(c.entries, func(a, b Admission) int { return int(a.At - b.At) })
	slices.SortStableFunc(c.crossings, func(a, b Crossing) int { return int(a.At - b.At) })
	c.forgetReturns()
	// Entries that overlap are settled together: whose person it was is only
	// known when all of them are over.
	for len(c.entries) > 0 {
		n, end := 1, c.entries[0].ends()
		for n < len(c.entries) && c.entries[n].At-Before <= end {
			end = max(end, c.entries[n].ends())
			n++
		}
		if end > now {
			break
		}
		alone += c.drop(c.entries[0].At - Before)
		count := c.assign(c.entries[:n], end)
		for i, e := range c.entries[:n] {
			if count[i] > e.Party {
				tailgates = append(tailgates, Tailgate{e, count[i]})
			}
		}
		c.entries = slices.Delete(c.entries, 0, n)
	}
	first := now - After
	if len(c.entries) > 0 {
		first = min(first, c.entries[0].At-Before)
	}
	return tailgates, alone + c.drop(first)
}

// forgetReturns takes out persons who crossed and came back.
func (c *Counter) forgetReturns() {
	var kept []Crossing
	for _, x := range c.crossings {
		if !x.Out {
			kept = append(kept, x)
			continue
		}
		if i := slices.IndexFunc(kept, func(in Crossing) bool { return in.Track == x.Track && !in.Out }); i >= 0 {
			kept = slices.Delete(kept, i, i+1)
		}
	}
	c.crossings = kept
}

// drop removes crossings before a time and returns how many there were.
func (c *Counter) drop(before time.Duration) int {
	n := 0
	c.crossings = slices.DeleteFunc(c.crossings, func(x Crossing) bool {
		if x.At < before {
			n++
			return true
		}
		return false
	})
	return n
}

// assign gives each crossing up to end to one of the entries, and returns how
// many each got.
func (c *Counter) assign(entries []Admission, end time.Duration) []int {
	count := make([]int, len(entries))
	for len(c.crossings) > 0 && c.crossings[0].At <= end {
		x := c.crossings[0]
		c.crossings = c.crossings[1:]
		best, last := -1, 0
		for i, e := range entries {
			if e.At <= x.At+Before {
				last = i
			}
			if x.At < e.At-Before || x.At > e.ends() || count[i] >= e.Party {
				continue
			}
			if best < 0 || e.ends() < entries[best].ends() {
				best = i
			}
		}
		if best < 0 {
			best = last
		}
		count[best]++
	}
	return count
}
