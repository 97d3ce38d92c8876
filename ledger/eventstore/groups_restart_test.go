package eventstore_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/eventstore"
)

// A house is a till whose ledger lies in a folder and whose server can be
// stopped and started again.
type house struct {
	*till
	dir  string
	stop func()
}

func openHouse(t *testing.T) *house {
	h := &house{till: &till{t: t}, dir: t.TempDir()}
	h.start()
	t.Cleanup(func() { h.stop() })
	return h
}

// start serves the folder and connects a client to it.
func (h *house) start() {
	t := h.t
	t.Helper()
	log, err := embedded.Open(context.Background(), h.dir, embedded.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- eventstore.New(log, eventstore.Config{Now: time.Now, Insecure: true}).Serve(ctx, l) }()
	h.log, h.address = log, l.Addr().String()
	h.Client = connect(t, "esdb://"+h.address+"?tls=false")
	h.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
}

func (h *house) restart() {
	h.stop()
	h.start()
}

// TestGroupSurvivesRestart checks that a group, its settings, how far it is and
// what it has parked are there after the server was stopped, and that what was
// not answered comes again, and nothing else.
func TestGroupSurvivesRestart(t *testing.T) {
	h := openHouse(t)
	settings := quick()
	settings.MaxRetryCount, settings.ConsumerStrategyName = 7, esdb.ConsumerStrategyDispatchToSingle
	// No checkpoint but the last one that a server writes when it stops.
	settings.CheckpointLowerBound, settings.CheckpointUpperBound, settings.CheckpointAfter = 500, 1000, 60_000
	h.create("kitchen", settings)
	h.create("gone", nil)
	if err := h.DeletePersistentSubscription(t.Context(), "till-4", "gone", esdb.DeletePersistentSubscriptionOptions{}); err != nil {
		t.Fatal(err)
	}
	h.sell(0, 5)
	k := h.open("kitchen", 10)
	k.done(0)
	if err := k.Nack("broken", esdb.NackActionPark, k.next(1).Event); err != nil {
		t.Fatal(err)
	}
	k.done(2)
	k.next(3) // and the server stops before it is cooked
	h.until("kitchen", "answered", func(i *esdb.PersistentSubscriptionInfo) bool {
		return i.Stats.ParkedMessagesCount == 1 && i.Stats.TotalInFlightMessages == 2
	})
	h.restart()

	all, err := h.ListAllPersistentSubscriptions(t.Context(), esdb.ListPersistentSubscriptionsOptions{})
	if err != nil || len(all) != 1 {
		t.Fatalf("ListAllPersistentSubscriptions = %+v, %v, want the kitchen alone", all, err)
	}
	info := all[0]
	if info.Settings.MaxRetryCount != 7 || info.Settings.ConsumerStrategyName != esdb.ConsumerStrategyDispatchToSingle ||
		info.Stats.ParkedMessagesCount != 1 || !checkpointIs(2)(&info) {
		t.Errorf("after the restart: %+v, %+v", info.Settings, info.Stats)
	}
	k = h.open("kitchen", 10)
	k.done(3, 4)
	if err := h.ReplayParkedMessages(t.Context(), "till-4", "kitchen", esdb.ReplayParkedMessagesOptions{}); err != nil {
		t.Fatal(err)
	}
	k.next(1)
	h.until("kitchen", "replaying", parkedAre(0))
	h.restart() // in the middle of it
	h.until("kitchen", "as before", parkedAre(1))
	if err := h.ReplayParkedMessages(t.Context(), "till-4", "kitchen", esdb.ReplayParkedMessagesOptions{}); err != nil {
		t.Fatal(err)
	}
	h.open("kitchen", 10).done(1)
}

// TestGroupUnderLoad checks that, while tills sell and kitchens come and go,
// every sale is cooked.
func TestGroupUnderLoad(t *testing.T) {
	const tills, each = 4, 100
	s := openTill(t)
	settings := esdb.SubscriptionSettingsDefault()
	settings.MaxRetryCount, settings.HistoryBufferSize, settings.LiveBufferSize = 1000, 50, 50
	s.create("kitchens", &settings)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	var mu sync.Mutex
	cooked := map[string]bool{}
	var work sync.WaitGroup
	for till := range tills {
		work.Go(func() {
			for n := range each {
				if _, err := s.AppendToStream(ctx, "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, sale(till*each+n)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		work.Go(func() {
			for leaves := 1; ctx.Err() == nil; leaves++ {
				sub, err := s.SubscribeToPersistentSubscription(ctx, "till-4", "kitchens", esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: 7})
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				for range 20 * leaves { // and away, with some of it uncooked
					e := sub.Recv()
					if e.EventAppeared == nil {
						break
					}
					mu.Lock()
					cooked[string(e.EventAppeared.Event.Event.Data)] = true
					if len(cooked) == tills*each {
						cancel()
					}
					mu.Unlock()
					if err := sub.Ack(e.EventAppeared.Event); err != nil {
						break
					}
				}
				sub.Close()
			}
		})
	}
	work.Wait()
	for n := range tills * each {
		if !cooked[fmt.Sprintf(`{"sale":%d}`, n)] {
			t.Errorf("sale %d was never cooked", n)
		}
	}
}
