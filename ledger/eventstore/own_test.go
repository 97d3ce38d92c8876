package eventstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/envelope"
)

var opening = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// opened is an event of Vouch's own, with every field of the envelope set.
func opened(t *testing.T, n byte) ledger.Draft {
	t.Helper()
	d, err := ledger.NewDraft(
		ledger.Meta{
			ID: ledger.ID{1, n}, Occurred: opening.Add(123456 * time.Microsecond), Actor: "operator:olga",
			Cause: ledger.ID{2, n}, Trace: "0af7651916cd43dd8448eb211c80319c",
		},
		ledger.StoreOpened{
			Store: "s1", Catalogue: "c1",
			Seller: ledger.Seller{Name: "Corner", Address: "1 Main St", TaxID: "WA-1", Currency: "USD", Timezone: "America/Los_Angeles"},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// asClient is how a client in any language would write d.
func asClient(t *testing.T, d ledger.Draft) esdb.EventData {
	t.Helper()
	m, err := envelope.OfDraft(d).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return esdb.EventData{
		EventID: uuid.UUID(d.ID), EventType: string(d.Kind), ContentType: esdb.ContentTypeJson, Data: d.Body, Metadata: m,
	}
}

// TestOwnEventsKeepTheirEnvelope checks that an own event that came through the
// protocol is stored as Vouch would have stored it, and that one that Vouch
// stored shows its envelope as metadata.
func TestOwnEventsKeepTheirEnvelope(t *testing.T) {
	s := openTill(t)
	direct, through := opened(t, 1), opened(t, 2)
	want, err := s.log.Append(t.Context(), "store-s1", ledger.None(), direct)
	if err != nil {
		t.Fatal(err)
	}
	s.appended("store-s1", esdb.Revision(0), asClient(t, through))
	got, err := s.log.Find(t.Context(), through.ID)
	if err != nil {
		t.Fatal(err)
	}
	want[0].ID, want[0].Cause = through.ID, through.Cause
	want[0].Revision, want[0].Position, want[0].Recorded = 1, 2, got.Recorded
	if diff := cmp.Diff(want[0], got); diff != "" {
		t.Errorf("stored through the protocol (-want +got):\n%s", diff)
	}
	events, err := s.forwards("store-s1")
	if err != nil || len(events) != 2 {
		t.Fatalf("ReadStream = %d events, %v, want 2", len(events), err)
	}
	for i, d := range []ledger.Draft{direct, through} {
		e, err := envelope.Parse(events[i].Event.UserMetadata)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(envelope.OfDraft(d), e); diff != "" {
			t.Errorf("envelope of event %d (-want +got):\n%s", i, diff)
		}
	}
	// A retry through the other door is the same event.
	if w := s.appended("store-s1", esdb.NoStream{}, asClient(t, direct)); w.NextExpectedVersion != 0 {
		t.Errorf("retry = %+v, want revision 0", w)
	}
}

// TestAnOddActorStopsNobody checks that an own event whose actor is not UTF-8 is
// read all the same.
func TestAnOddActorStopsNobody(t *testing.T) {
	s := openTill(t)
	d := opened(t, 1)
	d.Actor = "device:\xff"
	if _, err := s.log.Append(t.Context(), "store-s1", ledger.None(), d); err != nil {
		t.Fatal(err)
	}
	events, err := s.forwards("store-s1")
	if err != nil || len(events) != 1 {
		t.Fatalf("ReadStream = %d events, %v, want 1", len(events), err)
	}
	if e, err := envelope.Parse(events[0].Event.UserMetadata); err != nil || e.Actor != "device:\uFFFD" {
		t.Errorf("envelope = %+v, %v, want the actor with a mark", e, err)
	}
}

// TestOwnStreamsTakeOnlyWhatVouchKnows checks that nothing gets in that a fold
// would stop at.
func TestOwnStreamsTakeOnlyWhatVouchKnows(t *testing.T) {
	s := openTill(t)
	for name, change := range map[string]func(*esdb.EventData){
		"no envelope":               func(e *esdb.EventData) { e.Metadata = []byte(`{"till":4}`) },
		"no metadata":               func(e *esdb.EventData) { e.Metadata = nil },
		"a damaged envelope":        func(e *esdb.EventData) { e.Metadata = []byte(`{"vouch":{}}`) },
		"an unknown kind":           func(e *esdb.EventData) { e.EventType = "store.blessed.v1" },
		"a body of another kind":    func(e *esdb.EventData) { e.EventType = "visit.settled.v1" },
		"a body with white space":   func(e *esdb.EventData) { e.Data = append([]byte(" "), e.Data...) },
		"a body that is not a fact": func(e *esdb.EventData) { e.Data = []byte(`{"store":"","seller":{},"catalogue":""}`) },
		"a binary body":             func(e *esdb.EventData) { e.ContentType = esdb.ContentTypeBinary },
		"metadata of its own": func(e *esdb.EventData) {
			e.Metadata = []byte(`{"vouch":{"occurred":"2026-03-01T08:00:00Z","metadata":"aGk="}}`)
		},
	} {
		e := asClient(t, opened(t, 1))
		change(&e)
		_, err := s.AppendToStream(t.Context(), "store-s1", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e)
		if outcome(err) != "InvalidArgument" {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if head, err := s.log.Head(t.Context()); head != 0 || err != nil {
		t.Errorf("head = %d, %v, want nothing written", head, err)
	}
}

// TestOwnStreamsAreNeverCut checks that what money depends on is neither deleted
// nor hidden, while other metadata is welcome.
func TestOwnStreamsAreNeverCut(t *testing.T) {
	s := openTill(t)
	for i, stream := range []ledger.StreamID{"visit-1", "payment-1", "shopper-1", "store-1", "catalogue-1", "evidence-1", "payout-1", "day-1"} {
		if _, err := s.log.Append(t.Context(), stream, ledger.None(), opened(t, byte(i))); err != nil {
			t.Fatal(err)
		}
		name := string(stream)
		_, err := s.DeleteStream(t.Context(), name, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}})
		if outcome(err) != "denied" {
			t.Errorf("deleting %s: %v, want denied", name, err)
		}
		_, err = s.TombstoneStream(t.Context(), name, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
		if outcome(err) != "denied" {
			t.Errorf("ending %s: %v, want denied", name, err)
		}
		for _, body := range []string{`{"$maxCount":1}`, `{"$maxAge":1}`, `{"$tb":1}`, `{"$tb":9223372036854775807,"shop":1}`} {
			e := esdb.EventData{EventType: "$metadata", ContentType: esdb.ContentTypeJson, Data: []byte(body)}
			_, err := s.AppendToStream(t.Context(), "$$"+name, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e)
			if outcome(err) != "denied" {
				t.Errorf("hiding %s by %s: %v, want denied", name, body, err)
			}
		}
		s.setMetadata(name, `{"shop":"berlin","$acl":{"$r":"$admins"}}`)
		// Even metadata that got there by another way hides nothing.
		if _, err := s.log.Append(t.Context(), "$$"+stream, ledger.Any(), ledger.Draft{
			ID: ledger.ID{9, byte(i)}, Kind: "$metadata", Occurred: opening, Body: []byte(`{"$tb":9223372036854775807}`),
		}); err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprintf("revisions of %s", name), s.revisions(name), []uint64{0})
	}
}
