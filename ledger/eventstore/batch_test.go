package eventstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A batcher is one long-lived BatchAppend call, as npm holds it.
type batcher struct {
	t    *testing.T
	call streams.Streams_BatchAppendClient
}

func (s *till) batch() *batcher {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	s.t.Cleanup(cancel)
	call, err := streams.NewStreamsClient(s.raw()).BatchAppend(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return &batcher{s.t, call}
}

func correlation(n int) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_String_{String_: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)).String()}}
}

func batchOptions(stream string) *streams.BatchAppendReq_Options {
	return &streams.BatchAppendReq_Options{
		StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(stream)},
		ExpectedStreamPosition: &streams.BatchAppendReq_Options_Any{Any: &emptypb.Empty{}},
		DeadlineOption: &streams.BatchAppendReq_Options_Deadline_21_10_0{
			Deadline_21_10_0: timestamppb.New(time.Now().Add(time.Hour)),
		},
	}
}

func batchSales(ns ...int) []*streams.BatchAppendReq_ProposedMessage {
	var out []*streams.BatchAppendReq_ProposedMessage
	for _, n := range ns {
		r := rawSale(n)
		out = append(out, &streams.BatchAppendReq_ProposedMessage{Id: r.Id, Metadata: r.Metadata, Data: r.Data})
	}
	return out
}

func (b *batcher) send(m *streams.BatchAppendReq) {
	b.t.Helper()
	if err := b.call.Send(m); err != nil {
		b.t.Fatal(err)
	}
}

func (b *batcher) answer() *streams.BatchAppendResp {
	b.t.Helper()
	m, err := b.call.Recv()
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// TestBatchAppend checks that an append in chunks is stored as one, and that
// the answer repeats what it is the answer to.
func TestBatchAppend(t *testing.T) {
	s := openTill(t)
	b := s.batch()
	o := batchOptions("till-4")
	b.send(&streams.BatchAppendReq{CorrelationId: correlation(1), Options: o, ProposedMessages: batchSales(0, 1)})
	b.send(&streams.BatchAppendReq{CorrelationId: correlation(2), Options: batchOptions("till-5"), ProposedMessages: batchSales(9), IsFinal: true})
	first := b.answer()
	b.send(&streams.BatchAppendReq{CorrelationId: correlation(1), ProposedMessages: batchSales(2), IsFinal: true})
	want := &streams.BatchAppendResp{
		CorrelationId: correlation(1), StreamIdentifier: o.StreamIdentifier,
		ExpectedStreamPosition: &streams.BatchAppendResp_Any{Any: &emptypb.Empty{}},
		Result: &streams.BatchAppendResp_Success_{Success: &streams.BatchAppendResp_Success{
			CurrentRevisionOption: &streams.BatchAppendResp_Success_CurrentRevision{CurrentRevision: 2},
			PositionOption: &streams.BatchAppendResp_Success_Position{
				Position: &shared.AllStreamPosition{CommitPosition: 4, PreparePosition: 4},
			},
		}},
	}
	if diff := cmp.Diff(want, b.answer(), protocmp.Transform()); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if !proto.Equal(first.GetCorrelationId(), correlation(2)) || first.GetSuccess() == nil {
		t.Errorf("first answer = %v, want the append that was whole", first)
	}
	same(t, "revisions", s.revisions("till-4"), []uint64{0, 1, 2})
}

// TestBatchAppendKeepsTheOrder checks that appends to one stream that are on
// their way together are made in the order in which they were sent.
func TestBatchAppendKeepsTheOrder(t *testing.T) {
	s := openTill(t)
	b := s.batch()
	const n = 300
	go func() {
		for i := range n {
			_ = b.call.Send(&streams.BatchAppendReq{
				CorrelationId: correlation(i), Options: batchOptions(fmt.Sprintf("till-%d", i%3)), ProposedMessages: batchSales(i), IsFinal: true,
			})
		}
	}()
	for range n {
		if m := b.answer(); m.GetSuccess() == nil {
			t.Fatalf("answer = %v", m)
		}
	}
	for till := range 3 {
		events, err := s.forwards(fmt.Sprintf("till-%d", till))
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range events {
			if want := fmt.Sprintf(`{"sale":%d}`, 3*i+till); string(e.Event.Data) != want {
				t.Fatalf("till-%d/%d = %s, want %s", till, i, e.Event.Data, want)
			}
		}
	}
}

// TestBatchAppendRefused checks the error inside the answer for each reason,
// and that the call goes on after it.
func TestBatchAppendRefused(t *testing.T) {
	s := openTill(t)
	ended(s)
	s.appended("till-6", esdb.Any{}, sale(50))
	b := s.batch()
	for i, c := range []struct {
		name   string
		change func(*streams.BatchAppendReq)
		code   int32
		detail proto.Message
	}{
		{"a wrong version", func(m *streams.BatchAppendReq) {
			m.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: 7}
		}, 6, &shared.WrongExpectedVersion{
			CurrentStreamRevisionOption:  &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &emptypb.Empty{}},
			ExpectedStreamPositionOption: &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: 7},
		}},
		{"a stream that is there", func(m *streams.BatchAppendReq) {
			m.Options.StreamIdentifier.StreamName = []byte("till-6")
			m.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}
		}, 6, &shared.WrongExpectedVersion{
			CurrentStreamRevisionOption:  &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: 0},
			ExpectedStreamPositionOption: &shared.WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &emptypb.Empty{}},
		}},
		{"an ended stream", func(m *streams.BatchAppendReq) {
			m.Options.StreamIdentifier.StreamName = []byte("till-4")
		}, 5, &shared.StreamDeleted{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("till-4")}}},
		{"a deadline that has passed", func(m *streams.BatchAppendReq) {
			m.Options.DeadlineOption = &streams.BatchAppendReq_Options_Deadline_21_10_0{Deadline_21_10_0: timestamppb.New(time.Now().Add(-time.Second))}
		}, 4, &shared.Timeout{}},
		{"no time at all", func(m *streams.BatchAppendReq) {
			m.Options.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(-1)}
		}, 4, &shared.Timeout{}},
		{"too many bytes", func(m *streams.BatchAppendReq) {
			m.ProposedMessages[0].Data = make([]byte, 1<<20)
		}, 3, &shared.MaximumAppendSizeExceeded{MaxAppendSize: 1 << 20}},
		{"no options", func(m *streams.BatchAppendReq) { m.Options = nil }, 3, nil},
		{"no type", func(m *streams.BatchAppendReq) { delete(m.ProposedMessages[0].Metadata, "type") }, 3, nil},
		{"an id that is in use", func(m *streams.BatchAppendReq) { m.ProposedMessages = batchSales(50) }, 3, nil},
		{"a visit", func(m *streams.BatchAppendReq) { m.Options.StreamIdentifier.StreamName = []byte("visit-1") }, 3, nil},
		{"a cut of a visit", func(m *streams.BatchAppendReq) {
			m.Options.StreamIdentifier.StreamName = []byte("$$visit-1")
			m.ProposedMessages[0].Data = []byte(`{"$tb":1}`)
		}, 7, &shared.AccessDenied{}},
	} {
		m := &streams.BatchAppendReq{CorrelationId: correlation(i), Options: batchOptions("till-5"), ProposedMessages: batchSales(100 + i), IsFinal: true}
		c.change(m)
		b.send(m)
		got := b.answer()
		if got.GetError().GetCode() != c.code || len(got.GetError().GetDetails()) != 1 || !proto.Equal(got.GetCorrelationId(), m.CorrelationId) {
			t.Errorf("%s: answer = %v, want code %d", c.name, got, c.code)
			continue
		}
		detail, err := got.GetError().GetDetails()[0].UnmarshalNew()
		if c.detail == nil {
			c.detail = &shared.BadRequest{Message: got.GetError().GetMessage()}
		}
		if err != nil || !proto.Equal(detail, c.detail) {
			t.Errorf("%s: detail = %v, %v, want %v", c.name, detail, err, c.detail)
		}
	}
	b.send(&streams.BatchAppendReq{CorrelationId: correlation(99), Options: batchOptions("till-5"), ProposedMessages: batchSales(99), IsFinal: true})
	if m := b.answer(); m.GetSuccess() == nil {
		t.Errorf("after refusals: %v", m)
	}
}
