package eventstore_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// TestReadBothWays checks each start, direction and count, of a stream and of
// everything.
func TestReadBothWays(t *testing.T) {
	s := openTill(t)
	s.appended("till-4", esdb.NoStream{}, sales(0, 3)...)  // positions 1 to 3
	s.appended("till-5", esdb.NoStream{}, sale(10))        // 4
	s.appended("till-4", esdb.Revision(2), sales(3, 5)...) // 5 and 6
	for _, c := range []struct {
		from  esdb.StreamPosition
		way   esdb.Direction
		count uint64
		want  []uint64
	}{
		{esdb.Start{}, esdb.Forwards, 10, []uint64{0, 1, 2, 3, 4}},
		{esdb.Start{}, esdb.Forwards, 2, []uint64{0, 1}},
		{esdb.Revision(3), esdb.Forwards, 10, []uint64{3, 4}},
		{esdb.Revision(5), esdb.Forwards, 10, []uint64{}},
		{esdb.End{}, esdb.Forwards, 10, []uint64{}},
		{esdb.End{}, esdb.Backwards, 10, []uint64{4, 3, 2, 1, 0}},
		{esdb.End{}, esdb.Backwards, 1, []uint64{4}},
		{esdb.Revision(1), esdb.Backwards, 10, []uint64{1, 0}},
		{esdb.Revision(99), esdb.Backwards, 1, []uint64{4}},
		{esdb.Start{}, esdb.Backwards, 10, []uint64{0}},
	} {
		r, err := s.ReadStream(t.Context(), "till-4", esdb.ReadStreamOptions{From: c.from, Direction: c.way}, c.count)
		events, err := readAll(t, r, err)
		if err != nil {
			t.Errorf("ReadStream(%v %v %d) = %v", c.from, c.way, c.count, err)
		}
		got := []uint64{}
		for _, e := range events {
			got = append(got, e.Event.EventNumber)
		}
		same(t, fmt.Sprintf("ReadStream(%v %v %d)", c.from, c.way, c.count), got, c.want)
	}
	at := func(p uint64) esdb.AllPosition { return esdb.Position{Commit: p, Prepare: p} }
	for _, c := range []struct {
		from  esdb.AllPosition
		way   esdb.Direction
		count uint64
		want  []uint64
	}{
		{esdb.Start{}, esdb.Forwards, 99, []uint64{1, 2, 3, 4, 5, 6}},
		{esdb.Start{}, esdb.Forwards, 2, []uint64{1, 2}},
		{at(4), esdb.Forwards, 99, []uint64{4, 5, 6}},
		{at(99), esdb.Forwards, 99, []uint64{}},
		{esdb.End{}, esdb.Forwards, 99, []uint64{}},
		{esdb.End{}, esdb.Backwards, 99, []uint64{6, 5, 4, 3, 2, 1}},
		{at(4), esdb.Backwards, 99, []uint64{3, 2, 1}},
		{at(0), esdb.Backwards, 99, []uint64{}},
		{esdb.Start{}, esdb.Backwards, 99, []uint64{}},
	} {
		r, err := s.ReadAll(t.Context(), esdb.ReadAllOptions{From: c.from, Direction: c.way}, c.count)
		events, err := readAll(t, r, err)
		if err != nil {
			t.Errorf("ReadAll(%v %v %d) = %v", c.from, c.way, c.count, err)
		}
		got := []uint64{}
		for _, e := range events {
			got = append(got, e.Event.Position.Commit)
		}
		same(t, fmt.Sprintf("ReadAll(%v %v %d)", c.from, c.way, c.count), got, c.want)
	}
	_, err := s.forwards("till-9")
	wantCode(t, err, esdb.ErrorCodeResourceNotFound)
}

// TestLinks checks that a link shows its target only if that is there and
// visible, and that the reader's place is always the link's.
func TestLinks(t *testing.T) {
	s := openTill(t)
	s.appended("till-4", esdb.NoStream{}, sales(0, 3)...)
	link := func(n int, to string) esdb.EventData {
		e := sale(100 + n)
		e.EventType, e.Data, e.ContentType = "$>", []byte(to), esdb.ContentTypeBinary
		return e
	}
	targets := []string{"1@till-4", "0@till-4", "7@till-4", "0@till-9", "nonsense", "x@till-4"}
	for i, to := range targets {
		s.appended("links", esdb.Any{}, link(i, to))
	}
	var m esdb.StreamMetadata
	m.SetTruncateBefore(1)
	if _, err := s.SetStreamMetadata(t.Context(), "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, m); err != nil {
		t.Fatal(err)
	}
	read := func(resolve bool) []*esdb.ResolvedEvent {
		r, err := s.ReadStream(t.Context(), "links", esdb.ReadStreamOptions{ResolveLinkTos: resolve}, 99)
		events, err := readAll(t, r, err)
		if err != nil || len(events) != len(targets) {
			t.Fatalf("ReadStream(links) = %d events, %v, want %d", len(events), err, len(targets))
		}
		return events
	}
	for i, e := range read(true) {
		switch {
		case e.Link == nil || e.Link.EventNumber != uint64(i) || *e.Commit != e.Link.Position.Commit:
			t.Errorf("link %d = %+v at %v, want the link's own place", i, e.Link, e.Commit)
		case i == 0 && (e.Event == nil || e.Event.StreamID != "till-4" || e.Event.EventNumber != 1):
			t.Errorf("link %s shows %+v", targets[i], e.Event)
		case i > 0 && e.Event != nil:
			t.Errorf("link %s shows %+v, want nothing", targets[i], e.Event)
		}
	}
	for i, e := range read(false) {
		if e.Link != nil || e.Event.EventType != "$>" || string(e.Event.Data) != targets[i] {
			t.Errorf("unresolved link %d = %+v, %+v", i, e.Event, e.Link)
		}
	}
}

// readRaw reads through the stubs and collects all messages.
func (s *till) readRaw(o *streams.ReadReq_Options) ([]*streams.ReadResp, error) {
	s.t.Helper()
	if o.UuidOption == nil {
		o.UuidOption = &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{}}
	}
	call, err := streams.NewStreamsClient(s.raw()).Read(s.t.Context(), &streams.ReadReq{Options: o})
	if err != nil {
		s.t.Fatal(err)
	}
	var out []*streams.ReadResp
	for {
		m, err := call.Recv()
		if err != nil {
			s.trailer = call.Trailer()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, err
		}
		out = append(out, m)
	}
}

func streamFrom(stream string, revision uint64) *streams.ReadReq_Options {
	return &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
			RevisionOption:   &streams.ReadReq_Options_StreamOptions_Revision{Revision: revision},
		}},
		CountOption: &streams.ReadReq_Options_Count{Count: math.MaxInt64},
	}
}

// shapes says what kinds of messages came.
func shapes(ms []*streams.ReadResp) []string {
	out := []string{}
	for _, m := range ms {
		switch c := m.GetContent().(type) {
		case *streams.ReadResp_Event:
			out = append(out, fmt.Sprintf("event %d", c.Event.GetEvent().GetStreamRevision()))
		case *streams.ReadResp_FirstStreamPosition:
			out = append(out, fmt.Sprintf("first %d", c.FirstStreamPosition))
		case *streams.ReadResp_LastStreamPosition:
			out = append(out, fmt.Sprintf("last %d", c.LastStreamPosition))
		case *streams.ReadResp_StreamNotFound_:
			out = append(out, "not found "+string(c.StreamNotFound.GetStreamIdentifier().GetStreamName()))
		default:
			out = append(out, fmt.Sprintf("%T", c))
		}
	}
	return out
}

// TestNewerClientsHearMore checks that first and last position are sent to the
// clients that ask for them and to no others: those stop their process.
func TestNewerClientsHearMore(t *testing.T) {
	s := openTill(t)
	s.appended("till-4", esdb.NoStream{}, sales(0, 4)...)
	var m esdb.StreamMetadata
	m.SetTruncateBefore(2)
	if _, err := s.SetStreamMetadata(t.Context(), "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, m); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		compatibility uint32
		from          uint64
		want          []string
	}{
		{0, 0, []string{"event 2", "event 3"}},
		{1, 0, []string{"first 2", "event 2", "event 3", "last 3"}},
		{1, 2, []string{"event 2", "event 3", "last 3"}},
	} {
		o := streamFrom("till-4", c.from)
		o.ControlOption = &streams.ReadReq_Options_ControlOption{Compatibility: c.compatibility}
		ms, err := s.readRaw(o)
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprintf("compatibility %d from %d", c.compatibility, c.from), shapes(ms), c.want)
	}
	o := streamFrom("till-9", 0)
	o.ControlOption = &streams.ReadReq_Options_ControlOption{Compatibility: 1}
	ms, err := s.readRaw(o)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a missing stream", shapes(ms), []string{"not found till-9"})
}

// TestEventOnTheWire checks the fields that clients stop at when they miss.
func TestEventOnTheWire(t *testing.T) {
	s := openTill(t)
	there(s)
	o := streamFrom("till-4", 1)
	ms, err := s.readRaw(o)
	if err != nil || len(ms) != 1 {
		t.Fatalf("Read = %v, %v, want one event", ms, err)
	}
	e := ms[0].GetEvent()
	if e.GetCommitPosition() != 2 || e.GetEvent().GetPreparePosition() != 2 || e.GetEvent().GetCommitPosition() != 2 {
		t.Errorf("positions of %v, want 2", e)
	}
	if e.GetEvent().GetId().GetString_() != sale(1).EventID.String() {
		t.Errorf("id = %v, want text", e.GetEvent().GetId())
	}
	var created int64
	if _, err := fmt.Sscan(e.GetEvent().GetMetadata()["created"], &created); err != nil {
		t.Fatalf("created = %q: %v", e.GetEvent().GetMetadata()["created"], err)
	}
	if at := time.Unix(0, created*100); time.Since(at).Abs() > time.Minute {
		t.Errorf("created = %v, want now", at)
	}
	o.UuidOption = &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{}}
	if ms, err = s.readRaw(o); err != nil || ms[0].GetEvent().GetEvent().GetId().GetStructured() == nil {
		t.Errorf("Read with structured ids = %v, %v", ms, err)
	}
}

// TestRefusedReads checks that what cannot be read is refused in words.
func TestRefusedReads(t *testing.T) {
	s := openTill(t)
	ended(s)
	_, err := s.readRaw(streamFrom("till-4", 0))
	s.wantStatus("an ended stream", err, "FailedPrecondition", map[string]string{"exception": "stream-deleted", "stream-name": "till-4"})
	for name, change := range map[string]func(*streams.ReadReq_Options){
		"no way to write ids": func(o *streams.ReadReq_Options) { o.UuidOption = &streams.ReadReq_Options_UUIDOption{} },
		"no count":            func(o *streams.ReadReq_Options) { o.CountOption = nil },
		"no stream":           func(o *streams.ReadReq_Options) { o.StreamOption = nil },
		"an empty name":       func(o *streams.ReadReq_Options) { o.GetStream().StreamIdentifier = nil },
	} {
		o := streamFrom("till-5", 0)
		change(o)
		_, err := s.readRaw(o)
		s.wantStatus(name, err, "InvalidArgument", nil)
	}
}

// allWith reads $all with a filter.
func allWith(f *streams.ReadReq_Options_FilterOptions) *streams.ReadReq_Options {
	return &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
			AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}},
		}},
		CountOption:  &streams.ReadReq_Options_Count{Count: math.MaxInt64},
		FilterOption: &streams.ReadReq_Options_Filter{Filter: f},
	}
}

// TestFilteredReads checks filters by stream and type, prefix and expression.
func TestFilteredReads(t *testing.T) {
	s := openTill(t)
	refund := sale(20)
	refund.EventType = "refund"
	s.appended("till-4", esdb.Any{}, sale(0), refund) // 1, 2
	s.appended("scale-1", esdb.Any{}, sale(1))        // 3
	onlyMetadata(s)                                   // 4: $$till-4
	byStream := func(regex string, prefixes ...string) *streams.ReadReq_Options_FilterOptions {
		return &streams.ReadReq_Options_FilterOptions{
			Filter: &streams.ReadReq_Options_FilterOptions_StreamIdentifier{
				StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Regex: regex, Prefix: prefixes},
			},
			Window: &streams.ReadReq_Options_FilterOptions_Max{Max: 32}, CheckpointIntervalMultiplier: 1,
		}
	}
	byType := func(regex string, prefixes ...string) *streams.ReadReq_Options_FilterOptions {
		f := byStream("")
		f.Filter = &streams.ReadReq_Options_FilterOptions_EventType{
			EventType: &streams.ReadReq_Options_FilterOptions_Expression{Regex: regex, Prefix: prefixes},
		}
		return f
	}
	for name, c := range map[string]struct {
		filter *streams.ReadReq_Options_FilterOptions
		want   []uint64
	}{
		"streams that start with till": {byStream("", "till-"), []uint64{1, 2}},
		"streams that start with two":  {byStream("", "till-", "scale"), []uint64{1, 2, 3}},
		"streams with a 4":             {byStream("4$"), []uint64{1, 2, 4}},
		"no system streams, in Go":     {byStream(`^[^\$].*`), []uint64{1, 2, 3}},
		"no system streams, in npm":    {byStream(`^[^$].*`), []uint64{1, 2, 3}},
		"types that start with re":     {byType("", "re"), []uint64{2}},
		"types by expression":          {byType("^(sale|refund)$"), []uint64{1, 2, 3}},
		"metadata only":                {byType("", "$metadata"), []uint64{4}},
	} {
		ms, err := s.readRaw(allWith(c.filter))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := []uint64{}
		for _, m := range ms {
			got = append(got, m.GetEvent().GetCommitPosition())
		}
		same(t, name, got, c.want)
	}
	for name, f := range map[string]*streams.ReadReq_Options_FilterOptions{
		"look-around":      byStream(`^(?!\$).*`),
		"a back-reference": byStream(`(a)\1`),
		"half a bracket":   byStream(`(`),
		"neither":          {Window: byStream("").Window, CheckpointIntervalMultiplier: 1},
	} {
		_, err := s.readRaw(allWith(f))
		s.wantStatus(name, err, "InvalidArgument", nil)
	}
	zero := allWith(byStream("", "till"))
	zero.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	zero.GetFilter().CheckpointIntervalMultiplier = 0
	_, err := s.readRaw(zero)
	s.wantStatus("checkpoints after every nothing", err, "InvalidArgument", nil)
}
