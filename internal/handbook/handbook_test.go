package handbook

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestWhatAProgramDoesNotHaveIsFound(t *testing.T) {
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "till"}
	serve := &cobra.Command{Use: "serve", Run: run}
	serve.Flags().String("data", "", "")
	keys := &cobra.Command{Use: "keys"}
	keys.AddCommand(&cobra.Command{Use: "create", Run: run})
	root.AddCommand(serve, keys)
	page := "# Till\n\n`till serve` or till says so; a `till` rings.\n\n    bin/till serve --data d      # --lost is a word\n" +
		"    KEY=x till keys create\n    till keys make --role r\n    till serve --insecure --data d\n\nsee `till close`\n" +
		"    bin/till serve \\\n      --dta d\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "page.md"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	got, calls, err := Strange(dir, root)
	want := []string{
		"page.md: till keys make --role r: no flag --role", "page.md: till serve --insecure --data d: no flag --insecure",
		"page.md: till close: no such command", "no flag --dta",
	}
	if err != nil || calls != 7 || len(got) != len(want) {
		t.Fatalf("%d calls, %v:\n%s\nwant 7, and four strange ones", calls, err, strings.Join(got, "\n"))
	}
	for i, w := range want {
		if !strings.Contains(got[i], w) {
			t.Errorf("strange: %q, want %q", got[i], w)
		}
	}
}
