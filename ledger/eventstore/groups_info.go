package eventstore

import (
	"context"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

// GetInfo describes one group.
func (g *groupService) GetInfo(ctx context.Context, req *persistent.GetInfoReq) (*persistent.GetInfoResp, error) {
	if !requester(ctx).known() {
		return nil, accessDenied("")
	}
	o := req.GetOptions()
	r, err := g.find(ctx, sourceKey(o))
	if err != nil {
		return nil, err
	}
	info, err := r.info(ctx)
	return &persistent.GetInfoResp{SubscriptionInfo: info}, err
}

// List describes all groups, or those on one source. A source without groups is
// an error, as clients expect.
func (g *groupService) List(ctx context.Context, req *persistent.ListReq) (*persistent.ListResp, error) {
	if !requester(ctx).known() {
		return nil, accessDenied("")
	}
	one := req.GetOptions().GetListForStream()
	source := ledger.StreamID(one.GetStream().GetStreamName())
	if one.GetAll() != nil {
		source = allStream
	}
	if err := g.enter(ctx); err != nil {
		return nil, err
	}
	var found []*runner
	for _, key := range sortedKeys(g.runners) {
		if one != nil && key.source != source {
			continue
		}
		r, err := g.findLocked(key)
		if err != nil {
			g.mu.Unlock()
			return nil, err
		}
		found = append(found, r)
	}
	g.mu.Unlock()
	if one != nil && len(found) == 0 {
		return nil, groupMissing(groupKey{source: source})
	}
	var out persistent.ListResp
	for _, r := range found {
		info, err := r.info(ctx)
		if err != nil {
			return nil, err
		}
		out.Subscriptions = append(out.Subscriptions, info)
	}
	return &out, nil
}

// info describes the group as it is between two steps.
func (r *runner) info(ctx context.Context) (*persistent.SubscriptionInfo, error) {
	var st groups.Stats
	var cfg groupConfig
	var replay, until uint64
	if err := r.do(ctx, func(context.Context) error {
		st, cfg, replay, until = r.group.Stats(r.s.now()), r.cfg, r.replay, r.until
		return nil
	}); err != nil {
		return nil, r.key.why(err)
	}
	known, err := r.lastKnown(ctx)
	if err != nil {
		return nil, err
	}
	parked, err := r.s.last(ctx, r.key.parked())
	if err != nil {
		return nil, err
	}
	info := settingsInfo(cfg)
	info.Status = "Behind"
	if r.live.Load() {
		info.Status = "Live"
	}
	if replay < until || st.Replaying > 0 {
		info.Status += ",ReplayingParkedMessages"
	}
	info.AveragePerSecond = small(st.PerSecond)
	info.TotalItems, info.CountSinceLastMeasurement = st.Total, st.SinceLast
	if st.Moved {
		info.LastCheckpointedEventPosition = r.key.place(st.Checkpoint)
	}
	info.LastKnownEventPosition = known
	if r.live.Load() {
		info.LiveBufferCount = int64(st.Fresh)
	} else {
		info.ReadBufferCount = small(st.Fresh)
	}
	info.RetryBufferCount = small(st.Retrying)
	info.TotalInFlightMessages = small(st.InFlight)
	info.OutstandingMessagesCount = small(st.InFlight + st.Retrying)
	if parked.Position > 0 && parked.Revision+1 > replay {
		info.ParkedMessageCount = int64(min(parked.Revision+1-replay, math.MaxInt64)) //nolint:gosec // bounded
	}
	for _, c := range st.Consumers {
		info.Connections = append(info.Connections, connectionInfo(c))
	}
	return info, nil
}

// lastKnown returns the place of the last record of the source, or nothing.
func (r *runner) lastKnown(ctx context.Context) (string, error) {
	if r.key.source == allStream {
		head, err := r.s.log.Head(ctx)
		if err != nil || head == 0 {
			return "", err
		}
		return r.key.place(head), nil
	}
	last, err := r.s.last(ctx, r.key.source)
	if err != nil || last.Position == 0 {
		return "", err
	}
	return r.key.place(last.Revision), nil
}

func small(n int) int32 {
	return int32(min(n, math.MaxInt32)) //nolint:gosec // bounded
}

func settingsInfo(c groupConfig) *persistent.SubscriptionInfo {
	s := c.settings
	return &persistent.SubscriptionInfo{
		EventSource: string(c.key.source), GroupName: c.key.group, StartFrom: c.start(),
		ResolveLinkTos: s.ResolveLinks, ExtraStatistics: s.ExtraStatistics,
		MessageTimeoutMilliseconds:  small(int(s.MessageTimeout.Milliseconds())),
		CheckPointAfterMilliseconds: small(int(s.CheckpointAfter.Milliseconds())),
		MaxRetryCount:               small(s.MaxRetryCount),
		LiveBufferSize:              small(s.LiveBufferSize),
		BufferSize:                  small(s.HistoryBufferSize),
		ReadBatchSize:               small(s.ReadBatchSize),
		MinCheckPointCount:          small(s.MinCheckpointCount),
		MaxCheckPointCount:          small(s.MaxCheckpointCount),
		MaxSubscriberCount:          small(s.MaxSubscriberCount),
		NamedConsumerStrategy:       string(s.Strategy),
	}
}

func connectionInfo(c groups.ConsumerStats) *persistent.SubscriptionInfo_ConnectionInfo {
	out := &persistent.SubscriptionInfo_ConnectionInfo{
		From: c.From, Username: c.User, ConnectionName: c.Name,
		AverageItemsPerSecond: small(c.PerSecond), TotalItems: c.Total,
		CountSinceLastMeasurement: c.SinceLast,
		AvailableSlots:            small(c.Free), InFlightMessages: small(c.InFlight),
	}
	for _, m := range c.Latency {
		out.ObservedMeasurements = append(out.ObservedMeasurements,
			&persistent.SubscriptionInfo_Measurement{Key: m.Key, Value: m.Value})
	}
	return out
}
