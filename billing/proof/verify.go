package proof

import (
	"bytes"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/projections"
)

// A Trust is what a verifier believes before looking: the key of the log and,
// if witnesses are asked for, what makes a quorum of them.
type Trust struct {
	Key    note.Verifier
	Quorum func(checkpoint []byte) error // nil: no cosignatures are needed
}

// A Verified proof is what a file proves.
type Verified struct {
	Checkpoint signer.Checkpoint
	Records    []ledger.Record // in the order of the log, with the bytes of the file
	Proven     ledger.Record   // the event that the file is about
	Document   *ledger.ReceiptDocument
	Palm       *projections.Palm // of a shopper, as of the last event
	Evidence   []ledger.Digest
}

// Verify checks everything in f against trust. An error is what does not hold:
// [ledger.ErrCorrupt], a quorum that is not met, or, for a receipt that its
// events do not give, a [*projections.MismatchError].
func (f File) Verify(trust Trust) (Verified, error) {
	v, err := f.verify(trust)
	if err != nil {
		return Verified{}, fmt.Errorf("proof: %w", err)
	}
	return v, nil
}

func (f File) verify(trust Trust) (Verified, error) {
	v := Verified{Evidence: f.Evidence}
	var err error
	if v.Checkpoint, err = signer.OpenCheckpoint([]byte(f.Checkpoint), trust.Key); err != nil {
		return v, err
	}
	if trust.Quorum != nil {
		if err := trust.Quorum([]byte(f.Checkpoint)); err != nil {
			return v, err
		}
	}
	for i, e := range f.Events {
		r, err := f.record(e, trust.Key)
		if err != nil {
			return v, fmt.Errorf("event %d of the file: %w", i+1, err)
		}
		if n := len(v.Records); n > 0 && r.Position <= v.Records[n-1].Position {
			return v, fmt.Errorf("event %d of the file: %w: position %d after %d", i+1, ledger.ErrCorrupt, r.Position, v.Records[n-1].Position)
		}
		v.Records = append(v.Records, r)
		if r.ID == f.Event {
			v.Proven = r
		}
	}
	if v.Proven.ID.IsZero() {
		return v, fmt.Errorf("%w: the file is about event %s and does not hold it", ledger.ErrCorrupt, f.Event)
	}
	named, err := evidence(v.Records)
	if err != nil {
		return v, err
	}
	if !slices.Equal(named, f.Evidence) {
		return v, fmt.Errorf("%w: the file lists other evidence than its events name", ledger.ErrCorrupt)
	}
	switch {
	case f.Receipt != "" && f.Palm != "":
		return v, fmt.Errorf("%w: the file is about a receipt and a palm", ledger.ErrCorrupt)
	case f.Receipt != "":
		return v, f.receipt(&v)
	case f.Palm != "":
		return v, f.palm(&v)
	}
	return v, f.alone(v)
}

// record checks one event up to the root and returns it.
func (f File) record(e Event, key note.Verifier) (ledger.Record, error) {
	if e.Body != nil && e.Bytes != nil {
		return ledger.Record{}, fmt.Errorf("%w: two bodies", ledger.ErrCorrupt)
	}
	p, err := tree.ParseProof([]byte(e.Proof))
	if err != nil {
		return ledger.Record{}, err
	}
	if string(p.Checkpoint) != f.Checkpoint {
		return ledger.Record{}, fmt.Errorf("%w: its proof is for another checkpoint than the file's", ledger.ErrCorrupt)
	}
	envelope, _, err := p.Verify(key, nil)
	if err != nil {
		return ledger.Record{}, err
	}
	return envelope.Record(e.body(), e.Metadata)
}

// alone requires that a proof of one event holds that event and no receipt.
func (f File) alone(v Verified) error {
	if len(f.Events) != 1 || f.Document != nil {
		return fmt.Errorf("%w: a proof of an event holds %d events", ledger.ErrCorrupt, len(f.Events))
	}
	if !v.Proven.Stream.Own() {
		return nil // bytes of another program
	}
	_, err := ledger.Decode(v.Proven)
	return err
}

// receipt replays the visit and requires the receipt that the file is about.
func (f File) receipt(v *Verified) error {
	doc, err := document(v.Proven)
	if err != nil {
		return err
	}
	if doc == nil || doc.Number != f.Receipt || f.Document == nil {
		return fmt.Errorf("%w: event %s does not carry receipt %s", ledger.ErrCorrupt, f.Event, f.Receipt)
	}
	stored, err := ledger.MarshalCanonical(doc)
	if err != nil {
		return err
	}
	shown, err := ledger.MarshalCanonical(f.Document)
	if err != nil {
		return err
	}
	if !bytes.Equal(stored, shown) {
		return fmt.Errorf("%w: the document that the file shows is not that of event %s", ledger.ErrCorrupt, f.Event)
	}
	v.Document = doc
	visit, err := f.streams(v.Records, doc.Visit)
	if err != nil {
		return err
	}
	return projections.VerifyReceipts(func(yield func(ledger.Event, error) bool) {
		for _, e := range visit {
			if !yield(e, nil) {
				return
			}
		}
	})
}

// palm requires that the events are those of the shopper from the first on, and that
// what was destroyed is what was made.
func (f File) palm(v *Verified) error {
	if f.Document != nil || v.Records[len(v.Records)-1].ID != f.Event {
		return fmt.Errorf("%w: the file is not about the last event of the palm", ledger.ErrCorrupt)
	}
	var p projections.Palm
	for _, r := range v.Records {
		if r.Stream != ledger.ShopperStream(f.Palm) {
			return fmt.Errorf("%w: event %s is of %s", ledger.ErrCorrupt, r.ID, r.Stream)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return err
		}
		if err := p.Apply(e); err != nil {
			return err
		}
	}
	if !p.RevokedAt.IsZero() && (p.Revoked.Sealed != p.Enrolled.Template || p.Revoked.Template != p.Enrolled.Template) {
		return fmt.Errorf("%w: what was destroyed is not what was made", ledger.ErrCorrupt)
	}
	v.Palm = &p
	return nil
}

// streams decodes all events, requires that they are those of the visit and of
// its payment from the first on, and returns the visit's.
func (f File) streams(records []ledger.Record, v ledger.VisitID) ([]ledger.Event, error) {
	due := map[ledger.StreamID]uint64{ledger.VisitStream(v): 0, ledger.PaymentStream(v): 0}
	var visit []ledger.Event
	for _, r := range records {
		next, ok := due[r.Stream]
		if !ok || r.Revision != next {
			return nil, fmt.Errorf("%w: event %s is %s/%d, where revision %d of visit %s is due", ledger.ErrCorrupt, r.ID, r.Stream, r.Revision, next, v)
		}
		due[r.Stream]++
		e, err := ledger.Decode(r)
		if err != nil {
			return nil, err
		}
		if r.Stream == ledger.VisitStream(v) {
			visit = append(visit, e)
		}
	}
	return visit, nil
}
