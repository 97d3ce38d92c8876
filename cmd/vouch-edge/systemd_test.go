//go:build opencv

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vouchledger/vouch/internal/peer"
)

// TestTheUnitsAreOnesThatSystemdTakes lets systemd read the units of the handbook,
// and some that are spoilt.
func TestTheUnitsAreOnesThatSystemdTakes(t *testing.T) {
	for unit, setting := range map[string]string{"vouch-edge.service": "WatchdogSec=", "vouch-gate@.service": "WatchdogSec=", "vouch-terminal@.service": "WatchdogSec="} {
		t.Run(unit, func(t *testing.T) { systemdTakes(t, unit, setting) })
	}
}

func systemdTakes(t *testing.T, name, setting string) {
	systemd := peer.Program(t, "", "systemd-analyze", "apt-get install systemd")
	unit, err := os.ReadFile(filepath.Join("..", "..", "docs", "operating", name))
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// It is not installed here: what is started has to be there.
	text := strings.Replace(string(unit), "ExecStart=/usr/local/bin/vouch-edge", "ExecStart="+self, 1)
	verify := func(text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), systemd, "verify", "--man=no", path).CombinedOutput()
		if err != nil && len(out) == 0 {
			t.Fatal(err)
		}
		var about []string
		for line := range strings.Lines(string(out)) { // units of the machine may have faults of their own
			if strings.Contains(line, "vouch-") {
				about = append(about, line)
			}
		}
		return strings.Join(about, "")
	}
	if said := verify(text); said != "" {
		t.Errorf("systemd says of the unit:\n%s", said)
	}
	for story, bad := range map[string]string{
		"a setting that is none":     strings.Replace(text, setting, "Not"+setting, 1),
		"a program that is not here": strings.Replace(text, self, "/nowhere/vouch-edge", 1),
	} {
		if verify(bad) == "" {
			t.Errorf("%s: systemd has nothing to say; the test looks at nothing", story)
		}
	}
}

// TestSystemdHearsHowItGoes is what systemd hears of each program of a shop from a
// start to a stop: it is ready, it is alive, it is on its way out.
func TestSystemdHearsHowItGoes(t *testing.T) {
	for name, args := range map[string]func(url string) []string{
		"run": func(url string) []string {
			return []string{"--config", writeShop(t, url, "  - {name: cam-1, source: \"rtsp://127.0.0.1:1/none\", planogram: none.json}")}
		},
		"gate": func(url string) []string {
			_, camera := newDoorCamera(t, 6)
			return []string{"--exit", "--video", camera, "--server", url, "--outbox", filepath.Join(t.TempDir(), "outbox")}
		},
		"terminal": func(url string) []string {
			return []string{"--reader", filepath.Join(t.TempDir(), "none"), "--server", url, "--store", "s1", "--state", filepath.Join(t.TempDir(), "state")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := newFar(t)
			systemdHears(t, append([]string{name}, args(url)...))
		})
	}
}

func systemdHears(t *testing.T, args []string) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	hear := func() string {
		if err := l.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1<<10)
		n, err := l.Read(b)
		if err != nil {
			t.Fatal("systemd hears nothing any more: ", err)
		}
		return string(b[:n])
	}
	t.Setenv("NOTIFY_SOCKET", path)
	c := startChild(t, "k1", args...)
	if got := hear(); got != "READY=1" {
		t.Errorf("systemd hears %q first, want READY=1", got)
	}
	for range 2 {
		if got := hear(); got != "WATCHDOG=1" {
			t.Errorf("systemd hears %q, want WATCHDOG=1", got)
		}
	}
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for got := hear(); got != "STOPPING=1"; got = hear() {
		if got != "WATCHDOG=1" {
			t.Errorf("systemd hears %q, want that it stops", got)
		}
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("vouch-edge %s that was told to end = %v, want 0", args[0], err)
	}
}

// TestMemoryIsBoundedByTheFileOrByItsOperator: what the operator says in the
// environment counts, else what stands in the shop's file.
func TestMemoryIsBoundedByTheFileOrByItsOperator(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	limit(shopConfig{MemoryMB: 300, Threads: 1})
	if got := debug.SetMemoryLimit(-1); got != 300<<20 {
		t.Errorf("with memory-mb: 300 the limit is %d, want 300 MB", got)
	}
	t.Setenv("GOMEMLIMIT", "200MiB") // what Go has read at its start
	limit(shopConfig{MemoryMB: 400, Threads: 1})
	if got := debug.SetMemoryLimit(-1); got != 300<<20 {
		t.Errorf("with GOMEMLIMIT the limit becomes %d, want it left alone", got)
	}
}
