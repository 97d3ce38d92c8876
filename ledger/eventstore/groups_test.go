package eventstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// quick are settings under which every acknowledgement is a checkpoint.
func quick() *esdb.PersistentSubscriptionSettings {
	s := esdb.SubscriptionSettingsDefault()
	s.CheckpointLowerBound, s.CheckpointUpperBound, s.CheckpointAfter = 1, 1, 0
	return &s
}

// create makes a group on the till's stream that starts at its first event.
func (s *till) create(group string, settings *esdb.PersistentSubscriptionSettings) {
	s.t.Helper()
	err := s.CreatePersistentSubscription(s.t.Context(), "till-4", group,
		esdb.PersistentStreamSubscriptionOptions{StartFrom: esdb.Start{}, Settings: settings})
	if err != nil {
		s.t.Fatalf("CreatePersistentSubscription(%s) = %v", group, err)
	}
}

func (s *till) sell(from, to int) {
	s.t.Helper()
	if _, err := s.AppendToStream(s.t.Context(), "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, sales(from, to)...); err != nil {
		s.t.Fatal(err)
	}
}

// A kitchen is a consumer of a group on the till's stream.
type kitchen struct {
	*esdb.PersistentSubscription
	t *testing.T
}

func (s *till) open(group string, buffer uint32) *kitchen {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute) // or a lost event would be waited for
	s.t.Cleanup(cancel)
	sub, err := s.SubscribeToPersistentSubscription(ctx, "till-4", group,
		esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: buffer})
	if err != nil {
		s.t.Fatalf("SubscribeToPersistentSubscription(%s) = %v", group, err)
	}
	s.t.Cleanup(func() { sub.Close() })
	return &kitchen{sub, s.t}
}

// next returns the next event, which must be the sale of this number.
func (k *kitchen) next(want int) *esdb.EventAppeared {
	k.t.Helper()
	e := k.Recv()
	if e.SubscriptionDropped != nil {
		k.t.Fatalf("consumer was dropped: %v; want sale %d", e.SubscriptionDropped.Error, want)
	}
	if got := string(e.EventAppeared.Event.Event.Data); got != fmt.Sprintf(`{"sale":%d}`, want) {
		k.t.Fatalf("next event is %s, want sale %d", got, want)
	}
	return e.EventAppeared
}

func (k *kitchen) done(want ...int) {
	k.t.Helper()
	for _, n := range want {
		if err := k.Ack(k.next(n).Event); err != nil {
			k.t.Fatal(err)
		}
	}
}

// dropped requires that the consumer is sent away, with this code and text.
func (k *kitchen) dropped(code codes.Code, text string) {
	k.t.Helper()
	e := k.Recv()
	if e.SubscriptionDropped == nil {
		k.t.Fatalf("consumer got event %s, want it dropped", e.EventAppeared.Event.Event.Data)
	}
	if st, _ := status.FromError(e.SubscriptionDropped.Error); st.Code() != code || !strings.Contains(st.Message(), text) {
		k.t.Errorf("consumer was dropped with %v, want %v: %s", e.SubscriptionDropped.Error, code, text)
	}
}

// until asks for the group's description until it is as wanted: what a consumer
// sends is on its way when the client has sent it.
func (s *till) until(group, what string, is func(*esdb.PersistentSubscriptionInfo) bool) *esdb.PersistentSubscriptionInfo {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	for {
		info, err := s.GetPersistentSubscriptionInfo(ctx, "till-4", group, esdb.GetPersistentSubscriptionOptions{})
		if err != nil {
			s.t.Fatalf("group %s is never %s: %v", group, what, err)
		}
		if is(info) {
			return info
		}
	}
}

func parkedAre(n int64) func(*esdb.PersistentSubscriptionInfo) bool {
	return func(i *esdb.PersistentSubscriptionInfo) bool { return i.Stats.ParkedMessagesCount == n }
}

func checkpointIs(n uint64) func(*esdb.PersistentSubscriptionInfo) bool {
	return func(i *esdb.PersistentSubscriptionInfo) bool {
		at := i.Stats.LastCheckpointedEventRevision
		return at != nil && *at == n
	}
}

// TestKitchenTakesTurns checks that the kitchens of one group share the sales,
// and that what one does not finish goes to the other.
func TestKitchenTakesTurns(t *testing.T) {
	s := openTill(t)
	s.create("kitchens", quick())
	a, b := s.open("kitchens", 1), s.open("kitchens", 1)
	s.sell(0, 3)
	a.next(0)
	b.done(1)
	got := b.next(2)
	a.Close()
	s.until("kitchens", "left", func(i *esdb.PersistentSubscriptionInfo) bool { return len(i.Connections) == 1 })
	if err := b.Ack(got.Event); err != nil {
		t.Fatal(err)
	}
	again := b.next(0)
	if again.RetryCount != 1 {
		t.Errorf("retry count = %d, want 1", again.RetryCount)
	}
	if err := b.Ack(again.Event); err != nil {
		t.Fatal(err)
	}
	s.until("kitchens", "done", checkpointIs(2))
}

// TestKitchenParks checks retries, parking, and replay in part and in whole.
func TestKitchenParks(t *testing.T) {
	s := openTill(t)
	settings := quick()
	settings.MaxRetryCount = 1
	s.create("kitchen", settings)
	k := s.open("kitchen", 10)
	s.sell(0, 3)
	for want, action := range []esdb.NackAction{esdb.NackActionPark, esdb.NackActionRetry, esdb.NackActionSkip} {
		if err := k.Nack("no pan", action, k.next(want).Event); err != nil {
			t.Fatal(err)
		}
	}
	again := k.next(1)
	if again.RetryCount != 1 {
		t.Errorf("retry count = %d, want 1", again.RetryCount)
	}
	if err := k.Nack("still no pan", esdb.NackActionUnknown, again.Event); err != nil {
		t.Fatal(err)
	}
	s.until("kitchen", "parked", parkedAre(2))
	s.until("kitchen", "done", checkpointIs(2))

	r, err := s.ReadStream(t.Context(), "$persistentsubscription-till-4::kitchen-parked", esdb.ReadStreamOptions{ResolveLinkTos: true}, 10)
	links, err := readAll(t, r, err)
	if err != nil || len(links) != 2 {
		t.Fatalf("parked stream has %d events, %v, want 2", len(links), err)
	}
	if l := links[0]; string(l.Link.Data) != "0@till-4" || string(l.Event.Data) != `{"sale":0}` ||
		!strings.Contains(string(l.Link.UserMetadata), `"reason":"no pan","subscriptionEventNumber":0`) {
		t.Errorf("first parked link is %s %s to %s", l.Link.Data, l.Link.UserMetadata, l.Event.Data)
	}

	if err := s.ReplayParkedMessages(t.Context(), "till-4", "kitchen", esdb.ReplayParkedMessagesOptions{StopAt: 1}); err != nil {
		t.Fatal(err)
	}
	k.done(0)
	s.until("kitchen", "half replayed", parkedAre(1))
	if err := s.ReplayParkedMessages(t.Context(), "till-4", "kitchen", esdb.ReplayParkedMessagesOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := k.Nack("never", esdb.NackActionPark, k.next(1).Event); err != nil {
		t.Fatal(err)
	}
	s.until("kitchen", "parked again", parkedAre(1))
	r, err = s.ReadStream(t.Context(), "$persistentsubscription-till-4::kitchen-parked", esdb.ReadStreamOptions{}, 10)
	links, err = readAll(t, r, err)
	if err != nil || len(links) != 1 || string(links[0].Event.Data) != "1@till-4" {
		t.Errorf("parked stream has %d links, %v, want the new one to sale 1", len(links), err)
	}
}

// TestKitchenTimeout checks that a sale that is not answered in time comes
// again.
func TestKitchenTimeout(t *testing.T) {
	s := openTill(t)
	settings := quick()
	settings.MessageTimeout = 50
	s.create("kitchen", settings)
	k := s.open("kitchen", 1)
	s.sell(0, 1)
	k.next(0)
	if again := k.next(0); again.RetryCount != 1 {
		t.Errorf("retry count = %d, want 1", again.RetryCount)
	}
}

// TestKitchenStops checks that a consumer can stop itself, and what that does
// to the event.
func TestKitchenStops(t *testing.T) {
	s := openTill(t)
	s.create("kitchen", quick())
	k := s.open("kitchen", 1)
	s.sell(0, 1)
	if err := k.Nack("fire", esdb.NackActionStop, k.next(0).Event); err != nil {
		t.Fatal(err)
	}
	k.dropped(codes.Canceled, "Subscription group kitchen on stream till-4 was dropped.")
	s.open("kitchen", 1).done(0)
}

// TestGroupIsChangedAndDeleted checks that consumers are told to come back when
// the settings change and to stay away when the group is gone, and that a
// namesake does not inherit anything.
func TestGroupIsChangedAndDeleted(t *testing.T) {
	s := openTill(t)
	s.create("kitchen", quick())
	k := s.open("kitchen", 10)
	s.sell(0, 3)
	k.done(0)
	if err := k.Nack("", esdb.NackActionPark, k.next(1).Event); err != nil {
		t.Fatal(err)
	}
	s.until("kitchen", "done", checkpointIs(1))
	settings := quick()
	settings.MaxSubscriberCount, settings.ConsumerStrategyName = 1, esdb.ConsumerStrategyPinned
	if err := s.UpdatePersistentSubscription(t.Context(), "till-4", "kitchen",
		esdb.PersistentStreamSubscriptionOptions{Settings: settings}); err != nil {
		t.Fatal(err)
	}
	k.next(2) // was on its way
	k.dropped(codes.Canceled, "was dropped")
	k = s.open("kitchen", 10)
	k.done(2)
	info := s.until("kitchen", "done", checkpointIs(2))
	if got := info.Settings; got.MaxSubscriberCount != 1 || got.ConsumerStrategyName != esdb.ConsumerStrategyPinned {
		t.Errorf("settings = %+v, want the new ones", got)
	}
	_, err := s.SubscribeToPersistentSubscription(t.Context(), "till-4", "kitchen", esdb.SubscribeToPersistentSubscriptionOptions{})
	if err == nil || !strings.Contains(err.Error(), "Maximum subscriptions reached for subscription group kitchen on stream till-4.") {
		t.Errorf("second consumer: %v, want it refused", err)
	}
	if err := s.DeletePersistentSubscription(t.Context(), "till-4", "kitchen", esdb.DeletePersistentSubscriptionOptions{}); err != nil {
		t.Fatal(err)
	}
	k.dropped(codes.NotFound, "Subscription group kitchen on stream till-4 does not exist.")
	s.create("kitchen", quick())
	if info := s.until("kitchen", "there", func(*esdb.PersistentSubscriptionInfo) bool { return true }); info.Stats.ParkedMessagesCount != 0 || info.Stats.LastCheckpointedEventRevision != nil {
		t.Errorf("new group has %+v, want nothing of the old one", info.Stats)
	}
	s.open("kitchen", 10).done(0, 1, 2)
}

// TestGroupStarts checks the three places where a group can start, and that one
// that starts at the end gets all that came after it was made.
func TestGroupStarts(t *testing.T) {
	for name, tt := range map[string]struct {
		from esdb.StreamPosition
		want int
	}{
		"start": {esdb.Start{}, 0}, "revision": {esdb.Revision(2), 2}, "end": {esdb.End{}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := openTill(t)
			s.sell(0, 3)
			if err := s.CreatePersistentSubscription(t.Context(), "till-4", "kitchen",
				esdb.PersistentStreamSubscriptionOptions{StartFrom: tt.from}); err != nil {
				t.Fatal(err)
			}
			s.sell(3, 5)
			s.open("kitchen", 1).next(tt.want)
		})
	}
}

// TestGroupOnAll checks a group on the whole log with a filter, and that its own
// bookkeeping does not come back to it.
func TestGroupOnAll(t *testing.T) {
	s := openTill(t)
	s.sell(0, 2)
	settings := quick()
	for group, filter := range map[string]*esdb.SubscriptionFilter{
		"stream": {Type: esdb.StreamFilterType, Prefixes: []string{"till-"}},
		"type":   {Type: esdb.EventFilterType, Regex: "^sa[lt]e$"},
	} {
		if err := s.CreatePersistentSubscriptionToAll(t.Context(), group, esdb.PersistentAllSubscriptionOptions{
			StartFrom: esdb.Start{}, Settings: settings, Filter: filter,
		}); err != nil {
			t.Fatal(err)
		}
		sub, err := s.SubscribeToPersistentSubscriptionToAll(t.Context(), group, esdb.SubscribeToPersistentSubscriptionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		(&kitchen{sub, t}).done(0, 1)
		sub.Close()
	}
	err := s.CreatePersistentSubscriptionToAll(t.Context(), "bad", esdb.PersistentAllSubscriptionOptions{
		Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: "(?=look ahead)"},
	})
	if err == nil || !strings.Contains(err.Error(), "RE2") {
		t.Errorf("group with a regular expression that RE2 has not: %v, want it refused", err)
	}
	infos, err := s.ListPersistentSubscriptionsToAll(t.Context(), esdb.ListPersistentSubscriptionsOptions{})
	if err != nil || len(infos) != 2 || infos[0].EventSource != "$all" {
		t.Fatalf("ListPersistentSubscriptionsToAll = %+v, %v, want two groups", infos, err)
	}
	// All that is open to a group without a filter: its checkpoints are not.
	if err := s.CreatePersistentSubscriptionToAll(t.Context(), "everything", esdb.PersistentAllSubscriptionOptions{
		StartFrom: esdb.Start{}, Settings: settings,
	}); err != nil {
		t.Fatal(err)
	}
	sub, err := s.SubscribeToPersistentSubscriptionToAll(t.Context(), "everything", esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	for range 5 { // two sales, three groups made
		e := sub.Recv()
		if e.EventAppeared == nil {
			t.Fatal(e.SubscriptionDropped.Error)
		}
		if stream := e.EventAppeared.Event.Event.StreamID; stream != "till-4" && stream != "$persistentSubscriptionConfig" {
			t.Errorf("group on $all got an event of %s", stream)
		}
		if err := sub.Ack(e.EventAppeared.Event); err != nil {
			t.Fatal(err)
		}
	}
	s.sell(2, 3)
	(&kitchen{sub, t}).done(2)
}

// TestGroupFollowsLinks checks that links are followed, that answers name the
// link, and that one whose target is gone comes as it is.
func TestGroupFollowsLinks(t *testing.T) {
	s := openTill(t)
	s.sell(0, 2)
	link := func(to string) esdb.EventData {
		return esdb.EventData{EventType: "$>", ContentType: esdb.ContentTypeBinary, Data: []byte(to)}
	}
	if _, err := s.AppendToStream(t.Context(), "dear", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}},
		link("1@till-4"), link("9@till-4"), link("0@till-4")); err != nil {
		t.Fatal(err)
	}
	settings := quick()
	settings.ResolveLinkTos = true
	if err := s.CreatePersistentSubscription(t.Context(), "dear", "kitchen",
		esdb.PersistentStreamSubscriptionOptions{StartFrom: esdb.Start{}, Settings: settings}); err != nil {
		t.Fatal(err)
	}
	sub, err := s.SubscribeToPersistentSubscription(t.Context(), "dear", "kitchen", esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	k := &kitchen{sub, t}
	k.done(1)
	gone := sub.Recv().EventAppeared
	if gone == nil || gone.Event.Event != nil || string(gone.Event.Link.Data) != "9@till-4" {
		t.Fatalf("link to nothing came as %+v", gone)
	}
	if err := sub.Ack(gone.Event); err != nil {
		t.Fatal(err)
	}
	k.done(0)
}

// TestGroupOnCutStream checks that a group gets what readers of its stream see:
// nothing that was cut, deleted, or is too old; and the rest.
func TestGroupOnCutStream(t *testing.T) {
	s := openTill(t)
	s.sell(0, 5)
	var m esdb.StreamMetadata
	m.SetTruncateBefore(3)
	if _, err := s.SetStreamMetadata(t.Context(), "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, m); err != nil {
		t.Fatal(err)
	}
	s.create("kitchen", quick())
	k := s.open("kitchen", 10)
	k.done(3, 4)
	if _, err := s.DeleteStream(t.Context(), "till-4", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	s.sell(5, 6)
	k.done(5)
	m.SetTruncateBefore(8) // two sales that nobody will see, while the group waits for them
	if _, err := s.SetStreamMetadata(t.Context(), "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, m); err != nil {
		t.Fatal(err)
	}
	s.sell(6, 7)
	s.sell(7, 8)
	s.sell(8, 9)
	k.done(8)
	s.until("kitchen", "done", checkpointIs(8))
	if _, err := s.TombstoneStream(t.Context(), "till-4", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetPersistentSubscriptionInfo(t.Context(), "till-4", "kitchen", esdb.GetPersistentSubscriptionOptions{}); err != nil {
		t.Errorf("group on a tombstoned stream: %v", err)
	}
}

// TestGroupInfo checks what an operator sees.
func TestGroupInfo(t *testing.T) {
	s := openTill(t)
	settings := quick()
	settings.ExtraStatistics = true
	s.create("kitchen", settings)
	s.sell(0, 9)
	k := s.open("kitchen", 2)
	k.done(0, 1, 2, 3)
	info := s.until("kitchen", "done", func(i *esdb.PersistentSubscriptionInfo) bool {
		return checkpointIs(3)(i) && i.Stats.TotalInFlightMessages == 2 && i.Status == "Live"
	})
	if info.EventSource != "till-4" || info.GroupName != "kitchen" ||
		*info.Stats.LastKnownEventRevision != 8 || info.Stats.TotalItems != 6 || info.Settings.StartFrom != (esdb.Start{}) {
		t.Errorf("info = %+v, stats = %+v", info, info.Stats)
	}
	c := info.Connections[0]
	if c.Username != "admin" || !strings.HasPrefix(c.From, "127.0.0.1:") || c.ConnectionName == "" ||
		c.AvailableSlots != 0 || c.InFlightMessages != 2 || c.TotalItemsProcessed != 6 || len(c.ExtraStatistics) != 14 {
		t.Errorf("connection = %+v", c)
	}
}

// TestGroupSubsystemRestarts checks that a restart sends everybody away and
// loses nothing.
func TestGroupSubsystemRestarts(t *testing.T) {
	s := openTill(t)
	s.create("kitchen", quick())
	k := s.open("kitchen", 1)
	s.sell(0, 2)
	k.done(0)
	k.next(1)
	if err := s.RestartPersistentSubscriptionSubsystem(t.Context(), esdb.RestartPersistentSubscriptionSubsystemOptions{}); err != nil {
		t.Fatal(err)
	}
	k.dropped(codes.Canceled, "was dropped")
	s.open("kitchen", 1).done(1)
}
