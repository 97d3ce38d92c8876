package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/esdb"
)

// indexFile keeps the index of a ledger in a cluster between two runs.
const indexFile = "cluster.index"

// A source says where a ledger is: in a data folder, or in a cluster.
type source struct {
	data      string // folder of the server's data
	address   string // connection string of a cluster; empty means the folder
	namespace string // before the names of the cluster's streams
}

// addSourceFlags adds what names a ledger to read from.
func addSourceFlags(cmd *cobra.Command) *source {
	s := &source{}
	f := cmd.Flags()
	f.StringVar(&s.data, "data", "vouch-data", "folder of the server's data")
	f.StringVar(&s.address, "ledger", os.Getenv("VOUCH_LEDGER"), "read an EventStoreDB or KurrentDB cluster instead, esdb://…; prefer VOUCH_LEDGER, it may hold a password")
	f.Lookup("ledger").DefValue = ""
	f.StringVar(&s.namespace, "ledger-namespace", os.Getenv("VOUCH_LEDGER_NAMESPACE"), "what the names of the cluster's streams begin with")
	f.Lookup("ledger-namespace").DefValue = ""
	return s
}

// An openLog is a ledger that is closed after use.
type openLog interface {
	ledger.Log
	io.Closer
}

// read opens the ledger for reading, also beside a running server.
func (s source) read(ctx context.Context) (openLog, error) {
	if s.address != "" {
		return s.cluster(ctx, "", nil, slog.New(slog.DiscardHandler))
	}
	return openReadOnly(ctx, s.data)
}

// open opens the ledger for a command that appends.
func (s source) open(ctx context.Context) (openLog, error) {
	if s.address != "" {
		return s.cluster(ctx, "", nil, slog.New(slog.DiscardHandler))
	}
	return s.folder(ctx, nil)
}

// serve opens the ledger for a server.
func (s source) serve(ctx context.Context, logger *slog.Logger) (openLog, error) {
	bar := newBar(os.Stderr, "opening the ledger")
	defer bar.done()
	if s.address != "" {
		return s.cluster(ctx, filepath.Join(s.data, indexFile), bar.progress, logger)
	}
	return s.folder(ctx, bar.progress)
}

func (s source) folder(ctx context.Context, progress func(done, total int64)) (openLog, error) {
	dir := filepath.Join(s.data, ledgerDir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return embedded.Open(ctx, dir, embedded.Config{Now: time.Now, Progress: progress})
}

// cluster opens a ledger in a cluster; index is a file that keeps what it knows.
func (s source) cluster(ctx context.Context, index string, progress func(done, total int64), logger *slog.Logger) (*esdb.Log, error) {
	return esdb.Open(ctx, s.address, esdb.Config{Namespace: s.namespace, Snapshot: index, Progress: progress, Logger: logger})
}
