package main

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/outbox"
)

// behind is how much later than it happened a crossing may stand in the file:
// whoever follows persons is sure of one only after some frames.
const behind = 3 * time.Second

// A door holds the entries of a gate against the persons who crossed its line,
// which another program writes into a file.
type door struct {
	counter   gate.Counter
	crossings *gate.Follower
	complains bool // that a line says no crossing was told
}

// close lets go of the file; d may be nil.
func (d *door) close() {
	if d != nil {
		_ = d.crossings.Close() // only read
	}
}

func seconds(t float64) time.Duration { return time.Duration(t * float64(time.Second)) }

func (d *door) enter(a gate.Admission) { d.counter.Enter(a) }

// count tells the server of the entries through which more came than they were
// for.
func (r *gateRun) count(now time.Duration) error {
	if r.door == nil {
		return nil
	}
	found, err := r.door.crossings.Next()
	for _, c := range found {
		r.door.counter.Cross(c)
	}
	if err != nil && !r.door.complains {
		// The gate goes on: who wrote that is another program.
		r.door.complains = true
		if err := r.tell(gateEvent{At: ledger.Instant(time.Now()), Gate: r.id, Decision: "unread", Detail: err.Error()}); err != nil {
			return err
		}
	}
	if now != math.MaxInt64 {
		now -= behind
	}
	tails, _ := r.door.counter.Settle(now)
	for _, t := range tails {
		if err := r.tailgated(t); err != nil {
			return err
		}
	}
	return nil
}

// tailgated tells of one entry. It is named after the visit: a gate that starts
// again tells nothing twice.
func (r *gateRun) tailgated(t gate.Tailgate) error {
	at := ledger.Instant(r.start.Add(t.At))
	visit, err := ledger.ParseID(string(t.Visit))
	if err != nil {
		return err
	}
	id := ledger.DeriveID(visit, "tailgate", r.id)
	body, err := json.Marshal(vision.GateTailgate{
		ID: id, OccurredAt: at, Gate: ledger.DeviceID(r.id), Visit: t.Visit, Persons: t.Persons, Offset: r.offset(),
	})
	if err != nil {
		return err
	}
	err = r.box.Put(outbox.Item{ID: id.String(), Path: vision.PathTailgates, ContentType: "application/json", Body: body})
	if err != nil {
		return err
	}
	return r.tell(gateEvent{
		At: at, T: t.At.Seconds(), Gate: r.id, Visit: t.Visit, Decision: "tailgated",
		Detail: fmt.Sprintf("%d persons on a code for %d", t.Persons, t.Party),
	})
}
