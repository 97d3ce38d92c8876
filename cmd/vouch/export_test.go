package main

import (
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/export"
	"github.com/vouchledger/vouch/billing/simulate"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/signer"
)

// TestTheExportNamesItsLeaves: the leaf of each transaction is where the tree
// has its event, also behind what other programs wrote.
func TestTheExportNamesItsLeaves(t *testing.T) {
	from := source{data: t.TempDir()}
	log, err := from.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	till := ledger.Draft{ID: ledger.ID{9}, Kind: "TillClosed", Occurred: time.Unix(0, 0).UTC(), Body: []byte{0xff}, Binary: true}
	if _, err := log.Append(t.Context(), "Kasse 3", ledger.Any(), till); err != nil {
		t.Fatal(err)
	}
	profile, err := simulate.ProfileNamed("stadium")
	if err != nil {
		t.Fatal(err)
	}
	clock := simulate.NewClock()
	shops := memlog.New(clock.Now)
	if _, err := simulate.Run(t.Context(), shops, simulate.Config{Seed: 3, Visits: 20, Profile: profile, Clock: clock}); err != nil {
		t.Fatal(err)
	}
	for r, err := range shops.Read(t.Context(), ledger.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		d := ledger.Draft{ID: r.ID, Kind: r.Kind, Occurred: r.Occurred, Actor: r.Actor, Cause: r.Cause, Trace: r.Trace, Body: r.Body}
		if _, err := log.Append(t.Context(), r.Stream, ledger.Any(), d); err != nil {
			t.Fatal(err)
		}
	}
	s, err := signer.Open(t.TempDir(), "shops.example", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := tree.New(log, tree.NewDir(t.TempDir()), s, tree.Config{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, last := s.Last()
	view := p.Folder().View(last.Size)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	j, leaf, err := readBooks(t.Context(), from, func(ledger.Record) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	b := export.NewBook(j, time.LoadLocation, leaf)
	if len(b.Transactions) < 20 {
		t.Fatalf("%d transactions, want those of 20 visits", len(b.Transactions))
	}
	for _, e := range b.Transactions {
		if want, err := tree.Locate(view, e.Position); err != nil || e.Leaf != want {
			t.Errorf("the event at %d is said to be leaf %d, the tree has it at %d, %v", e.Position, e.Leaf, want, err)
		}
	}
}
