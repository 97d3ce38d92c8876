package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vouchledger/vouch/internal/peer"
)

// A witnessed log: where its witness is asked, and the witness's key.
type witnessed struct{ url, vkey string }

// openAnna opens a witness that is made of parts of others.
func openAnna(t *testing.T, log note.Verifier, seed byte) anna {
	return anna{peer.OpenWitness(t, log, seed)}
}

type anna struct{ *peer.Witness }

func (a anna) witnessed() witnessed { return witnessed{a.URL(), a.Key()} }

// litewitness starts torchwood's witness program, as it is, and has it know the
// log. VOUCH_LITEWITNESS names the program.
func litewitness(t *testing.T, log note.Verifier, vkey string) witnessed {
	t.Helper()
	program := os.Getenv("VOUCH_LITEWITNESS")
	if _, err := os.Stat(program); err != nil {
		t.Skip("VOUCH_LITEWITNESS does not name a litewitness (make test builds one)")
	}
	sqlite, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("no sqlite3 to tell litewitness about the log; apt-get install sqlite3")
	}
	dir, err := os.MkdirTemp("", "witness") //nolint:usetesting // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	fingerprint := serveAgent(t, filepath.Join(dir, "agent"))
	port := peer.Address(t)
	var stderr lines
	cmd := exec.CommandContext(t.Context(), program, "-name", "lite.example/witness", "-db", filepath.Join(dir, "db"),
		"-ssh-agent", filepath.Join(dir, "agent"), "-key", fingerprint, "-listen", port)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	key := stderr.value(t, "vkey")
	empty := base64.StdEncoding.EncodeToString(make([]byte, tlog.HashSize))
	rows := fmt.Sprintf("INSERT INTO log VALUES ('%s', 0, '%s'); INSERT INTO key VALUES ('%[1]s', '%[3]s');", log.Name(), empty, vkey)
	if out, err := exec.CommandContext(t.Context(), sqlite, filepath.Join(dir, "db"), rows).CombinedOutput(); err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	within(t, "litewitness listens", func() bool {
		conn, err := net.Dial("tcp", port)
		return err == nil && conn.Close() == nil
	})
	return witnessed{"http://" + port, key}
}

// serveAgent serves an ssh-agent with one key and returns its fingerprint.
func serveAgent(t *testing.T, socket string) string {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _ = agent.ServeAgent(ring, conn) }) // ends with the witness
		}
	})
	t.Cleanup(func() { _ = listener.Close(); wg.Wait() })
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(public)
}

// within waits for something that another process does.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// lines is what a process prints.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// value waits for name=value and returns the value.
func (l *lines) value(t *testing.T, name string) string {
	t.Helper()
	var value string
	within(t, "the program prints "+name, func() bool {
		_, rest, _ := strings.Cut(l.text(), name+"=")
		line, _, ended := strings.Cut(rest, "\n")
		value = line
		return ended
	})
	return strings.Trim(value, `"`)
}
