package eventstore

import (
	"errors"
	"io"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/vouchledger/vouch/ledger"
)

// streamService is Streams: Append, BatchAppend, Read, Delete and Tombstone.
type streamService struct {
	streams.UnimplementedStreamsServer
	s *Server
}

// maxDrained bounds what is read of an append after it has been refused.
const maxDrained = 64 << 20

// Append takes options, then events, and appends them all or none.
func (v streamService) Append(call streams.Streams_AppendServer) error {
	first, err := call.Recv()
	if err != nil {
		return ended(err)
	}
	options := first.GetOptions()
	expected, err := appendExpects(options)
	if err != nil {
		drain(call, maxDrained)
		return err
	}
	drafts, err := v.s.receive(call)
	if err != nil {
		return err
	}
	stream := ledger.StreamID(options.GetStreamIdentifier().GetStreamName())
	w, err := v.s.write(call.Context(), requester(call.Context()), stream, expected, drafts)
	var wrong *versionError
	if errors.As(err, &wrong) {
		return call.SendAndClose(&streams.AppendResp{Result: wrongVersion(wrong)})
	}
	if err != nil {
		return err
	}
	return call.SendAndClose(appended(w))
}

// ended makes a call that broke off before it began an error of the client.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return invalid("append: no message came")
	}
	return err
}

// receive reads the events of an append. A client that is refused while it is
// still sending may never see why, so the rest is read first.
func (s *Server) receive(call streams.Streams_AppendServer) ([]ledger.Draft, error) {
	in := intake{s: s}
	for {
		req, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return in.drafts, nil
		}
		if err != nil {
			return nil, err
		}
		m := req.GetProposedMessage()
		if m == nil {
			err = invalid("append: events only, after the options")
		} else {
			err = in.add(m)
		}
		if err != nil {
			drain(call, maxDrained)
			return nil, err
		}
	}
}

// A proposed event, of Append or of BatchAppend.
type proposed interface {
	GetId() *shared.UUID
	GetMetadata() map[string]string
	GetCustomMetadata() []byte
	GetData() []byte
}

// An intake turns proposed events into drafts and counts their bytes.
type intake struct {
	s      *Server
	drafts []ledger.Draft
	bytes  int
}

func (in *intake) add(m proposed) error {
	id, err := fromUUID(m.GetId())
	if err != nil {
		return err
	}
	kind, ok := m.GetMetadata()["type"]
	if !ok {
		return missingProperty("type")
	}
	content, ok := m.GetMetadata()["content-type"]
	if !ok {
		return missingProperty("content-type")
	}
	d := ledger.Draft{
		ID: id, Kind: ledger.Kind(kind), Occurred: ledger.Instant(in.s.now()), Body: m.GetData(),
		Binary: content != contentJSON,
	}
	if len(m.GetCustomMetadata()) > 0 {
		d.Metadata = m.GetCustomMetadata()
	}
	in.bytes += len(d.Body) + len(d.Metadata) + 2*len(kind) // as EventStoreDB counts: types are UTF-16
	if in.bytes > in.s.cfg.MaxAppend {
		return appendTooLarge(in.s.cfg.MaxAppend)
	}
	in.drafts = append(in.drafts, d)
	return nil
}

func appendExpects(o *streams.AppendReq_Options) (int64, error) {
	switch e := o.GetExpectedStreamRevision().(type) {
	case *streams.AppendReq_Options_Revision:
		return revision(e.Revision), nil
	case *streams.AppendReq_Options_NoStream:
		return noStream, nil
	case *streams.AppendReq_Options_Any:
		return anyVersion, nil
	case *streams.AppendReq_Options_StreamExists:
		return streamExists, nil
	default:
		return 0, invalid("append: the first message must be the options, with an expected revision")
	}
}

func appended(w written) *streams.AppendResp {
	out := &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_NoStream{NoStream: &shared.Empty{}},
		PositionOption:        &streams.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}},
	}
	if w.revision >= 0 {
		out.CurrentRevisionOption = &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(w.revision)}
	}
	if w.position > 0 {
		out.PositionOption = &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{
			CommitPosition: w.position, PreparePosition: w.position,
		}}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: out}}
}

// wrongVersion says it twice: once for clients from before 20.6.1.
func wrongVersion(e *versionError) *streams.AppendResp_WrongExpectedVersion_ {
	type answer = streams.AppendResp_WrongExpectedVersion
	out := &answer{}
	if e.actual < 0 {
		out.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}}
		out.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: &shared.Empty{}}
	} else {
		at := uint64(e.actual)
		out.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: at}
		out.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: at}
	}
	switch e.expected {
	case anyVersion:
		out.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: &shared.Empty{}}
		out.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: &shared.Empty{}}
	case streamExists:
		out.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
		out.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: &shared.Empty{}}
	case noStream:
		out.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
		out.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: 1<<64 - 1}
	default:
		at := uint64(e.expected) //nolint:gosec // not negative
		out.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: at}
		out.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: at}
	}
	return &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: out}
}
