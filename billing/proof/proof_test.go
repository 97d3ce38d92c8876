package proof_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vouchledger/vouch/billing/proof"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/projections"
)

const origin = "shops.example/ledger"

func seeded(b byte) io.Reader { return rand.NewChaCha8([32]byte{b}) }

// Shops are a ledger of simulated visits, with a foreign program's events in
// between, and its tree.
type shops struct {
	t    *testing.T
	log  ledger.Log
	tree proof.Tree
	key  note.Verifier
}

func openShops(t *testing.T) *shops {
	t.Helper()
	clock := simulate.NewClock()
	log := memlog.New(clock.Now)
	profile, err := simulate.ProfileNamed("convenience")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := simulate.Run(t.Context(), log, simulate.Config{Seed: 3, Visits: 60, Profile: profile, Clock: clock}); err != nil {
		t.Fatal(err)
	}
	till := ledger.Draft{
		ID: ledger.ID{9}, Kind: "TillClosed", Occurred: time.Unix(0, 0).UTC(), Body: []byte{0xff, 0, 1}, Binary: true,
		Metadata: []byte(`{"$correlationId":"x"}`),
	}
	if _, err := log.Append(t.Context(), "Kasse 3", ledger.Any(), till); err != nil {
		t.Fatal(err)
	}
	return openTree(t, log)
}

// openTree makes a tree over a log.
func openTree(t *testing.T, log ledger.Log) *shops {
	t.Helper()
	s, err := signer.Open(t.TempDir(), origin, seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	p := tree.New(log, tree.NewDir(t.TempDir()), s, tree.Config{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, last := s.Last()
	return &shops{t, log, proof.Tree{View: p.Folder().View(last.Size), Checkpoint: text}, s.Verifier()}
}

// receipts returns the number and visit of every receipt, corrections too.
func (s *shops) receipts() map[string]ledger.VisitID {
	s.t.Helper()
	all := map[string]ledger.VisitID{}
	q := ledger.Query{Kinds: []ledger.Kind{ledger.KindReceiptIssued, ledger.KindReceiptCorrected}}
	for e, err := range projections.Decoded(s.log.Read(context.Background(), q)) {
		if err != nil {
			s.t.Fatal(err)
		}
		switch p := e.Payload.(type) { // as asked for
		case ledger.ReceiptIssued:
			all[p.Document.Number] = p.Document.Visit
		case ledger.ReceiptCorrected:
			all[p.Document.Number] = p.Document.Visit
		}
	}
	return all
}

// richest returns the file of the receipt with the most events.
func (s *shops) richest() proof.File {
	s.t.Helper()
	var most proof.File
	for number, visit := range s.receipts() {
		f, err := proof.OfReceipt(context.Background(), s.log, s.tree, number, visit)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(f.Events) > len(most.Events) || len(f.Events) == len(most.Events) && f.Receipt < most.Receipt {
			most = f
		}
	}
	return most
}

func (s *shops) trust() proof.Trust { return proof.Trust{Key: s.key} }

// TestEveryReceiptIsProven, from its text alone, and torchwood says the same of
// each event in it.
func TestEveryReceiptIsProven(t *testing.T) {
	s := openShops(t)
	receipts := s.receipts()
	if len(receipts) < 20 {
		t.Fatalf("the shops gave %d receipts, want many", len(receipts))
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(origin), torchwood.SingleVerifierPolicy(s.key))
	for number, visit := range receipts {
		f, err := proof.OfReceipt(t.Context(), s.log, s.tree, number, visit)
		if err != nil {
			t.Fatal(err)
		}
		text, err := f.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := proof.Parse(text)
		if err != nil {
			t.Fatalf("Parse(%s) = %v, want nil", number, err)
		}
		v, err := again.Verify(s.trust())
		if err != nil {
			t.Fatalf("Verify(%s) = %v, want nil", number, err)
		}
		if v.Document.Number != number || v.Document.Visit != visit {
			t.Errorf("%s proves receipt %s of visit %s", number, v.Document.Number, v.Document.Visit)
		}
		for i, e := range again.Events {
			extra, err := torchwood.ProofExtraData([]byte(e.Proof))
			if err != nil {
				t.Fatal(err)
			}
			if err := torchwood.VerifyProof(policy, tlog.RecordHash(extra), []byte(e.Proof)); err != nil {
				t.Errorf("torchwood says of event %d of %s: %v", i, number, err)
			}
		}
	}
}

// TestAnEventIsProven: one of ours, and the bytes of another program.
func TestAnEventIsProven(t *testing.T) {
	s := openShops(t)
	for r, err := range s.log.Read(t.Context(), ledger.Query{Backwards: true, From: ledger.End, Limit: 40}) {
		if err != nil {
			t.Fatal(err)
		}
		f, err := proof.OfEvent(t.Context(), s.log, s.tree, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		text, err := f.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if f, err = proof.Parse(text); err != nil {
			t.Fatal(err)
		}
		v, err := f.Verify(s.trust())
		if err != nil || !bytes.Equal(v.Proven.Body, r.Body) || v.Proven.Position != r.Position {
			t.Errorf("Verify() of %s = %+v, %v", r.Kind, v.Proven, err)
		}
	}
	if _, err := proof.OfEvent(t.Context(), s.log, s.tree, ledger.ID{7}); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("OfEvent() of nothing = %v, want ErrNotFound", err)
	}
	late := ledger.Draft{ID: ledger.ID{8}, Kind: "TillOpened", Occurred: time.Unix(0, 0).UTC(), Body: []byte("{}")}
	if _, err := s.log.Append(t.Context(), "Kasse 3", ledger.Any(), late); err != nil {
		t.Fatal(err)
	}
	if _, err := proof.OfEvent(t.Context(), s.log, s.tree, late.ID); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("OfEvent() of an event later than the checkpoint = %v, want ErrNotFound", err)
	}
}

// TestBrokenProofs: whatever is taken from a file, put into it or changed, it
// proves nothing any more.
func TestBrokenProofs(t *testing.T) {
	s := openShops(t)
	f := s.richest()
	other, err := s.foreign(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(s.trust()); err != nil {
		t.Fatal(err)
	}
	last := len(f.Events) - 1
	for what, change := range map[string]func(*proof.File){
		"the first event is missing":         func(f *proof.File) { f.Events = f.Events[1:] },
		"one event in the middle is missing": func(f *proof.File) { f.Events = slices.Delete(f.Events, last/2, last/2+1) },
		"two events are exchanged":           func(f *proof.File) { f.Events[1], f.Events[2] = f.Events[2], f.Events[1] },
		"an event is there twice":            func(f *proof.File) { f.Events = slices.Insert(f.Events, 1, f.Events[0]) },
		"an event of another visit is added": func(f *proof.File) { f.Events = append(f.Events, other.Events[len(other.Events)-1]) },
		"two bodies are exchanged":           func(f *proof.File) { f.Events[1].Body, f.Events[2].Body = f.Events[2].Body, f.Events[1].Body },
		"a price is changed": func(f *proof.File) {
			for i, e := range f.Events {
				text := strings.Replace(*e.Body, `"amount_minor":`, `"amount_minor":1`, 1)
				f.Events[i].Body = &text
			}
		},
		"the body is erased":               func(f *proof.File) { f.Events[1].Body = nil },
		"metadata is added":                func(f *proof.File) { f.Events[1].Metadata = []byte("x") },
		"the shown document is changed":    func(f *proof.File) { d := *f.Document; d.Gross.Minor--; f.Document = &d },
		"the shown document is missing":    func(f *proof.File) { f.Document = nil },
		"another number is claimed":        func(f *proof.File) { f.Receipt = other.Receipt },
		"another event is claimed":         func(f *proof.File) { f.Event = other.Event },
		"a receipt is shown as an event":   func(f *proof.File) { f.Receipt = "" },
		"evidence is added":                func(f *proof.File) { f.Evidence = append(f.Evidence, ledger.DigestOf([]byte("x"))) },
		"the checkpoint is another":        func(f *proof.File) { f.Checkpoint = strings.Replace(f.Checkpoint, "\n", "\n1", 1) },
		"the proof of another event":       func(f *proof.File) { f.Events[1].Proof = f.Events[2].Proof },
		"everything is of another receipt": func(f *proof.File) { f.Events = other.Events },
	} {
		bad := f
		bad.Events = slices.Clone(f.Events)
		bad.Evidence = slices.Clone(f.Evidence)
		change(&bad)
		if _, err := bad.Verify(s.trust()); !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("Verify() when %s = %v, want ErrCorrupt", what, err)
		}
	}
	thief, err := signer.Open(t.TempDir(), origin, seeded(2))
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	if _, err := f.Verify(proof.Trust{Key: thief.Verifier()}); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Verify() against another key of the same name = %v, want ErrCorrupt", err)
	}
	lacks := errors.New("no quorum")
	if _, err := f.Verify(proof.Trust{Key: s.key, Quorum: func([]byte) error { return lacks }}); !errors.Is(err, lacks) {
		t.Errorf("Verify() without its quorum = %v, want that error", err)
	}
}

// foreign returns the file of another receipt.
func (s *shops) foreign(f proof.File) (proof.File, error) {
	for number, visit := range s.receipts() {
		if visit != f.Document.Visit {
			return proof.OfReceipt(context.Background(), s.log, s.tree, number, visit)
		}
	}
	return proof.File{}, ledger.ErrNotFound
}

// TestAReceiptThatDoesNotReplay: the operator itself wrote a receipt of other
// amounts into the ledger, before it was signed. All proofs hold, and the
// receipt does not follow from its events.
func TestAReceiptThatDoesNotReplay(t *testing.T) {
	s := openShops(t)
	f := s.richest()
	liar := memlog.New(func() time.Time { return time.Unix(2_000_000_000, 0) })
	for _, stream := range []ledger.StreamID{ledger.VisitStream(f.Document.Visit), ledger.PaymentStream(f.Document.Visit)} {
		for r, err := range s.log.Read(t.Context(), ledger.Query{Stream: stream}) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Kind == ledger.KindItemPriced {
				r.Body = []byte(strings.Replace(string(r.Body), `"amount_minor":`, `"amount_minor":1`, 1))
			}
			d := ledger.Draft{ID: r.ID, Kind: r.Kind, Occurred: r.Occurred, Actor: r.Actor, Cause: r.Cause, Trace: r.Trace, Body: r.Body}
			if _, err := liar.Append(t.Context(), stream, ledger.Any(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	sign, err := signer.Open(t.TempDir(), origin, seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	defer sign.Close()
	p := tree.New(liar, tree.NewDir(t.TempDir()), sign, tree.Config{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, last := sign.Last()
	lie, err := proof.OfReceipt(t.Context(), liar, proof.Tree{View: p.Folder().View(last.Size), Checkpoint: text}, f.Receipt, f.Document.Visit)
	if err != nil {
		t.Fatal(err)
	}
	var mismatch *projections.MismatchError
	if _, err := lie.Verify(s.trust()); !errors.As(err, &mismatch) {
		t.Errorf("Verify() of a receipt that does not follow from its events = %v, want a MismatchError", err)
	}
}

// FuzzParse: any text is a file in the one form, or refused.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"format":"vouch.proof.v1"}`))
	small := proof.File{Format: proof.Format, Event: ledger.ID{1}, Evidence: []ledger.Digest{}, Events: []proof.Event{}}
	text, err := small.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := proof.Parse(text)
		if err != nil {
			if !errors.Is(err, ledger.ErrCorrupt) {
				t.Fatalf("Parse(%q) = %v, want ErrCorrupt", text, err)
			}
			return
		}
		if again, err := file.Marshal(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("Parse takes %q, Marshal gives %q, %v", text, again, err)
		}
		if !json.Valid(text) {
			t.Fatalf("Parse takes %q, which is not JSON", text)
		}
	})
}

// TestAPalmsEndIsProven: and a file in which something else was destroyed than was
// made, or an event is left out, proves nothing.
func TestAPalmsEndIsProven(t *testing.T) {
	log := memlog.New(time.Now)
	digest := ledger.DigestOf([]byte("sealed"))
	stream := ledger.ShopperStream("anna")
	put := func(id byte, p ledger.Payload) {
		t.Helper()
		d, err := ledger.NewDraft(ledger.Meta{ID: ledger.ID{15: id}, Occurred: time.Unix(100, 0), Actor: "shopper:anna"}, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), stream, ledger.Any(), d); err != nil {
			t.Fatal(err)
		}
	}
	put(1, ledger.PalmConsented{Shopper: "anna", Store: "s1", Jurisdiction: "DE", Text: digest, Version: "1", Agreed: "page"})
	put(2, ledger.PalmEnrolled{
		Shopper: "anna", Store: "s1", Template: digest, Method: "ordinal/1", Captures: 3, Consent: digest, Agreed: "page", Jurisdiction: "DE",
	})
	put(3, ledger.PalmWithdrawn{Shopper: "anna", Consent: ledger.ID{15: 1}, By: "shopper:anna", Reason: "asked"})
	put(4, ledger.PalmRevoked{Shopper: "anna", Template: digest, Sealed: digest, By: "shopper:anna", Reason: "asked"})
	s := openTree(t, log)
	f, err := proof.OfPalm(t.Context(), log, s.tree, "anna")
	if err != nil {
		t.Fatal(err)
	}
	v, err := f.Verify(s.trust())
	if err != nil || v.Palm == nil || v.Palm.Revoked.Sealed != digest || v.Palm.Live() {
		t.Fatalf("Verify = %+v, %v, want the palm destroyed", v.Palm, err)
	}
	missing, early, both := f, f, f
	missing.Events = slices.Delete(slices.Clone(f.Events), 1, 2)
	early.Events, early.Event = f.Events[:3], f.Event
	both.Receipt = "s1-2026-000001"
	for story, bad := range map[string]proof.File{"without the enrolment": missing, "without the end": early, "about two things": both} {
		if _, err := bad.Verify(s.trust()); !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("%s: Verify = %v, want ErrCorrupt", story, err)
		}
	}
	if _, err := proof.OfPalm(t.Context(), log, s.tree, "ben"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("OfPalm of nobody = %v, want ErrNotFound", err)
	}
	put(5, ledger.PalmConsented{Shopper: "anna", Store: "s1", Jurisdiction: "DE", Text: digest, Version: "2", Agreed: "page"})
	put(6, ledger.PalmRevoked{Shopper: "anna", Template: digest, Sealed: ledger.DigestOf([]byte("other")), By: "server", Reason: "?"})
	s = openTree(t, log)
	if f, err = proof.OfPalm(t.Context(), log, s.tree, "anna"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Verify(s.trust()); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Verify of a destruction of something else = %v, want ErrCorrupt", err)
	}
}
