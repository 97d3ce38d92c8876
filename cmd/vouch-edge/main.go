// Command vouch-edge runs in the shop beside the cameras: it watches shelves,
// reads codes at the gate, and sends what it saw to the server. Built with
// the tag opencv it can see; without it only what needs no camera works.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker for releases.
var version = "dev"

// Exit codes, the same for every command.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// errUsage marks a wrong call.
var errUsage = errors.New("usage")

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := newRootCommand().ExecuteContext(ctx)
	var coded interface{ ExitCode() int } // an outcome that is no error: refused at the gate
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "vouch-edge:", err)
		return exitUsage
	}
	fmt.Fprintln(os.Stderr, "vouch-edge:", err)
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitError
}
