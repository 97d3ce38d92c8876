package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

// A Runner deletes what is over its time. It is for one goroutine; several
// servers may each have one.
type Runner struct {
	Log    ledger.Log
	Store  *evidence.Store
	Policy Policy
	Now    func() time.Time

	keeping Keeping
}

// An Expiry is a piece of evidence whose time is over.
type Expiry struct {
	Digest ledger.Digest    `json:"digest"`
	Visits []ledger.VisitID `json:"visits"` // that name it
	Term
}

// A Report is what a pass did, or would do.
type Report struct {
	Named     int            `json:"named"`               // pieces of evidence that events name, before
	Kept      map[string]int `json:"kept"`                // how many of them are kept, by class or by what is open
	Expired   []Expiry       `json:"expired"`             // the others
	Keys      int            `json:"keys"`                // of visits, destroyed
	Adopted   int            `json:"adopted"`             // loose pieces that went to the visits that name them
	Unnamed   int            `json:"unnamed"`             // stored, named by nothing, and over their time
	Removed   int            `json:"removed"`             // stored copies
	Bytes     int64          `json:"bytes"`               // of those
	Unreached []string       `json:"unreached,omitempty"` // what could not be adopted, and why
}

// Run does one pass. With dry it changes nothing and says what it would do.
func (r *Runner) Run(ctx context.Context, dry bool) (Report, error) {
	rep := Report{Kept: map[string]int{}, Expired: []Expiry{}}
	if err := r.catchUp(ctx); err != nil {
		return rep, err
	}
	now := r.Now()
	rep.Named = len(r.keeping.named)
	stored := map[ledger.Digest][]evidence.Copy{}
	for c, err := range r.Store.Copies(ctx) {
		if err != nil {
			return rep, err
		}
		stored[c.Digest] = append(stored[c.Digest], c)
	}
	for _, d := range r.keeping.digests() {
		t, visits, _ := r.keeping.Evidence(d, r.Policy)
		if t.Over(now) && (len(visits) > 0 || r.aged(stored[d], now)) {
			rep.Expired = append(rep.Expired, Expiry{d, visits, t})
			continue
		}
		rep.keep(t)
		if err := r.adopt(ctx, d, visits, stored[d], dry, &rep); err != nil {
			return rep, err
		}
	}
	if !dry {
		if err := r.announce(ctx, now, rep.Expired); err != nil {
			return rep, err
		}
	}
	if err := r.destroyKeys(now, dry, &rep); err != nil {
		return rep, err
	}
	return rep, r.remove(ctx, now, stored, dry, &rep)
}

// aged reports whether copies lie here for as long as what no visit names is
// kept: when it was seen is what a device's clock said.
func (r *Runner) aged(copies []evidence.Copy, now time.Time) bool {
	return !slices.ContainsFunc(copies, func(c evidence.Copy) bool { return now.Before(c.Stored.AddDate(0, 0, r.Policy.Unnamed)) })
}

func (r *Report) keep(t Term) {
	why := t.Kept
	if why == "" {
		why = string(t.Class)
	}
	r.Kept[why]++
}

// catchUp folds what was appended since.
func (r *Runner) catchUp(ctx context.Context) error {
	q := ledger.Query{From: r.keeping.Position() + 1, Prefixes: ledger.OwnPrefixes(), Kinds: Kinds()}
	for rec, err := range r.Log.Read(ctx, q) {
		if err != nil {
			return fmt.Errorf("retention: %w", err)
		}
		e, err := ledger.Decode(rec)
		if err != nil {
			return fmt.Errorf("retention: %w", err)
		}
		if err := r.keeping.Apply(e); err != nil {
			return err
		}
	}
	return nil
}

// adopt gives a piece to the visits that name it and do not have it. What cannot
// be read is for vouch verify to name; it holds nothing else up.
func (r *Runner) adopt(ctx context.Context, d ledger.Digest, visits []ledger.VisitID, copies []evidence.Copy, dry bool, rep *Report) error {
	lacks := false
	for _, v := range visits {
		lacks = lacks || !slices.ContainsFunc(copies, func(c evidence.Copy) bool { return c.Visit() == v })
	}
	if len(copies) == 0 || len(visits) == 0 || !lacks && !slices.ContainsFunc(copies, evidence.Copy.Loose) || !r.Store.Sealed() {
		return nil
	}
	if dry {
		rep.Adopted++
		return nil
	}
	err := r.Store.Adopt(ctx, d, r.keeping.owners(d)...)
	if errors.Is(err, ledger.ErrCorrupt) || errors.Is(err, evidence.ErrMissing) || errors.Is(err, evidence.ErrMismatch) ||
		errors.Is(err, evidence.ErrExpired) || errors.Is(err, ledger.ErrInvalid) {
		rep.Unreached = append(rep.Unreached, err.Error())
		return nil
	}
	if err == nil {
		rep.Adopted++
	}
	return err
}

// announce appends what will be deleted. The id follows from the event that
// named the piece last, so that two servers say it once.
func (r *Runner) announce(ctx context.Context, now time.Time, all []Expiry) error {
	for _, x := range all {
		n := r.keeping.named[x.Digest]
		draft, err := ledger.NewDraft(ledger.Meta{
			ID: ledger.DeriveID(n.cause, "evidence.expired", string(x.Digest)), Occurred: now, Actor: "retention", Cause: n.cause,
		}, ledger.EvidenceExpired{Digest: x.Digest, Class: x.Class, Days: x.Days})
		if err != nil {
			return fmt.Errorf("retention: %w", err)
		}
		_, err = r.Log.Append(ctx, ledger.EvidenceStream(x.Digest), ledger.Any(), draft)
		if err != nil && !errors.Is(err, ledger.ErrIDReused) { // another server said it, at another moment
			return fmt.Errorf("retention: evidence %s: %w", x.Digest, err)
		}
		r.keeping.forget(x.Digest)
	}
	return nil
}

// destroyKeys destroys the keys of the visits that are over their time.
func (r *Runner) destroyKeys(now time.Time, dry bool, rep *Report) error {
	if !r.Store.Sealed() {
		return nil
	}
	for _, v := range r.keeping.over(now, r.Policy) {
		if !r.Store.Destroyed(v) {
			rep.Keys++
			if dry {
				continue
			}
			if err := r.Store.Destroy(v); err != nil && !errors.Is(err, ledger.ErrInvalid) { // no key has such a name
				return err
			}
		}
		r.keeping.visits[v].done = true
	}
	return nil
}

// remove takes away what was announced, what no key opens any more, and what
// nothing has named for its time.
func (r *Runner) remove(ctx context.Context, now time.Time, stored map[ledger.Digest][]evidence.Copy, dry bool, rep *Report) error {
	expired := map[ledger.Digest]bool{}
	for _, x := range rep.Expired {
		expired[x.Digest] = true
	}
	for d, copies := range stored {
		named := r.keeping.named[d] != nil
		for _, c := range copies {
			old := !named && r.aged([]evidence.Copy{c}, now)
			if !expired[d] && !r.Store.Dead(c) && !old {
				continue
			}
			if old && !expired[d] {
				rep.Unnamed++
			}
			rep.Removed++
			rep.Bytes += c.Bytes
			if dry {
				continue
			}
			if err := r.Store.RemoveCopy(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}
