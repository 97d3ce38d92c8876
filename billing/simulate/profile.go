package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A Profile says how people shop. Shares are per mille.
//
// Where a figure has a source it is named; the rest is assumed, and said to be
// in docs/billing.md.
type Profile struct {
	Name      string
	PerDay    int           // visits of one shop and day
	Hours     int           // a day's opening hours, around noon
	Peak      int           // share of the busiest hour
	Nothing   int           // visits that take nothing
	Items     int           // mean pieces kept by those who take any, times 1000
	PutBack   int           // picks that are put back
	Dwell     time.Duration // median time inside
	Gap       time.Duration // median time between picks
	Group     int           // visits of more than one person
	GroupMax  int           // persons at most
	Together  int           // picks of which two visits might be the payer
	Doubtful  int           // picks whose item or action is a question
	Late      int           // detections that arrive more than 5 s late
	VeryLate  int           // detections that arrive after more than 10 minutes
	Repeated  int           // detections sent twice
	Disputes  int           // receipts with a dispute
	Unpriced  int           // picks of a product whose price is typed in later
	MeanMinor int64         // mean price of a piece
}

// profiles are the three kinds of shop. Sources: NACS (1,100 visits a day and
// dwell), VideoMining (40 % buy nothing), GasBuddy 2018 (8 % at noon), Lumina
// (2.8 items); stadium: Zippin (45 s); grocery: 10.7 pieces of 4.18 each.
var profiles = map[string]Profile{
	"convenience": {
		Name: "convenience", PerDay: 1100, Hours: 18, Peak: 80, Nothing: 400, Items: 2800, PutBack: 70,
		Dwell: 130 * time.Second, Gap: 6 * time.Second, Group: 150, GroupMax: 3, Together: 20, Doubtful: 15, Late: 20,
		VeryLate: 1, Repeated: 10, Disputes: 5, Unpriced: 2, MeanMinor: 260,
	},
	"stadium": {
		Name: "stadium", PerDay: 2000, Hours: 4, Peak: 400, Nothing: 50, Items: 2200, PutBack: 30,
		Dwell: 45 * time.Second, Gap: 6 * time.Second, Group: 400, GroupMax: 4, Together: 60, Doubtful: 15, Late: 50,
		VeryLate: 2, Repeated: 20, Disputes: 5, Unpriced: 1, MeanMinor: 950,
	},
	"grocery": {
		Name: "grocery", PerDay: 300, Hours: 14, Peak: 120, Nothing: 20, Items: 10700, PutBack: 50,
		Dwell: 25 * time.Minute, Gap: time.Minute, Group: 200, GroupMax: 2, Together: 0, Doubtful: 5, Late: 20,
		VeryLate: 3, Repeated: 10, Disputes: 5, Unpriced: 2, MeanMinor: 418,
	},
}

// ProfileNamed returns the profile of this name: convenience, stadium or
// grocery.
func ProfileNamed(name string) (Profile, error) {
	p, ok := profiles[name]
	if !ok {
		return Profile{}, fmt.Errorf("profile %q: %w: use %s", name, ledger.ErrInvalid, strings.Join(Profiles(), ", "))
	}
	return p, nil
}

// Profiles returns the names of the profiles.
func Profiles() []string { return slices.Sorted(maps.Keys(profiles)) }
