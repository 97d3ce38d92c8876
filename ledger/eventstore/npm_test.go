package eventstore_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/internal/npmtest"
	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// npmClients are the official clients for JavaScript, as testdata/npm pins them.
func npmClients() []string { return []string{"@eventstore/db-client", "@kurrent/kurrentdb-client"} }

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
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute+2*time.Duration(task.IdleSeconds)*time.Second)
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
	modules := npmtest.Modules(t, filepath.Join("testdata", "npm"))
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
	modules := npmtest.Modules(t, filepath.Join("testdata", "npm"))
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
	modules := npmtest.Modules(t, filepath.Join("testdata", "npm"))
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
