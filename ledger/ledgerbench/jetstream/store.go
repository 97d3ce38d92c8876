package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vouchledger/vouch/ledger/ledgerbench"
)

// A Store is a JetStream stream of events behind one connection. It is a
// [ledgerbench.Target]: one message an event, acknowledged when it is synced.
type Store struct {
	conn *nats.Conn
	js   jetstream.JetStream
	last []uint64 // sequence of the last message of each subject
}

// stream is what the events' stream is called.
const stream = "vouch-bench"

// Open makes an empty stream. The caller closes it.
func (s *Server) Open(ctx context.Context) (*Store, error) {
	conn, err := nats.Connect(s.url)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	st := &Store{conn: conn, last: make([]uint64, ledgerbench.Streams)}
	if st.js, err = jetstream.New(conn); err == nil {
		_, err = st.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: stream, Subjects: []string{"events.>"}, Storage: jetstream.FileStorage,
		})
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("make a stream of JetStream: %w", err)
	}
	return st, nil
}

// Append implements [ledgerbench.Target]. The envelope goes into headers, as a
// producer for NATS would do it.
func (st *Store) Append(ctx context.Context, e ledgerbench.Event) error {
	m := nats.NewMsg("events." + string(e.Stream))
	m.Header.Set("Id", e.Draft.ID.String())
	m.Header.Set("Kind", string(e.Draft.Kind))
	m.Header.Set("Actor", e.Draft.Actor)
	m.Data = e.Draft.Body
	ack, err := st.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(st.last[e.Number]))
	if err != nil {
		return err
	}
	st.last[e.Number] = ack.Sequence // one writer a stream
	return nil
}

// Settle implements [ledgerbench.Target].
func (st *Store) Settle(context.Context) error { return nil }

// Close deletes the stream.
func (st *Store) Close(ctx context.Context) error {
	err := st.js.DeleteStream(ctx, stream)
	st.conn.Close()
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	return err
}
