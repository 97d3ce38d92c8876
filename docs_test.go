package vouch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tracked returns the files that git knows or would take, by ending.
func tracked(t *testing.T, endings ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Skipf("not a git work tree: %v", err)
	}
	var files []string
	for f := range strings.Lines(string(out)) {
		f = strings.TrimSpace(f)
		for _, e := range endings {
			if strings.HasSuffix(f, e) {
				files = append(files, f)
			}
		}
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	testName = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	mdLink   = regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
)

// TestArchitectureNamesItsTests checks that every test that docs/architecture
// relies on exists, and that each of the twelve invariants names one.
func TestArchitectureNamesItsTests(t *testing.T) {
	exists := map[string]bool{}
	for _, f := range tracked(t, ".go") {
		for _, m := range testFunc.FindAllStringSubmatch(read(t, f), -1) {
			exists[m[1]] = true
		}
	}
	page := read(t, "docs/architecture.md")
	for _, name := range testName.FindAllString(page, -1) {
		if !exists[name] {
			t.Errorf("docs/architecture.md names %s, which no file has", name)
		}
	}
	rows := regexp.MustCompile(`(?m)^\| \d+ \|.*$`).FindAllString(page, -1)
	if len(rows) != 12 {
		t.Fatalf("docs/architecture.md lists %d invariants, want 12", len(rows))
	}
	for _, row := range rows {
		if !testName.MatchString(row) {
			t.Errorf("an invariant names no test: %s", row)
		}
	}
}

// TestLinksLead checks that every relative link and picture in the pages
// leads to a file of the project.
func TestLinksLead(t *testing.T) {
	for _, f := range tracked(t, ".md") {
		for _, m := range mdLink.FindAllStringSubmatch(read(t, f), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(f), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", f, m[1], err)
			}
		}
	}
}

// TestSizes keeps files and their functions readable.
func TestSizes(t *testing.T) {
	const maxLines = 500
	for _, f := range tracked(t, ".go", ".js", ".css", ".html") {
		if n := strings.Count(read(t, f), "\n"); n > maxLines {
			t.Errorf("%s has %d lines, more than %d: split it by what changes together", f, n, maxLines)
		}
	}
}
