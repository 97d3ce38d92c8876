package main

import (
	"crypto/rand"
	"io"
)

// randomSource is where ids, keys and secrets come from.
func randomSource() io.Reader { return rand.Reader }
