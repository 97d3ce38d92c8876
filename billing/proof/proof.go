// Package proof makes and checks proof files: a receipt, or one event, with
// everything that proves it, in one file that needs no server.
//
// The one idea: a proof file holds no claim of its own. It holds the stored
// bytes of events; the rest of it leads from them to the signature of the log:
// bytes to leaf by SHA-256, leaf to root by a C2SP tlog-proof, root to the log's
// key and the witnesses by a checkpoint. The receipt is recomputed from the
// events by the code that vouch verify runs over a whole ledger.
//
// # Invariants
//
//   - There is one file for each content: [Parse] takes what [File.Marshal]
//     gives and nothing else.
//   - Whatever in a file can be derived from its events is derived again by
//     [File.Verify] and must be equal.
//
// What a file cannot prove: that nothing happened later than its checkpoint,
// and that the evidence still exists; it names evidence by digest, so whoever
// has a clip can see that it is the one. docs/reference/proof-file.md has the
// form.
package proof

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// Format names the form of a file.
const Format = "vouch.proof.v1"

// MaxBytes bounds a file: a visit of a thousand events takes some 3 MiB.
const MaxBytes = 64 << 20

// A File is a proof.
type File struct {
	Format     string                  `json:"format"`
	Receipt    string                  `json:"receipt,omitempty"`  // number of the receipt that is proven
	Palm       ledger.ShopperID        `json:"palm,omitempty"`     // whose palm's consent, template and destruction are proven
	Event      ledger.ID               `json:"event"`              // the event that is proven, that carries the receipt, or the last about the palm
	Checkpoint string                  `json:"checkpoint"`         // signed note, with cosignatures
	Document   *ledger.ReceiptDocument `json:"document,omitempty"` // the receipt, for people
	Evidence   []ledger.Digest         `json:"evidence"`           // what the events name, sorted
	Events     []Event                 `json:"events"`             // in the order of the log
}

// An Event is the stored bytes of an event and the proof that it is in the log.
// Its envelope is the extra data of the proof.
type Event struct {
	Body     *string `json:"body,omitempty"`            // the stored body, if it is text
	Bytes    []byte  `json:"body_base64,omitempty"`     // the stored body, if it is not
	Metadata []byte  `json:"metadata_base64,omitempty"` // of a foreign event
	Proof    string  `json:"tlog_proof"`                // c2sp.org/tlog-proof@v1, whole
}

// body returns the stored body.
func (e Event) body() []byte {
	if e.Body != nil {
		return []byte(*e.Body)
	}
	return e.Bytes
}

// Marshal returns f as JSON that a person can read.
func (f File) Marshal() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(f); err != nil {
		return nil, fmt.Errorf("proof file: %w", err)
	}
	return b.Bytes(), nil
}

// Parse reads what Marshal gives and nothing else.
func Parse(text []byte) (File, error) {
	var f File
	if len(text) > MaxBytes {
		return f, fmt.Errorf("proof file: %w: %d bytes, at most %d", ledger.ErrCorrupt, len(text), MaxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return File{}, fmt.Errorf("proof file: %w: %w", ledger.ErrCorrupt, err)
	}
	if f.Format != Format {
		return File{}, fmt.Errorf("proof file: %w: format %q, this program knows %s", ledger.ErrCorrupt, f.Format, Format)
	}
	again, err := f.Marshal()
	if err != nil || !bytes.Equal(again, text) {
		return File{}, errors.Join(fmt.Errorf("proof file: %w: not in the one form", ledger.ErrCorrupt), err)
	}
	return f, nil
}

// A Tree is a tree and the checkpoint that signs it.
type Tree struct {
	View       *tile.View
	Checkpoint []byte
}

// OfEvent returns the proof of one event. An event that the checkpoint does not
// cover yet is [ledger.ErrNotFound].
func OfEvent(ctx context.Context, log ledger.Log, t Tree, id ledger.ID) (File, error) {
	r, err := log.Find(ctx, id)
	if err != nil {
		return File{}, fmt.Errorf("event %s: %w", id, err)
	}
	f := File{Format: Format, Event: id, Checkpoint: string(t.Checkpoint), Evidence: []ledger.Digest{}}
	e, err := t.prove(r)
	if err != nil {
		return File{}, err
	}
	f.Events = []Event{e}
	f.Evidence, err = evidence([]ledger.Record{r})
	return f, err
}

// OfReceipt returns the proof of the receipt with this number of a visit: all
// events of the visit and of its payment that the checkpoint covers.
func OfReceipt(ctx context.Context, log ledger.Log, t Tree, number string, visit ledger.VisitID) (File, error) {
	f := File{Format: Format, Receipt: number, Checkpoint: string(t.Checkpoint)}
	records, err := t.covered(ctx, log, ledger.VisitStream(visit), ledger.PaymentStream(visit))
	if err != nil {
		return File{}, fmt.Errorf("visit %s: %w", visit, err)
	}
	for _, r := range records {
		doc, err := document(r)
		if err != nil {
			return File{}, err
		}
		if doc != nil && doc.Number == number {
			f.Document, f.Event = doc, r.ID
		}
		e, err := t.prove(r)
		if err != nil {
			return File{}, err
		}
		f.Events = append(f.Events, e)
	}
	if f.Document == nil {
		return File{}, fmt.Errorf("receipt %s: %w in the tree of %d leaves; a checkpoint that covers it comes within seconds", number, ledger.ErrNotFound, t.View.Size())
	}
	f.Evidence, err = evidence(records)
	return f, err
}

// OfPalm returns the proof of what a shopper agreed to about their palm, and of what
// became of it: all events of their stream that the checkpoint covers.
func OfPalm(ctx context.Context, log ledger.Log, t Tree, shopper ledger.ShopperID) (File, error) {
	f := File{Format: Format, Palm: shopper, Checkpoint: string(t.Checkpoint), Evidence: []ledger.Digest{}}
	records, err := t.covered(ctx, log, ledger.ShopperStream(shopper))
	if err != nil {
		return File{}, fmt.Errorf("palm of %s: %w", shopper, err)
	}
	if len(records) == 0 {
		return File{}, fmt.Errorf("palm of %s: %w in the tree of %d leaves; a checkpoint that covers it comes within seconds", shopper, ledger.ErrNotFound, t.View.Size())
	}
	for _, r := range records {
		e, err := t.prove(r)
		if err != nil {
			return File{}, err
		}
		f.Events, f.Event = append(f.Events, e), r.ID
	}
	return f, nil
}

// covered returns the records of streams that t has, in the order of the log.
func (t Tree) covered(ctx context.Context, log ledger.Log, streams ...ledger.StreamID) ([]ledger.Record, error) {
	var records []ledger.Record
	for _, s := range streams {
		for r, err := range log.Read(ctx, ledger.Query{Stream: s}) {
			if err != nil {
				return nil, err
			}
			if _, err := tree.Locate(t.View, r.Position); errors.Is(err, ledger.ErrNotFound) {
				break // later than the checkpoint
			} else if err != nil {
				return nil, err
			}
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b ledger.Record) int { return cmp.Compare(a.Position, b.Position) })
	return records, nil
}

// prove returns a record as an event of a file.
func (t Tree) prove(r ledger.Record) (Event, error) {
	index, err := tree.Locate(t.View, r.Position)
	if err != nil {
		return Event{}, fmt.Errorf("event %s: %w", r.ID, err)
	}
	p, err := tree.Prove(t.View, index, t.Checkpoint)
	if err != nil {
		return Event{}, fmt.Errorf("event %s: %w", r.ID, err)
	}
	e := Event{Metadata: r.Metadata, Proof: string(p.Marshal())}
	if utf8.Valid(r.Body) && !r.Binary {
		text := string(r.Body)
		e.Body = &text
	} else {
		e.Bytes = r.Body
	}
	return e, nil
}

// document returns the numbered receipt that a record carries, if any.
func document(r ledger.Record) (*ledger.ReceiptDocument, error) {
	if r.Kind != ledger.KindReceiptIssued && r.Kind != ledger.KindReceiptCorrected {
		return nil, nil //nolint:nilnil // most events carry none
	}
	e, err := ledger.Decode(r)
	if err != nil {
		return nil, err
	}
	switch p := e.Payload.(type) { // the kinds above
	case ledger.ReceiptIssued:
		return &p.Document, nil
	case ledger.ReceiptCorrected:
		return &p.Document, nil
	}
	return nil, nil //nolint:nilnil // as above
}

// evidence returns the digests that events name, sorted. Foreign events name
// none.
func evidence(records []ledger.Record) ([]ledger.Digest, error) {
	digests := []ledger.Digest{}
	for _, r := range records {
		if !r.Stream.Own() {
			continue
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return nil, err
		}
		var refs []ledger.EvidenceRef
		switch p := e.Payload.(type) { // the kinds with evidence
		case ledger.DetectionRecorded:
			refs = p.Evidence
		case ledger.DetectionAttributed:
			refs = p.Evidence
		}
		for _, ref := range refs {
			digests = append(digests, ref.Digest)
		}
	}
	slices.Sort(digests)
	return slices.Compact(digests), nil
}
