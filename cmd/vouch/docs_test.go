package main

import (
	"path/filepath"
	"testing"

	"github.com/vouchledger/vouch/internal/handbook"
)

// TestThePagesNameCommandsThatAreThere: whoever follows a page types what it says.
func TestThePagesNameCommandsThatAreThere(t *testing.T) {
	handbook.Check(t, filepath.Join("..", ".."), newRootCommand())
}
