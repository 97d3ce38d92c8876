package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every command can be asked what it does: two that name one flag would keep
// the whole program from starting.
func TestEveryCommandExplainsItself(t *testing.T) {
	var ask func(words []string, cmd *cobra.Command)
	ask = func(words []string, cmd *cobra.Command) {
		if cmd.Short == "" && len(words) > 0 {
			t.Errorf("vouch-edge %s has nothing to say of itself", strings.Join(words, " "))
		}
		if _, err := runEdge(t, append(words, "--help")...); err != nil {
			t.Errorf("vouch-edge %s --help = %v", strings.Join(words, " "), err)
		}
		for _, c := range cmd.Commands() {
			ask(append(words[:len(words):len(words)], c.Name()), c)
		}
	}
	ask(nil, newRootCommand())
}
