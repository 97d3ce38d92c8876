// Command vouch is the server and the tools of the Vouch ledger: it keeps
// what happened in a shop, bills it, and proves it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/vouchledger/vouch/billing/export"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/projections/books"
)

// version is set by the linker for releases.
var version = "dev"

// Exit codes, the same for every command.
const (
	exitOK       = 0
	exitError    = 1
	exitUsage    = 2
	exitNotFound = 3
	exitConflict = 5
	exitVerify   = 6 // something that should be proven is not so
)

// errVerify marks a proof that failed.
var errVerify = errors.New("verification failed")

// errUsage marks a wrong call.
var errUsage = errors.New("usage")

func main() { os.Exit(run()) }

func run() int {
	collectLess()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "vouch:", err)
		return exitCode(err)
	}
	return exitOK
}

func exitCode(err error) int {
	switch {
	case errors.Is(err, errVerify), errors.Is(err, ledger.ErrCorrupt), errors.Is(err, signer.ErrContradicts),
		errors.Is(err, export.ErrTampered), errors.Is(err, books.ErrAltered):
		return exitVerify
	case errors.Is(err, ledger.ErrNotFound), errors.Is(err, books.ErrUnknownStore):
		return exitNotFound
	case errors.Is(err, ledger.ErrConflict), errors.Is(err, ledger.ErrIDReused),
		errors.Is(err, embedded.ErrDiverged), errors.Is(err, embedded.ErrNotEmpty), errors.Is(err, books.ErrDayOver),
		errors.Is(err, books.ErrDayRunning), errors.Is(err, books.ErrEarlierDay), errors.Is(err, books.ErrExceptions):
		return exitConflict
	case errors.Is(err, errUsage):
		return exitUsage
	}
	return exitError
}
