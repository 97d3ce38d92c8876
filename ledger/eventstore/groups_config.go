package eventstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

// groupsStream holds which persistent subscriptions there are, as events. It
// is a system stream: only administrators read it.
const groupsStream ledger.StreamID = "$persistentSubscriptionConfig"

// The kinds of events in groupsStream and in the streams of a group.
const (
	kindGroupCreated ledger.Kind = "$PersistentSubscriptionCreated"
	kindGroupUpdated ledger.Kind = "$PersistentSubscriptionUpdated"
	kindGroupDeleted ledger.Kind = "$PersistentSubscriptionDeleted"
	kindCheckpoint   ledger.Kind = "$SubscriptionCheckpoint"
)

// keeper is the actor of events that the server writes for itself. No client can
// give an event of a foreign stream an actor, so what an administrator puts into
// these streams cannot be taken for the server's own word.
const keeper = "eventstore"

// A groupKey names a group: a source and a name.
type groupKey struct {
	source ledger.StreamID // allStream, or a stream
	group  string
}

// String is how clients know a subscription.
func (k groupKey) String() string { return string(k.source) + "::" + k.group }

func (k groupKey) checkpoints() ledger.StreamID {
	return ledger.StreamID("$persistentsubscription-" + k.String() + "-checkpoint")
}

func (k groupKey) parked() ledger.StreamID {
	return ledger.StreamID("$persistentsubscription-" + k.String() + "-parked")
}

// validate refuses names that no stream of the group could have.
func (k groupKey) validate() error {
	if k.group == "" {
		return invalid("a persistent subscription needs a group name")
	}
	if k.source != allStream {
		if err := k.source.Validate(); err != nil {
			return err
		}
	}
	if err := k.checkpoints().Validate(); err != nil {
		return fmt.Errorf("group name %q is too long or not readable: %w", k.group, err)
	}
	return nil
}

// place formats a place in the source: a revision, or a position of the log.
func (k groupKey) place(at uint64) string {
	if k.source == allStream {
		return fmt.Sprintf("C:%d/P:%d", at, at)
	}
	return strconv.FormatUint(at, 10)
}

// parsePlace reads what place has written.
func (k groupKey) parsePlace(s string) (uint64, error) {
	number := s
	if k.source == allStream {
		commit, prepare, ok := strings.Cut(strings.TrimPrefix(s, "C:"), "/P:")
		if !ok || commit != prepare {
			return 0, fmt.Errorf("position %q of %s: %w", s, k, ledger.ErrCorrupt)
		}
		number = commit
	}
	at, err := strconv.ParseUint(number, 10, 64)
	if err != nil || k.place(at) != s {
		return 0, fmt.Errorf("place %q of %s: %w", s, k, ledger.ErrCorrupt)
	}
	return at, nil
}

// A groupConfig is a group as its operator made it.
type groupConfig struct {
	key      groupKey
	fromEnd  bool   // it was to start with what comes after its creation
	from     uint64 // first place to deliver, unless a checkpoint says otherwise
	filter   *groupFilter
	settings groups.Settings
	created  uint64 // position of the event that created it; older checkpoints are of a namesake
}

// start is how clients see where the group started.
func (c groupConfig) start() string {
	switch {
	case c.fromEnd && c.key.source == allStream:
		return "C:-1/P:-1"
	case c.fromEnd:
		return "-1"
	default:
		return c.key.place(c.from)
	}
}

// A groupFilter is the filter of a group on $all, as it was asked for.
type groupFilter struct {
	On       string   `json:"on"` // "stream" or "type"
	Regex    string   `json:"regex,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
	Window   uint32   `json:"window"`   // events considered at a time
	Interval uint32   `json:"interval"` // windows between two checkpoints
}

// groupJSON is the stored form of a groupConfig.
type groupJSON struct {
	Source             string       `json:"source"`
	Group              string       `json:"group"`
	By                 string       `json:"by"`
	FromEnd            bool         `json:"from_end,omitempty"`
	From               uint64       `json:"from"`
	Filter             *groupFilter `json:"filter,omitempty"`
	ResolveLinks       bool         `json:"resolve_links"`
	ExtraStatistics    bool         `json:"extra_statistics"`
	MessageTimeoutMS   int64        `json:"message_timeout_ms"`
	MaxRetryCount      int          `json:"max_retry_count"`
	MinCheckpointCount int          `json:"min_checkpoint_count"`
	MaxCheckpointCount int          `json:"max_checkpoint_count"`
	CheckpointAfterMS  int64        `json:"checkpoint_after_ms"`
	LiveBufferSize     int          `json:"live_buffer_size"`
	HistoryBufferSize  int          `json:"history_buffer_size"`
	ReadBatchSize      int          `json:"read_batch_size"`
	MaxSubscriberCount int          `json:"max_subscriber_count"`
	Strategy           string       `json:"strategy"`
}

func (c groupConfig) marshal(by string) ([]byte, error) {
	s := c.settings
	return ledger.MarshalCanonical(groupJSON{
		Source: string(c.key.source), Group: c.key.group, By: by,
		FromEnd: c.fromEnd, From: c.from, Filter: c.filter,
		ResolveLinks: s.ResolveLinks, ExtraStatistics: s.ExtraStatistics,
		MessageTimeoutMS: s.MessageTimeout.Milliseconds(), MaxRetryCount: s.MaxRetryCount,
		MinCheckpointCount: s.MinCheckpointCount, MaxCheckpointCount: s.MaxCheckpointCount,
		CheckpointAfterMS: s.CheckpointAfter.Milliseconds(),
		LiveBufferSize:    s.LiveBufferSize, HistoryBufferSize: s.HistoryBufferSize, ReadBatchSize: s.ReadBatchSize,
		MaxSubscriberCount: s.MaxSubscriberCount, Strategy: string(s.Strategy),
	})
}

// maxMS is the longest time that survives the turn into nanoseconds.
const maxMS = int64(1<<63-1) / int64(time.Millisecond)

func parseGroup(body []byte) (groupConfig, error) {
	var j groupJSON
	if err := json.Unmarshal(body, &j); err != nil {
		return groupConfig{}, fmt.Errorf("persistent subscription: %w: %w", ledger.ErrCorrupt, err)
	}
	c := groupConfig{
		key:     groupKey{ledger.StreamID(j.Source), j.Group},
		fromEnd: j.FromEnd, from: j.From, filter: j.Filter,
		settings: groups.Settings{
			ResolveLinks: j.ResolveLinks, ExtraStatistics: j.ExtraStatistics,
			MessageTimeout:     time.Duration(min(j.MessageTimeoutMS, maxMS)) * time.Millisecond,
			MaxRetryCount:      j.MaxRetryCount,
			MinCheckpointCount: j.MinCheckpointCount, MaxCheckpointCount: j.MaxCheckpointCount,
			CheckpointAfter: time.Duration(min(j.CheckpointAfterMS, maxMS)) * time.Millisecond,
			LiveBufferSize:  j.LiveBufferSize, HistoryBufferSize: j.HistoryBufferSize, ReadBatchSize: j.ReadBatchSize,
			MaxSubscriberCount: j.MaxSubscriberCount, Strategy: groups.Strategy(j.Strategy),
		},
	}
	if err := c.key.validate(); err != nil {
		return groupConfig{}, fmt.Errorf("persistent subscription %s: %w: %w", c.key, ledger.ErrCorrupt, err)
	}
	if err := c.settings.Validate(); err != nil {
		return groupConfig{}, fmt.Errorf("persistent subscription %s: %w: %w", c.key, ledger.ErrCorrupt, err)
	}
	if _, err := c.filter.compile(); err != nil {
		return groupConfig{}, fmt.Errorf("persistent subscription %s: %w: %w", c.key, ledger.ErrCorrupt, err)
	}
	return c, nil
}

// loadGroups folds groupsStream.
func (s *Server) loadGroups(ctx context.Context) (map[groupKey]groupConfig, error) {
	all := map[groupKey]groupConfig{}
	for r, err := range s.log.Read(ctx, ledger.Query{Stream: groupsStream}) {
		if err != nil {
			return nil, err
		}
		if r.Actor != keeper {
			continue
		}
		c, err := parseGroup(r.Body)
		if err != nil {
			return nil, fmt.Errorf("event %d of %s: %w", r.Revision, groupsStream, err)
		}
		switch r.Kind { //nolint:exhaustive // the kinds of this stream, none is of money
		case kindGroupCreated:
			c.created = r.Position
			all[c.key] = c
		case kindGroupUpdated:
			c.created = all[c.key].created
			all[c.key] = c
		case kindGroupDeleted:
			delete(all, c.key)
		}
	}
	return all, ctx.Err()
}

// writeGroup appends what has become of a group to groupsStream.
func (s *Server) writeGroup(ctx context.Context, kind ledger.Kind, c groupConfig, by string) (ledger.Record, error) {
	body, err := c.marshal(by)
	if err != nil {
		return ledger.Record{}, err
	}
	return s.writeOwn(ctx, groupsStream, ledger.Draft{Kind: kind, Body: body})
}

// writeOwn appends one event of the server's own.
func (s *Server) writeOwn(ctx context.Context, stream ledger.StreamID, d ledger.Draft) (ledger.Record, error) {
	var err error
	if d.ID, err = s.newID(); err != nil {
		return ledger.Record{}, err
	}
	d.Occurred, d.Actor = ledger.Instant(s.now()), keeper
	return s.appendSystem(ctx, stream, ledger.Any(), d)
}

// loadStart returns where a group goes on: behind its last checkpoint, or where
// it was to start.
func (s *Server) loadStart(ctx context.Context, c groupConfig) (groups.Start, error) {
	start := groups.Start{Next: c.from}
	r, err := s.lastCheckpoint(ctx, c.key)
	if err != nil {
		return start, err
	}
	if r.Position > c.created {
		var text string
		if err := json.Unmarshal(r.Body, &text); err != nil {
			return start, fmt.Errorf("checkpoint of %s: %w: %w", c.key, ledger.ErrCorrupt, err)
		}
		at, err := c.key.parsePlace(text)
		if err != nil {
			return start, err
		}
		start.Next, start.Checkpointed = at+1, true
	}
	st, err := s.state(ctx, c.key.parked())
	if err != nil {
		return start, err
	}
	first, err := s.visible(ctx, st)
	start.NextParked = min(first, st.next)
	return start, err
}

// lastCheckpoint returns the last one that the server has written, or the zero
// Record.
func (s *Server) lastCheckpoint(ctx context.Context, key groupKey) (ledger.Record, error) {
	q := ledger.Query{Stream: key.checkpoints(), From: ledger.End, Backwards: true}
	for r, err := range s.log.Read(ctx, q) {
		if err != nil || r.Actor == keeper {
			return r, err
		}
	}
	return ledger.Record{}, ctx.Err()
}
