package fuse

import (
	"slices"
	"time"
)

// An Act is something else that was done at nearly the same time as what is
// asked about, at one of some slots: whoever did it had no hand free.
type Act struct {
	At    time.Time
	Slots []string
}

// nearly is how far apart in time two things are at most that one pair of hands
// may not have done.
const nearly = 2 * time.Second

// others returns what was done around a moment and is not part of it: what was
// found, what is judged next, and what waits to be.
func (f *Fuser) others(m moment, next []moment) []Act {
	var all []Act
	add := func(at time.Time, slots ...string) {
		if at.Sub(m.at).Abs() <= nearly {
			all = append(all, Act{at, slots})
		}
	}
	for _, a := range f.found {
		add(a.At, a.Slots...)
	}
	told := f.claims
	for _, n := range next {
		told = append(slices.Clip(told), n.claims...)
	}
	for _, c := range told {
		add(c.At, c.Slot)
	}
	weighed := func(s Step) {
		// What a camera told of too is there already.
		if !slices.ContainsFunc(told, func(c Claim) bool {
			return f.slots[c.Slot].Scale == s.Scale && max(s.From.Sub(c.At), c.At.Sub(s.Until)) < time.Second
		}) {
			for _, at := range s.times() {
				add(at, ids(f.onScale[s.Scale])...)
			}
		}
	}
	for _, n := range next {
		if n.step != nil {
			weighed(*n.step)
		}
	}
	for _, s := range f.steps {
		weighed(s)
	}
	return all
}

// times are when something jumped on a scale, or else when its weight changed.
func (s Step) times() []time.Time {
	if len(s.Jumps) == 0 {
		return []time.Time{s.At}
	}
	var all []time.Time
	for _, j := range s.Jumps {
		all = append(all, j.At)
	}
	return all
}

func ids(slots []Slot) []string {
	all := make([]string, len(slots))
	for i, s := range slots {
		all[i] = s.ID
	}
	return all
}

// apart lets the moves of a moment know of each other: one pair of hands did not
// do them all. Who it was is asked again, since it was not known before that they
// belong together: without it 106 and not 90 of a drawn shop's 1,485 detections were
// left to be asked about.
func (f *Fuser) apart(moves []*move) {
	if len(moves) < 2 || f.config.Who == nil {
		return
	}
	for i, a := range moves {
		for j, b := range moves {
			if j != i {
				a.others = append(slices.Clip(a.others), Act{b.at, []string{b.slot.ID}})
			}
		}
		a.who = f.config.Who(a.at, a.slot.ID, a.others)
	}
}
