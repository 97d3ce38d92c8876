package eventstore_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/google/go-cmp/cmp"
)

// TestExpectedRevisions checks what each expectation admits and refuses, for a
// stream that is missing, there, deleted and ended.
func TestExpectedRevisions(t *testing.T) {
	none, anyRev, exists := esdb.NoStream{}, esdb.Any{}, esdb.StreamExists{}
	rev := func(n uint64) esdb.ExpectedRevision { return esdb.Revision(n) }
	for _, c := range []struct {
		name   string
		before func(*till)
		expect esdb.ExpectedRevision
		want   esdb.ErrorCode // -1: admitted
		next   uint64         // of an admitted append
	}{
		{"missing, none", nil, none, -1, 0},
		{"missing, any", nil, anyRev, -1, 0},
		{"missing, exists", nil, exists, esdb.ErrorCodeWrongExpectedVersion, 0},
		{"missing, 0", nil, rev(0), esdb.ErrorCodeWrongExpectedVersion, 0},
		{"there, none", there, none, esdb.ErrorCodeWrongExpectedVersion, 0},
		{"there, any", there, anyRev, -1, 2},
		{"there, exists", there, exists, -1, 2},
		{"there, last", there, rev(1), -1, 2},
		{"there, stale", there, rev(0), esdb.ErrorCodeWrongExpectedVersion, 0},
		{"there, ahead", there, rev(2), esdb.ErrorCodeWrongExpectedVersion, 0},
		{"there, as far as can be", there, rev(math.MaxUint64), esdb.ErrorCodeWrongExpectedVersion, 0},
		{"deleted, none", deleted, none, -1, 2},
		{"deleted, any", deleted, anyRev, -1, 2},
		{"deleted, last", deleted, rev(1), -1, 2},
		{"deleted, exists", deleted, exists, esdb.ErrorCodeStreamDeleted, 0},
		{"deleted, stale", deleted, rev(0), esdb.ErrorCodeWrongExpectedVersion, 0},
		{"only metadata, exists", onlyMetadata, exists, -1, 0},
		{"ended, none", ended, none, esdb.ErrorCodeStreamDeleted, 0},
		{"ended, any", ended, anyRev, esdb.ErrorCodeStreamDeleted, 0},
		{"ended, exists", ended, exists, esdb.ErrorCodeStreamDeleted, 0},
		{"ended, last", ended, rev(1), esdb.ErrorCodeStreamDeleted, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openTill(t)
			if c.before != nil {
				c.before(s)
			}
			if c.want >= 0 {
				s.refused(c.want, "till-4", c.expect, sale(7))
				return
			}
			if w := s.appended("till-4", c.expect, sale(7)); w.NextExpectedVersion != c.next || w.CommitPosition == 0 {
				t.Errorf("AppendToStream = %+v, want revision %d and a position", w, c.next)
			}
		})
	}
}

func there(s *till) { s.appended("till-4", esdb.NoStream{}, sale(0), sale(1)) }

func deleted(s *till) {
	there(s)
	if _, err := s.DeleteStream(s.t.Context(), "till-4", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(1)}); err != nil {
		s.t.Fatal(err)
	}
}

func ended(s *till) {
	there(s)
	if _, err := s.TombstoneStream(s.t.Context(), "till-4", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		s.t.Fatal(err)
	}
}

func onlyMetadata(s *till) {
	var m esdb.StreamMetadata
	m.SetMaxCount(5)
	if _, err := s.SetStreamMetadata(s.t.Context(), "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, m); err != nil {
		s.t.Fatal(err)
	}
}

// TestRetry checks that an append that is sent again gets the first answer and
// writes nothing, in the order of checks that EventStoreDB has.
func TestRetry(t *testing.T) {
	s := openTill(t)
	first := s.appended("till-4", esdb.NoStream{}, sales(0, 3)...)
	s.appended("till-4", esdb.Revision(2), sales(3, 5)...)
	for name, c := range map[string]struct {
		expect esdb.ExpectedRevision
		events []esdb.EventData
	}{
		"to no stream":                 {esdb.NoStream{}, sales(0, 3)},
		"to any":                       {esdb.Any{}, sales(0, 3)},
		"to an existing stream":        {esdb.StreamExists{}, sales(0, 3)},
		"of a part, from its revision": {esdb.Revision(0), sales(1, 3)},
	} {
		if w := s.appended("till-4", c.expect, c.events...); *w != *first {
			t.Errorf("a retry %s = %+v, want %+v", name, *w, *first)
		}
	}
	same(t, "revisions after retries", s.revisions("till-4"), []uint64{0, 1, 2, 3, 4})

	wrong := esdb.ErrorCodeWrongExpectedVersion
	s.refused(wrong, "till-4", esdb.NoStream{}, sale(9))           // another event at its place
	s.refused(wrong, "till-4", esdb.NoStream{}, sale(0), sale(9))  // a part of it
	s.refused(wrong, "till-4", esdb.Revision(0), sale(0))          // at another place
	s.refused(wrong, "till-4", esdb.Revision(3), sale(4), sale(5)) // longer than what is there
	s.refused(wrong, "till-4", esdb.Any{}, sale(4), sale(9))       // the first known, the next not
	s.refused(wrong, "till-4", esdb.NoStream{})                    // nothing, below the last revision
	same(t, "revisions after refusals", s.revisions("till-4"), []uint64{0, 1, 2, 3, 4})
}

// TestAnIDIsUsedOnce checks the one rule that EventStoreDB does not have: an
// event id names one event of the whole ledger.
func TestAnIDIsUsedOnce(t *testing.T) {
	s := openTill(t)
	s.appended("till-4", esdb.Any{}, sale(0))
	s.refused(esdb.ErrorCodeResourceAlreadyExists, "till-5", esdb.Any{}, sale(0))
	s.refused(esdb.ErrorCodeResourceAlreadyExists, "till-4", esdb.Any{}, sale(1), sale(0))
	if _, err := s.forwards("till-5"); err == nil {
		t.Error("a refused append made a stream")
	}
}

// TestEmptyAppend checks that an append of nothing is checked and writes nothing.
func TestEmptyAppend(t *testing.T) {
	s := openTill(t)
	there(s)
	if w := s.appended("till-4", esdb.Revision(1)); w.NextExpectedVersion != 1 {
		t.Errorf("AppendToStream of nothing = %+v, want revision 1", w)
	}
	s.refused(esdb.ErrorCodeWrongExpectedVersion, "till-4", esdb.Revision(2))
	same(t, "revisions", s.revisions("till-4"), []uint64{0, 1})
}

// TestBytesComeBackAsTheyWere checks a JSON and a binary event, with and
// without metadata of their own.
func TestBytesComeBackAsTheyWere(t *testing.T) {
	s := openTill(t)
	plain, odd := sale(0), sale(1)
	plain.Metadata = nil
	odd.ContentType, odd.EventType = esdb.ContentTypeBinary, "Verkauf – ü"
	odd.Data, odd.Metadata = []byte("\x00\xff{"), []byte("not JSON either")
	s.appended("till-4", esdb.NoStream{}, plain, odd)
	events, err := s.forwards("till-4")
	if err != nil || len(events) != 2 {
		t.Fatalf("ReadStream = %d events, %v, want 2", len(events), err)
	}
	for i, want := range []esdb.EventData{plain, odd} {
		e := events[i].Event
		content := map[esdb.ContentType]string{
			esdb.ContentTypeJson: "application/json", esdb.ContentTypeBinary: "application/octet-stream",
		}[want.ContentType]
		if e.EventID != want.EventID || e.EventType != want.EventType || e.ContentType != content ||
			!bytes.Equal(e.Data, want.Data) || !bytes.Equal(e.UserMetadata, want.Metadata) {
			t.Errorf("event %d = %+v, want %+v", i, e, want)
		}
		if e.Position.Commit != e.Position.Prepare || e.Position.Commit == 0 || e.CreatedDate.IsZero() {
			t.Errorf("event %d has position %v and was created %v", i, e.Position, e.CreatedDate)
		}
	}
}

// appendRaw appends through the stubs.
func (s *till) appendRaw(stream string, options *streams.AppendReq_Options, events ...*streams.AppendReq_ProposedMessage) (*streams.AppendResp, error) {
	s.t.Helper()
	call, err := streams.NewStreamsClient(s.raw()).Append(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	options.StreamIdentifier = &shared.StreamIdentifier{StreamName: []byte(stream)}
	_ = call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: options}})
	for _, e := range events {
		if call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: e}}) != nil {
			break
		}
	}
	resp, err := call.CloseAndRecv()
	s.trailer = call.Trailer()
	return resp, err
}

func rawSale(n int) *streams.AppendReq_ProposedMessage {
	e := sale(n)
	return &streams.AppendReq_ProposedMessage{
		Id:       &shared.UUID{Value: &shared.UUID_String_{String_: e.EventID.String()}},
		Metadata: map[string]string{"type": e.EventType, "content-type": "application/json"}, Data: e.Data,
	}
}

// TestWrongVersionOnTheWire checks that both the old and the new fields say what
// was expected and what is there.
func TestWrongVersionOnTheWire(t *testing.T) {
	type wrong = streams.AppendResp_WrongExpectedVersion
	empty := &shared.Empty{}
	s := openTill(t)
	there(s)
	for _, c := range []struct {
		stream string
		expect *streams.AppendReq_Options
		want   *wrong
	}{
		{"till-4", &streams.AppendReq_Options{ExpectedStreamRevision: &streams.AppendReq_Options_NoStream{NoStream: empty}}, &wrong{
			CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: 1},
			ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: math.MaxUint64},
			CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: 1},
			ExpectedRevisionOption:        &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: empty},
		}},
		{"till-9", &streams.AppendReq_Options{ExpectedStreamRevision: &streams.AppendReq_Options_StreamExists{StreamExists: empty}}, &wrong{
			CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: empty},
			ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: empty},
			CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: empty},
			ExpectedRevisionOption:        &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: empty},
		}},
		{"till-4", &streams.AppendReq_Options{ExpectedStreamRevision: &streams.AppendReq_Options_Revision{Revision: 7}}, &wrong{
			CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: 1},
			ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: 7},
			CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: 1},
			ExpectedRevisionOption:        &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: 7},
		}},
	} {
		resp, err := s.appendRaw(c.stream, c.expect, rawSale(9))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, resp.GetWrongExpectedVersion(), protocmp.Transform()); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	}
}

// TestRefusedAppends checks status and trailers of appends that cannot be.
func TestRefusedAppends(t *testing.T) {
	big := func(n int) *streams.AppendReq_ProposedMessage {
		m := rawSale(n)
		m.Data = make([]byte, 700<<10)
		return m
	}
	without := func(property string) *streams.AppendReq_ProposedMessage {
		m := rawSale(1)
		delete(m.Metadata, property)
		return m
	}
	unnamed := rawSale(1)
	unnamed.Id = nil
	tomb := rawSale(1)
	tomb.Metadata["type"] = "$streamDeleted"
	for _, c := range []struct {
		name, stream string
		events       []*streams.AppendReq_ProposedMessage
		code         string
		trailers     map[string]string
	}{
		{
			"more than a mebibyte", "till-4",
			[]*streams.AppendReq_ProposedMessage{big(1), big(2), big(3), big(4)},
			"InvalidArgument",
			map[string]string{"exception": "maximum-append-size-exceeded", "maximum-append-size": "1048576"},
		},
		{
			"no type", "till-4",
			[]*streams.AppendReq_ProposedMessage{without("type")},
			"InvalidArgument",
			map[string]string{"exception": "missing-required-metadata-property"},
		},
		{
			"no content type", "till-4",
			[]*streams.AppendReq_ProposedMessage{without("content-type")},
			"InvalidArgument",
			map[string]string{"exception": "missing-required-metadata-property"},
		},
		{"no id", "till-4", []*streams.AppendReq_ProposedMessage{unnamed}, "InvalidArgument", nil},
		{"a tombstone of one's own", "till-4", []*streams.AppendReq_ProposedMessage{tomb}, "InvalidArgument", nil},
		{"to no stream", "", []*streams.AppendReq_ProposedMessage{rawSale(1)}, "InvalidArgument", nil},
		{"to $all", "$all", []*streams.AppendReq_ProposedMessage{rawSale(1)}, "InvalidArgument", nil},
		{"to a name with a line break", "till\n4", []*streams.AppendReq_ProposedMessage{rawSale(1)}, "InvalidArgument", nil},
	} {
		s := openTill(t)
		anyRev := &streams.AppendReq_Options{ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}}}
		resp, err := s.appendRaw(c.stream, anyRev, c.events...)
		s.wantStatus(c.name, err, c.code, c.trailers)
		if resp != nil {
			t.Errorf("%s: answer %v beside the error", c.name, resp)
		}
		if head, err := s.log.Head(t.Context()); head != 0 || err != nil {
			t.Errorf("%s: head = %d, %v, want nothing written", c.name, head, err)
		}
	}
}
