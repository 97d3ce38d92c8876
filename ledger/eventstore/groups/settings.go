package groups

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrSettings means that a group cannot be run with these settings. Correct
// them; the group is as it was.
var ErrSettings = errors.New("invalid settings")

// A Strategy says which consumer gets an event. The names are those of the
// EventStoreDB protocol.
type Strategy string

const (
	// RoundRobin gives each event to the next consumer that has room.
	RoundRobin Strategy = "RoundRobin"
	// DispatchToSingle gives all events to one consumer until it is full, then
	// to the next.
	DispatchToSingle Strategy = "DispatchToSingle"
	// Pinned gives all events of one stream to one consumer, as long as it
	// stays; where the source holds links, the stream is the one linked to.
	Pinned Strategy = "Pinned"
	// PinnedByCorrelation gives all events with one $correlationId in their
	// metadata to one consumer, as long as it stays.
	PinnedByCorrelation Strategy = "PinnedByCorrelation"
)

// Strategies lists every strategy.
func Strategies() []Strategy {
	return []Strategy{RoundRobin, DispatchToSingle, Pinned, PinnedByCorrelation}
}

func (s Strategy) pins() bool { return s == Pinned || s == PinnedByCorrelation }

// Settings are the rules of one group.
type Settings struct {
	ResolveLinks       bool          // links are followed before they are pushed; the reader does it
	ExtraStatistics    bool          // keep how long consumers take
	MessageTimeout     time.Duration // unanswered for so long is a retry; 0 means never
	MaxRetryCount      int           // parked when it would be pushed again more often than this
	MinCheckpointCount int           // no checkpoint for fewer events than this
	MaxCheckpointCount int           // a checkpoint at once after so many events
	CheckpointAfter    time.Duration // a checkpoint after this time, if MinCheckpointCount is reached
	LiveBufferSize     int           // events held ready while the group keeps up with its source
	HistoryBufferSize  int           // events held ready while it catches up
	ReadBatchSize      int           // events read ahead at once
	MaxSubscriberCount int           // consumers at a time; 0 means any number
	Strategy           Strategy
}

// Defaults are the settings that the official clients send unless told otherwise.
func Defaults() Settings {
	return Settings{
		MessageTimeout:     30 * time.Second,
		MaxRetryCount:      10,
		MinCheckpointCount: 10,
		MaxCheckpointCount: 1000,
		CheckpointAfter:    2 * time.Second,
		LiveBufferSize:     500,
		HistoryBufferSize:  500,
		ReadBatchSize:      20,
		Strategy:           RoundRobin,
	}
}

// maxBuffer bounds what a group keeps in memory: events of up to a megabyte.
const maxBuffer = 100_000

// Validate refuses settings under which no event could ever move.
func (s Settings) Validate() error {
	switch {
	case s.MessageTimeout < 0:
		return fmt.Errorf("message timeout %v: %w: want 0 (never) or more", s.MessageTimeout, ErrSettings)
	case s.MaxRetryCount < 0:
		return fmt.Errorf("max retry count %d: %w: want 0 or more", s.MaxRetryCount, ErrSettings)
	case s.MinCheckpointCount < 0 || s.MaxCheckpointCount < max(1, s.MinCheckpointCount):
		return fmt.Errorf("checkpoint count %d to %d: %w: want 0 ≤ min ≤ max and max of 1 or more",
			s.MinCheckpointCount, s.MaxCheckpointCount, ErrSettings)
	case s.CheckpointAfter < 0:
		return fmt.Errorf("checkpoint after %v: %w: want 0 or more", s.CheckpointAfter, ErrSettings)
	case s.LiveBufferSize < 1 || s.LiveBufferSize > maxBuffer:
		return fmt.Errorf("live buffer size %d: %w: want 1 to %d", s.LiveBufferSize, ErrSettings, maxBuffer)
	case s.HistoryBufferSize < 1 || s.HistoryBufferSize > maxBuffer:
		return fmt.Errorf("history buffer size %d: %w: want 1 to %d", s.HistoryBufferSize, ErrSettings, maxBuffer)
	case s.ReadBatchSize < 1 || s.ReadBatchSize > s.HistoryBufferSize:
		return fmt.Errorf("read batch size %d: %w: want 1 to the history buffer size %d",
			s.ReadBatchSize, ErrSettings, s.HistoryBufferSize)
	case s.MaxSubscriberCount < 0:
		return fmt.Errorf("max subscriber count %d: %w: want 0 (any number) or more", s.MaxSubscriberCount, ErrSettings)
	case !slices.Contains(Strategies(), s.Strategy):
		return fmt.Errorf("consumer strategy %q: %w: want one of %v", s.Strategy, ErrSettings, Strategies())
	}
	return nil
}
