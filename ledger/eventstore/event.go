package eventstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/envelope"
)

const (
	contentJSON   = "application/json"
	contentBinary = "application/octet-stream"
)

// An event is what a reader gets: a record, or a link and what it points to.
type event struct {
	record ledger.Record // zero if a link points to nothing that the reader may see
	link   ledger.Record // zero if it was no link, or links were not to be followed
}

// at returns the record whose place in the stream or in $all the reader is at:
// the link's if there is one.
func (e event) at() ledger.Record {
	if e.link.Position > 0 {
		return e.link
	}
	return e.record
}

// revisionOf returns the revision that readers see: a tombstone is the last
// event that any stream can have.
func revisionOf(r ledger.Record) uint64 {
	if r.Kind == kindDeleted {
		return deletedStream
	}
	return r.Revision
}

// systemMetadata returns what EventStoreDB itself says about an event. Clients
// stop their process if created is not a number of 100 nanoseconds.
func systemMetadata(r ledger.Record) map[string]string {
	content := contentJSON
	if r.Binary {
		content = contentBinary
	}
	return map[string]string{
		"type":         string(r.Kind),
		"content-type": content,
		"created":      strconv.FormatInt(r.Recorded.UnixMicro()*10, 10),
	}
}

// customMetadata returns the producer's: of a foreign event its bytes, of our
// own the envelope.
func customMetadata(r ledger.Record) ([]byte, error) {
	if !r.Stream.Own() {
		return r.Metadata, nil
	}
	e := envelope.OfRecord(r)
	// A log takes any bytes as an actor, JSON does not; one odd event must not end
	// everybody's reading of $all.
	e.Actor = strings.ToValidUTF8(e.Actor, "\uFFFD")
	b, err := e.Marshal()
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", r.ID, err)
	}
	return b, nil
}

// resolve follows r if it is a link and links are to be followed. A target that
// is gone, hidden or not for u is left out.
func (s *Server) resolve(ctx context.Context, u User, r ledger.Record, links bool) (event, error) {
	if !links || r.Kind != kindLink {
		return event{record: r}, nil
	}
	e := event{link: r}
	number, name, ok := strings.Cut(string(r.Body), "@")
	revision, err := strconv.ParseUint(number, 10, 64)
	stream := ledger.StreamID(name)
	if !ok || err != nil || stream.Validate() != nil {
		return e, nil
	}
	var denied *refusal
	if err := s.allowed(ctx, u, stream, read); errors.As(err, &denied) {
		return e, nil
	} else if err != nil {
		return event{}, err
	}
	st, err := s.state(ctx, stream)
	if err != nil {
		return event{}, err
	}
	if st.tombstoned || !st.exists() || revision >= st.next {
		return e, nil
	}
	first, err := s.visible(ctx, st)
	if err != nil || revision < first {
		return e, err
	}
	e.record, err = s.first(ctx, ledger.Query{Stream: stream, From: revision})
	return e, err
}

// toRead turns e into a message of Streams.Read.
func (e event) toRead(text bool) (*streams.ReadResp, error) {
	var out streams.ReadResp_ReadEvent
	var err error
	if e.record.Position > 0 {
		if out.Event, err = recorded(e.record, text); err != nil {
			return nil, err
		}
	}
	if e.link.Position > 0 {
		if out.Link, err = recorded(e.link, text); err != nil {
			return nil, err
		}
	}
	out.Position = &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: e.at().Position}
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &out}}, nil
}

func recorded(r ledger.Record, text bool) (*streams.ReadResp_ReadEvent_RecordedEvent, error) {
	custom, err := customMetadata(r)
	if err != nil {
		return nil, err
	}
	return &streams.ReadResp_ReadEvent_RecordedEvent{
		Id: toUUID(r.ID, text), StreamIdentifier: toStream(r.Stream),
		StreamRevision: revisionOf(r), PreparePosition: r.Position, CommitPosition: r.Position,
		Metadata: systemMetadata(r), CustomMetadata: custom, Data: r.Body,
	}, nil
}

func toStream(s ledger.StreamID) *shared.StreamIdentifier {
	return &shared.StreamIdentifier{StreamName: []byte(s)}
}

// toUUID returns id as text (npm) or as two numbers (Go).
func toUUID(id ledger.ID, text bool) *shared.UUID {
	if text {
		return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
	}
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])), //nolint:gosec // bits
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])), //nolint:gosec // bits
	}}}
}

// fromUUID reads either form, and any spelling of the text.
func fromUUID(u *shared.UUID) (ledger.ID, error) {
	var id ledger.ID
	switch v := u.GetValue().(type) {
	case *shared.UUID_Structured_:
		binary.BigEndian.PutUint64(id[:8], uint64(v.Structured.GetMostSignificantBits()))  //nolint:gosec // bits
		binary.BigEndian.PutUint64(id[8:], uint64(v.Structured.GetLeastSignificantBits())) //nolint:gosec // bits
	case *shared.UUID_String_:
		parsed, err := uuid.Parse(v.String_)
		if err != nil {
			return ledger.ID{}, invalid("event id %q is no UUID", v.String_)
		}
		id = ledger.ID(parsed)
	default:
		return ledger.ID{}, invalid("an event without an id")
	}
	return id, nil
}
