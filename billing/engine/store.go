package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the year of a receipt number must not hang on the machine

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// A store is the fold of one shop's stream, and an index of its visits.
type store struct {
	schedule
	id         ledger.StoreID
	opened     *ledger.StoreOpened
	policy     *ledger.Policy
	planograms map[ledger.DeviceID]ledger.PlanogramSet
	count      uint64
	last       ledger.ID
	unknown    []*question // detections without a visit, not decided

	inside map[ledger.VisitID]*visit // entered, not left
	left   []*visit                  // by the end of their grace

	numbers   map[string]int // last receipt number by series
	numbering *visit         // whose number is under way
	waiting   []*visit       // for theirs
}

func (s *store) name() ledger.StreamID { return ledger.StoreStream(s.id) }

// apply moves s past an event of its stream. What belongs elsewhere has no
// effect.
func (s *store) apply(e *Engine, ev ledger.Event) error {
	if ev.Revision != s.count {
		return fmt.Errorf("%s: revision %d where %d is due: %w", ev.Stream, ev.Revision, s.count, ledger.ErrCorrupt)
	}
	switch p := ev.Payload.(type) { // all others have no effect here
	case ledger.StoreOpened:
		s.opened = &p
	case ledger.PolicySet:
		s.policy = &p.Policy
	case ledger.PlanogramSet:
		if s.planograms == nil {
			s.planograms = map[ledger.DeviceID]ledger.PlanogramSet{}
		}
		s.planograms[p.Sensor] = p
	case ledger.DetectionRecorded:
		q := &question{detection: ev.ID, stream: ev.Stream, store: s, claim: p, seenAt: ev.Occurred, opened: ev.ID}
		s.unknown = append(s.unknown, q)
		e.questions[ev.ID] = q
	case ledger.ReviewRequested:
		if q := e.questions[p.Detection]; q != nil && q.store == s {
			q.request(p)
		}
	case ledger.ReviewDecided:
		if q := e.questions[p.Detection]; q != nil && q.store == s && q.decided == nil {
			e.settleQuestion(q, ev.ID, p)
			s.unknown = slices.DeleteFunc(s.unknown, func(o *question) bool { return o == q })
		}
	default:
	}
	s.count++
	s.last = ev.ID
	e.enqueue(s)
	return nil
}

// decide asks about detections that no visit owns, and drops them when nobody
// answers: they are never billed unless a person names a visit.
func (s *store) decide(_ *Engine, st *step) []Action {
	if s.busy || s.opened == nil || s.policy == nil {
		return nil
	}
	var ds []ledger.Draft
	for _, q := range s.unknown {
		meta := ledger.Meta{Occurred: st.now, Cause: q.detection, Actor: actorEngine}
		switch {
		case !q.requested:
			meta.ID = ledger.DeriveID(s.last, "request", q.detection.String())
			ds = append(ds, draft(meta, ledger.ReviewRequested{
				Detection: q.detection, Doubts: []ledger.Doubt{ledger.DoubtUnknown}, AtRisk: money.Zero(s.opened.Seller.Currency),
				Deadline: st.now.Add(seconds(s.policy.ReviewSeconds)),
			}))
		case st.due(q.deadline):
			meta.ID, meta.Actor = ledger.DeriveID(s.last, "decide", q.detection.String()), projections.PolicyReviewer
			ds = append(ds, draft(meta, ledger.ReviewDecided{
				Detection: q.detection, Verdict: ledger.VerdictDismissed, Reviewer: projections.PolicyReviewer,
				Reason: "nobody named a visit in time",
			}))
		}
		if len(ds) == maxDrafts {
			break
		}
	}
	if len(ds) == 0 {
		return nil
	}
	s.busy = true
	return []Action{Append{Subject: s.name(), Stream: s.name(), Expected: ledger.After(s.count), Drafts: ds}}
}

// series returns what the shop's documents at now are numbered under: the legal
// entity, if the seller names one, the shop, and the year in the seller's time
// zone. A new entity or a new year begins again at 1.
func (s *store) series(now time.Time, seller ledger.Seller) string {
	zone, err := time.LoadLocation(seller.Timezone)
	if err != nil { // a shop cannot be opened with one; an imported log may hold it
		zone = time.UTC
	}
	return fmt.Sprintf("%s-%d", seriesOf(s.id, seller), now.In(zone).Year())
}

// seriesOf is what the numbers of a shop begin with.
func seriesOf(id ledger.StoreID, seller ledger.Seller) string {
	if seller.Entity == "" {
		return string(id)
	}
	return seller.Entity + "-" + string(id)
}

// numbersAs returns another shop whose numbers begin, or have begun, as those
// of p would: "a-b" of no entity and "b" of the entity "a".
func (e *Engine) numbersAs(p ledger.StoreOpened) (ledger.StoreID, bool) {
	want := seriesOf(p.Store, p.Seller)
	for _, s := range sorted(e.stores) {
		if s.id == p.Store || s.opened == nil {
			continue
		}
		if seriesOf(s.id, s.opened.Seller) == want {
			return s.id, true
		}
		for series := range s.numbers {
			if series[:strings.LastIndexByte(series, '-')] == want {
				return s.id, true
			}
		}
	}
	return "", false
}

// nextNumber returns the number of the shop's next document at now.
func (s *store) nextNumber(now time.Time, seller ledger.Seller) string {
	series := s.series(now, seller)
	return fmt.Sprintf("%s-%06d", series, s.numbers[series]+1)
}

// numbered notes that a number was given.
func (s *store) numbered(number string) {
	cut := strings.LastIndexByte(number, '-')
	if seq, err := strconv.Atoi(number[cut+1:]); err == nil && strings.Contains(number[:max(cut, 0)], "-") {
		s.numbers[number[:cut]] = max(s.numbers[number[:cut]], seq)
	}
}

// claim gives v the right to the next number, or queues it. One number is
// under way at a time, or one that is refused would leave a gap.
func (s *store) claim(v *visit) bool {
	if s.numbering == nil || s.numbering == v {
		s.numbering = v
		return true
	}
	if !v.awaits {
		v.awaits = true
		s.waiting = append(s.waiting, v)
	}
	return false
}

// yield ends v's claim, if it has one, and lets the next one try.
func (s *store) yield(e *Engine, v *visit) {
	if s.numbering == v {
		s.numbering = nil
	}
	if s.numbering != nil {
		return
	}
	if len(s.waiting) > 0 {
		next := s.waiting[0]
		s.waiting[0], s.waiting = nil, s.waiting[1:]
		next.awaits = false
		e.enqueue(next)
	}
}

// entered and exited keep the index of who is inside.
func (s *store) entered(v *visit) { s.inside[v.id] = v }

func (s *store) exited(v *visit) {
	delete(s.inside, v.id)
	i := len(s.left)
	for i > 0 && s.left[i-1].graceEnds().After(v.graceEnds()) {
		i--
	}
	s.left = slices.Insert(s.left, i, v)
}

// Presence returns the visits that were inside the shop at the instant at, by
// id. A visit that left is counted until its grace is over.
//
// It counts from when the credential was shown, not from when the hold stood:
// the gate's clock and ours need not agree to the second.
func (e *Engine) Presence(id ledger.StoreID, at time.Time) []ledger.VisitID {
	s := e.stores[id]
	if s == nil {
		return nil
	}
	var ids []ledger.VisitID
	for _, v := range s.inside {
		if !v.cart.PresentedAt.After(at) {
			ids = append(ids, v.id)
		}
	}
	first, _ := slices.BinarySearchFunc(s.left, at, func(v *visit, at time.Time) int { return v.graceEnds().Compare(at) })
	for _, v := range s.left[first:] {
		if !v.cart.PresentedAt.After(at) {
			ids = append(ids, v.id)
		}
	}
	slices.Sort(ids)
	return ids
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
