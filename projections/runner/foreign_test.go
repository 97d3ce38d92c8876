package runner_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/projections/internal/story"
)

// beside returns a log with the events of own, and between them what another
// program writes: bodies that no fold knows, under names that look like ours.
func beside(t *testing.T, own ledger.Log) *memlog.Log {
	t.Helper()
	log := memlog.New(clock)
	n := 0
	foreign := func() {
		n++
		for i, d := range []ledger.Draft{
			{Kind: "sale", Body: []byte(`{"till":4}`), Metadata: []byte("notes")},
			{Kind: ledger.KindReceiptIssued, Body: []byte("not a receipt"), Binary: true},
			{Kind: "$metadata", Body: []byte(`{"$tb":9223372036854775807}`)},
		} {
			d.ID, d.Occurred = ledger.DeriveID(ledger.ID{7}, fmt.Sprint(n, i)), story.Start
			stream := []ledger.StreamID{"till-4", "visit", "$$visit-v1"}[i]
			if _, err := log.Append(t.Context(), stream, ledger.Any(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	foreign()
	for r, err := range own.Read(t.Context(), ledger.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		d := ledger.Draft{ID: r.ID, Kind: r.Kind, Occurred: r.Occurred, Actor: r.Actor, Body: r.Body}
		if _, err := log.Append(t.Context(), r.Stream, ledger.Any(), d); err != nil {
			t.Fatal(err)
		}
		foreign()
	}
	return log
}

// TestForeignEventsArePassed checks that a fold beside another program's events
// says the same as without them, is waited for at a foreign position, goes on
// from a checkpoint there, and is rebuilt to the same bytes.
func TestForeignEventsArePassed(t *testing.T) {
	alone := shop(t, 2)
	log := beside(t, alone)
	dir := t.TempDir()
	var l lines
	r := journal(log, dir, &l)
	follow(t, log, r)                      // the last position is a foreign one
	entries := func(state string) string { // positions differ, and nothing else may
		var out []string
		for _, f := range strings.Split(state, ",") {
			if !strings.Contains(f, `"position"`) {
				out = append(out, f)
			}
		}
		return strings.Join(out, ",")
	}
	if got, want := entries(state(t, r)), entries(straight(t, alone)); got != want {
		t.Errorf("journal beside another program = %s, want %s", got, want)
	}
	again := journal(log, dir, &l)
	if err := again.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again.Position() != head(t, log) || l.Len() > 0 {
		t.Errorf("resumed at %d of %d; the log says %s", again.Position(), head(t, log), &l)
	}
	rebuilt, err := again.Rebuild(t.Context(), nil)
	if err != nil || !rebuilt.Equal || rebuilt.Position != head(t, log) {
		t.Errorf("Rebuild() = %+v, %v, want an equal fold at the head", rebuilt, err)
	}
}
