package eventstore

import (
	"regexp"
	"slices"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/vouchledger/vouch/ledger"
)

// A filter says which records of $all a reader wants. Nil wants all but the
// bookkeeping that EventStoreDB hides from everybody.
type filter struct {
	byType   bool
	prefixes []string
	regex    *regexp.Regexp

	// interval is how many records may be considered between two checkpoints of
	// a subscription.
	interval uint64
}

// defaultWindow is the search window of clients that give none.
const defaultWindow = 32

// newFilter reads a filter of the wire; nil gives the filter that is always on.
func newFilter(o *streams.ReadReq_Options_FilterOptions) (*filter, error) {
	if o == nil {
		return &filter{}, nil
	}
	f := &filter{}
	var e *streams.ReadReq_Options_FilterOptions_Expression
	switch by := o.GetFilter().(type) {
	case *streams.ReadReq_Options_FilterOptions_StreamIdentifier:
		e = by.StreamIdentifier
	case *streams.ReadReq_Options_FilterOptions_EventType:
		e, f.byType = by.EventType, true
	default:
		return nil, invalid("filter: neither by stream nor by event type")
	}
	window := uint64(defaultWindow)
	if w, ok := o.GetWindow().(*streams.ReadReq_Options_FilterOptions_Max); ok {
		window = uint64(w.Max)
	}
	f.interval = window * uint64(o.GetCheckpointIntervalMultiplier())
	f.prefixes = e.GetPrefix()
	if e.GetRegex() == "" {
		return f, nil
	}
	var err error
	if f.regex, err = regexp.Compile(e.GetRegex()); err != nil {
		return nil, invalid("filter: %v; this server takes RE2 expressions, which have no look-around "+
			"and no back-references: https://github.com/google/re2/wiki/Syntax", err)
	}
	return f, nil
}

// streamPrefixes returns what the log can filter by; nil if it cannot.
func (f *filter) streamPrefixes() []string {
	if f.byType || f.regex != nil {
		return nil
	}
	return f.prefixes
}

// wants reports whether r passes.
func (f *filter) wants(r ledger.Record) bool {
	if hidden(r) {
		return false
	}
	subject := string(r.Stream)
	if f.byType {
		subject = string(r.Kind)
	}
	if f.regex != nil {
		return f.regex.MatchString(subject)
	}
	return len(f.prefixes) == 0 || slices.ContainsFunc(f.prefixes, func(p string) bool { return strings.HasPrefix(subject, p) })
}

// hidden reports whether r is bookkeeping of the server that no reader of $all
// sees: what subscriptions to $all write would otherwise feed them for ever.
func hidden(r ledger.Record) bool {
	s := string(r.Stream)
	if s == "$epoch-information" {
		return true
	}
	return strings.HasPrefix(s, "$persistentsubscription-$all::") &&
		(strings.HasSuffix(s, "-checkpoint") || strings.HasSuffix(s, "-parked"))
}
