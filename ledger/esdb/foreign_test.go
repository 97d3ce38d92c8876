package esdb_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/esdb"
	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/ledgertest"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// another returns the client of a program that is not Vouch.
func another(t *testing.T, addr string) *client.Client {
	t.Helper()
	cfg, err := client.ParseConnectionString("esdb://" + addr + quick)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Logger = client.NoopLogging()
	c, err := client.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func put(t *testing.T, c *client.Client, stream string, e client.EventData) {
	t.Helper()
	if e.EventID == uuid.Nil {
		e.EventID = uuid.New()
	}
	if _, err := c.AppendToStream(t.Context(), stream, client.AppendToStreamOptions{}, e); err != nil {
		t.Fatalf("append to %s: %v", stream, err)
	}
}

// TestForeignEvents checks that what other programs keep in the cluster comes
// as it is, at its place, and that the cluster's own streams do not.
func TestForeignEvents(t *testing.T) {
	addr, _ := serve(t, memlog.New(ledgertest.JumpingClock()), "127.0.0.1:0", eventstore.Config{})
	log, other := open(t, "esdb://"+addr+quick, esdb.Config{}), another(t, addr)
	ours := mustAppend(t, log, "visit-anna", 1)
	id := uuid.New()
	put(t, other, "Kasse Süd", client.EventData{
		EventID: id, EventType: "Bon", ContentType: client.ContentTypeBinary, Data: []byte{0, 1}, Metadata: []byte("by hand"),
	})
	limit := client.StreamMetadata{}
	limit.SetMaxCount(5)
	if _, err := other.SetStreamMetadata(t.Context(), "Kasse Süd", client.AppendToStreamOptions{}, limit); err != nil {
		t.Fatal(err)
	}
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := collect(log.Read(t.Context(), ledger.Query{}), 2)
	if err != nil || len(all) != 2 || all[0].ID != ours.ID {
		t.Fatalf("the log = %+v, %v, want our event and theirs", all, err)
	}
	theirs := all[1]
	want := ledger.Record{
		ID: ledger.ID(id), Kind: "Bon", Stream: "Kasse Süd", Position: theirs.Position, Recorded: theirs.Recorded,
		Occurred: theirs.Recorded, Body: []byte{0, 1}, Metadata: []byte("by hand"), Binary: true,
	}
	if diff := cmp.Diff(want, theirs); diff != "" {
		t.Errorf("the foreign event (-want +got):\n%s", diff)
	}
	if head != theirs.Position {
		t.Errorf("Head() = %d, want the foreign event's %d", head, theirs.Position)
	}
	if r, err := log.Find(t.Context(), ledger.ID(id)); err != nil || r.Position != theirs.Position {
		t.Errorf("Find(foreign) = %d, %v", r.Position, err)
	}
	if got := slices.Collect(keys(t, log.Read(t.Context(), ledger.Query{Prefixes: ledger.OwnPrefixes()}))); !slices.Equal(got, []ledger.ID{ours.ID}) {
		t.Errorf("our streams hold %v, want our event alone", got)
	}
	if _, err := log.Append(t.Context(), "$$visit-anna", ledger.Any(), ledgertest.Draft(9)); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("append to a stream of the cluster's own = %v, want ErrInvalid", err)
	}
	apart := open(t, "esdb://"+addr+quick, esdb.Config{Namespace: "shop2."})
	if head, err := apart.Head(t.Context()); head != 0 || err != nil {
		t.Errorf("Head() of another namespace = %d, %v, want 0", head, err)
	}
}

func keys(t *testing.T, seq func(func(ledger.Record, error) bool)) func(func(ledger.ID) bool) {
	return func(yield func(ledger.ID) bool) {
		for r, err := range seq {
			if err != nil {
				t.Errorf("read: %v", err)
				return
			}
			if !yield(r.ID) {
				return
			}
		}
	}
}

// TestMeddling checks that what somebody does to a stream that money depends on
// is found, and told as damage and not as trouble. The namespace makes our
// streams look foreign to the server, which would refuse it otherwise; a cluster
// does not.
func TestMeddling(t *testing.T) {
	const stream = ledger.StreamID("visit-anna")
	for name, c := range map[string]struct {
		meddle func(*testing.T, *client.Client)
		whole  bool // reading the whole log finds it, too
		dead   bool // the ledger opens no more
	}{
		"a foreign event in our stream": {func(t *testing.T, c *client.Client) {
			put(t, c, "s1.visit-anna", client.EventData{EventType: "note", ContentType: client.ContentTypeJson, Data: []byte("{}")})
		}, true, false},
		"an envelope with a member too many": {func(t *testing.T, c *client.Client) {
			put(t, c, "s1.visit-anna", client.EventData{
				EventType: "note", ContentType: client.ContentTypeJson, Data: []byte("{}"),
				Metadata: []byte(`{"vouch":{"occurred":"2026-03-01T09:00:00Z","till":4}}`),
			})
		}, true, false},
		"our stream is cut": {func(t *testing.T, c *client.Client) {
			m := client.StreamMetadata{}
			m.SetTruncateBefore(1)
			if _, err := c.SetStreamMetadata(t.Context(), "s1.visit-anna", client.AppendToStreamOptions{}, m); err != nil {
				t.Fatal(err)
			}
		}, false, false},
		"our stream is deleted": {func(t *testing.T, c *client.Client) {
			if _, err := c.DeleteStream(t.Context(), "s1.visit-anna", client.DeleteStreamOptions{}); err != nil {
				t.Fatal(err)
			}
		}, false, false},
		"our stream is deleted for ever": {func(t *testing.T, c *client.Client) {
			if _, err := c.TombstoneStream(t.Context(), "s1.visit-anna", client.TombstoneStreamOptions{}); err != nil {
				t.Fatal(err)
			}
		}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			addr, _ := serve(t, memlog.New(ledgertest.JumpingClock()), "127.0.0.1:0", eventstore.Config{})
			address := "esdb://" + addr + quick
			log := open(t, address, esdb.Config{Namespace: "s1.", Timeout: 2 * time.Second})
			for n := range uint64(3) {
				mustAppend(t, log, stream, n)
			}
			c.meddle(t, another(t, addr))
			if _, err := collect(log.Read(t.Context(), ledger.Query{Stream: stream}), 99); !errors.Is(err, ledger.ErrCorrupt) || errors.Is(err, ledger.ErrUnavailable) {
				t.Errorf("reading the stream = %v, want ErrCorrupt", err)
			}
			_, err := collect(log.Read(t.Context(), ledger.Query{}), 99)
			if errors.Is(err, ledger.ErrCorrupt) != c.whole {
				t.Errorf("reading the log = %v, want ErrCorrupt %v", err, c.whole)
			}
			again, err := esdb.Open(t.Context(), address, esdb.Config{Namespace: "s1."})
			if errors.Is(err, ledger.ErrCorrupt) != c.dead {
				t.Errorf("opening again = %v, want ErrCorrupt %v", err, c.dead)
			}
			if err == nil {
				again.Close()
			}
		})
	}
}

// TestIndexOfAnotherCluster checks that an index that does not belong to the
// cluster is made anew.
func TestIndexOfAnotherCluster(t *testing.T) {
	file := filepath.Join(t.TempDir(), "index")
	for round := range uint64(3) {
		addr, _ := serve(t, memlog.New(ledgertest.JumpingClock()), "127.0.0.1:0", eventstore.Config{})
		log := open(t, "esdb://"+addr+quick, esdb.Config{Snapshot: file})
		for n := range 3 - round { // each cluster has fewer events than the one before
			r := mustAppend(t, log, "visit-anna", 10*round+n)
			if r.Revision != n {
				t.Errorf("cluster %d: revision %d, want %d", round, r.Revision, n)
			}
		}
		if _, err := log.Find(t.Context(), ledgertest.Draft(0).ID); (err == nil) != (round == 0) {
			t.Errorf("cluster %d: an event of the first one: %v", round, err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		if round == 1 {
			if err := os.WriteFile(file, []byte(strings.Repeat("x", 500)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
