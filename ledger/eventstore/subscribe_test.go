package eventstore_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/eventstore"
)

// heard collects what a subscription says until done says so; a drop ends it.
func heard(t *testing.T, sub *esdb.Subscription, err error, done func([]string) bool) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	timer := time.AfterFunc(20*time.Second, func() { _ = sub.Close() })
	defer timer.Stop()
	var out []string
	for {
		switch e := sub.Recv(); {
		case e.EventAppeared != nil:
			r := e.EventAppeared.OriginalEvent()
			out = append(out, fmt.Sprintf("%s/%d", r.StreamID, r.EventNumber))
		case e.CheckPointReached != nil:
			out = append(out, fmt.Sprintf("checkpoint %d", e.CheckPointReached.Commit))
		case e.CaughtUp != nil:
			out = append(out, "caught up")
		case e.SubscriptionDropped != nil:
			return append(out, "dropped")
		}
		if done(out) {
			return out
		}
	}
}

func ends(with string) func([]string) bool {
	return func(out []string) bool { return out[len(out)-1] == with }
}

// TestSubscribeToAStream checks where each start begins, that it catches up,
// says so and goes on live.
func TestSubscribeToAStream(t *testing.T) {
	s := openTill(t)
	s.appended("till-4", esdb.NoStream{}, sales(0, 3)...)
	for name, c := range map[string]struct {
		from esdb.StreamPosition
		want []string
	}{
		"start": {esdb.Start{}, []string{"till-4/0", "till-4/1", "till-4/2", "caught up"}},
		"after": {esdb.Revision(1), []string{"till-4/2", "caught up"}},
		"last":  {esdb.Revision(2), []string{"caught up"}},
		"end":   {esdb.End{}, []string{"caught up"}},
	} {
		sub, err := s.SubscribeToStream(t.Context(), "till-4", esdb.SubscribeToStreamOptions{From: c.from})
		same(t, name, heard(t, sub, err, ends("caught up")), c.want)
	}
	for _, stream := range []string{"till-4", "till-9"} { // till-9 does not exist yet
		sub, err := s.SubscribeToStream(t.Context(), stream, esdb.SubscribeToStreamOptions{From: esdb.End{}})
		next := map[string]string{"till-4": "till-4/3", "till-9": "till-9/0"}[stream]
		got := heard(t, sub, err, func(out []string) bool {
			if out[len(out)-1] == "caught up" {
				s.appended("till-5", esdb.Any{}, sale(len(stream)*100)) // not for this reader
				s.appended(stream, esdb.Any{}, sale(1000+int(stream[5])))
			}
			return out[len(out)-1] == next
		})
		same(t, stream, got, []string{"caught up", next})
	}
}

// TestSubscriberSeesTheEnd checks that a tombstone is the last that a
// subscriber hears, and the first for one that comes later.
func TestSubscriberSeesTheEnd(t *testing.T) {
	s := openTill(t)
	there(s)
	sub, err := s.SubscribeToStream(t.Context(), "till-4", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	got := heard(t, sub, err, func(out []string) bool {
		if out[len(out)-1] == "caught up" {
			if _, err := s.TombstoneStream(t.Context(), "till-4", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
				t.Error(err)
			}
		}
		return out[len(out)-1] == "dropped"
	})
	same(t, "what was heard", got, []string{"till-4/0", "till-4/1", "caught up", fmt.Sprintf("till-4/%d", math.MaxInt64), "dropped"})
	sub, err = s.SubscribeToStream(t.Context(), "till-4", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	same(t, "a late subscriber", heard(t, sub, err, func([]string) bool { return false }), []string{"dropped"})
}

// TestSubscriberOfHiddenEvents checks that what is hidden stays hidden, also
// where it is all there is.
func TestSubscriberOfHiddenEvents(t *testing.T) {
	s := openTill(t)
	s.appended("till-4", esdb.NoStream{}, sales(0, 3)...)
	s.setMetadata("till-4", `{"$tb":3}`)
	sub, err := s.SubscribeToStream(t.Context(), "till-4", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	got := heard(t, sub, err, func(out []string) bool {
		if out[len(out)-1] == "caught up" {
			s.appended("till-4", esdb.Revision(2), sale(3))
		}
		return out[len(out)-1] == "till-4/3"
	})
	same(t, "what was heard", got, []string{"caught up", "till-4/3"})
}

// TestCheckpoints checks that a filtering subscriber hears how far the log was
// considered, also where nothing was for it, and can go on from there.
func TestCheckpoints(t *testing.T) {
	s := openTill(t)
	for i := range 7 {
		s.appended(fmt.Sprintf("scale-%d", i), esdb.Any{}, sale(i))
	}
	s.appended("till-4", esdb.Any{}, sale(7)) // position 8
	options := esdb.SubscribeToAllOptions{
		From: esdb.Start{}, MaxSearchWindow: 2, CheckpointInterval: 2, // every 4
		Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"till-"}},
	}
	sub, err := s.SubscribeToAll(t.Context(), options)
	got := heard(t, sub, err, func(out []string) bool {
		if out[len(out)-1] == "caught up" {
			for i := range 4 {
				s.appended("scale-9", esdb.Any{}, sale(20+i)) // 9 to 12
			}
		}
		return out[len(out)-1] == "checkpoint 12"
	})
	same(t, "what was heard", got, []string{
		"checkpoint 4", "till-4/0", "checkpoint 8", "checkpoint 8", "caught up", "checkpoint 12",
	})
	s.appended("till-4", esdb.Any{}, sale(30))
	options.From = esdb.Position{Commit: 12, Prepare: 12}
	sub, err = s.SubscribeToAll(t.Context(), options)
	same(t, "from the checkpoint", heard(t, sub, err, ends("caught up")), []string{"till-4/1", "checkpoint 13", "caught up"})

	expr := esdb.SubscribeToAllOptions{From: esdb.Start{}, MaxSearchWindow: 99, CheckpointInterval: 1, Filter: esdb.ExcludeSystemEventsFilter()}
	s.setMetadata("till-4", "{}")
	sub, err = s.SubscribeToAll(t.Context(), expr)
	for _, e := range heard(t, sub, err, ends("caught up")) {
		if e == "$$till-4/0" {
			t.Error("a subscriber without system events got one")
		}
	}
}

// TestHandOver checks that a subscriber that joins while many write gets each
// event once and in order, however slowly it reads, and holds up nobody.
func TestHandOver(t *testing.T) {
	log, err := embedded.Open(t.Context(), t.TempDir(), embedded.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	address := serve(t, log, eventstore.Config{Now: time.Now, Insecure: true})
	s := &till{Client: connect(t, "esdb://"+address+"?tls=false"), t: t, log: log, address: address}
	const tills, each = 4, 250
	// This one never reads: nobody may wait for it.
	asleep, err := s.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	defer asleep.Close()
	var writers, readers sync.WaitGroup
	for w := range tills {
		writers.Go(func() {
			for i := range each {
				e := sale(w*each + i)
				e.Data = fmt.Appendf(nil, `{"padding":"%01000d"}`, i)
				if _, err := s.AppendToStream(t.Context(), fmt.Sprintf("till-%d", w), esdb.AppendToStreamOptions{
					ExpectedRevision: esdb.Any{},
				}, e); err != nil {
					t.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	for range 3 {
		readers.Go(func() {
			sub, err := s.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.Start{}})
			if err != nil {
				t.Error(err)
				return
			}
			defer sub.Close()
			next := map[string]uint64{}
			for n, last := 0, uint64(0); n < tills*each; {
				e := sub.Recv()
				if e.SubscriptionDropped != nil {
					t.Errorf("dropped after %d events: %v", n, e.SubscriptionDropped.Error)
					return
				}
				if e.EventAppeared == nil {
					continue
				}
				r := e.EventAppeared.Event
				if r.EventNumber != next[r.StreamID] || r.Position.Commit <= last {
					t.Errorf("%s/%d at %d after %d, want revision %d", r.StreamID, r.EventNumber, r.Position.Commit, last, next[r.StreamID])
					return
				}
				next[r.StreamID], last, n = r.EventNumber+1, r.Position.Commit, n+1
			}
		})
	}
	writers.Wait()
	readers.Wait()
}

// TestCaughtUpSaysMore checks the fields that clients of newer servers need,
// which the stubs of this client do not know.
func TestCaughtUpSaysMore(t *testing.T) {
	s := openTill(t)
	there(s)
	for name, c := range map[string]struct {
		option *streams.ReadReq_Options
		field  protowire.Number
	}{
		"a stream":       {streamFrom("till-4", 0), 2},
		"everything":     {allWith(nil), 3},
		"nothing so far": {streamFrom("till-9", 0), 1},
	} {
		o := c.option
		if name == "everything" {
			o.FilterOption = &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}}
		}
		if name == "nothing so far" {
			o.GetStream().RevisionOption = &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}}
		}
		o.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
		fields := s.caughtUpFields(o)
		if fields[1] == nil || fields[c.field] == nil {
			t.Errorf("%s: caught_up has fields %v, want 1 and %d", name, fields, c.field)
		}
	}
}

// caughtUpFields subscribes and returns the raw fields of caught_up.
func (s *till) caughtUpFields(o *streams.ReadReq_Options) map[protowire.Number][]byte {
	s.t.Helper()
	o.UuidOption = &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{}}
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	call, err := streams.NewStreamsClient(s.raw()).Read(ctx, &streams.ReadReq{Options: o})
	if err != nil {
		s.t.Fatal(err)
	}
	for first := true; ; first = false {
		m, err := call.Recv()
		if err != nil {
			s.t.Fatal(err)
		}
		if first && m.GetConfirmation().GetSubscriptionId() == "" {
			s.t.Errorf("the first message is %v, want a confirmation", m)
		}
		if m.GetCaughtUp() == nil {
			continue
		}
		fields := map[protowire.Number][]byte{}
		for b := m.GetCaughtUp().ProtoReflect().GetUnknown(); len(b) > 0; {
			n, _, size := protowire.ConsumeField(b)
			if size < 0 {
				s.t.Fatalf("caught_up holds %x", b)
			}
			fields[n], b = b[:size], b[size:]
		}
		return fields
	}
}

// TestHiddenBookkeeping checks that no reader of $all sees what subscriptions
// to $all write themselves.
func TestHiddenBookkeeping(t *testing.T) {
	s := openTill(t)
	for i, stream := range []ledger.StreamID{
		"$persistentsubscription-$all::printer-checkpoint", "$persistentsubscription-$all::printer-parked",
		"$epoch-information", "$persistentsubscription-till-4::printer-parked",
	} {
		_, err := s.log.Append(t.Context(), stream, ledger.Any(), ledger.Draft{
			ID: ledger.ID{9, byte(i)}, Kind: "$it", Occurred: ledger.Instant(time.Now()),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sub, err := s.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.Start{}})
	same(t, "what was heard", heard(t, sub, err, ends("caught up")), []string{"$persistentsubscription-till-4::printer-parked/0", "caught up"})
}
