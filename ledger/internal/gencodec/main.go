// Command gencodec writes the canonical reader and writer of every payload:
// ledger/canonical_*.go, one for each ledger/payload_*.go.
//
// It reads the source alone, so that it runs while the package it writes for
// does not compile. It knows exactly the types that events are made of, and
// refuses any other: a field it does not understand must not get a codec that
// almost agrees with encoding/json.
//
// Run it with go generate ./ledger after a payload has changed. A test of this
// package fails while what it would write is not what is there.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "gencodec:", err)
		os.Exit(1)
	}
}

// run writes the files of the package in dir.
func run(dir string) error {
	files, err := generate(dir)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil { //nolint:gosec // source is for everybody
			return err
		}
	}
	return nil
}
