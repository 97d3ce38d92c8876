// Package npmtest installs npm packages for tests that check our output with
// programs of others. docs/decisions/20261124_node_in_tests.md says why.
package npmtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Modules returns a folder with the packages installed that package.json and
// package-lock.json in dir pin, and with the other files of dir beside them; or
// it skips the test. The folder is kept between runs, under a name that says
// which packages it holds.
func Modules(t *testing.T, dir string) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the npm packages need %s: %v", program, err)
		}
	}
	var wanted []byte
	for _, f := range []string{"package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		wanted = append(wanted, b...)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	kept := filepath.Join(cache, "vouch-test", fmt.Sprintf("npm-%x", sha256.Sum256(wanted)))
	if _, err := os.Stat(kept); err == nil {
		return kept
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		t.Fatal(err)
	}
	making, err := os.MkdirTemp(filepath.Dir(kept), "making-") //nolint:usetesting // renamed to where it is kept
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(making) //nolint:errcheck // what is left over is in the cache's own folder
	if err := os.CopyFS(making, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	// Nothing of the packages runs while they are installed: none needs it.
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = making
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("the npm packages cannot be fetched: npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(making, kept); err != nil && !errors.Is(err, os.ErrExist) {
		if _, there := os.Stat(kept); there != nil { // another run was faster
			t.Fatal(err)
		}
	}
	return kept
}
