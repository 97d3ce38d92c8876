package eventstore

import (
	"iter"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/vouchledger/vouch/ledger"
)

// confirm is the first message of a subscription.
func (r *reading) confirm() error {
	id, err := r.s.newID()
	if err != nil {
		return err
	}
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: id.String()},
	}})
}

// caughtUp says that everything up to now has been sent. Servers from 25.0 on
// say more, and the clients of those deliver nothing without the time. The
// stubs of this client do not know these fields, so they go as unknown ones:
// timestamp 1, stream_revision 2, position 3.
func (r *reading) caughtUp(field protowire.Number, value []byte) error {
	now := r.s.now()
	stamp := protowire.AppendTag(nil, 1, protowire.VarintType)
	stamp = protowire.AppendVarint(stamp, uint64(now.Unix())) //nolint:gosec // after 1970
	stamp = protowire.AppendTag(stamp, 2, protowire.VarintType)
	stamp = protowire.AppendVarint(stamp, uint64(now.Nanosecond())) //nolint:gosec // not negative
	raw := protowire.AppendTag(nil, 1, protowire.BytesType)
	raw = protowire.AppendBytes(raw, stamp)
	if field != 0 {
		raw = append(raw, value...)
	}
	m := &streams.ReadResp_CaughtUp{}
	m.ProtoReflect().SetUnknown(raw)
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: m}})
}

// caughtUpAt is caughtUp for $all.
func (r *reading) caughtUpAt(position uint64) error {
	at := protowire.AppendTag(nil, 1, protowire.VarintType)
	at = protowire.AppendVarint(at, position)
	at = protowire.AppendTag(at, 2, protowire.VarintType)
	at = protowire.AppendVarint(at, position)
	return r.caughtUp(3, protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), at))
}

// subscribeStream sends what comes after the given revision: what is visible of
// it now, then everything as it comes.
func (r *reading) subscribeStream(stream ledger.StreamID, o *streams.ReadReq_Options_StreamOptions) error {
	if err := r.confirm(); err != nil {
		return err
	}
	st, err := r.s.state(r.ctx, stream)
	if err != nil {
		return err
	}
	if st.tombstoned {
		return streamDeleted(stream)
	}
	next := uint64(0) // the revision that comes next
	switch at := o.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		next = at.Revision + 1
		if next == 0 { // the client counts from the last possible revision
			next = at.Revision
		}
	case *streams.ReadReq_Options_StreamOptions_End:
		next = st.next
	}
	sent := func(rec ledger.Record) error {
		if err := r.deliver(rec); err != nil {
			return err
		}
		next = rec.Revision + 1
		if rec.Kind == kindDeleted {
			return streamDeleted(stream)
		}
		return nil
	}
	if err := each(r.s.readable(r.ctx, stream, next), sent); err != nil {
		return err
	}
	next = max(next, st.next) // what was there and not sent is hidden, and stays so
	if err := r.streamCaughtUp(next); err != nil {
		return err
	}
	return each(r.s.log.Subscribe(r.ctx, ledger.Query{Stream: stream, From: next}), sent)
}

// streamCaughtUp is caughtUp for one stream of which next comes next.
func (r *reading) streamCaughtUp(next uint64) error {
	if next == 0 {
		return r.caughtUp(0, nil)
	}
	return r.caughtUp(2, protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), next-1))
}

// each calls do for each record until one of them fails.
func each(records iter.Seq2[ledger.Record, error], do func(ledger.Record) error) error {
	for rec, err := range records {
		if err != nil {
			return err
		}
		if err := do(rec); err != nil {
			return err
		}
	}
	return nil
}

// nearHead is how far behind the head a reader may have been that counts as
// caught up once it has read so far: under load the head is never quite reached.
const nearHead = 1000

// subscribeAll sends what comes after the given position.
func (r *reading) subscribeAll(o *streams.ReadReq_Options_AllOptions) error {
	if r.opts.GetFilter() != nil && r.filter.interval == 0 {
		return invalid("filter: window and checkpointIntervalMultiplier must be above 0")
	}
	if err := r.confirm(); err != nil {
		return err
	}
	head, err := r.s.log.Head(r.ctx)
	if err != nil {
		return err
	}
	f := follow{reading: r}
	switch at := o.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		f.seen = at.Position.GetCommitPosition()
	case *streams.ReadReq_Options_AllOptions_End:
		f.seen = head
	}
	for near := false; f.seen < head && !near; {
		near = head-f.seen <= nearHead
		if err := each(r.s.log.Read(r.ctx, ledger.Query{From: f.seen + 1}), f.consider); err != nil {
			return err
		}
		f.seen = max(f.seen, head)
		if head, err = r.s.log.Head(r.ctx); err != nil {
			return err
		}
	}
	if r.filter.interval > 0 {
		if err := f.checkpoint(); err != nil {
			return err
		}
	}
	if err := r.caughtUpAt(f.seen); err != nil {
		return err
	}
	return each(r.s.log.Subscribe(r.ctx, ledger.Query{From: f.seen + 1}), f.consider)
}

// follow is where a subscription to $all has got to.
type follow struct {
	*reading
	seen       uint64 // last position considered
	considered uint64 // records since the last checkpoint
}

// consider sends rec if it is wanted, and a checkpoint when one is due.
func (f *follow) consider(rec ledger.Record) error {
	f.seen = rec.Position
	if f.filter.wants(rec) {
		if err := f.deliver(rec); err != nil {
			return err
		}
	}
	if f.filter.interval == 0 {
		return nil
	}
	if f.considered++; f.considered < f.filter.interval {
		return nil
	}
	return f.checkpoint()
}

// checkpoint tells a filtering client how far the log was considered, so that
// it need not start again at the last event it was sent.
func (f *follow) checkpoint() error {
	f.considered = 0
	return f.send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: f.seen, PreparePosition: f.seen},
	}})
}
