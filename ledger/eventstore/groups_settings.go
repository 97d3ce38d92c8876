//lint:file-ignore SA1019 npm's client 6.2.1 sends the deprecated fields and no others.

package eventstore

import (
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

// A wireSettings is what the settings of Create and Update have in common; they
// are two types with the same fields.
type wireSettings interface {
	GetResolveLinks() bool
	GetExtraStatistics() bool
	GetMaxRetryCount() int32
	GetMinCheckpointCount() int32
	GetMaxCheckpointCount() int32
	GetMaxSubscriberCount() int32
	GetLiveBufferSize() int32
	GetReadBatchSize() int32
	GetHistoryBufferSize() int32
	GetMessageTimeoutMs() int32
	GetMessageTimeoutTicks() int64
	GetCheckpointAfterMs() int32
	GetCheckpointAfterTicks() int64
}

// tick is the unit of .NET's times.
const tick = 100 * time.Nanosecond

func ticks(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/int64(tick))) * tick
}

// settingsOf reads the settings of the wire. Times are kept in milliseconds.
func settingsOf(w wireSettings, strategy string) groups.Settings {
	timeout := time.Duration(w.GetMessageTimeoutMs()) * time.Millisecond
	if t := w.GetMessageTimeoutTicks(); t != 0 {
		timeout = ticks(t)
	}
	after := time.Duration(w.GetCheckpointAfterMs()) * time.Millisecond
	if t := w.GetCheckpointAfterTicks(); t != 0 {
		after = ticks(t)
	}
	return groups.Settings{
		ResolveLinks:       w.GetResolveLinks(),
		ExtraStatistics:    w.GetExtraStatistics(),
		MessageTimeout:     timeout.Truncate(time.Millisecond),
		MaxRetryCount:      int(w.GetMaxRetryCount()),
		MinCheckpointCount: int(w.GetMinCheckpointCount()),
		MaxCheckpointCount: int(w.GetMaxCheckpointCount()),
		CheckpointAfter:    after.Truncate(time.Millisecond),
		LiveBufferSize:     int(w.GetLiveBufferSize()),
		HistoryBufferSize:  int(w.GetHistoryBufferSize()),
		ReadBatchSize:      int(w.GetReadBatchSize()),
		MaxSubscriberCount: int(w.GetMaxSubscriberCount()),
		Strategy:           groups.Strategy(strategy),
	}
}

func createSettings(s *persistent.CreateReq_Settings) groups.Settings {
	switch {
	case s == nil:
		return groups.Defaults()
	case s.GetConsumerStrategy() != "":
		return settingsOf(s, s.GetConsumerStrategy())
	default:
		return settingsOf(s, s.GetNamedConsumerStrategy().String()) //nolint:staticcheck // what the clients of this version send
	}
}

func updateSettings(s *persistent.UpdateReq_Settings) groups.Settings {
	if s == nil {
		return groups.Defaults()
	}
	return settingsOf(s, s.GetNamedConsumerStrategy().String())
}

// A startOption says where a group is to start.
type startOption struct {
	end bool
	at  uint64
}

// oldRevision reads where npm's client for EventStoreDB says where to start: a
// field that has been deprecated since 21.10.
func oldRevision(revision uint64) startOption {
	if revision == math.MaxUint64 {
		return startOption{end: true}
	}
	return startOption{at: revision}
}

func streamKey(id *shared.StreamIdentifier, group string) groupKey {
	return groupKey{ledger.StreamID(id.GetStreamName()), group}
}

// sourceKey names the group of a request that is about one.
func sourceKey(o interface {
	GetStreamIdentifier() *shared.StreamIdentifier
	GetAll() *shared.Empty
	GetGroupName() string
},
) groupKey {
	key := streamKey(o.GetStreamIdentifier(), o.GetGroupName())
	if o.GetAll() != nil {
		key.source = allStream
	}
	return key
}

// createOptions reads a request to create.
func createOptions(o *persistent.CreateReq_Options) (groupConfig, startOption, error) {
	c := groupConfig{settings: createSettings(o.GetSettings())}
	var start startOption
	switch by := o.GetStreamOption().(type) {
	case *persistent.CreateReq_Options_Stream:
		c.key = streamKey(by.Stream.GetStreamIdentifier(), o.GetGroupName())
		switch at := by.Stream.GetRevisionOption().(type) {
		case *persistent.CreateReq_StreamOptions_Revision:
			start.at = at.Revision
		case *persistent.CreateReq_StreamOptions_End:
			start.end = true
		}
	case *persistent.CreateReq_Options_All:
		c.key = groupKey{allStream, o.GetGroupName()}
		switch at := by.All.GetAllOption().(type) {
		case *persistent.CreateReq_AllOptions_Position:
			start.at = at.Position.GetCommitPosition()
		case *persistent.CreateReq_AllOptions_End:
			start.end = true
		}
		var err error
		if c.filter, err = filterOf(by.All.GetFilter()); err != nil {
			return c, start, err
		}
	default:
		c.key = streamKey(o.GetStreamIdentifier(), o.GetGroupName()) //nolint:staticcheck // npm's 6.2.1 sends nothing else
		start = oldRevision(o.GetSettings().GetRevision())           //nolint:staticcheck // the same
	}
	return c, start, nil
}

// updateOptions reads a request to update.
func updateOptions(o *persistent.UpdateReq_Options) (groupConfig, startOption) {
	c := groupConfig{settings: updateSettings(o.GetSettings())}
	var start startOption
	switch by := o.GetStreamOption().(type) {
	case *persistent.UpdateReq_Options_Stream:
		c.key = streamKey(by.Stream.GetStreamIdentifier(), o.GetGroupName())
		switch at := by.Stream.GetRevisionOption().(type) {
		case *persistent.UpdateReq_StreamOptions_Revision:
			start.at = at.Revision
		case *persistent.UpdateReq_StreamOptions_End:
			start.end = true
		}
	case *persistent.UpdateReq_Options_All:
		c.key = groupKey{allStream, o.GetGroupName()}
		switch at := by.All.GetAllOption().(type) {
		case *persistent.UpdateReq_AllOptions_Position:
			start.at = at.Position.GetCommitPosition()
		case *persistent.UpdateReq_AllOptions_End:
			start.end = true
		}
	default:
		c.key = streamKey(o.GetStreamIdentifier(), o.GetGroupName()) //nolint:staticcheck // npm's 6.2.1 sends nothing else
		start = oldRevision(o.GetSettings().GetRevision())           //nolint:staticcheck // the same
	}
	return c, start
}

// filterOf keeps a filter of the wire, once it is known to be one.
func filterOf(o *persistent.CreateReq_AllOptions_FilterOptions) (*groupFilter, error) {
	if o == nil {
		return nil, nil //nolint:nilnil // no filter
	}
	f := &groupFilter{Interval: o.GetCheckpointIntervalMultiplier()}
	e := o.GetStreamIdentifier()
	if f.On = "stream"; e == nil {
		f.On, e = "type", o.GetEventType()
	}
	f.Regex, f.Prefixes = e.GetRegex(), e.GetPrefix()
	if w, ok := o.GetWindow().(*persistent.CreateReq_AllOptions_FilterOptions_Max); ok {
		f.Window = w.Max
	}
	_, err := f.compile()
	return f, err
}

// compile returns the filter as the rest of the server knows it. Nil lets
// through what readers of $all without a filter see.
func (f *groupFilter) compile() (*filter, error) {
	if f == nil {
		return newFilter(nil)
	}
	e := &streams.ReadReq_Options_FilterOptions_Expression{Regex: f.Regex, Prefix: f.Prefixes}
	// The Go client leaves the interval out; it is about this server's own
	// checkpoints alone.
	o := &streams.ReadReq_Options_FilterOptions{CheckpointIntervalMultiplier: max(1, f.Interval)}
	switch f.On {
	case "stream":
		o.Filter = &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: e}
	default:
		o.Filter = &streams.ReadReq_Options_FilterOptions_EventType{EventType: e}
	}
	if f.Window > 0 {
		o.Window = &streams.ReadReq_Options_FilterOptions_Max{Max: f.Window}
	}
	return newFilter(o)
}
