package witness_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/witness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const origin = "berlin-1.example/ledger"

func seeded() io.Reader { return rand.NewChaCha8([32]byte{1}) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// A shop is a ledger with a tree and a signer.
type shop struct {
	t      *testing.T
	log    *memlog.Log
	sold   int
	files  tree.Files
	dir    string
	signer *signer.Signer
	pub    *tree.Publisher
}

func openShop(t *testing.T, what string, n int) *shop {
	t.Helper()
	s := &shop{
		t: t, log: memlog.New(func() time.Time { return time.Unix(1_800_000_000, 0) }),
		files: tree.NewDir(filepath.Join(t.TempDir(), "tlog")), dir: filepath.Join(t.TempDir(), "signer"),
	}
	s.sell(what, n)
	s.sign()
	return s
}

func (s *shop) sign() {
	s.t.Helper()
	var err error
	if s.signer, err = signer.Open(s.dir, origin, seeded()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.signer.Close() })
}

func (s *shop) sell(what string, n int) {
	s.t.Helper()
	for range n {
		s.sold++
		d := ledger.Draft{
			ID: ledger.DeriveID(ledger.ID{1}, fmt.Sprint(s.sold)), Kind: ledger.KindDetectionRecorded, Actor: "device:cam-1",
			Occurred: time.Unix(1_800_000_000, 0).UTC(), Body: fmt.Appendf(nil, `{"seen":%q}`, what),
		}
		if _, err := s.log.Append(context.Background(), "visit-1", ledger.Any(), d); err != nil {
			s.t.Fatal(err)
		}
	}
}

// asking has the shop ask the witnesses of a policy.
func (s *shop) asking(p *witness.Policy, patience time.Duration) {
	s.t.Helper()
	h := &http.Client{Transport: &http.Transport{}}
	s.t.Cleanup(h.CloseIdleConnections)
	c, err := witness.NewClient(p, h, quiet())
	if err != nil {
		s.t.Fatal(err)
	}
	s.pub = tree.New(s.log, s.files, s.signer, tree.Config{
		Interval: time.Millisecond, Patience: patience, Witnesses: c, Now: time.Now, Logger: quiet(),
	})
}

func (s *shop) once() error { return s.pub.Once(context.Background()) }

func (s *shop) checkpoint() (uint64, []byte) {
	s.t.Helper()
	text, err := s.pub.Folder().Checkpoint()
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := signer.OpenCheckpoint(text, s.signer.Verifier())
	if err != nil {
		s.t.Fatal(err)
	}
	return c.Size, text
}

// policyText asks all of these witnesses.
func (s *shop) policyText(quorum string, ws ...witnessed) string {
	var b strings.Builder
	fmt.Fprintf(&b, "log %s # ours\n\n", s.signer.VerifierKey())
	var names []string
	for i, w := range ws {
		names = append(names, fmt.Sprintf("w%d", i))
		fmt.Fprintf(&b, "witness w%d %s %s\n", i, w.vkey, w.url)
	}
	fmt.Fprintf(&b, "group all-of-them %s %s\nquorum all-of-them\n", quorum, strings.Join(names, " "))
	return b.String()
}

func parse(t *testing.T, text string) *witness.Policy {
	t.Helper()
	p, err := witness.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// others are the witnesses that we did not write: torchwood's parts, and
// torchwood's program.
func others(t *testing.T, run func(t *testing.T, s *shop, w witnessed)) {
	t.Run("torchwood's parts", func(t *testing.T) {
		s := openShop(t, "cola", 300)
		run(t, s, openAnna(t, s.signer.Verifier(), 1).witnessed())
	})
	t.Run("litewitness", func(t *testing.T) {
		s := openShop(t, "cola", 300)
		run(t, s, litewitness(t, s.signer.Verifier(), s.signer.VerifierKey()))
	})
}

// TestWitnessesCosign: the published checkpoint carries the witness's
// cosignature, torchwood's policy is satisfied, and so it goes on as the shop
// sells, also after a restart that forgot what the witness has seen.
func TestWitnessesCosign(t *testing.T) {
	others(t, func(t *testing.T, s *shop, w witnessed) {
		text := s.policyText("all", w)
		policy, err := torchwood.ParsePolicy([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, more := range []int{0, 1, 300, 0, 700} {
			s.sell("cola", more)
			s.asking(parse(t, text), time.Hour)
			if err := s.once(); err != nil {
				t.Fatalf("Once() after %d events = %v", s.sold, err)
			}
			size, note := s.checkpoint()
			if size != uint64(s.sold) {
				t.Errorf("the checkpoint covers %d leaves, want %d", size, s.sold)
			}
			if _, _, err := torchwood.VerifyCheckpoint(note, policy); err != nil {
				t.Errorf("torchwood says of the checkpoint of %d leaves: %v\n%s", size, err, note)
			}
			if err := parse(t, text).Check(note); err != nil {
				t.Errorf("Check() = %v, want nil", err)
			}
			if kept, err := s.pub.Folder().Cosigned(); err != nil || !bytes.Equal(kept, note) {
				t.Errorf("Cosigned() = %s, %v, want the checkpoint", kept, err)
			}
		}
	})
}

// TestWitnessFindsRewrittenHistory: the operator changes an event, computes
// everything again and signs with the right key and without its memory. The
// witness has seen the other history and does not cosign; the server stops
// signing and says so.
func TestWitnessFindsRewrittenHistory(t *testing.T) {
	others(t, func(t *testing.T, s *shop, w witnessed) {
		s.asking(parse(t, s.policyText("all", w)), time.Hour)
		if err := s.once(); err != nil {
			t.Fatal(err)
		}
		fork := openShop(t, "gold", 500) // the same key, in another folder
		if fork.signer.VerifierKey() != s.signer.VerifierKey() {
			t.Fatal("the fork has another key: the test shows nothing")
		}
		fork.asking(parse(t, fork.policyText("all", w)), time.Hour)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- fork.pub.Run(ctx) }()
		within(t, "the fork is refused", func() bool { return fork.pub.Ready(ctx) != nil })
		if err := fork.pub.Ready(ctx); !errors.Is(err, signer.ErrContradicts) {
			t.Errorf("Ready() = %v, want ErrContradicts", err)
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run() = %v, want context.Canceled", err)
		}
		// At most the empty tree, which contradicts nothing, was published.
		if text, err := fork.pub.Folder().Checkpoint(); err == nil && !bytes.HasPrefix(text, []byte(origin+"\n0\n")) {
			t.Errorf("the fork is published: %s", text)
		}
	})
}

// TestWholeFolderRestored: ledger, tiles and the signer's memory are all brought
// back from a backup, so nothing on the disk contradicts anything. The witness
// knows better, and nothing is signed.
func TestWholeFolderRestored(t *testing.T) {
	others(t, func(t *testing.T, s *shop, w witnessed) {
		policy := parse(t, s.policyText("all", w))
		s.asking(policy, time.Hour)
		if err := s.once(); err != nil {
			t.Fatal(err)
		}
		backup := t.TempDir()
		if err := os.CopyFS(backup, os.DirFS(s.dir)); err != nil {
			t.Fatal(err)
		}
		s.sell("cola", 200)
		s.asking(policy, time.Hour)
		if err := s.once(); err != nil {
			t.Fatal(err)
		}
		old := openShop(t, "cola", 300)
		_ = old.signer.Close()
		old.dir = backup
		old.sign()
		was, _ := old.signer.Last()
		old.sell("gold", 400) // sold after the restore
		old.asking(policy, time.Hour)
		if err := old.once(); !errors.Is(err, signer.ErrContradicts) {
			t.Errorf("Once() on a restored folder = %v, want ErrContradicts", err)
		}
		if is, _ := old.signer.Last(); !bytes.Equal(is, was) {
			t.Errorf("it signed %s", is)
		}
	})
}

// TestSilentWitness: a witness that does not answer holds checkpoints up for as
// long as the patience lasts and no longer; when it is back, it cosigns.
func TestSilentWitness(t *testing.T) {
	s := openShop(t, "cola", 300)
	a := openAnna(t, s.signer.Verifier(), 1)
	a.Instead(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusServiceUnavailable); return true })
	s.asking(parse(t, s.policyText("all", a.witnessed())), 20*time.Millisecond)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.pub.Run(ctx) }()
	within(t, "a checkpoint without the witness", func() bool { return s.pub.Status().Published == 300 })
	if s.pub.Status().Cosigned != 0 {
		t.Error("the silent witness cosigned")
	}
	a.Instead(nil)
	within(t, "a cosigned checkpoint", func() bool { return s.pub.Status().Cosigned == 300 })
	if err := s.pub.Ready(ctx); err != nil {
		t.Errorf("Ready() = %v, want nil: a silent witness is no contradiction", err)
	}
	stop()
	<-done
}

// TestRestartWithSilentWitness: after a restart the signer's memory may be old.
// Nothing new is signed before the witnesses have confirmed it; what is
// published stays.
func TestRestartWithSilentWitness(t *testing.T) {
	s := openShop(t, "cola", 300)
	a := openAnna(t, s.signer.Verifier(), 1)
	policy := parse(t, s.policyText("all", a.witnessed()))
	s.asking(policy, time.Hour)
	if err := s.once(); err != nil {
		t.Fatal(err)
	}
	_, was := s.checkpoint()
	a.Instead(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadGateway); return true })
	s.sell("cola", 100)
	s.asking(policy, time.Nanosecond)
	if err := s.once(); err != nil {
		t.Fatal(err)
	}
	if _, is := s.checkpoint(); !bytes.Equal(is, was) {
		t.Errorf("it published %s before the witness answered", is)
	}
}

// TestJunkIsNoCosignature: another's signature, another checkpoint's, no
// signature: none is put onto the checkpoint.
func TestJunkIsNoCosignature(t *testing.T) {
	s := openShop(t, "cola", 300)
	a, b := openAnna(t, s.signer.Verifier(), 1), openAnna(t, s.signer.Verifier(), 2)
	for what, junk := range map[string]func(http.ResponseWriter) bool{
		"nothing":        func(http.ResponseWriter) bool { return true },
		"words":          func(w http.ResponseWriter) bool { _, _ = w.Write([]byte("— w AAAA\nhello\n")); return true },
		"without end":    func(w http.ResponseWriter) bool { _, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20)); return true },
		"an unknown log": func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusNotFound); return true },
		"a wrong size": func(w http.ResponseWriter) bool {
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte("many"))
			return true
		},
		"one size always": func(w http.ResponseWriter) bool {
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte("5\n"))
			return true
		},
		"another's signature": func(w http.ResponseWriter) bool {
			note, _ := s.signer.Last()
			_, sigs := b.Decide(append([]byte("old 0\n\n"), note...))
			_, _ = w.Write(sigs)
			return true
		},
	} {
		a.Instead(junk)
		s.asking(parse(t, s.policyText("all", a.witnessed())), time.Hour)
		if err := s.once(); err != nil {
			t.Errorf("Once() when the witness answers %s = %v, want nil", what, err)
		}
		if text, err := s.pub.Folder().Cosigned(); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("cosigned when the witness answers %s: %s, %v", what, text, err)
		}
	}
}

// TestQuorum: two of three are enough where the policy says so.
func TestQuorum(t *testing.T) {
	s := openShop(t, "cola", 300)
	a, b, c := openAnna(t, s.signer.Verifier(), 1), openAnna(t, s.signer.Verifier(), 2), openAnna(t, s.signer.Verifier(), 3)
	c.Close()
	text := s.policyText("2", a.witnessed(), b.witnessed(), c.witnessed())
	s.asking(parse(t, text), time.Hour)
	if err := s.once(); err != nil {
		t.Fatal(err)
	}
	_, note := s.checkpoint()
	if got := parse(t, text).Cosigners(note); !slices.Equal(got, []string{"w0", "w1"}) {
		t.Errorf("Cosigners() = %q, want the two that answer", got)
	}
	all := parse(t, s.policyText("all", a.witnessed(), b.witnessed(), c.witnessed()))
	if err := all.Check(note); !errors.Is(err, witness.ErrQuorum) {
		t.Errorf("Check() of all three = %v, want ErrQuorum", err)
	}
	// A cosignature is for one checkpoint.
	other := bytes.Replace(note, []byte("\n300\n"), []byte("\n301\n"), 1)
	if err := parse(t, text).Check(other); !errors.Is(err, witness.ErrQuorum) {
		t.Errorf("Check() of another checkpoint under these cosignatures = %v, want ErrQuorum", err)
	}
}

// TestPolicies: what is a policy and what is not.
func TestPolicies(t *testing.T) {
	s := openShop(t, "cola", 1)
	key := openAnna(t, s.signer.Verifier(), 1).Key()
	other := openAnna(t, s.signer.Verifier(), 2).Key()
	for text, ok := range map[string]bool{
		"quorum none": true,
		"witness a " + key + " https://a.example/\nquorum a":                        true,
		"witness a " + key + " # no address\nquorum a":                              true,
		"# c\n\nwitness a " + key + " https://a.example/x\ngroup g 1 a\nquorum g\n": true,
		"":                             false,
		"witness a " + key:             false,
		"quorum a":                     false,
		"witness a nonsense\nquorum a": false,
		"witness a " + key + "\nwitness a " + other + "\nquorum a":                false,
		"witness a " + key + "\nwitness b " + key + "\ngroup g 2 a b\nquorum g":   false, // one key counts once
		"witness a " + key + " ftp://a.example/\nquorum a":                        false,
		"witness a " + key + " https://a.example/ more\nquorum a":                 false,
		"witness a " + key + "\nwitness b " + other + "\ngroup g 3 a b\nquorum g": false,
		"witness a " + key + "\nquorum a\nfoo":                                    false,
	} {
		if _, err := witness.ParsePolicy([]byte(text)); (err == nil) != ok || err != nil && !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("ParsePolicy(%q) = %v, want it to be one: %v", text, err, ok)
		}
	}
	p := parse(t, "witness a "+key+"\nquorum a")
	if _, err := witness.NewClient(p, http.DefaultClient, quiet()); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("NewClient() for a witness without address = %v, want ErrInvalid", err)
	}
}
