package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/ledger/ledgerbench/jetstream"
	"github.com/vouchledger/vouch/ledger/ledgerbench/postgres"
)

// Config says what to measure and with what.
type Config struct {
	Dir      string        // on the disk that is meant; a folder is made in it and removed
	Events   uint64        // of the large log
	Sample   uint64        // events of the smaller measurements: replay, tree
	Turn     time.Duration // of one store with one number of writers
	Rounds   int           // turns of each; the figures are medians over them
	Visits   int           // single visits read
	Postgres string        // URL of a server to use; empty starts one
	NATS     string        // path of nats-server; empty looks for one
	Part     []string      // command that runs a [Part] in a process of its own
	Version  string        // of vouch
	Now      func() time.Time
	Random   io.Reader

	// Progress, if set, is called now and then with what is being done.
	Progress func(what string, done, total int64)
}

// Rows that need what may be missing, and the numbers of writers.
var writers = []int{1, 16, 64, 256}

// A run is one measurement on its way.
type run struct {
	Config
	dir    string
	report Report

	database *postgres.Server // nil if there is none
	noSQL    string           // why
}

// Ledger measures everything. The report is complete unless there is an error.
func Ledger(ctx context.Context, cfg Config) (Report, error) {
	dir, err := os.MkdirTemp(cfg.Dir, "vouch-bench-")
	if err != nil {
		return Report{}, err
	}
	start := cfg.Now()
	r := &run{Config: cfg, dir: dir, report: Report{TurnMS: cfg.Turn.Milliseconds(), Report: goals.Report{
		Program: program, Bench: "ledger", At: start.UTC(), Machine: goals.ThisMachine(dir, cfg.Version), Rounds: cfg.Rounds,
	}}}
	err = os.Chmod(dir, 0o711) //nolint:gosec // the user postgres must be able to pass, and sees nothing
	if err == nil {
		err = r.all(ctx)
	}
	r.report.Machine.Ended()
	r.report.Took = cfg.Now().Sub(start).Seconds()
	r.report.Tables = r.report.stores()
	r.report.Extent = fmt.Sprintf("%d rounds, turns of %d ms, %s events; %.0f s in all",
		r.report.Rounds, r.report.TurnMS, goals.Number(float64(r.report.Events)), r.report.Took)
	return r.report, errors.Join(err, os.RemoveAll(dir))
}

// all runs the parts one after the other. The servers of others run only while
// they are measured.
func (r *run) all(ctx context.Context) (err error) {
	if err := r.startDatabase(ctx); err != nil {
		return err
	}
	defer func() {
		if r.database != nil {
			err = errors.Join(err, r.database.Close())
		}
	}()
	if err := r.appends(ctx); err != nil {
		return fmt.Errorf("appends: %w", err)
	}
	visits, err := r.load(ctx)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"open", r.open},
		{"rest", r.rest},
		{"replay", r.replay},
		{"visits", func(ctx context.Context) error { return r.visits(ctx, visits) }},
		{"sealed", r.sealed},
		{"proofs", r.proofs},
	} {
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// startDatabase starts or finds PostgreSQL.
func (r *run) startDatabase(ctx context.Context) error {
	var err error
	if r.Postgres != "" {
		r.database = postgres.Use(r.Postgres)
	} else if r.database, err = postgres.Start(ctx, r.dir); errors.Is(err, postgres.ErrMissing) {
		r.noSQL = err.Error()
		return nil
	} else if err != nil {
		return err
	}
	v, err := r.database.Version(ctx)
	r.report.Machine.Programs = append(r.report.Machine.Programs, "PostgreSQL "+v)
	return err
}

// startJetStream starts nats-server, or returns why there is none.
func (r *run) startJetStream(ctx context.Context) (s *jetstream.Server, missing string, err error) {
	path, err := jetstream.Find(r.NATS)
	if err == nil {
		s, err = jetstream.Start(ctx, path, r.dir)
	}
	if errors.Is(err, jetstream.ErrMissing) {
		return nil, err.Error(), nil
	}
	if err == nil {
		r.report.Machine.Programs = append(r.report.Machine.Programs, "nats-server "+s.Version)
	}
	return s, "", err
}

// path returns the folder of the large log.
func (r *run) path() string { return filepath.Join(r.dir, "visits") }

func (r *run) progress(what string, done, total int64) {
	if r.Progress != nil {
		r.Progress(what, done, total)
	}
}
