package ledgertest

import (
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
)

// A Durable is a log that is kept in a folder. Closing it releases the folder.
type Durable interface {
	ledger.Log
	io.Closer
}

// TestDurable checks that what is in a folder after closing is there when it is
// opened again. open opens the log in dir and must not close it.
func TestDurable(t *testing.T, open func(t *testing.T, dir string) Durable) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, func(*testing.T) *shop)
	}{
		{"a shop opens in the morning with what it had in the evening", testReopen},
		{"a retry is recognised after the log was opened again", testRetryReopened},
		{"a closed log says that it is closed", testClosed},
		{"the events of one append are recorded at one time", testOneTime},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			made := uint64(0)
			c.run(t, func(t *testing.T) *shop {
				made += 10_000 // another day, other events
				return &shop{Log: open(t, dir), made: made}
			})
		})
	}
}

func (s *shop) close(t *testing.T) {
	t.Helper()
	if err := s.Log.(io.Closer).Close(); err != nil {
		t.Fatalf("Close() = %v", err)
	}
}

func testReopen(t *testing.T, open func(*testing.T) *shop) {
	s := open(t)
	var want []ledger.Record
	for range 3 {
		s.fill(t)
		want = s.all(t)
		s.close(t)
		s = open(t)
		if diff := cmp.Diff(want, s.all(t)); diff != "" {
			t.Fatalf("after opening again (-before +after):\n%s", diff)
		}
		for _, stream := range []ledger.StreamID{anna, bert, till} {
			before := len(s.read(t, ledger.Query{Stream: stream}))
			s.must(t, stream, ledger.After(uint64(before)), s.draft())
		}
	}
	all := s.all(t)
	checkWhole(t, all)
	for _, r := range all {
		if got, err := s.Find(t.Context(), r.ID); err != nil || got.Position != r.Position {
			t.Errorf("Find(%s) = position %d, %v, want %d", r.ID, got.Position, err, r.Position)
		}
	}
	s.close(t)
}

func testRetryReopened(t *testing.T, open func(*testing.T) *shop) {
	s := open(t)
	ds := s.drafts(3)
	want := s.must(t, anna, ledger.None(), ds...)
	s.close(t)
	s = open(t)
	for _, expect := range []ledger.Expected{ledger.None(), ledger.Any(), ledger.Exactly(77)} {
		if diff := cmp.Diff(want, s.must(t, anna, expect, ds...)); diff != "" {
			t.Errorf("retry after opening again (-first +again):\n%s", diff)
		}
	}
	other := ds[1]
	other.Body = []byte(`{}`)
	s.refused(t, ledger.ErrIDReused, anna, ledger.Any(), other)
	s.refused(t, ledger.ErrIDReused, bert, ledger.Any(), ds[0])
	s.refused(t, ledger.ErrConflict, anna, ledger.Any(), ds[0], s.draft())
	s.close(t)
}

// testOneTime is not part of the contract of every log: a cluster stamps each
// event by itself.
func testOneTime(t *testing.T, open func(*testing.T) *shop) {
	s := open(t)
	for range 40 {
		s.must(t, anna, ledger.Any(), s.drafts(2)...)
	}
	all := s.all(t)
	for i := 0; i+1 < len(all); i += 2 {
		if !all[i].Recorded.Equal(all[i+1].Recorded) {
			t.Errorf("one append was recorded at two times, %v and %v", all[i].Recorded, all[i+1].Recorded)
		}
	}
	s.close(t)
}

func testClosed(t *testing.T, open func(*testing.T) *shop) {
	s := open(t)
	s.must(t, anna, ledger.None(), s.draft())
	ended := make(chan error)
	go func() {
		_, err := collect(s.Subscribe(t.Context(), ledger.Query{}), -1)
		ended <- err
	}()
	s.close(t)
	if err := <-ended; !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("the subscription ended with %v, want ErrClosed", err)
	}
	if err := s.Log.(io.Closer).Close(); err != nil {
		t.Errorf("second Close() = %v", err)
	}
	ctx := t.Context()
	_, appendErr := s.Append(ctx, anna, ledger.Any(), s.draft())
	_, readErr := collect(s.Read(ctx, ledger.Query{}), -1)
	_, findErr := s.Find(ctx, Draft(1).ID)
	_, headErr := s.Head(ctx)
	for what, err := range map[string]error{"Append": appendErr, "Read": readErr, "Find": findErr, "Head": headErr} {
		if !errors.Is(err, ledger.ErrClosed) {
			t.Errorf("%s on a closed log = %v, want ErrClosed", what, err)
		}
	}
}
