package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestASecondDemoGetsItsOwnFolder checks that the default folder of a demo is
// the first that holds nothing.
func TestASecondDemoGetsItsOwnFolder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "demo-data")
	for _, want := range []string{name, name + "-2", name + "-3"} {
		if got := freeFolder(name); got != want {
			t.Errorf("freeFolder = %s, want %s", got, want)
		}
		if err := os.MkdirAll(filepath.Join(want, "ledger"), 0o750); err != nil {
			t.Fatal(err)
		}
	}
}
