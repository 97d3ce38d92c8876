package main

import (
	"fmt"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/vouchledger/vouch/vision/palm"
	"github.com/vouchledger/vouch/vision/palm/palmtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"vouch": main})
}

// TestStories runs the command line as a person would, one story a file.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"flip":  flip,
			"hands": hands,
		},
	})
}

// exits runs a command and requires its exit code: exits 6 vouch verify.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // testscript returns it bare
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%v ended with %d, want %d", args[1:], got, want)
	}
}

// flip changes one bit of the byte at an offset: flip FILE OFFSET.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE OFFSET")
	}
	files, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(files) == 0 {
		ts.Fatalf("no file is called %s", args[0])
	}
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	b, err := os.ReadFile(files[0])
	ts.Check(err)
	b[offset] ^= 1
	ts.Check(os.WriteFile(files[0], b, 0o600))
}

// hands draws three pictures of somebody's hand: hands NAME.
func hands(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hands NAME")
	}
	seed := uint64(args[0][0])
	p, r := palmtest.NewPerson(seed), rand.New(rand.NewPCG(seed, 5))
	for i := 1; i <= 3; {
		g := p.Capture(r)
		if _, err := palm.Read(g); err != nil {
			continue // a person would be asked again
		}
		f, err := os.Create(ts.MkAbs(fmt.Sprintf("%s-%d.png", args[0], i)))
		ts.Check(err)
		ts.Check(png.Encode(f, g))
		ts.Check(f.Close())
		i++
	}
}
