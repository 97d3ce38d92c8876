package projections

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/internal/state"
)

// A ReviewItem is a question that waits for a reviewer.
type ReviewItem struct {
	Detection   ledger.ID                 `json:"detection"`
	Stream      ledger.StreamID           `json:"stream"` // where the detection is, or where it was first asked about
	Visit       ledger.VisitID            `json:"visit"`  // of that stream; empty in a shop's stream
	Store       ledger.StoreID            `json:"store"`
	SeenAt      time.Time                 `json:"seen_at"`
	Doubts      []ledger.Doubt            `json:"doubts"`  // of all its streams, each once
	AtRisk      money.Money               `json:"at_risk"` // the largest of its streams
	RequestedAt time.Time                 `json:"requested_at"`
	Deadline    time.Time                 `json:"deadline"`       // the earliest of its streams
	Claim       *ledger.DetectionRecorded `json:"claim"`          // with its evidence; nil if it is
	Weighed     *ledger.CartWeighed       `json:"weighed"`        // a whole cart that is in question, or
	Gate        *ledger.GateDoubted       `json:"gate,omitempty"` // an entry
	Waiting     []ledger.StreamID         `json:"waiting"`        // streams the answer is still due in
	Answered    bool                      `json:"answered"`       // in one stream; the others follow
}

// A sighting is a detection that may be asked about, or a weighing that is.
type sighting struct {
	Stream  ledger.StreamID           `json:"stream"`
	SeenAt  time.Time                 `json:"seen_at"`
	Claim   *ledger.DetectionRecorded `json:"claim"`
	Weighed *ledger.CartWeighed       `json:"weighed"`
	Gate    *ledger.GateDoubted       `json:"gate,omitempty"`
}

// ReviewQueue is the fold of the whole log that keeps what reviewers must
// answer. A detection that blocks several visits is one item.
//
// Claims are kept while their visit is not settled; after that only those that
// are asked about. So the queue stays small however long the log gets.
type ReviewQueue struct {
	position  uint64
	items     map[ledger.ID]*ReviewItem
	sightings map[ledger.ID]sighting
	visits    map[ledger.StreamID][]ledger.ID // detections of visits that are not settled
}

// Name names the fold's checkpoint.
func (*ReviewQueue) Name() string { return "review-queue" }

// Position returns the position of the last event folded.
func (q *ReviewQueue) Position() uint64 { return q.position }

// Items returns what is unanswered: most money at risk first, then the
// earliest deadline, then the detection's id. Amounts of different currencies
// are compared by their minor units, for want of a rate.
func (q *ReviewQueue) Items() []ReviewItem {
	items := make([]ReviewItem, 0, len(q.items))
	for _, it := range q.items {
		if !it.Answered {
			items = append(items, it.clone())
		}
	}
	slices.SortFunc(items, func(a, b ReviewItem) int {
		return cmp.Or(
			cmp.Compare(b.AtRisk.Minor, a.AtRisk.Minor),
			a.Deadline.Compare(b.Deadline),
			slices.Compare(a.Detection[:], b.Detection[:]),
		)
	})
	return items
}

// Get returns the unanswered item of a detection.
func (q *ReviewQueue) Get(detection ledger.ID) (ReviewItem, bool) {
	it, ok := q.items[detection]
	if !ok || it.Answered {
		return ReviewItem{}, false
	}
	return it.clone(), true
}

func (it *ReviewItem) clone() ReviewItem {
	c := *it
	c.Doubts, c.Waiting, c.Claim = slices.Clone(it.Doubts), slices.Clone(it.Waiting), cloneClaim(it.Claim)
	c.Weighed, c.Gate = clonePtr(it.Weighed), clonePtr(it.Gate)
	return c
}

// Apply moves q past e. See [Cart.Apply] for its errors.
func (q *ReviewQueue) Apply(e ledger.Event) error {
	if err := state.Rising(q.position, e); err != nil {
		return fmt.Errorf("review queue: %w", err)
	}
	switch p := e.Payload.(type) {
	case ledger.DetectionRecorded:
		q.seen(e, sighting{Claim: &p})
	case ledger.ReviewRequested:
		q.requested(e, p)
	case ledger.ReviewDecided:
		q.decided(e, p)
	case ledger.CartWeighed:
		if !p.Passed {
			q.seen(e, sighting{Weighed: &p})
		}
	case ledger.GateDoubted:
		q.seen(e, sighting{Gate: &p})
	case ledger.VisitSettled:
		q.settled(e.Stream)
	case ledger.StoreOpened, ledger.PolicySet, ledger.PlanogramSet, ledger.ProductListed, ledger.PriceSet,
		ledger.TaxSet, ledger.GatePresented, ledger.GateEntered, ledger.GateRefused, ledger.GateExited,
		ledger.DetectionImplicated, ledger.DetectionAttributed, ledger.DetectionReverified, ledger.ItemPriced, ledger.PricingFailed,
		ledger.ReceiptProvisional, ledger.ReceiptIssued, ledger.ReceiptCorrected, ledger.DisputeOpened,
		ledger.DisputeDecided, ledger.HoldIntended, ledger.CaptureIntended, ledger.ReleaseIntended,
		ledger.RefundIntended, ledger.Held, ledger.Captured, ledger.Released, ledger.Refunded,
		ledger.PaymentDeclined, ledger.PaymentUnclear, ledger.PaymentNotified,
		ledger.PromotionSet, ledger.PromotionPinned, ledger.CouponRedeemed, ledger.CouponAccepted,
		ledger.ItemRepriced, ledger.AgeVerified, ledger.IncrementIntended, ledger.Incremented,
		ledger.ChargeIntended, ledger.Charged, ledger.HoldLapsed, ledger.RefundFailed, ledger.ExternalObserved,
		ledger.PaymentEscalated, ledger.PaymentResolved, ledger.DebtWrittenOff, ledger.GoodwillGranted,
		ledger.SupplementProposed, ledger.SupplementAnswered, ledger.VisitMatched, ledger.CashTaken,
		ledger.FraudWarningReceived, ledger.ChargebackOpened, ledger.ChargebackFundsMoved,
		ledger.EvidencePackBuilt, ledger.ChargebackAnswered, ledger.SubmissionIntended, ledger.EvidenceSubmitted, ledger.ChargebackClosed,
		ledger.BalanceRecorded, ledger.PayoutRecorded, ledger.PayoutFailed, ledger.BankStatementRecorded,
		ledger.ExceptionOpened, ledger.ExceptionAssigned, ledger.ExceptionClosed, ledger.DayClosed,
		ledger.PriceChecked, ledger.EvidenceViewed, ledger.EvidenceHeld,
		ledger.EvidenceReleased, ledger.EvidenceExpired, ledger.PalmEnrolled, ledger.PalmRevoked, ledger.DeviceConfigured, ledger.DeviceReported, ledger.ShelfChanged,
		ledger.PalmConsented, ledger.PalmWithdrawn,
		ledger.FiscalStarted, ledger.FiscalSigned, ledger.FiscalFailed,
		ledger.NoticeQuarantined, ledger.ProviderSwept:
	default:
		return fmt.Errorf("review queue: %w", state.Unknown(e))
	}
	q.position = e.Position
	return nil
}

func (q *ReviewQueue) seen(e ledger.Event, s sighting) {
	s.Stream, s.SeenAt = e.Stream, e.Occurred
	state.Put(&q.sightings, e.ID, s)
	if category, _ := e.Stream.Split(); category == ledger.CategoryVisit {
		state.Put(&q.visits, e.Stream, append(q.visits[e.Stream], e.ID))
	}
}

// store returns the shop it is of.
func (s sighting) store() ledger.StoreID {
	switch {
	case s.Weighed != nil:
		return s.Weighed.Store
	case s.Gate != nil:
		return s.Gate.Store
	}
	return s.Claim.Store
}

func (q *ReviewQueue) requested(e ledger.Event, p ledger.ReviewRequested) {
	it := q.items[p.Detection]
	if it == nil {
		it = &ReviewItem{
			Detection: p.Detection, Stream: e.Stream, SeenAt: e.Occurred, RequestedAt: e.Occurred,
			AtRisk: p.AtRisk, Deadline: p.Deadline,
		}
		if s, ok := q.sightings[p.Detection]; ok {
			it.Stream, it.SeenAt, it.Store = s.Stream, s.SeenAt, s.store()
			it.Claim, it.Weighed, it.Gate = s.Claim, s.Weighed, s.Gate
		}
		if category, id := it.Stream.Split(); category == ledger.CategoryVisit {
			it.Visit = ledger.VisitID(id)
		}
		state.Put(&q.items, p.Detection, it)
	}
	if p.AtRisk.Minor > it.AtRisk.Minor {
		it.AtRisk = p.AtRisk
	}
	if p.Deadline.Before(it.Deadline) {
		it.Deadline = p.Deadline
	}
	for _, d := range p.Doubts {
		if !slices.Contains(it.Doubts, d) {
			it.Doubts = append(it.Doubts, d)
		}
	}
	if !slices.Contains(it.Waiting, e.Stream) {
		it.Waiting = append(it.Waiting, e.Stream)
	}
}

func (q *ReviewQueue) decided(e ledger.Event, p ledger.ReviewDecided) {
	if it := q.items[p.Detection]; it != nil {
		it.Answered = true
		it.Waiting = slices.DeleteFunc(it.Waiting, func(s ledger.StreamID) bool { return s == e.Stream })
		if len(it.Waiting) == 0 {
			delete(q.items, p.Detection)
		}
	}
	if sight, ok := q.sightings[p.Detection]; ok && q.items[p.Detection] == nil {
		left := slices.DeleteFunc(q.visits[sight.Stream], func(id ledger.ID) bool { return id == p.Detection })
		if state.Put(&q.visits, sight.Stream, left); len(left) == 0 {
			delete(q.visits, sight.Stream)
		}
		q.forget(p.Detection)
	}
}

// settled lets go of a visit's detections that nobody asks about.
func (q *ReviewQueue) settled(stream ledger.StreamID) {
	ids := q.visits[stream]
	delete(q.visits, stream)
	for _, id := range ids {
		q.forget(id)
	}
}

// forget drops a sighting that no item and no unsettled visit needs.
func (q *ReviewQueue) forget(detection ledger.ID) {
	s, ok := q.sightings[detection]
	if !ok || q.items[detection] != nil || slices.Contains(q.visits[s.Stream], detection) {
		return
	}
	delete(q.sightings, detection)
}

// queueState is the stored form of a ReviewQueue.
type queueState struct {
	Position  uint64                          `json:"position"`
	Items     map[ledger.ID]*ReviewItem       `json:"items"`
	Sightings map[ledger.ID]sighting          `json:"sightings"`
	Visits    map[ledger.StreamID][]ledger.ID `json:"visits"`
}

const queueForm = "review-queue.v2"

// MarshalBinary returns a snapshot of q: canonical JSON.
func (q *ReviewQueue) MarshalBinary() ([]byte, error) {
	return state.Marshal(queueForm, &queueState{q.position, q.items, q.sightings, q.visits})
}

// UnmarshalBinary makes q what a snapshot says; see [Cart.UnmarshalBinary].
func (q *ReviewQueue) UnmarshalBinary(b []byte) error {
	var s queueState
	if err := state.Unmarshal(queueForm, b, &s); err != nil {
		return err
	}
	for id, seen := range s.Sightings {
		of := 0
		for _, is := range []bool{seen.Claim != nil, seen.Weighed != nil, seen.Gate != nil} {
			if is {
				of++
			}
		}
		if of != 1 {
			return fmt.Errorf("snapshot %s: %w: sighting %s", queueForm, ledger.ErrCorrupt, id)
		}
	}
	for id, it := range s.Items {
		if it == nil || it.Detection != id || strings.TrimSpace(string(it.Stream)) == "" {
			return fmt.Errorf("snapshot %s: %w: item %s", queueForm, ledger.ErrCorrupt, id)
		}
	}
	*q = ReviewQueue{s.Position, s.Items, s.Sightings, s.Visits}
	return nil
}
