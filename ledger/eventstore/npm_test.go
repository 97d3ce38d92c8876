package eventstore_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// npmClients are the official clients for JavaScript, as testdata/npm pins them.
func npmClients() []string { return []string{"@eventstore/db-client", "@kurrent/kurrentdb-client"} }

// npmModules returns a folder with the clients installed, or skips. The folder
// is kept between runs, under a name that says what it holds.
func npmModules(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the npm clients need %s: %v", program, err)
		}
	}
	var wanted []byte
	for _, f := range []string{"package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", "npm", f))
		if err != nil {
			t.Fatal(err)
		}
		wanted = append(wanted, b...)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "vouch-test", fmt.Sprintf("npm-%x", sha256.Sum256(wanted)))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	making, err := os.MkdirTemp(filepath.Dir(dir), "making-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(making)
	if err := os.CopyFS(making, os.DirFS(filepath.Join("testdata", "npm"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	// Nothing of the packages runs while they are installed: none needs it.
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = making
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("the npm clients cannot be fetched: npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(making, dir); err != nil && !errors.Is(err, os.ErrExist) {
		if _, there := os.Stat(dir); there != nil { // another run was faster
			t.Fatal(err)
		}
	}
	return dir
}

// A npmTask says what testdata/npm/drive.js does.
type npmTask struct {
	Client        string   `json:"client"`
	Modules       string   `json:"modules"`
	Parts         []string `json:"parts"`
	Address       string   `json:"address"`       // without security
	SecureAddress string   `json:"secureAddress"` // with TLS
	CAFile        string   `json:"caFile"`
	IdleSeconds   int      `json:"idleSeconds"`
}

// An npmCheck is a line of what drive.js says.
type npmCheck struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Error string `json:"error"`
	Done  bool   `json:"done"`
}

// drive runs drive.js and returns its checks. It must come to its end.
func drive(t *testing.T, task npmTask) []npmCheck {
	t.Helper()
	arg, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute+2*time.Duration(task.IdleSeconds)*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", filepath.Join("testdata", "npm", "drive.js"), string(arg))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var checks []npmCheck
	done := false
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var c npmCheck
		if json.Unmarshal(lines.Bytes(), &c) != nil {
			t.Logf("node: %s", lines.Bytes())
			continue
		}
		if done = c.Done; !done {
			checks = append(checks, c)
		}
	}
	if err != nil || !done {
		t.Errorf("drive.js ended early: %v\n%s", err, stderr.Bytes())
	}
	return checks
}

// report makes a subtest of each check and requires that there were so many.
func report(t *testing.T, checks []npmCheck, want int) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.Check, func(t *testing.T) {
			if !c.OK {
				t.Error(c.Error)
			}
		})
	}
	if len(checks) != want {
		t.Errorf("%d checks were made, want %d", len(checks), want)
	}
}

// TestNPMClients drives the official JavaScript clients through everything that
// is served.
func TestNPMClients(t *testing.T) {
	modules := npmModules(t)
	cert := newCertificate(t)
	for _, client := range npmClients() {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			checks := drive(t, npmTask{
				Client: client, Modules: modules, Parts: []string{"streams", "groups", "secure"},
				Address:       serve(t, memlog.New(time.Now), eventstore.Config{Now: time.Now, Insecure: true}),
				SecureAddress: serve(t, memlog.New(time.Now), eventstore.Config{Now: time.Now, TLS: cert.config, Authenticate: staff}),
				CAFile:        cert.file, IdleSeconds: 9,
			})
			report(t, checks, 27)
		})
	}
}

// TestNPMClientsBite drives the clients against a server that nobody may sign in
// to, and requires that the checks find it.
func TestNPMClientsBite(t *testing.T) {
	modules := npmModules(t)
	cert := newCertificate(t)
	checks := drive(t, npmTask{
		Client: npmClients()[0], Modules: modules, Parts: []string{"secure"},
		SecureAddress: serve(t, memlog.New(time.Now), eventstore.Config{Now: time.Now, TLS: cert.config}),
		CAFile:        cert.file,
	})
	failed := slices.ContainsFunc(checks, func(c npmCheck) bool { return !c.OK && strings.Contains(c.Check, "sign in over TLS") })
	if !failed {
		t.Errorf("checks = %+v, want the sign-in to fail", checks)
	}
}

// TestNPMClientsIdleForMinutes leaves the clients alone for as long as
// VOUCH_IDLE says, at the pace of their own pings: a server that finds them too
// frequent throws them out after forty seconds.
func TestNPMClientsIdleForMinutes(t *testing.T) {
	idle, err := time.ParseDuration(os.Getenv("VOUCH_IDLE"))
	if err != nil {
		t.Skip("set VOUCH_IDLE=3m to leave the npm clients alone for so long")
	}
	modules := npmModules(t)
	cert := newCertificate(t)
	for _, client := range npmClients() {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			checks := drive(t, npmTask{
				Client: client, Modules: modules, Parts: []string{"secure"},
				Address:       serve(t, memlog.New(time.Now), eventstore.Config{Now: time.Now, Insecure: true}),
				SecureAddress: serve(t, memlog.New(time.Now), eventstore.Config{Now: time.Now, TLS: cert.config, Authenticate: staff}),
				CAFile:        cert.file, IdleSeconds: int(idle.Seconds()),
			})
			report(t, checks, 5)
		})
	}
}
