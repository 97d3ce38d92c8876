package eventstore

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

const (
	kindMetadata  ledger.Kind = "$metadata"
	kindDeleted   ledger.Kind = "$streamDeleted" // ends a stream for ever
	kindLink      ledger.Kind = "$>"
	metaPrefix                = "$$"
	deletedStream             = math.MaxInt64 // $tb of a deleted stream, revision of a tombstone
)

// isMeta reports whether s holds another stream's metadata.
func isMeta(s ledger.StreamID) bool { return strings.HasPrefix(string(s), metaPrefix) }

// original returns the stream that s is about: itself, unless it is metadata.
func original(s ledger.StreamID) ledger.StreamID {
	return ledger.StreamID(strings.TrimPrefix(string(s), metaPrefix))
}

// metaOf returns the stream that holds s's metadata.
func metaOf(s ledger.StreamID) ledger.StreamID { return metaPrefix + s }

// streamMetadata is what the server heeds of a stream's metadata. The bytes that
// a client wrote stay as they are; what cannot be read counts as absent, as in
// EventStoreDB.
type streamMetadata struct {
	maxCount uint64        // 0: no bound
	maxAge   time.Duration // 0: no bound
	tb       uint64        // first revision that readers see
	acl      accessList
}

// hides reports whether events can be hidden by m.
func (m streamMetadata) hides() bool { return m.maxCount > 0 || m.maxAge > 0 || m.tb > 0 }

// an accessList says who may do what; nil means that the list does not say.
type accessList struct {
	Read      names `json:"$r"`
	Write     names `json:"$w"`
	Delete    names `json:"$d"`
	MetaRead  names `json:"$mr"`
	MetaWrite names `json:"$mw"`
}

func (a accessList) roles(do action) []string {
	switch do {
	case read:
		return a.Read
	case write:
		return a.Write
	case remove:
		return a.Delete
	case metaRead:
		return a.MetaRead
	case metaWrite:
		return a.MetaWrite
	}
	panic("eventstore: unknown action")
}

// names are one name or a list of names in JSON. An empty list is not nil: it
// means nobody.
type names []string

// UnmarshalJSON reads a string or a list of strings.
func (n *names) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		var one string
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		*n = names{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return err
	}
	*n = many
	return nil
}

// parseMetadata reads the body of a $metadata event.
func parseMetadata(body []byte) streamMetadata {
	var f struct {
		MaxCount *int64          `json:"$maxCount"`
		MaxAge   *int64          `json:"$maxAge"`
		TB       *int64          `json:"$tb"`
		ACL      json.RawMessage `json:"$acl"`
	}
	if json.Unmarshal(body, &f) != nil {
		return streamMetadata{}
	}
	var m streamMetadata
	if f.MaxCount != nil && *f.MaxCount > 0 {
		m.maxCount = uint64(*f.MaxCount)
	}
	if f.MaxAge != nil && *f.MaxAge > 0 {
		m.maxAge = time.Duration(min(*f.MaxAge, math.MaxInt64/int64(time.Second))) * time.Second
	}
	if f.TB != nil && *f.TB > 0 {
		m.tb = uint64(*f.TB)
	}
	if len(f.ACL) > 0 {
		m.acl = parseAccess(f.ACL)
	}
	return m
}

// parseAccess reads an access list, or the name of one of the two defaults. One
// that cannot be read must not open what it was to close: it names nobody.
func parseAccess(b []byte) accessList {
	var a accessList
	if json.Unmarshal(b, &a) == nil {
		return a
	}
	var name string
	_ = json.Unmarshal(b, &name)
	switch name {
	case "$userStreamAcl":
		return everywhere(roleAll)
	case "$systemStreamAcl":
		return everywhere(GroupAdmins)
	}
	return everywhere()
}

func everywhere(who ...string) accessList {
	n := names(append([]string{}, who...))
	return accessList{Read: n, Write: n, Delete: n, MetaRead: n, MetaWrite: n}
}

// withTruncateBefore returns metadata with another $tb and all else kept.
func withTruncateBefore(body []byte, tb uint64) ([]byte, error) {
	members := make(map[string]json.RawMessage)
	if json.Unmarshal(body, &members) != nil || members == nil {
		members = make(map[string]json.RawMessage)
	}
	value, err := ledger.MarshalCanonical(tb)
	if err != nil {
		return nil, err
	}
	members["$tb"] = value
	return ledger.MarshalCanonical(members)
}

// settings are the access lists of streams without one.
type settings struct {
	User   accessList `json:"$userStreamAcl"`
	System accessList `json:"$systemStreamAcl"`
}

func (s settings) list(system bool) accessList {
	if system {
		return s.System
	}
	return s.User
}

// parseSettings reads the body of the last event of $settings.
func parseSettings(body []byte) settings {
	var s settings
	if json.Unmarshal(body, &s) != nil {
		return settings{}
	}
	return s
}
