package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/internal/handbook"
)

// TestThePagesNameCommandsThatAreThere: whoever follows a page types what it says.
func TestThePagesNameCommandsThatAreThere(t *testing.T) {
	strange, calls, err := handbook.Strange(filepath.Join("..", ".."), newRootCommand())
	if err != nil || calls < 40 {
		t.Fatalf("%d calls are found, %v; the test looks at nothing", calls, err)
	}
	if len(strange) > 0 {
		t.Errorf("the pages name what is not there:\n%s", strings.Join(strange, "\n"))
	}
}
