package eventstore_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// setMetadata sets a stream's metadata as JSON.
func (s *till) setMetadata(stream, body string) {
	s.t.Helper()
	e := esdb.EventData{EventType: "$metadata", ContentType: esdb.ContentTypeJson, Data: []byte(body)}
	s.appended("$$"+stream, esdb.Any{}, e)
}

// TestDeleteAndBack checks that a deleted stream is gone, that an append brings
// it back with the revisions going on, and that $all keeps everything.
func TestDeleteAndBack(t *testing.T) {
	s := openTill(t)
	s.setMetadata("till-4", `{"$cacheControl":7,"shop":"berlin"}`)
	there(s)
	d, err := s.DeleteStream(t.Context(), "till-4", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(1)})
	if err != nil || d.Position.Commit != 4 {
		t.Fatalf("DeleteStream = %+v, %v, want position 4", d, err)
	}
	_, err = s.forwards("till-4")
	wantCode(t, err, esdb.ErrorCodeResourceNotFound)
	s.appended("till-4", esdb.NoStream{}, sale(2))
	same(t, "revisions of the stream that came back", s.revisions("till-4"), []uint64{2})
	s.appended("till-4", esdb.Revision(2), sale(3))
	same(t, "revisions after one more", s.revisions("till-4"), []uint64{2, 3})

	r, err := s.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.Start{}}, 99)
	events, err := readAll(t, r, err)
	if err != nil {
		t.Fatal(err)
	}
	var sold int
	for _, e := range events {
		if e.Event.StreamID == "till-4" {
			sold++
		}
	}
	if sold != 4 {
		t.Errorf("$all has %d events of the stream, want all 4", sold)
	}
}

// TestDeletedByAServerThatStopped checks that a stream comes back even if the
// server stopped between the append and the metadata that says so.
func TestDeletedByAServerThatStopped(t *testing.T) {
	s := openTill(t)
	deleted(s)
	for i, kind := range []ledger.Kind{"sale", "refund"} {
		_, err := s.log.Append(t.Context(), "till-4", ledger.Any(), ledger.Draft{
			ID: ledger.ID{9, byte(i)}, Kind: kind, Occurred: ledger.Instant(time.Now()), Body: []byte("{}"),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	same(t, "revisions", s.revisions("till-4"), []uint64{2, 3})
}

// TestTombstone checks that an ended stream stays ended, its metadata too, and
// that the event that ended it is its last in $all.
func TestTombstone(t *testing.T) {
	s := openTill(t)
	ended(s)
	_, err := s.forwards("till-4")
	wantCode(t, err, esdb.ErrorCodeStreamDeleted)
	s.refused(esdb.ErrorCodeStreamDeleted, "$$till-4", esdb.Any{}, sale(9))
	_, err = s.DeleteStream(t.Context(), "till-4", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}})
	wantCode(t, err, esdb.ErrorCodeStreamDeleted)
	_, err = s.TombstoneStream(t.Context(), "till-4", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
	wantCode(t, err, esdb.ErrorCodeStreamDeleted)

	r, err := s.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.End{}, Direction: esdb.Backwards}, 1)
	events, err := readAll(t, r, err)
	if err != nil || len(events) != 1 {
		t.Fatalf("ReadAll = %d events, %v, want 1", len(events), err)
	}
	if e := events[0].Event; e.EventType != "$streamDeleted" || e.EventNumber != math.MaxInt64 || e.StreamID != "till-4" {
		t.Errorf("last event = %+v, want the tombstone", e)
	}
	// A stream that never was can be ended, too.
	if _, err := s.TombstoneStream(t.Context(), "till-5", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.NoStream{}}); err != nil {
		t.Error(err)
	}
	s.refused(esdb.ErrorCodeStreamDeleted, "till-5", esdb.Any{}, sale(9))
}

// TestDeleteWithAWrongVersion checks status and trailers, which are all that
// tells a client what was wrong.
func TestDeleteWithAWrongVersion(t *testing.T) {
	s := openTill(t)
	there(s)
	c := streams.NewStreamsClient(s.raw())
	name := &shared.StreamIdentifier{StreamName: []byte("till-4")}
	trailers := map[string]string{
		"exception": "wrong-expected-version", "stream-name": "till-4", "expected-version": "7", "actual-version": "1",
	}
	call := func(do func() error) {
		t.Helper()
		s.wantStatus("a wrong version", do(), "FailedPrecondition", trailers)
	}
	call(func() error {
		_, err := c.Delete(t.Context(), &streams.DeleteReq{Options: &streams.DeleteReq_Options{
			StreamIdentifier: name, ExpectedStreamRevision: &streams.DeleteReq_Options_Revision{Revision: 7},
		}}, s.keepTrailer())
		return err
	})
	call(func() error {
		_, err := c.Tombstone(t.Context(), &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{
			StreamIdentifier: name, ExpectedStreamRevision: &streams.TombstoneReq_Options_Revision{Revision: 7},
		}}, s.keepTrailer())
		return err
	})
	name.StreamName = []byte("till-9")
	trailers["stream-name"], trailers["actual-version"] = "till-9", "-1"
	call(func() error {
		_, err := c.Delete(t.Context(), &streams.DeleteReq{Options: &streams.DeleteReq_Options{
			StreamIdentifier: name, ExpectedStreamRevision: &streams.DeleteReq_Options_Revision{Revision: 7},
		}}, s.keepTrailer())
		return err
	})
	name.StreamName = []byte("$$till-4")
	_, err := c.Delete(t.Context(), &streams.DeleteReq{Options: &streams.DeleteReq_Options{
		StreamIdentifier: name, ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: &shared.Empty{}},
	}}, s.keepTrailer())
	s.wantStatus("metadata alone", err, "InvalidArgument", map[string]string{"exception": "invalid-transaction"})
}

// TestMetadata checks that metadata comes back as the client wrote it, and that
// only the last counts.
func TestMetadata(t *testing.T) {
	s := openTill(t)
	there(s)
	var m esdb.StreamMetadata
	m.SetMaxCount(3)
	m.SetCacheControl(5 * time.Second)
	m.AddCustomProperty("shop", "berlin")
	w, err := s.SetStreamMetadata(t.Context(), "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, m)
	if err != nil || w.NextExpectedVersion != 0 {
		t.Fatalf("SetStreamMetadata = %+v, %v", w, err)
	}
	got, err := s.GetStreamMetadata(t.Context(), "till-4", esdb.ReadStreamOptions{})
	if err != nil || got.MaxCount() == nil || *got.MaxCount() != 3 || got.CustomProperties()["shop"] != "berlin" {
		t.Errorf("GetStreamMetadata = %+v, %v", got, err)
	}
	s.setMetadata("till-4", `{"$maxCount":1}`)
	s.setMetadata("till-4", `{"$maxCount":2}`)
	same(t, "revisions of $$till-4", s.revisions("$$till-4"), []uint64{2})
}

// TestHiddenEvents checks that $maxCount, $tb and $maxAge hide events from who
// reads the stream, both ways, and from nobody who reads everything.
func TestHiddenEvents(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	log := memlog.New(clock)
	address := serve(t, log, eventstore.Config{Now: clock, Insecure: true})
	s := &till{Client: connect(t, "esdb://"+address+"?tls=false"), t: t, log: log, address: address}
	for i := range 5 {
		s.appended("till-4", esdb.Any{}, sale(i))
		now = now.Add(time.Hour)
	}
	for metadata, want := range map[string][]uint64{
		`{}`:                            {0, 1, 2, 3, 4},
		`{"$maxCount":2}`:               {3, 4},
		`{"$maxCount":99}`:              {0, 1, 2, 3, 4},
		`{"$tb":3}`:                     {3, 4},
		`{"$tb":99}`:                    {},
		`{"$maxAge":9000}`:              {3, 4}, // two hours and a half
		`{"$maxAge":1}`:                 {},
		`{"$maxAge":9999999999999}`:     {0, 1, 2, 3, 4},
		`{"$maxCount":4,"$tb":2}`:       {2, 3, 4},
		`{"$maxCount":-1,"$maxAge":-1}`: {0, 1, 2, 3, 4},
		`not JSON`:                      {0, 1, 2, 3, 4},
	} {
		s.setMetadata("till-4", metadata)
		same(t, metadata, s.revisions("till-4"), want)
		r, err := s.ReadStream(t.Context(), "till-4", esdb.ReadStreamOptions{From: esdb.End{}, Direction: esdb.Backwards}, 99)
		events, err := readAll(t, r, err)
		if err != nil || len(events) != len(want) {
			t.Errorf("%s: %d events backwards, %v, want %d", metadata, len(events), err, len(want))
		}
	}
	r, err := s.ReadAll(t.Context(), esdb.ReadAllOptions{From: esdb.Start{}}, 5)
	events, err := readAll(t, r, err)
	if err != nil || len(events) != 5 || events[4].Event.EventNumber != 4 {
		t.Errorf("$all begins with %d events, %v, want all 5", len(events), err)
	}
}

// TestMetadataOfADeletedStream checks that setting metadata brings a deleted
// stream back as an empty one, as in EventStoreDB.
func TestMetadataOfADeletedStream(t *testing.T) {
	s := openTill(t)
	deleted(s)
	s.setMetadata("till-4", `{"$maxCount":5}`)
	same(t, "revisions", s.revisions("till-4"), []uint64{})
	m, err := s.GetStreamMetadata(t.Context(), "till-4", esdb.ReadStreamOptions{})
	if err != nil || *m.TruncateBefore() != 2 || *m.MaxCount() != 5 {
		t.Errorf("metadata = %+v, %v, want both", m, err)
	}
	s.appended("till-4", esdb.Revision(1), sale(2))
	same(t, "revisions after an append", s.revisions("till-4"), []uint64{2})
	if _, err := s.GetStreamMetadata(t.Context(), "till-9", esdb.ReadStreamOptions{}); errors.Is(err, nil) {
		t.Error("a stream that is missing has metadata")
	}
}
