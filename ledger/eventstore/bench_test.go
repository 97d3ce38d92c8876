package eventstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/eventstore"
)

// BenchmarkAppend is 16 writers with durable appends of one event of 300 bytes,
// once into the log itself and once through the official client.
func BenchmarkAppend(b *testing.B) {
	body := fmt.Appendf(nil, `{"padding":"%0286d"}`, 0)
	open := func(b *testing.B) *embedded.Log {
		log, err := embedded.Open(b.Context(), b.TempDir(), embedded.Config{Now: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = log.Close() })
		return log
	}
	b.Run("log", func(b *testing.B) {
		log := open(b)
		var n atomic.Uint64
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			stream := ledger.StreamID(fmt.Sprintf("till-%d", n.Add(1)))
			for pb.Next() {
				d := ledger.Draft{ID: ledger.ID(uuid.New()), Kind: "sale", Occurred: ledger.Instant(time.Now()), Body: body}
				if _, err := log.Append(b.Context(), stream, ledger.Any(), d); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("protocol", func(b *testing.B) {
		t := &till{Client: dial(b, open(b))}
		var n atomic.Uint64
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			stream := fmt.Sprintf("till-%d", n.Add(1))
			for pb.Next() {
				e := esdb.EventData{EventID: uuid.New(), EventType: "sale", ContentType: esdb.ContentTypeJson, Data: body}
				_, err := t.AppendToStream(b.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e)
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkRead reads 10,000 events of 300 bytes through the official client.
func BenchmarkRead(b *testing.B) {
	log := embeddedWith(b, 10_000)
	c := dial(b, log)
	for b.Loop() {
		r, err := c.ReadStream(b.Context(), "till-1", esdb.ReadStreamOptions{From: esdb.Start{}}, 10_000)
		if err != nil {
			b.Fatal(err)
		}
		for range 10_000 {
			if _, err := r.Recv(); err != nil {
				b.Fatal(err)
			}
		}
		r.Close()
	}
	b.ReportMetric(float64(10_000*b.N)/b.Elapsed().Seconds(), "events/s")
}

func embeddedWith(b *testing.B, n int) ledger.Log {
	b.Helper()
	log, err := embedded.Open(b.Context(), b.TempDir(), embedded.Config{Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = log.Close() })
	body := fmt.Appendf(nil, `{"padding":"%0286d"}`, 0)
	for range n / 1000 {
		drafts := make([]ledger.Draft, 1000)
		for i := range drafts {
			drafts[i] = ledger.Draft{ID: ledger.ID(uuid.New()), Kind: "sale", Occurred: ledger.Instant(time.Now()), Body: body}
		}
		if _, err := log.Append(b.Context(), "till-1", ledger.Any(), drafts...); err != nil {
			b.Fatal(err)
		}
	}
	return log
}

func dial(b *testing.B, log ledger.Log) *esdb.Client {
	b.Helper()
	address := serve(b, log, eventstore.Config{Now: time.Now, Insecure: true})
	return connect(b, "esdb://"+address+"?tls=false")
}
