package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/billing/evidencepack"
	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
)

// again is how long a step that failed rests, by failures made; the last entry
// repeats.
var again = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, time.Hour}

// recheck is how often a claim that only waits is compared all the same.
const recheck = 6 * time.Hour

// Tend does what is due about every open claim, and returns when to do so
// again.
func (w *Watcher) Tend(ctx context.Context) (next time.Time, err error) {
	next = w.now().Add(recheck)
	var failed error
	for _, name := range slices.Sorted(maps.Keys(w.claims)) {
		if at := w.retry[name]; w.now().Before(at) {
			next = earlier(next, at)
			continue
		}
		wake, err := w.tendOne(ctx, name)
		if err != nil {
			n := w.fails[name]
			w.fails[name]++
			wake = w.now().Add(again[min(n, len(again)-1)])
			w.retry[name] = wake
			failed = errors.Join(failed, err)
			w.failed.Add(1)
		} else {
			delete(w.retry, name)
			delete(w.fails, name)
		}
		next = earlier(next, wake)
	}
	return next, failed
}

func earlier(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

// maxSteps bounds the steps of one claim in one go: there are six kinds.
const maxSteps = 12

// tendOne does what is due about a claim until nothing is.
func (w *Watcher) tendOne(ctx context.Context, name string) (time.Time, error) {
	staged := false // in this go: what does not show at the provider then shows later
	for range maxSteps {
		claim, err := w.provider.Chargeback(ctx, name)
		if err != nil {
			return time.Time{}, err
		}
		if err := w.chargeback(ctx, claim); err != nil {
			return time.Time{}, err
		}
		visit, ok := w.claims[name]
		if !ok || claim.Outcome != "" {
			delete(w.claims, name)
			return time.Time{}, nil
		}
		k, err := readKnown(ctx, w.log, visit)
		if err != nil {
			return time.Time{}, err
		}
		c := k.caseOf(claim)
		records, shown, err := w.records(ctx, visit)
		if err != nil {
			return time.Time{}, err
		}
		step, wake := c.Next(w.now(), claim, shown)
		switch step {
		case chargeback.Wait:
			return wake, nil
		case chargeback.Build:
			err = w.build(ctx, k, c, records)
		case chargeback.Stage:
			if staged {
				return wake, nil
			}
			staged = true
			err = w.stage(ctx, c, records)
		case chargeback.Intend:
			err = w.write(ctx, k, c.Intention(claim))
		case chargeback.Submit:
			err = w.submit(ctx, c, records)
		case chargeback.Accept:
			err = w.provider.Accept(ctx, name, c.AcceptKey())
		}
		if err != nil {
			return wake, fmt.Errorf("%s of chargeback %s: %w", step, name, err)
		}
		w.config.Logger.LogAttrs(ctx, slog.LevelInfo, "a step about a chargeback",
			slog.String("chargeback", name), slog.String("step", string(step)))
	}
	return time.Time{}, fmt.Errorf("chargeback %s: %w", name, errRestless)
}

// errRestless means that a claim asks for one step after another: what we did
// does not show at the provider. It is tried again later.
var errRestless = errors.New("there is always one more step")

// records returns everything a pack is made of, and what it would show.
func (w *Watcher) records(ctx context.Context, visit ledger.VisitID) ([]ledger.Record, uint64, error) {
	records, err := Records(ctx, w.log, visit)
	if err != nil {
		return nil, 0, err
	}
	shown, err := evidencepack.Shown(records)
	return records, shown, err
}

// Records returns the records of a visit, of its payment and of who looked at
// its evidence, from which a pack is made.
func Records(ctx context.Context, log ledger.Log, visit ledger.VisitID) ([]ledger.Record, error) {
	var out []ledger.Record
	streams := []ledger.StreamID{ledger.VisitStream(visit), ledger.PaymentStream(visit)}
	seen := map[ledger.StreamID]bool{}
	for i := 0; i < len(streams); i++ {
		for r, err := range log.Read(ctx, ledger.Query{Stream: streams[i]}) {
			if err != nil {
				return nil, fmt.Errorf("%s: %w", streams[i], err)
			}
			out = append(out, r)
			for _, d := range digests(r) {
				if s := ledger.EvidenceStream(d); !seen[s] {
					seen[s] = true
					streams = append(streams, s)
				}
			}
		}
	}
	return out, nil
}

// digests returns the evidence that a record names. One that cannot be read is
// found when the pack is made.
func digests(r ledger.Record) []ledger.Digest {
	if r.Kind != ledger.KindDetectionRecorded && r.Kind != ledger.KindDetectionAttributed {
		return nil
	}
	e, err := ledger.Decode(r)
	if err != nil {
		return nil
	}
	var refs []ledger.EvidenceRef
	switch p := e.Payload.(type) { // the kinds with evidence
	case ledger.DetectionRecorded:
		refs = p.Evidence
	case ledger.DetectionAttributed:
		refs = p.Evidence
	}
	var out []ledger.Digest
	for _, ref := range refs {
		out = append(out, ref.Digest)
	}
	return out
}

// build makes the pack, keeps it, and writes down which it is.
func (w *Watcher) build(ctx context.Context, k *known, c *chargeback.Case, records []ledger.Record) error {
	pack, err := evidencepack.Collect(*c, records, 0)
	if err != nil {
		return err
	}
	file, pages, err := pack.PDF(func(d ledger.Digest) ([]byte, error) { return w.store.Read(ctx, d) })
	if err != nil {
		return err
	}
	digest, err := w.store.Keep(ctx, file)
	if err != nil {
		return err
	}
	return w.write(ctx, k, ledger.EvidencePackBuilt{
		Chargeback: c.Chargeback, Digest: digest, Pages: pages, Position: pack.Position,
	})
}

// texts are what goes with a pack, from the events that it shows.
func texts(c *chargeback.Case, records []ledger.Record) (provider.Evidence, error) {
	pack, err := evidencepack.Collect(*c, records, c.Pack.Position)
	if err != nil {
		return provider.Evidence{}, err
	}
	return pack.Texts(), nil
}

// stage uploads the pack and puts it on the claim.
func (w *Watcher) stage(ctx context.Context, c *chargeback.Case, records []ledger.Record) error {
	file, err := w.store.Read(ctx, c.Pack.Digest)
	if err != nil {
		return err
	}
	e, err := texts(c, records)
	if err != nil {
		return err
	}
	e.File, err = w.provider.Upload(ctx, c.FileKey(c.Pack.Digest), "evidence-"+c.Chargeback+".pdf", file)
	if err != nil {
		return err
	}
	return w.provider.Stage(ctx, c.Chargeback, string(c.Visit), string(c.Pack.Digest), e)
}

// submit gives the bank the evidence. That somebody else did is no error: the
// claim is looked at again, and says so.
func (w *Watcher) submit(ctx context.Context, c *chargeback.Case, records []ledger.Record) error {
	e, err := texts(c, records)
	if err != nil {
		return err
	}
	err = w.provider.Submit(ctx, c.Chargeback, c.Intended.Key, c.Intended.ID.String(), e)
	if errors.Is(err, provider.ErrSubmitted) {
		return nil
	}
	return err
}

// write appends one decision at the revision at which it was made.
func (w *Watcher) write(ctx context.Context, k *known, p ledger.Payload) error {
	d, err := ledger.NewDraft(ledger.Meta{
		ID: ledger.DeriveID(k.last, string(p.Kind()), chargeback.Of(p)), Occurred: ledger.Instant(w.now()), Actor: actor, Cause: k.last,
	}, p)
	if err != nil {
		return err
	}
	_, err = w.log.Append(ctx, ledger.PaymentStream(k.visit), ledger.After(k.events), d)
	if errors.Is(err, ledger.ErrConflict) {
		return nil // somebody was first: the next step is decided on what they wrote
	}
	return err
}
