package eventstore

import (
	"context"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"

	"github.com/vouchledger/vouch/ledger"
)

// Delete hides a stream's events from its readers. Appending brings the stream
// back with the revisions going on.
func (v streamService) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	var expected int64
	switch e := req.GetOptions().GetExpectedStreamRevision().(type) {
	case *streams.DeleteReq_Options_Revision:
		expected = revision(e.Revision)
	case *streams.DeleteReq_Options_NoStream:
		expected = noStream
	case *streams.DeleteReq_Options_Any:
		expected = anyVersion
	case *streams.DeleteReq_Options_StreamExists:
		expected = streamExists
	default:
		return nil, invalid("delete: no expected revision")
	}
	stream := ledger.StreamID(req.GetOptions().GetStreamIdentifier().GetStreamName())
	r, err := v.s.remove(ctx, stream, expected, "deletion", func() (ledger.Record, error) {
		body, err := withTruncateBefore(nil, deletedStream)
		if err != nil {
			return ledger.Record{}, err
		}
		return v.s.appendMetadata(ctx, stream, body)
	})
	if err != nil {
		return nil, err
	}
	out := &streams.DeleteResp_Position{CommitPosition: r.Position, PreparePosition: r.Position}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{Position: out}}, nil
}

// Tombstone ends a stream for ever.
func (v streamService) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	var expected int64
	switch e := req.GetOptions().GetExpectedStreamRevision().(type) {
	case *streams.TombstoneReq_Options_Revision:
		expected = revision(e.Revision)
	case *streams.TombstoneReq_Options_NoStream:
		expected = noStream
	case *streams.TombstoneReq_Options_Any:
		expected = anyVersion
	case *streams.TombstoneReq_Options_StreamExists:
		expected = streamExists
	default:
		return nil, invalid("tombstone: no expected revision")
	}
	stream := ledger.StreamID(req.GetOptions().GetStreamIdentifier().GetStreamName())
	r, err := v.s.remove(ctx, stream, expected, "a tombstone", func() (ledger.Record, error) {
		id, err := v.s.newID()
		if err != nil {
			return ledger.Record{}, err
		}
		return v.s.appendSystem(ctx, stream, ledger.Any(), ledger.Draft{
			ID: id, Kind: kindDeleted, Occurred: ledger.Instant(v.s.now()), Binary: true,
		})
	})
	if err != nil {
		return nil, err
	}
	out := &streams.TombstoneResp_Position{CommitPosition: r.Position, PreparePosition: r.Position}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{Position: out}}, nil
}

// remove calls do if the stream may be removed and is as expected. Nobody can
// append between the check and do.
func (s *Server) remove(
	ctx context.Context, stream ledger.StreamID, expected int64, what string, do func() (ledger.Record, error),
) (ledger.Record, error) {
	if err := s.writable(ctx, requester(ctx), stream, remove); err != nil {
		return ledger.Record{}, err
	}
	if original(stream).Own() {
		return ledger.Record{}, appendOnly(original(stream), what)
	}
	if isMeta(stream) {
		return ledger.Record{}, refuse(codes.InvalidArgument, "invalid-transaction",
			"metadata is deleted with its stream, not alone")
	}
	l := s.lock(stream)
	l.Lock()
	defer l.Unlock()
	st, err := s.state(ctx, stream)
	if err != nil {
		return ledger.Record{}, err
	}
	if _, _, err := s.check(ctx, st, expected, nil); err != nil {
		return ledger.Record{}, err
	}
	return do()
}
