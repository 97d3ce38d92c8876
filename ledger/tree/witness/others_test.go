package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/vouchledger/vouch/internal/peer"
)

// A witnessed log: where its witness is asked, and the witness's key.
type witnessed struct{ url, vkey string }

// anna is a witness made of torchwood's cosigner and policy and of x/mod's
// proof check: all that decides is code we did not write.
type anna struct {
	t      *testing.T
	signer *torchwood.CosignatureSigner
	policy torchwood.Policy
	server *httptest.Server

	mu       sync.Mutex
	tree     tlog.Tree
	answers  []int // status of each
	override func(w http.ResponseWriter) bool
}

func openAnna(t *testing.T, log note.Verifier, seed byte) *anna {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	s, err := torchwood.NewCosignatureSigner(fmt.Sprintf("anna-%d.example/witness", seed), key)
	if err != nil {
		t.Fatal(err)
	}
	a := &anna{t: t, signer: s}
	a.policy = torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(log.Name()), torchwood.SingleVerifierPolicy(log))
	a.server = httptest.NewServer(http.HandlerFunc(a.add))
	t.Cleanup(a.server.Close)
	return a
}

func (a *anna) witnessed() witnessed { return witnessed{a.server.URL, a.signer.Verifier().String()} }

// add answers POST add-checkpoint as tlog-witness says.
func (a *anna) add(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.override != nil && a.override(w) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/add-checkpoint" {
		a.answer(w, http.StatusNotFound, nil)
		return
	}
	status, text := a.decide(body)
	a.answer(w, status, text)
}

func (a *anna) answer(w http.ResponseWriter, status int, text []byte) {
	a.answers = append(a.answers, status)
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

func (a *anna) decide(body []byte) (int, []byte) {
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, isOld := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseInt(size, 10, 64)
	if !ok || !isOld || err != nil {
		return http.StatusBadRequest, nil
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return http.StatusBadRequest, nil
		}
		proof = append(proof, h)
	}
	c, n, err := torchwood.VerifyCheckpoint(signed, a.policy)
	switch {
	case err != nil:
		return http.StatusForbidden, nil
	case old > c.N:
		return http.StatusBadRequest, nil
	case old != a.tree.N:
		return http.StatusConflict, fmt.Appendf(nil, "%d\n", a.tree.N)
	case old > 0 && tlog.CheckTree(proof, c.N, c.Hash, old, a.tree.Hash) != nil:
		return http.StatusUnprocessableEntity, []byte("bad consistency proof")
	}
	a.tree = c.Tree
	cosigned, err := note.Sign(&note.Note{Text: n.Text}, a.signer)
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	_, sigs, _ := bytes.Cut(cosigned, []byte("\n\n"))
	return http.StatusOK, sigs
}

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
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 seconds: %s", what)
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
