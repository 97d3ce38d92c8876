package eventstore

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

// sampleGroup has every member.
func sampleGroup() groupConfig {
	return groupConfig{
		key:     groupKey{allStream, "kitchen"},
		fromEnd: true, from: 42,
		filter: &groupFilter{On: "stream", Prefixes: []string{"till-", "stock-"}, Window: 32, Interval: 4},
		settings: groups.Settings{
			ResolveLinks: true, ExtraStatistics: true, MessageTimeout: 30 * time.Second, MaxRetryCount: 10,
			MinCheckpointCount: 11, MaxCheckpointCount: 1000, CheckpointAfter: 2 * time.Second,
			LiveBufferSize: 500, HistoryBufferSize: 501, ReadBatchSize: 20, MaxSubscriberCount: 3,
			Strategy: groups.PinnedByCorrelation,
		},
	}
}

// goldenGroup is in ledgers already: it must stay readable.
const goldenGroup = `{"source":"$all","group":"kitchen","by":"admin","from_end":true,"from":42,` +
	`"filter":{"on":"stream","prefixes":["till-","stock-"],"window":32,"interval":4},` +
	`"resolve_links":true,"extra_statistics":true,"message_timeout_ms":30000,"max_retry_count":10,` +
	`"min_checkpoint_count":11,"max_checkpoint_count":1000,"checkpoint_after_ms":2000,` +
	`"live_buffer_size":500,"history_buffer_size":501,"read_batch_size":20,"max_subscriber_count":3,` +
	`"strategy":"PinnedByCorrelation"}`

func sameGroup(t *testing.T, got, want groupConfig) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(groupConfig{}, groupKey{})); diff != "" {
		t.Errorf("group (-want +got):\n%s", diff)
	}
}

// TestStoredGroup checks the bytes in which a group is kept.
func TestStoredGroup(t *testing.T) {
	b, err := sampleGroup().marshal("admin")
	if err != nil || string(b) != goldenGroup {
		t.Errorf("marshal() = %s, %v, want %s", b, err, goldenGroup)
	}
	got, err := parseGroup([]byte(goldenGroup))
	if err != nil {
		t.Fatal(err)
	}
	sameGroup(t, got, sampleGroup())
	for _, old := range []string{`"kitchen"`, `"max_checkpoint_count":1000`, `"PinnedByCorrelation"`, `"prefixes":["till-","stock-"]`, `{"source"`} {
		broken := map[string]string{
			`"kitchen"`: `""`, `"max_checkpoint_count":1000`: `"max_checkpoint_count":0`,
			`"PinnedByCorrelation"`: `"Shuffle"`, `"prefixes":["till-","stock-"]`: `"regex":"(?=x)"`, `{"source"`: `"source"`,
		}[old]
		if _, err := parseGroup([]byte(strings.Replace(goldenGroup, old, broken, 1))); !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("parseGroup with %s for %s = %v, want ErrCorrupt", broken, old, err)
		}
	}
}

// FuzzGroup checks that what is read is written as what was read.
func FuzzGroup(f *testing.F) {
	f.Add([]byte(goldenGroup))
	f.Add([]byte(`{"source":"till-4","group":"k","max_checkpoint_count":1,"live_buffer_size":1,"history_buffer_size":1,"read_batch_size":1,"strategy":"Pinned"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := parseGroup(body)
		if err != nil {
			if !errors.Is(err, ledger.ErrCorrupt) {
				t.Errorf("parseGroup(%q) = %v, want ErrCorrupt", body, err)
			}
			return
		}
		b, err := c.marshal("")
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseGroup(b)
		if err != nil {
			t.Fatal(err)
		}
		sameGroup(t, again, c)
	})
}

// TestPlaces checks how places are written, and that nothing else is read.
func TestPlaces(t *testing.T) {
	for _, tt := range []struct {
		source ledger.StreamID
		at     uint64
		want   string
	}{
		{"till-4", 0, "0"},
		{"till-4", 7, "7"},
		{"till-4", math.MaxUint64, "18446744073709551615"},
		{allStream, 0, "C:0/P:0"},
		{allStream, 7, "C:7/P:7"},
	} {
		k := groupKey{tt.source, "g"}
		if got := k.place(tt.at); got != tt.want {
			t.Errorf("place(%d) of %s = %q, want %q", tt.at, tt.source, got, tt.want)
		}
		if at, err := k.parsePlace(tt.want); err != nil || at != tt.at {
			t.Errorf("parsePlace(%q) = %d, %v, want %d", tt.want, at, err, tt.at)
		}
	}
	for _, bad := range []string{"", "-1", "07", "7 ", "C:7/P:7"} {
		if _, err := (groupKey{"till-4", "g"}).parsePlace(bad); !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("parsePlace(%q) = %v, want ErrCorrupt", bad, err)
		}
	}
	for _, bad := range []string{"", "7", "C:7", "C:7/P:8", "C:-1/P:-1", "7/P:7"} {
		if _, err := (groupKey{allStream, "g"}).parsePlace(bad); !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("parsePlace(%q) of $all = %v, want ErrCorrupt", bad, err)
		}
	}
}
