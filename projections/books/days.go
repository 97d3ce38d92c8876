package books

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/internal/state"
)

var (
	// ErrUnknownStore means that no shop of that name was ever opened.
	ErrUnknownStore = errors.New("shop is not known")

	// ErrDayOver means that the day is closed already. What is found now
	// belongs to the next open day.
	ErrDayOver = errors.New("day is closed")

	// ErrDayRunning means that the day is not over where the shop is. Close it
	// after midnight.
	ErrDayRunning = errors.New("day is not over")

	// ErrEarlierDay means that an earlier day has entries and is open. Close
	// it first.
	ErrEarlierDay = errors.New("an earlier day is open")

	// ErrExceptions means that reconciliation has open exceptions of the day.
	// Explain them first.
	ErrExceptions = errors.New("day has open exceptions")

	// ErrAltered means that a closing's totals are not those of its entries.
	// Stop and page someone: the closing or an entry's event was changed.
	ErrAltered = errors.New("closing does not equal its entries")
)

// A Closing is a day that was closed.
type Closing struct {
	ledger.DayClosed
	At uint64 `json:"at"` // position of the closing's own event
}

// An exception keeps a day open.
type exception struct {
	Store ledger.StoreID `json:"store"`
	Day   ledger.Date    `json:"day"`
}

// closed notes a closing. One out of order cannot be refused any more.
func (j *Journal) closed(e ledger.Event, p ledger.DayClosed) {
	cs := j.s.Closings[p.Store]
	if n := len(cs); p.Number != n+1 || n > 0 && p.Day <= cs[n-1].Day || p.Position >= e.Position {
		j.note(e, "closing %d of %s at %s is out of order", p.Number, p.Day, p.Store)
		return
	}
	state.Put(&j.s.Closings, p.Store, append(cs, Closing{p, e.Position}))
}

// Closings returns the closed days of a shop, in order. They must not be
// changed.
func (j *Journal) Closings(s ledger.StoreID) []Closing { return slices.Clip(j.s.Closings[s]) }

// Stores returns the shops that were opened, by name.
func (j *Journal) Stores() []ledger.StoreID { return slices.Sorted(maps.Keys(j.s.Zones)) }

// Knows reports whether a shop of that name was opened.
func (j *Journal) Knows(s ledger.StoreID) bool {
	_, ok := j.s.Zones[s]
	return ok
}

// OpenDays returns the days of a shop that have entries and are not closed, in
// order. Those before today can be closed, one after the other.
func (j *Journal) OpenDays(s ledger.StoreID, zones Zones) []ledger.Date {
	c, cs := j.Calendar(zones), j.s.Closings[s]
	days := map[ledger.Date]bool{}
	for i := range j.s.Entries {
		if e := &j.s.Entries[i]; e.Store == s {
			if d := c.Booked(e); len(cs) == 0 || d > cs[len(cs)-1].Day {
				days[d] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(days))
}

// Zones returns the location of a time zone by its IANA name.
type Zones func(name string) (*time.Location, error)

// A Calendar says which day an entry is of.
type Calendar struct {
	closings map[ledger.StoreID][]Closing
	zones    Zones
	known    map[string]*time.Location
}

// Calendar returns the calendar of j's closings. It is used by one goroutine,
// while j stays as it is.
func (j *Journal) Calendar(zones Zones) *Calendar {
	return &Calendar{closings: j.s.Closings, zones: zones, known: map[string]*time.Location{}}
}

// Date returns the day on which an entry happened, where its shop is.
func (c *Calendar) Date(e *Entry) ledger.Date {
	if e.Day != "" {
		return e.Day
	}
	return c.day(e.Timezone, e.Occurred)
}

// day returns the day of an instant in a zone; in UTC if there is no such
// zone, which only an imported log can name.
func (c *Calendar) day(zone string, t time.Time) ledger.Date {
	at, ok := c.known[zone]
	if !ok {
		var err error
		if at, err = c.zones(zone); err != nil || at == nil {
			at = time.UTC
		}
		c.known[zone] = at
	}
	return ledger.Date(t.In(at).Format(time.DateOnly))
}

// Booked returns the day that an entry is booked on: that on which it
// happened, or the next open one if it was recorded after that was closed.
func (c *Calendar) Booked(e *Entry) ledger.Date {
	d := c.Date(e)
	for i := range c.closings[e.Store] {
		k := &c.closings[e.Store][i]
		if d > k.Day {
			continue
		}
		if e.Position <= k.Position {
			return d
		}
		d = next(k.Day)
	}
	return d
}

func next(d ledger.Date) ledger.Date {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return d // a closing with such a day is no valid event
	}
	return ledger.Date(t.AddDate(0, 0, 1).Format(time.DateOnly))
}

// An ExceptionsError names what keeps a day open. It is an [ErrExceptions].
type ExceptionsError struct {
	Day  ledger.Date
	Keys []string
}

// Error lists the exceptions.
func (e *ExceptionsError) Error() string {
	return fmt.Sprintf("day %s: %v: %v", e.Day, ErrExceptions, e.Keys)
}

// Is makes errors.Is(err, ErrExceptions) true.
func (e *ExceptionsError) Is(target error) bool { return target == ErrExceptions }

// Close returns the closing of a shop's day as j stands, or why it may not be
// closed. Nothing is appended here.
func (j *Journal) Close(s ledger.StoreID, day ledger.Date, now time.Time, by string, zones Zones) (ledger.DayClosed, error) {
	p := ledger.DayClosed{Store: s, Day: day, Position: j.s.Position, By: by}
	if err := day.Validate(); err != nil {
		return p, err
	}
	zone, ok := j.s.Zones[s]
	if !ok {
		return p, fmt.Errorf("close %s of %s: %w", day, s, ErrUnknownStore)
	}
	c, cs := j.Calendar(zones), j.s.Closings[s]
	p.Number = len(cs) + 1
	if n := len(cs); n > 0 && day <= cs[n-1].Day {
		return p, fmt.Errorf("close %s of %s: %w", day, s, ErrDayOver)
	}
	if day >= c.day(zone, now) {
		return p, fmt.Errorf("close %s of %s: %w", day, s, ErrDayRunning)
	}
	if keys := j.open(s, day); len(keys) > 0 {
		return p, &ExceptionsError{day, keys}
	}
	var of []Entry
	for i := range j.s.Entries {
		e := &j.s.Entries[i]
		if e.Store != s {
			continue
		}
		d := c.Booked(e)
		if d < day && (len(cs) == 0 || d > cs[len(cs)-1].Day) {
			return p, fmt.Errorf("close %s of %s: %w: %s", day, s, ErrEarlierDay, d)
		}
		if d == day {
			of = append(of, *e)
		}
	}
	p.Totals, p.First, p.Last, p.Receipts = totals(of)
	return p, nil
}

// Due returns, for each shop whose earliest open day was over before until and
// has no open exception, the closing of that day. Later days follow when it is
// in the log.
func (j *Journal) Due(until time.Time, by string, zones Zones) ([]ledger.DayClosed, error) {
	var due []ledger.DayClosed
	for _, s := range j.Stores() {
		days := j.OpenDays(s, zones)
		if len(days) == 0 {
			continue
		}
		p, err := j.Close(s, days[0], until, by, zones)
		switch {
		case errors.Is(err, ErrDayRunning), errors.Is(err, ErrExceptions):
		case err != nil:
			return nil, err
		default:
			due = append(due, p)
		}
	}
	return due, nil
}

// open returns the exceptions that keep the day open.
func (j *Journal) open(s ledger.StoreID, day ledger.Date) []string {
	var keys []string
	for key, x := range j.s.Exceptions {
		if (x.Store == s || x.Store == "") && x.Day <= day {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// totals returns what a day's entries moved, and its receipts.
func totals(entries []Entry) (sums []ledger.DayTotal, first, last string, receipts int) {
	for _, b := range Sum(entries) {
		sums = append(sums, ledger.DayTotal{Account: b.Account, Amount: b.Amount})
	}
	for i := range entries {
		if k := entries[i].Kind; k != ledger.KindReceiptIssued && k != ledger.KindReceiptCorrected {
			continue
		}
		if receipts == 0 {
			first = entries[i].Receipt
		}
		last = entries[i].Receipt
		receipts++
	}
	return sums, first, last, receipts
}

// CheckClosings computes every closing of a shop again and returns an
// [ErrAltered] for each that is not what its entries say.
func (j *Journal) CheckClosings(s ledger.StoreID, zones Zones) error {
	c := j.Calendar(zones)
	days := map[ledger.Date][]Entry{}
	for i := range j.s.Entries {
		if e := &j.s.Entries[i]; e.Store == s {
			days[c.Booked(e)] = append(days[c.Booked(e)], *e)
		}
	}
	var errs []error
	for _, k := range j.s.Closings[s] {
		sums, first, last, receipts := totals(days[k.Day])
		if !slices.Equal(sums, k.Totals) {
			errs = append(errs, fmt.Errorf("closing %d of %s, %s: %w: %s", k.Number, s, k.Day, ErrAltered, firstOff(k.Totals, sums)))
		}
		if first != k.First || last != k.Last || receipts != k.Receipts {
			errs = append(errs, fmt.Errorf("closing %d of %s, %s: %w: %d receipts from %q to %q, the closing says %d from %q to %q",
				k.Number, s, k.Day, ErrAltered, receipts, first, last, k.Receipts, k.First, k.Last))
		}
	}
	return errors.Join(errs...)
}

// firstOff says which account differs.
func firstOff(closing, entries []ledger.DayTotal) string {
	of := func(ts []ledger.DayTotal, t ledger.DayTotal) money.Money {
		for _, o := range ts {
			if o.Account == t.Account && o.Amount.Currency == t.Amount.Currency {
				return o.Amount
			}
		}
		return money.Zero(t.Amount.Currency)
	}
	for _, t := range slices.Concat(closing, entries) {
		if said, are := of(closing, t), of(entries, t); said != are {
			return fmt.Sprintf("%s is closed with %s, its entries sum to %s", t.Account, said, are)
		}
	}
	return "the accounts are out of order"
}

// An UnfinishedVisit is carried over a closing.
type UnfinishedVisit struct {
	Visit ledger.VisitID `json:"visit"`
	Since time.Time      `json:"since"`
}

// Unfinished returns the visits of a shop that began on day or before and are
// not finished, by name.
func (j *Journal) Unfinished(s ledger.StoreID, day ledger.Date, zones Zones) []UnfinishedVisit {
	c, vs := j.Calendar(zones), []UnfinishedVisit{}
	for v, b := range j.s.Visits {
		if b.Store == s && !b.Ended && !b.Presented.IsZero() && c.day(b.Timezone, b.Presented) <= day {
			vs = append(vs, UnfinishedVisit{v, b.Presented})
		}
	}
	slices.SortFunc(vs, func(a, b UnfinishedVisit) int { return strings.Compare(string(a.Visit), string(b.Visit)) })
	return vs
}
