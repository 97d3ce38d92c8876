package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

const (
	// sealingLook is how often a server looks whether full segments are still
	// sealed, and sealingWait how long it waits for the answer.
	sealingLook = time.Minute
	sealingWait = time.Second
)

// watchSealing says in the log, once, when the ledger's full segments are not
// sealed any more. Nothing is lost then and the shop goes on, but the disk
// fills, and something is wrong with it.
func watchSealing(ctx context.Context, log ledger.Log, logger *slog.Logger) error {
	l, ok := log.(interface {
		Sealed(ctx context.Context) error
	})
	if !ok {
		return nil // a cluster looks after itself
	}
	ticker := time.NewTicker(sealingLook)
	defer ticker.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		wait, cancel := context.WithTimeout(ctx, sealingWait)
		err := l.Sealed(wait)
		cancel()
		if err == nil || errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			continue
		}
		if text := err.Error(); text != told {
			told = text
			logger.ErrorContext(ctx, "full segments of the ledger are not sealed; events are safe, look at the disk",
				slog.Any("error", err))
		}
	}
}
