package eventstore

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/vouchledger/vouch/ledger"
)

// Bounds of one batch-append call.
const (
	maxAppending = 64 // appends on their way to the disk at once
	maxOpen      = 64 // appends of which only a part has come; each holds up to MaxAppend
)

// BatchAppend takes many appends on one long-lived call, each in chunks under a
// correlation id, and answers each on its own. Appends to one stream are made
// in the order in which they were finished; others go side by side, so that
// they share syncs.
func (v streamService) BatchAppend(call streams.Streams_BatchAppendServer) error {
	b := &batch{
		s: v.s, call: call, open: make(map[ledger.ID]*chunked),
		tail: make(map[ledger.StreamID]chan struct{}), slots: make(chan struct{}, maxAppending),
	}
	defer b.wg.Wait()
	for {
		req, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := b.take(req); err != nil {
			return err
		}
	}
}

// A batch is one call of BatchAppend.
type batch struct {
	s    *Server
	call streams.Streams_BatchAppendServer
	open map[ledger.ID]*chunked

	wg     sync.WaitGroup
	slots  chan struct{}
	mu     sync.Mutex
	tail   map[ledger.StreamID]chan struct{} // closed when the last append to the stream is done
	sendMu sync.Mutex
}

// chunked is an append that comes in chunks.
type chunked struct {
	correlation *shared.UUID
	options     *streams.BatchAppendReq_Options
	expected    int64
	deadline    time.Time // zero: none
	intake      intake
	refused     error
}

// take adds one chunk, and starts the append when it is whole. Its error ends
// the call.
func (b *batch) take(req *streams.BatchAppendReq) error {
	id, err := fromUUID(req.GetCorrelationId())
	if err != nil {
		return invalid("batch append: no correlation id")
	}
	c := b.open[id]
	if c == nil {
		if len(b.open) == maxOpen {
			return refuse(codes.ResourceExhausted, "", "batch append: too many appends that were not finished")
		}
		c = b.begin(req)
		b.open[id] = c
	}
	for _, m := range req.GetProposedMessages() {
		if c.refused == nil {
			c.refused = c.intake.add(m)
		}
	}
	if !req.GetIsFinal() {
		return nil
	}
	delete(b.open, id)
	return b.start(c)
}

// begin reads the options, which come with the first chunk.
func (b *batch) begin(req *streams.BatchAppendReq) *chunked {
	c := &chunked{correlation: req.GetCorrelationId(), options: req.GetOptions(), intake: intake{s: b.s}}
	switch e := c.options.GetExpectedStreamPosition().(type) {
	case *streams.BatchAppendReq_Options_StreamPosition:
		c.expected = revision(e.StreamPosition)
	case *streams.BatchAppendReq_Options_NoStream:
		c.expected = noStream
	case *streams.BatchAppendReq_Options_Any:
		c.expected = anyVersion
	case *streams.BatchAppendReq_Options_StreamExists:
		c.expected = streamExists
	default:
		c.refused = invalid("batch append: no options with an expected position in the first chunk")
	}
	switch d := c.options.GetDeadlineOption().(type) {
	case *streams.BatchAppendReq_Options_Deadline_21_10_0:
		c.deadline = d.Deadline_21_10_0.AsTime()
	case *streams.BatchAppendReq_Options_Deadline:
		c.deadline = b.s.now().Add(d.Deadline.AsDuration())
	}
	return c
}

// start makes the append in its turn. It waits while too many are on their way.
func (b *batch) start(c *chunked) error {
	select {
	case b.slots <- struct{}{}:
	case <-b.call.Context().Done():
		return b.call.Context().Err()
	}
	stream := ledger.StreamID(c.options.GetStreamIdentifier().GetStreamName())
	done := make(chan struct{})
	b.mu.Lock()
	before := b.tail[stream]
	b.tail[stream] = done
	b.mu.Unlock()
	b.wg.Go(func() {
		if before != nil {
			<-before
		}
		w, err := b.append(stream, c)
		close(done)
		b.mu.Lock()
		if b.tail[stream] == done {
			delete(b.tail, stream)
		}
		b.mu.Unlock()
		b.answer(c, w, err)
		<-b.slots
	})
	return nil
}

// errTimeout means that the deadline of an append passed.
var errTimeout = errors.New("the append's deadline has passed")

func (b *batch) append(stream ledger.StreamID, c *chunked) (written, error) {
	if c.refused != nil {
		return written{}, c.refused
	}
	ctx := b.call.Context()
	if !c.deadline.IsZero() {
		left := c.deadline.Sub(b.s.now())
		if left <= 0 {
			return written{}, errTimeout
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	if err := b.s.stillIn(ctx); err != nil {
		return written{}, err
	}
	w, err := b.s.write(ctx, requester(ctx), stream, c.expected, c.intake.drafts)
	if errors.Is(err, context.DeadlineExceeded) {
		return written{}, errTimeout
	}
	return w, err
}

// answer sends the result of one append. That the client has gone ends the call
// elsewhere.
func (b *batch) answer(c *chunked, w written, err error) {
	out := &streams.BatchAppendResp{
		CorrelationId: c.correlation, StreamIdentifier: c.options.GetStreamIdentifier(),
	}
	switch c.options.GetExpectedStreamPosition().(type) {
	case *streams.BatchAppendReq_Options_StreamPosition:
		out.ExpectedStreamPosition = &streams.BatchAppendResp_StreamPosition{StreamPosition: c.options.GetStreamPosition()}
	case *streams.BatchAppendReq_Options_NoStream:
		out.ExpectedStreamPosition = &streams.BatchAppendResp_NoStream{NoStream: &emptypb.Empty{}}
	case *streams.BatchAppendReq_Options_Any:
		out.ExpectedStreamPosition = &streams.BatchAppendResp_Any{Any: &emptypb.Empty{}}
	case *streams.BatchAppendReq_Options_StreamExists:
		out.ExpectedStreamPosition = &streams.BatchAppendResp_StreamExists{StreamExists: &emptypb.Empty{}}
	}
	if err != nil {
		out.Result = &streams.BatchAppendResp_Error{Error: b.s.batchError(b.call.Context(), c, err)}
	} else {
		out.Result = &streams.BatchAppendResp_Success_{Success: batchSuccess(w)}
	}
	b.sendMu.Lock()
	defer b.sendMu.Unlock()
	_ = b.call.Send(out)
}

func batchSuccess(w written) *streams.BatchAppendResp_Success {
	out := &streams.BatchAppendResp_Success{
		CurrentRevisionOption: &streams.BatchAppendResp_Success_NoStream{NoStream: &emptypb.Empty{}},
		PositionOption:        &streams.BatchAppendResp_Success_NoPosition{NoPosition: &emptypb.Empty{}},
	}
	if w.revision >= 0 {
		out.CurrentRevisionOption = &streams.BatchAppendResp_Success_CurrentRevision{CurrentRevision: uint64(w.revision)}
	}
	if w.position > 0 {
		out.PositionOption = &streams.BatchAppendResp_Success_Position{Position: &shared.AllStreamPosition{
			CommitPosition: w.position, PreparePosition: w.position,
		}}
	}
	return out
}

// batchError turns an error into the status inside the answer, with the message
// in it that clients go by.
func (s *Server) batchError(ctx context.Context, c *chunked, err error) *rpc.Status {
	var wrong *versionError
	if errors.As(err, &wrong) {
		return rpcStatus(codes.AlreadyExists, wrong.Error(), wrongVersionDetail(wrong))
	}
	if errors.Is(err, errTimeout) {
		return rpcStatus(codes.DeadlineExceeded, err.Error(), &shared.Timeout{})
	}
	r, foreseen := refusalOf(err)
	if !foreseen {
		s.logger.ErrorContext(ctx, "batch append failed", slog.Any("error", err))
	}
	switch r.exception() {
	case "stream-deleted":
		return rpcStatus(codes.NotFound, r.message, &shared.StreamDeleted{StreamIdentifier: c.options.GetStreamIdentifier()})
	case "access-denied":
		return rpcStatus(codes.PermissionDenied, r.message, &shared.AccessDenied{})
	case "maximum-append-size-exceeded":
		limit := uint32(s.cfg.MaxAppend) //nolint:gosec // a few MiB
		return rpcStatus(codes.InvalidArgument, r.message, &shared.MaximumAppendSizeExceeded{MaxAppendSize: limit})
	}
	if r.code == codes.Unauthenticated {
		return rpcStatus(codes.PermissionDenied, r.message, &shared.AccessDenied{})
	}
	if r.code == codes.InvalidArgument || r.code == codes.AlreadyExists {
		return rpcStatus(codes.InvalidArgument, r.message, &shared.BadRequest{Message: r.message})
	}
	return rpcStatus(codes.Unknown, r.message, &shared.Unknown{})
}

func rpcStatus(code codes.Code, message string, detail proto.Message) *rpc.Status {
	packed, err := anypb.New(detail)
	if err != nil {
		panic("eventstore: " + err.Error()) // the details are ours and always encode
	}
	return &rpc.Status{Code: int32(code), Message: message, Details: []*anypb.Any{packed}} //nolint:gosec // small
}

func wrongVersionDetail(e *versionError) *shared.WrongExpectedVersion {
	out := &shared.WrongExpectedVersion{}
	if e.actual < 0 {
		out.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &emptypb.Empty{}}
	} else {
		out.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: uint64(e.actual)}
	}
	switch e.expected {
	case anyVersion:
		out.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedAny{ExpectedAny: &emptypb.Empty{}}
	case streamExists:
		out.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &emptypb.Empty{}}
	case noStream:
		out.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &emptypb.Empty{}}
	default:
		at := uint64(e.expected) //nolint:gosec // not negative
		out.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: at}
	}
	return out
}
