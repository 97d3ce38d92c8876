package eventstore

import (
	"context"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/vouchledger/vouch/ledger"
)

// A reading is one call of Read.
type reading struct {
	s      *Server
	ctx    context.Context //nolint:containedctx // it lives as long as the call
	user   User
	opts   *streams.ReadReq_Options
	text   bool // ids as text
	filter *filter
	send   func(*streams.ReadResp) error
}

// Read is both reading and subscribing, of one stream and of $all.
func (v streamService) Read(req *streams.ReadReq, call streams.Streams_ReadServer) error {
	o := req.GetOptions()
	r := &reading{
		s: v.s, ctx: call.Context(), user: requester(call.Context()), opts: o,
		send: call.Send,
	}
	switch o.GetUuidOption().GetContent().(type) {
	case *streams.ReadReq_Options_UUIDOption_Structured:
	case *streams.ReadReq_Options_UUIDOption_String_:
		r.text = true
	default:
		return invalid("read: say how ids are to be written (uuid_option)")
	}
	switch o.GetCountOption().(type) {
	case *streams.ReadReq_Options_Count, *streams.ReadReq_Options_Subscription:
	default:
		return invalid("read: neither a count nor a subscription")
	}
	var err error
	switch of := o.GetStreamOption().(type) {
	case *streams.ReadReq_Options_Stream:
		err = r.readStream(of.Stream)
	case *streams.ReadReq_Options_All:
		err = r.readAll(of.All)
	default:
		err = invalid("read: neither a stream nor $all")
	}
	return err
}

func (r *reading) subscribes() bool {
	_, ok := r.opts.GetCountOption().(*streams.ReadReq_Options_Subscription)
	return ok
}

func (r *reading) backwards() bool {
	return r.opts.GetReadDirection() == streams.ReadReq_Options_Backwards
}

// limit returns how many events are wanted, as a limit of a query.
func (r *reading) limit() int {
	return int(min(r.opts.GetCount(), math.MaxInt)) //nolint:gosec // bounded
}

// newer reports whether the client knows the messages that came after the
// first clients. The others stop at a message they do not know.
func (r *reading) newer() bool { return r.opts.GetControlOption().GetCompatibility() >= 1 }

// deliver sends the event of a record.
func (r *reading) deliver(record ledger.Record) error {
	if err := r.s.stillIn(r.ctx); err != nil {
		return err
	}
	e, err := r.s.resolve(r.ctx, r.user, record, r.opts.GetResolveLinks())
	if err != nil {
		return err
	}
	m, err := e.toRead(r.text)
	if err != nil {
		return err
	}
	return r.send(m)
}

// readStream reads or subscribes to one stream.
func (r *reading) readStream(o *streams.ReadReq_Options_StreamOptions) error {
	stream := ledger.StreamID(o.GetStreamIdentifier().GetStreamName())
	if err := stream.Validate(); err != nil {
		return err
	}
	if err := r.s.allowed(r.ctx, r.user, stream, read); err != nil {
		return err
	}
	if r.subscribes() {
		return r.subscribeStream(stream, o)
	}
	st, err := r.s.state(r.ctx, stream)
	if err != nil {
		return err
	}
	if st.tombstoned {
		return streamDeleted(stream)
	}
	if !st.exists() {
		return r.send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
			StreamNotFound: &streams.ReadResp_StreamNotFound{StreamIdentifier: toStream(stream)},
		}})
	}
	return r.readVisible(st, o)
}

// readVisible sends what may be seen of a stream that exists.
func (r *reading) readVisible(st state, o *streams.ReadReq_Options_StreamOptions) error {
	first, err := r.s.visible(r.ctx, st)
	if err != nil {
		return err
	}
	q := ledger.Query{Stream: st.stream, Backwards: r.backwards(), Limit: r.limit()}
	empty := q.Limit == 0
	switch at := o.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		q.From = at.Revision
	case *streams.ReadReq_Options_StreamOptions_End:
		q.From = ledger.End
		empty = empty || !q.Backwards
	default: // the start
		q.From = 0
	}
	if !q.Backwards {
		if r.newer() && q.From < first && !empty {
			m := &streams.ReadResp_FirstStreamPosition{FirstStreamPosition: first}
			if err := r.send(&streams.ReadResp{Content: m}); err != nil {
				return err
			}
		}
		q.From = max(q.From, first)
	}
	if !empty {
		err = r.sendAll(q, func(rec ledger.Record) bool { return rec.Revision >= first })
	}
	if err == nil && r.newer() {
		m := &streams.ReadResp_LastStreamPosition{LastStreamPosition: st.next - 1}
		err = r.send(&streams.ReadResp{Content: m})
	}
	return err
}

// sendAll sends the events of q until one is not wanted.
func (r *reading) sendAll(q ledger.Query, wanted func(ledger.Record) bool) error {
	for rec, err := range r.s.log.Read(r.ctx, q) {
		if err != nil {
			return err
		}
		if !wanted(rec) {
			return nil
		}
		if err := r.deliver(rec); err != nil {
			return err
		}
	}
	return nil
}

// readAll reads or subscribes to $all.
func (r *reading) readAll(o *streams.ReadReq_Options_AllOptions) error {
	err := r.s.allowed(r.ctx, r.user, allStream, read)
	if err != nil {
		return err
	}
	if r.filter, err = newFilter(r.opts.GetFilter()); err != nil {
		return err
	}
	if r.subscribes() {
		return r.subscribeAll(o)
	}
	q := ledger.Query{Backwards: r.backwards(), Prefixes: r.filter.streamPrefixes()}
	switch at := o.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		q.From = at.Position.GetCommitPosition()
		if q.Backwards { // positions lie behind their event
			if q.From == 0 {
				return nil
			}
			q.From--
		}
	case *streams.ReadReq_Options_AllOptions_End:
		q.From = ledger.End
		if !q.Backwards {
			return nil
		}
	default: // the start
		if q.Backwards {
			return nil
		}
	}
	left := r.limit()
	for rec, err := range r.s.log.Read(r.ctx, q) {
		if err != nil {
			return err
		}
		if left == 0 {
			return nil
		}
		if !r.filter.wants(rec) {
			continue
		}
		if err := r.deliver(rec); err != nil {
			return err
		}
		left--
	}
	return nil
}
