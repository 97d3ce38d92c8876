package embedded_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

// BenchmarkBackup measures backup and restore of a log of 400,000 events of some
// 400 bytes, all but the last segment sealed: the first backup, one that finds
// everything there and reads it again, one that believes it, and a restoring.
func BenchmarkBackup(b *testing.B) {
	const events, batch = 400_000, 500
	dir := b.TempDir()
	l, err := embedded.Open(b.Context(), dir, embedded.Config{Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	for i := uint64(0); i < events; i += batch {
		ds := make([]ledger.Draft, batch)
		for k := range ds {
			ds[k] = ledgertest.Draft(i + uint64(k)) // an index
			ds[k].Body = fmt.Appendf(ds[k].Body[:len(ds[k].Body)-1], `,"photo":"%x","note":"%0100d"}`, ds[k].ID[:], k)
		}
		if _, err := l.Append(b.Context(), ledger.StreamID(fmt.Sprint("till-", i/batch)), ledger.Any(), ds...); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Sealed(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	quick := nightly
	quick.Quick = true
	to := b.TempDir()
	run := func(name string, do func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
	run("first", func() error {
		_, err := embedded.Backup(b.Context(), dir, b.TempDir(), nightly)
		return err
	})
	if _, err := embedded.Backup(b.Context(), dir, to, nightly); err != nil {
		b.Fatal(err)
	}
	for name, cfg := range map[string]embedded.BackupConfig{"again": nightly, "quick": quick} {
		run(name, func() error {
			_, err := embedded.Backup(b.Context(), dir, to, cfg)
			return err
		})
	}
	run("restore", func() error {
		_, err := embedded.Restore(b.Context(), to, b.TempDir(), embedded.Until{}, restored)
		return err
	})
}
