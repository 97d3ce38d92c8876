package eventstore_test

import (
	"context"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc/codes"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// A badDisk is a log that refuses what groups write, while fault says why.
type badDisk struct {
	ledger.Log
	fault atomic.Pointer[error]
}

func (d *badDisk) Append(
	ctx context.Context, stream ledger.StreamID, expect ledger.Expected, drafts ...ledger.Draft,
) ([]ledger.Record, error) {
	if err := d.fault.Load(); err != nil && strings.HasPrefix(string(stream), "$persistentsubscription-") {
		return nil, *err
	}
	return d.Log.Append(ctx, stream, expect, drafts...)
}

func openOn(t *testing.T, log ledger.Log) *till {
	address := serve(t, log, eventstore.Config{Now: time.Now, Insecure: true})
	return &till{Client: connect(t, "esdb://"+address+"?tls=false"), t: t, log: log, address: address}
}

// TestGroupOnFullDisk checks that an event that cannot be parked comes again,
// that the group goes on, and that it is parked when there is room.
func TestGroupOnFullDisk(t *testing.T) {
	disk := &badDisk{Log: memlog.New(time.Now)}
	s := openOn(t, disk)
	s.create("kitchen", quick())
	k := s.open("kitchen", 1)
	s.sell(0, 2)
	var full error = syscall.ENOSPC
	disk.fault.Store(&full)
	if err := k.Nack("no pan", esdb.NackActionPark, k.next(0).Event); err != nil {
		t.Fatal(err)
	}
	k.done(1) // the next in turn
	again := k.next(0)
	disk.fault.Store(nil)
	if err := k.Nack("no pan", esdb.NackActionPark, again.Event); err != nil {
		t.Fatal(err)
	}
	info := s.until("kitchen", "done", checkpointIs(1))
	if info.Stats.ParkedMessagesCount != 1 {
		t.Errorf("%d events are parked, want 1", info.Stats.ParkedMessagesCount)
	}
}

// TestGroupOnBrokenLog checks that a consumer hears of a log that takes nothing
// more, and that the group goes on by itself once it does, without a loss.
func TestGroupOnBrokenLog(t *testing.T) {
	disk := &badDisk{Log: memlog.New(time.Now)}
	s := openOn(t, disk)
	s.create("kitchen", quick())
	k := s.open("kitchen", 1)
	s.sell(0, 1)
	broken := ledger.ErrClosed
	disk.fault.Store(&broken)
	if err := k.Ack(k.next(0).Event); err != nil {
		t.Fatal(err)
	}
	k.dropped(codes.Unavailable, "accepts nothing more")
	disk.fault.Store(nil)
	s.open("kitchen", 1).done(0)
}

// TestGroupIsNotFooled checks that what an administrator writes into the
// server's own streams is not taken for the server's word.
func TestGroupIsNotFooled(t *testing.T) {
	h := openHouse(t)
	h.create("kitchen", quick())
	h.sell(0, 2)
	for stream, kind := range map[string]string{
		"$persistentSubscriptionConfig":                      "$PersistentSubscriptionDeleted",
		"$persistentsubscription-till-4::kitchen-checkpoint": "$SubscriptionCheckpoint",
	} {
		if _, err := h.AppendToStream(t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}},
			esdb.EventData{EventType: kind, ContentType: esdb.ContentTypeJson, Data: []byte(`"99"`)}); err != nil {
			t.Fatal(err)
		}
	}
	h.restart()
	h.open("kitchen", 1).done(0, 1)
}

// TestKitchenTalksTooMuch checks that a reason longer than an event may be does
// not keep the event from being parked.
func TestKitchenTalksTooMuch(t *testing.T) {
	s := openTill(t)
	s.create("kitchen", quick())
	k := s.open("kitchen", 1)
	s.sell(0, 1)
	if err := k.Nack(strings.Repeat("ü", 1<<20), esdb.NackActionPark, k.next(0).Event); err != nil {
		t.Fatal(err)
	}
	s.until("kitchen", "parked", parkedAre(1))
}

// TestKitchenIsStuck checks that a consumer that reads nothing of what it is
// sent, again and again, is sent away: it would get everything parked.
func TestKitchenIsStuck(t *testing.T) {
	s := openTill(t)
	settings := quick()
	settings.MessageTimeout, settings.MaxRetryCount = 1, 1_000_000
	s.create("kitchen", settings)
	photo := esdb.EventData{EventType: "photo", ContentType: esdb.ContentTypeBinary, Data: make([]byte, 500_000)}
	if _, err := s.AppendToStream(t.Context(), "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, photo); err != nil {
		t.Fatal(err)
	}
	sub, err := persistent.NewPersistentSubscriptionsClient(s.raw()).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
		StreamOption: &persistent.ReadReq_Options_StreamIdentifier{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("till-4")},
		},
		GroupName: "kitchen", BufferSize: 1,
	}}}); err != nil {
		t.Fatal(err)
	}
	s.until("kitchen", "served", func(i *esdb.PersistentSubscriptionInfo) bool { return i.Stats.TotalItems > 0 })
	s.until("kitchen", "rid of it", func(i *esdb.PersistentSubscriptionInfo) bool { return len(i.Connections) == 0 })
}
