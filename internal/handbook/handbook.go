// Package handbook holds the project's pages against its programs: what a page
// tells people to type must be there. It is for tests.
package handbook

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Check fails if a page of a folder names what a program does not have.
func Check(t *testing.T, folder string, root *cobra.Command) {
	t.Helper()
	strange, calls, err := Strange(folder, root)
	if err != nil || calls < 40 {
		t.Fatalf("%d calls are found, %v; the test looks at nothing", calls, err)
	}
	if len(strange) > 0 {
		t.Errorf("the pages name what is not there:\n%s", strings.Join(strange, "\n"))
	}
}

// Strange returns each command and flag of a program that a page of a folder names
// and the program does not have, and how many calls of it the pages have.
func Strange(folder string, root *cobra.Command) (strange []string, calls int, err error) {
	err = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && strings.HasPrefix(e.Name(), ".") && path != folder {
			return skipDir(e, err)
		}
		if ext := filepath.Ext(path); e.IsDir() || ext != ".md" && ext != ".service" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, call := range callsIn(string(b), root.Name()) {
			calls++
			if wrong := wrongIn(root, strings.Fields(call)); wrong != "" {
				strange = append(strange, fmt.Sprintf("%s: %s %s: %s", filepath.Base(path), root.Name(), call, wrong))
			}
		}
		return nil
	})
	return strange, calls, err
}

func skipDir(e fs.DirEntry, err error) error {
	if err == nil && e.IsDir() {
		return fs.SkipDir
	}
	return err
}

// callsIn returns what follows a program's name where a page shows a call: at the
// beginning of a line, of words in backquotes, or behind a folder's name.
func callsIn(text, program string) (all []string) {
	call := regexp.MustCompile("(?m)(?:^[ \t]*(?:\\S+=\\S* )*|`|/)" + regexp.QuoteMeta(program) + " ([a-z][^`\n|]*)")
	for _, m := range call.FindAllStringSubmatch(strings.ReplaceAll(text, "\\\n", " "), -1) {
		words, _, _ := strings.Cut(m[1], " #")
		all = append(all, words)
	}
	return all
}

var flag = regexp.MustCompile(`^--([a-z][a-z0-9-]*)`)

// wrongIn says what of a call is not there; "" if all of it is.
func wrongIn(root *cobra.Command, words []string) string {
	cmd := root
	for len(words) > 0 {
		next := childOf(cmd, strings.Trim(words[0], ",.;:)("))
		if next == nil {
			break
		}
		cmd, words = next, words[1:]
	}
	if cmd == root {
		return "no such command"
	}
	for _, w := range words {
		m := flag.FindStringSubmatch(w)
		if m != nil && m[1] != "help" && cmd.Flag(m[1]) == nil {
			return "no flag --" + m[1]
		}
	}
	return ""
}

func childOf(cmd *cobra.Command, name string) *cobra.Command {
	for _, c := range cmd.Commands() {
		if c.Name() == name || c.HasAlias(name) {
			return c
		}
	}
	return nil
}
