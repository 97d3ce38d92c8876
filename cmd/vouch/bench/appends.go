package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/ledgerbench"
)

// Names of the stores in the report.
const (
	theLog       = "vouch"
	theLimit     = "bare file"
	theDatabase  = "PostgreSQL"
	theJetStream = "JetStream"
)

// The goals of appends by number of writers.
var (
	shareGoals     = map[int]float64{1: 0.85, 16: 0.85, 64: 0.75, 256: 0.55}
	databaseGoals  = map[int]float64{1: 3, 16: 3, 64: 6, 256: 10}
	jetStreamGoals = map[int]float64{1: 1.5, 16: 8, 64: 25}
)

// appends measures durable appends beside the others.
func (r *run) appends(ctx context.Context) (err error) {
	var closers []func() error
	defer func() {
		for i := len(closers) - 1; i >= 0; i-- {
			err = errors.Join(err, closers[i]())
		}
	}()
	dir := filepath.Join(r.dir, "appends")
	log, err := embedded.Open(ctx, dir, embedded.Config{Now: r.Now})
	if err != nil {
		return err
	}
	closers = append(closers, func() error { return errors.Join(log.Close(), os.RemoveAll(dir)) })
	bare, err := ledgerbench.OpenBare(r.dir)
	if err != nil {
		return err
	}
	closers = append(closers, bare.Close)
	entries := []ledgerbench.Entry{{Name: theLog, Target: ledgerbench.NewEmbedded(log)}, {Name: theLimit, Target: bare}}
	if r.database != nil {
		st, err := r.database.Open(ctx)
		if err != nil {
			return err
		}
		closers = append(closers, func() error { return st.Close(context.WithoutCancel(ctx)) })
		entries = append(entries, ledgerbench.Entry{Name: theDatabase, Target: st})
	}
	nats, noNATS, err := r.startJetStream(ctx)
	if err != nil {
		return err
	}
	if nats != nil {
		closers = append(closers, nats.Close)
		st, err := nats.Open(ctx)
		if err != nil {
			return err
		}
		closers = append(closers, func() error { return st.Close(context.WithoutCancel(ctx)) })
		entries = append(entries, ledgerbench.Entry{Name: theJetStream, Target: st, Most: 64})
	}
	r.report.Appends, err = ledgerbench.Measure(ctx, ledgerbench.Config{
		Now: r.Now, Turn: r.Turn, Rounds: r.Rounds, Writers: writers,
		Progress: func(done, total int) { r.progress("appending in turns", int64(done), int64(total)) },
	}, entries...)
	if err != nil {
		return err
	}
	r.appendRows(noNATS)
	return nil
}

// appendRows turns the cells into rows.
func (r *run) appendRows(noNATS string) {
	cells := map[string]map[int]ledgerbench.Cell{}
	for _, c := range r.report.Appends {
		if cells[c.Target] == nil {
			cells[c.Target] = map[int]ledgerbench.Cell{}
		}
		cells[c.Target][c.Writers] = c
	}
	for _, of := range []struct {
		store, work, unit, missing string
		goals                      map[int]float64
	}{
		{theLimit, "durable append, share of the bare file", "", "", shareGoals},
		{theDatabase, "durable append, against PostgreSQL batched", "×", r.noSQL, databaseGoals},
		{theJetStream, "durable append, against JetStream syncing always", "×", noNATS, jetStreamGoals},
	} {
		for _, n := range writers {
			goal, ok := of.goals[n]
			if !ok {
				continue
			}
			work := fmt.Sprintf("%s, %s", of.work, counted(n, "writer"))
			if c, ok := cells[of.store][n]; ok {
				r.report.AtLeast(work, c.Ratio, goal, of.unit)
			} else {
				r.report.Missing(work, goal, of.unit, false, of.missing)
			}
		}
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
