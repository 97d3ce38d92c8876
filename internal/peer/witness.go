package peer

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Witness cosigns checkpoints as C2SP tlog-witness says. It is made of torchwood's
// cosigner and policy and of x/mod's proof check: all that decides is code we did not
// write.
type Witness struct {
	signer *torchwood.CosignatureSigner
	policy torchwood.Policy
	server *httptest.Server

	mu       sync.Mutex
	tree     tlog.Tree
	override func(w http.ResponseWriter) bool
}

// OpenWitness starts a witness that knows a log, until the test ends. Its name and key
// are of the seed.
func OpenWitness(t testing.TB, log note.Verifier, seed byte) *Witness {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	s, err := torchwood.NewCosignatureSigner(fmt.Sprintf("anna-%d.example/witness", seed), key)
	if err != nil {
		t.Fatal(err)
	}
	w := &Witness{signer: s}
	w.policy = torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(log.Name()), torchwood.SingleVerifierPolicy(log))
	w.server = httptest.NewServer(http.HandlerFunc(w.add))
	t.Cleanup(w.server.Close)
	return w
}

// URL is where the witness is asked.
func (w *Witness) URL() string { return w.server.URL }

// Close ends it before the test does.
func (w *Witness) Close() { w.server.Close() }

// Key is the verifier key of its cosignatures.
func (w *Witness) Key() string { return w.signer.Verifier().String() }

// Size is how many leaves the largest tree has that it has cosigned.
func (w *Witness) Size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tree.N
}

// Instead answers requests by f from now on, as far as it returns true.
func (w *Witness) Instead(f func(w http.ResponseWriter) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.override = f
}

// add answers POST add-checkpoint as tlog-witness says.
func (w *Witness) add(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.override != nil && w.override(out) {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/add-checkpoint" {
		out.WriteHeader(http.StatusNotFound)
		return
	}
	status, text := w.Decide(body)
	out.WriteHeader(status)
	_, _ = out.Write(text)
}

// Decide answers the body of a request: a status, and cosignatures or what is wrong.
func (w *Witness) Decide(body []byte) (int, []byte) {
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
	c, n, err := torchwood.VerifyCheckpoint(signed, w.policy)
	switch {
	case err != nil:
		return http.StatusForbidden, nil
	case old > c.N:
		return http.StatusBadRequest, nil
	case old != w.tree.N:
		return http.StatusConflict, fmt.Appendf(nil, "%d\n", w.tree.N)
	case old > 0 && tlog.CheckTree(proof, c.N, c.Hash, old, w.tree.Hash) != nil:
		return http.StatusUnprocessableEntity, []byte("bad consistency proof")
	}
	w.tree = c.Tree
	cosigned, err := note.Sign(&note.Note{Text: n.Text}, w.signer)
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	_, sigs, _ := bytes.Cut(cosigned, []byte("\n\n"))
	return http.StatusOK, sigs
}
