package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/ledgerbench"
)

const (
	schema = `
		DROP TABLE IF EXISTS vouch_bench_events;
		CREATE TABLE vouch_bench_events (
			position bigint      NOT NULL,
			stream   text        NOT NULL,
			revision bigint      NOT NULL,
			id       uuid        NOT NULL,
			kind     text        NOT NULL,
			actor    text        NOT NULL,
			cause    uuid        NOT NULL,
			occurred timestamptz NOT NULL,
			body     bytea       NOT NULL,
			recorded timestamptz NOT NULL DEFAULT clock_timestamp()
		)`
	keys = `
		ALTER TABLE vouch_bench_events ADD PRIMARY KEY (position);
		ALTER TABLE vouch_bench_events ADD UNIQUE (stream, revision);
		ALTER TABLE vouch_bench_events ADD UNIQUE (id)`
	insert = `
		INSERT INTO vouch_bench_events (position, stream, revision, id, kind, actor, cause, occurred, body)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::text[],
			$7::uuid[], $8::timestamptz[], $9::bytea[])`
	one = `
		SELECT position, revision, id, kind, actor, cause, occurred, body, recorded
		FROM vouch_bench_events WHERE stream = $1 ORDER BY revision`
)

// columns of the table in order.
var columns = []string{"position", "stream", "revision", "id", "kind", "actor", "cause", "occurred", "body", "recorded"}

// A Store is a table of events behind one connection. It is a
// [ledgerbench.Target]: all events that queue up while the last commit is on
// its way become one INSERT, one transaction.
type Store struct {
	conn *pgx.Conn
	stop context.CancelFunc
	done chan struct{}

	mu   sync.Mutex
	next *batch
	work chan struct{}
}

// A batch is the columns of one INSERT.
type batch struct {
	positions, revisions  []int64
	streams, kinds, actor []string
	ids, causes           []pgtype.UUID
	occurred              []time.Time
	bodies                [][]byte
	done                  chan struct{}
	err                   error
}

// Open makes an empty table and returns it. The caller closes it.
func (s *Server) Open(ctx context.Context) (*Store, error) {
	st, err := s.connect(ctx, schema+";"+keys)
	if err != nil {
		return nil, err
	}
	ctx, st.stop = context.WithCancel(context.WithoutCancel(ctx))
	go st.run(ctx)
	return st, nil
}

// connect returns a store after running statements.
func (s *Server) connect(ctx context.Context, statements string) (*Store, error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	if _, err := conn.Exec(ctx, statements); err != nil {
		return nil, errors.Join(fmt.Errorf("make the table of events: %w", err), conn.Close(ctx))
	}
	return &Store{conn: conn, work: make(chan struct{}, 1), done: make(chan struct{})}, nil
}

// Append implements [ledgerbench.Target].
func (st *Store) Append(_ context.Context, e ledgerbench.Event) error {
	d := e.Draft
	st.mu.Lock()
	b := st.next
	if b == nil {
		b = &batch{done: make(chan struct{})}
		st.next = b
		st.work <- struct{}{}
	}
	b.streams, b.kinds, b.actor = append(b.streams, string(e.Stream)), append(b.kinds, string(d.Kind)), append(b.actor, d.Actor)
	b.revisions = append(b.revisions, int64(e.Revision)) //nolint:gosec // small
	b.ids, b.causes = append(b.ids, uuid(d.ID)), append(b.causes, uuid(d.Cause))
	b.occurred, b.bodies = append(b.occurred, d.Occurred), append(b.bodies, d.Body)
	st.mu.Unlock()
	<-b.done
	return b.err
}

func uuid(id ledger.ID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

// run inserts batch after batch. One connection gives positions without gaps.
func (st *Store) run(ctx context.Context) {
	defer close(st.done)
	for position := int64(1); ; {
		select {
		case <-st.work:
		case <-ctx.Done():
			return
		}
		runtime.Gosched() // who was just released may join
		st.mu.Lock()
		b := st.next
		st.next = nil
		st.mu.Unlock()
		for range b.streams {
			b.positions = append(b.positions, position)
			position++
		}
		_, b.err = st.conn.Exec(ctx, insert, b.positions, b.streams, b.revisions, b.ids, b.kinds, b.actor, b.causes, b.occurred, b.bodies)
		close(b.done)
	}
}

// Settle implements [ledgerbench.Target]. The server's own background work, as
// writing back pages, goes on when it likes.
func (st *Store) Settle(context.Context) error { return nil }

// Close drops the table. No Append may be under way.
func (st *Store) Close(ctx context.Context) error {
	if st.stop != nil {
		st.stop()
		<-st.done
	}
	_, err := st.conn.Exec(ctx, "DROP TABLE IF EXISTS vouch_bench_events")
	return errors.Join(err, st.conn.Close(ctx))
}

// Load makes a table, copies records into it and then builds its indexes. The
// caller closes it.
func (s *Server) Load(ctx context.Context, records iter.Seq2[ledger.Record, error]) (*Store, error) {
	st, err := s.connect(ctx, schema)
	if err != nil {
		return nil, err
	}
	next, stop := iter.Pull2(records)
	defer stop()
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		r, err, ok := next()
		if !ok || err != nil {
			return nil, err
		}
		return []any{
			int64(r.Position), string(r.Stream), int64(r.Revision), uuid(r.ID), string(r.Kind), r.Actor, uuid(r.Cause), //nolint:gosec // small
			r.Occurred, r.Body, r.Recorded,
		}, nil
	})
	if _, err = st.conn.CopyFrom(ctx, pgx.Identifier{"vouch_bench_events"}, columns, rows); err == nil {
		_, err = st.conn.Exec(ctx, keys)
	}
	if err == nil {
		_, err = st.conn.Exec(ctx, "VACUUM (ANALYZE, FREEZE) vouch_bench_events")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("load events into PostgreSQL: %w", err), st.Close(ctx))
	}
	return st, nil
}

// Visit reads a stream and appends its records to rs.
func (st *Store) Visit(ctx context.Context, rs []ledger.Record, stream ledger.StreamID) ([]ledger.Record, error) {
	rows, err := st.conn.Query(ctx, one, string(stream))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", stream, err)
	}
	defer rows.Close()
	for rows.Next() {
		r := ledger.Record{Stream: stream}
		var id, cause pgtype.UUID
		var kind string
		if err := rows.Scan(&r.Position, &r.Revision, &id, &kind, &r.Actor, &cause, &r.Occurred, &r.Body, &r.Recorded); err != nil {
			return nil, fmt.Errorf("read %s: %w", stream, err)
		}
		r.ID, r.Cause, r.Kind = id.Bytes, cause.Bytes, ledger.Kind(kind)
		rs = append(rs, r)
	}
	return rs, rows.Err()
}
