package lens

import (
	"fmt"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Lens watches over the pictures of one camera.
type Lens struct {
	w, h int
	home *Look // what the camera is meant to see; nil until something is seen
	// ps are the parts the view is known by, all those with the goods too: a
	// shelf that empties loses the latter, a hand before the shelf covers few
	// of them.
	ps, all []patch
	found   [2]int // where the view was last found elsewhere
	told    bool   // home was given, not found
	// goods says where things stand that come and go. fixed says that enough
	// of the view lies elsewhere to tell a strange or a torn one by; without
	// that only a view found again beside its place is noticed.
	goods func(x, y int) bool
	fixed bool

	state  Trouble
	detail string

	prior    []uint64 // what the last looks saw, the oldest at next
	next     int
	same     int // looks in a row whose picture was seen before
	rate     float64
	still    still
	looks    int
	dark     int
	torn     int
	hurt     int  // looks until what the decoder complained of has healed
	away     int  // checks in a row that found the view elsewhere or nowhere
	slid     bool // though much of it is alike where it should be
	lastLook Look
	asked    bool // the view was compared with home at least once
}

const (
	// frozenSeconds is how long exactly the same pictures must come to be no
	// quiet shelf: what is judged by rest is judged long before. An encoder makes
	// more than one out of a sensor that stands still, and then the same ones
	// again from its next whole picture on; againSeconds is the longest time
	// between two of those that is known again.
	frozenSeconds = 3.0
	againSeconds  = 5.0
	// darkSeconds and tornSeconds are how long nothing can be seen before it
	// is told. It is not judged from the first such picture on.
	darkSeconds = 0.5
	tornSeconds = 0.2
	// darkSpread is the largest difference between the brighter and the darker
	// pixels of a picture in which there is nothing to see, darkMost and
	// burntLeast how bright its brighter or darker ones may be: a bare wall is
	// grey and is no trouble.
	darkSpread = 14
	darkMost   = 40
	burntLeast = 245
	// checkSeconds is how often the view is compared, pushedChecks how often in
	// a row it must be found elsewhere, strangeChecks nowhere, to have moved:
	// somebody may stand in front of half of it for a while.
	checkSeconds  = 0.5
	pushedChecks  = 3
	strangeChecks = 16
	// firstChecks replaces strangeChecks before the view was known once.
	firstChecks = 6
	// knownShare of the patches found again is the view, lostShare is not. Of a view
	// that was given and never seen there must be firstShare once: what hangs nearer
	// or farther shows the same board.
	knownShare, lostShare, firstShare = 0.5, 0.3, 0.75
	// surelyShare of all patches found where they should be is no other place.
	// Below it other places are tried, every slidSeconds because that takes a
	// while, and a shelf that sells out stays below it.
	surelyShare, slidSeconds = 0.8, 5.0
	// pushedMargin is how much better it must be found elsewhere than at home.
	pushedMargin = 0.25
	// pushed is the least distance that is a push and no shake, in pixels of
	// the look: six of the monitor's, which follows four.
	pushed = 3
	// stillShare is the share of patches that must be where they were at the
	// last check for the view to be at rest.
	stillShare = 0.6
	// tornShare is the share of the patches gone flat at once.
	tornShare = 0.7
	// healSeconds is how long after the decoder's last complaint pictures are
	// taken to be whole again: damage is copied from picture to picture until
	// the next that stands by itself, ten seconds later at most in what cameras
	// and encoders do by themselves.
	healSeconds = 10.0
	// renewChecks is after how many good checks the view is remembered anew:
	// a shelf empties over the day.
	renewChecks = 20
)

// New returns a lens for pictures of w x h at a number of looks a second.
// home is what the camera is meant to see; nil takes the first picture for it.
// goods says where in a picture things stand that come and go; nil for
// nowhere.
func New(w, h int, rate float64, home *Look, goods func(x, y int) bool) *Lens {
	l := &Lens{w: w, h: h, rate: math.Max(1, rate), goods: goods}
	if home != nil && home.Valid() {
		l.hold(*home)
		l.told = len(l.ps) >= fewest
	}
	return l
}

// hold takes a look as the one that is meant.
func (l *Lens) hold(home Look) {
	l.home, l.ps = &home, home.patches()
	l.all = l.ps
	if l.goods == nil {
		l.fixed = len(l.ps) >= fewest
		return
	}
	var still []patch
	for _, p := range l.ps {
		if !l.touches(p) {
			still = append(still, p)
		}
	}
	if l.fixed = len(still) >= fewest; l.fixed {
		l.ps = still
	}
}

// touches reports whether things that come and go stand in a patch.
func (l *Lens) touches(p patch) bool {
	for y := p.y * l.h / l.home.H; y < (p.y+side)*l.h/l.home.H; y++ {
		for x := p.x * l.w / l.home.W; x < (p.x+side)*l.w/l.home.W; x++ {
			if l.goods(x, y) {
				return true
			}
		}
	}
	return false
}

// State returns the trouble that was last told, and what is known of it.
func (l *Lens) State() (Trouble, string) { return l.state, l.detail }

func (l *Lens) seconds(s float64) int { return max(1, int(math.Round(s*l.rate))) }

// Damage says that the decoder complained: the pictures from here on are not
// whole, although they may look it.
func (l *Lens) Damage() { l.hurt = l.seconds(healSeconds) }

// See looks at a picture. It reports whether the picture may be judged, and
// whether the state changed by it.
func (l *Lens) See(bgr []byte) (judge, changed bool) {
	l.looks++
	l.repeats(bgr)
	if l.hurt > 0 {
		l.hurt--
		return false, l.tell(Torn, "the decoder complains of damaged pictures")
	}
	if blank(bgr) {
		l.dark++
		if l.dark >= l.seconds(darkSeconds) {
			return false, l.tell(Dark, "nothing can be seen in the picture")
		}
		return false, false
	}
	wasDark := l.dark > 0
	l.dark = 0
	noiseless := l.still.see(bgr, l.w, l.h, l.seconds(1))
	if l.same >= l.seconds(frozenSeconds) {
		return false, l.tell(Frozen, fmt.Sprintf("the same picture for more than %.0f s", frozenSeconds))
	}
	if noiseless {
		return false, l.tell(Frozen, fmt.Sprintf("the same picture for %d s but for what its encoder makes of it", overSeconds))
	}
	if l.looks%l.seconds(checkSeconds) == 0 || l.home == nil || wasDark || l.torn > 0 || l.state != Clear || !l.asked {
		return l.check(LookAt(bgr, l.w, l.h))
	}
	return true, false
}

// repeats counts the looks that brought nothing new.
func (l *Lens) repeats(bgr []byte) {
	now := xxhash.Sum64(bgr)
	if slices.Contains(l.prior, now) {
		l.same++
		return
	}
	l.same = 0
	if len(l.prior) < l.seconds(againSeconds) {
		l.prior = append(l.prior, now)
		return
	}
	l.prior[l.next] = now
	l.next = (l.next + 1) % len(l.prior)
}

// check compares the view with what it is meant to be.
func (l *Lens) check(now Look) (judge, changed bool) {
	if l.home == nil || (!l.told && len(l.ps) < fewest) {
		l.remember(now)
		return true, l.tell(Clear, "")
	}
	if now.W != l.home.W || now.H != l.home.H {
		return false, l.tell(Moved, fmt.Sprintf("the view was remembered at %dx%d", l.home.W, l.home.H))
	}
	still := len(l.lastLook.Luma) > 0 && l.lastLook.fit(now, l.all, 0, 0, 0) >= stillShare
	l.lastLook = now
	known := knownShare
	if !l.asked { // it was given, and was never seen
		known = firstShare
	}
	if fit := l.fit(now); fit >= known && !l.slides(now) {
		l.asked, l.away, l.torn = true, 0, 0
		if l.looks%(renewChecks*l.seconds(checkSeconds)) == 0 && l.state == Clear {
			l.renew(now, fit)
		}
		return true, l.tell(Clear, "")
	}
	if l.fixed && l.home.flat(now, l.ps) >= tornShare {
		l.torn++
		if l.torn >= l.seconds(tornSeconds) {
			return false, l.tell(Torn, "most of the picture lost its structure at once")
		}
		return false, false
	}
	l.torn = 0
	return l.elsewhere(now, still)
}

// slides reports whether the view lies elsewhere though enough of it is alike where it
// should be: boards and rails look the same all along a shelf, goods do not.
func (l *Lens) slides(now Look) bool {
	here := l.home.fit(now, l.all, 0, 0, 1)
	if here >= surelyShare {
		l.slid = false
		return false
	}
	if l.looks%l.seconds(slidSeconds) == 0 || !l.asked && !l.slid {
		dx, dy, there := l.home.search(now, l.all)
		l.slid = pushes(dx, dy, there, here)
	}
	return l.slid
}

// pushes reports whether a place is where the view lies now, and not where it should.
func pushes(dx, dy int, there, here float64) bool {
	return there >= max(knownShare, here+pushedMargin) && max(abs(dx), abs(dy)) >= pushed
}

// elsewhere handles a view that does not fit where it should.
func (l *Lens) elsewhere(now Look, still bool) (judge, changed bool) {
	if l.state == Moved { // until it fits again
		return false, false
	}
	if l.looks%l.seconds(checkSeconds) != 0 {
		return l.state == Clear && l.asked, false
	}
	if !still {
		l.away = 0 // somebody walks by, or the camera is being turned
		return l.asked && l.state == Clear, false
	}
	l.away++
	dx, dy, fit := l.home.search(now, l.all)
	if pushes(dx, dy, fit, l.home.fit(now, l.all, 0, 0, 1)) {
		if abs(dx-l.found[0]) > searchStep || abs(dy-l.found[1]) > searchStep {
			l.found, l.away = [2]int{dx, dy}, 1 // found, but not where it was found before
		}
		if l.away >= pushedChecks {
			f := l.w / now.W
			return false, l.tell(Moved, fmt.Sprintf("pushed by %d, %d of %d pixels", dx*f, dy*f, l.w))
		}
		return l.asked && l.state == Clear, false
	}
	needed := strangeChecks
	switch lost := l.fixed && l.fit(now) < lostShare; {
	case !lost && l.asked:
		l.away = min(l.away, pushedChecks-1)
		return l.state == Clear, false
	case lost && !l.asked:
		needed = firstChecks
	}
	// A view that was given and was never known is not judged, however much of it is
	// like the one that is meant. Nobody may be left to believe that it is.
	if l.away >= needed {
		return false, l.tell(Moved, "another view than the planogram was drawn on")
	}
	return l.asked && l.state == Clear, false
}

// fit is how well the view is known again, by what never moves or by all of
// it.
func (l *Lens) fit(now Look) float64 {
	fit := l.home.fit(now, l.all, 0, 0, 1)
	if l.fixed && len(l.ps) < len(l.all) {
		fit = max(fit, l.home.fit(now, l.ps, 0, 0, 1))
	}
	return fit
}

// remember takes the view as the one that is meant.
func (l *Lens) remember(now Look) {
	l.hold(now)
	l.asked, l.lastLook = true, now
}

// renew follows the shelf: a view that is given is only followed, never
// given up, so a camera that is pushed slowly is still noticed.
func (l *Lens) renew(now Look, fit float64) {
	if l.told || fit < (1+knownShare)/2 {
		return
	}
	l.remember(now)
}

func (l *Lens) tell(t Trouble, detail string) bool {
	if t == l.state {
		return false
	}
	l.state, l.detail = t, detail
	if t != Clear {
		l.away = 0
	}
	return true
}

// sampleStep is the distance, in bytes, of the values a picture is asked for.
const sampleStep = 3*67 + 1

// blank reports whether a picture is black or burnt out all over.
func blank(bgr []byte) bool {
	var hist [256]int
	n := 0
	for i := 0; i < len(bgr); i += sampleStep {
		hist[bgr[i]]++
		n++
	}
	at := func(share float64) int {
		seen := 0
		for v, c := range hist {
			if seen += c; float64(seen) >= share*float64(n) {
				return v
			}
		}
		return 255
	}
	low, high := at(0.02), at(0.98)
	return high-low < darkSpread && (high <= darkMost || low >= burntLeast)
}

func abs(v int) int {
	if v < 0 {
		return -v
	}
	return v
}
