// Package given finds the data for tests that lie beside the repository and
// not in it.
package given

import (
	"os"
	"path/filepath"
	"testing"
)

// File returns a file of the shared test data: of the folder that VOUCH_DATA
// names, or of ../shared/data beside the module. Without it the test is
// skipped.
func File(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("VOUCH_DATA")
	if dir == "" {
		at, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for at != filepath.Dir(at) {
			if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
				break
			}
			at = filepath.Dir(at)
		}
		dir = filepath.Join(at, "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("test data is not on this machine: %s", name)
	}
	return path
}
