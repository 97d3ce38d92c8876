package signer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

const origin = "berlin-1.example/ledger"

func seeded() io.Reader { return rand.NewChaCha8([32]byte{1}) }

func open(t testing.TB, dir string) *signer.Signer {
	t.Helper()
	s, err := signer.Open(dir, origin, seeded())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// tree returns the tree of n sales, of which those from the given one on are
// others.
func tree(n, others uint64) *tile.View {
	tiles := map[tile.ID][]byte{}
	put := func(id tile.ID, data []byte) error { tiles[id] = bytes.Clone(data); return nil }
	s := &tile.Stack{}
	for i := range n {
		what := "cola"
		if i >= others {
			what = "mate"
		}
		_ = s.Append(fmt.Appendf(nil, "%s %d", what, i), put) // put does not fail
	}
	ids, data := s.Edge()
	for i, id := range ids {
		_ = put(id, data[i])
	}
	return tile.NewView(n, func(id tile.ID, _ []byte) ([]byte, error) {
		if data, ok := tiles[id]; ok {
			return data, nil
		}
		return nil, fs.ErrNotExist
	})
}

// TestSignsExtensionsOnly: whatever it is asked to sign, in whatever order and
// with restarts in between, all that it signed are beginnings of one history.
func TestSignsExtensionsOnly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "signer") //nolint:usetesting // one for each draw
		if err != nil {
			rt.Fatal(err)
		}
		s, err := signer.Open(dir, origin, seeded())
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		var size, honest uint64 // what was signed: of size leaves, those below honest are colas
		for range rapid.IntRange(1, 8).Draw(rt, "times") {
			n := rapid.Uint64Range(0, 600).Draw(rt, "leaves")
			others := rapid.Uint64Range(0, 600).Draw(rt, "others from")
			text, err := s.Sign(tree(n, others))
			same := min(size, others) == min(size, honest) // the first size leaves are what they were
			if want := n >= size && same; (err == nil) != want {
				rt.Fatalf("Sign(%d leaves, others from %d) after %d, others from %d = %v, want it signed: %v", n, others, size, honest, err, want)
			}
			if err != nil {
				if !errors.Is(err, signer.ErrContradicts) {
					rt.Fatalf("Sign() = %v, want ErrContradicts", err)
				}
				continue
			}
			size, honest = n, others
			stored, err := os.ReadFile(filepath.Join(dir, signer.SignedFile))
			if err != nil || !bytes.Equal(stored, text) {
				rt.Fatalf("on record is %q, %v, want what was signed", stored, err)
			}
			if rapid.Bool().Draw(rt, "restart") {
				_ = s.Close()
				if s, err = signer.Open(dir, "", seeded()); err != nil {
					rt.Fatal(err)
				}
			}
		}
	})
}

// TestKeyIsMadeOnce, for the owner alone, and its verifier key is beside it.
func TestKeyIsMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "signer")
	s := open(t, dir)
	vkey := s.VerifierKey()
	key, err := os.ReadFile(filepath.Join(dir, signer.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{signer.KeyFile: 0o600, signer.PublicFile: 0o644, signer.SignedFile: 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, mode)
		}
	}
	if _, err := signer.Open(dir, origin, seeded()); !errors.Is(err, signer.ErrLocked) {
		t.Errorf("Open() beside another = %v, want ErrLocked", err)
	}
	_ = s.Close()
	again, err := signer.Open(dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	now, err := os.ReadFile(filepath.Join(dir, signer.KeyFile))
	if err != nil || !bytes.Equal(now, key) || again.VerifierKey() != vkey || again.Origin() != origin {
		t.Errorf("the key changed on the second opening: %v", err)
	}
	if text, v, err := signer.Key(dir); err != nil || text != vkey || v.Name() != origin {
		t.Errorf("Key() = %q, %v", text, err)
	}
	if strings.Contains(string(key), strings.Split(vkey, "+")[2]) {
		t.Error("the key file holds the public key only")
	}
}

// TestFolderThatIsNotWhole is refused: a key without its memory could sign
// anything.
func TestFolderThatIsNotWhole(t *testing.T) {
	spoil := func(name string, f func([]byte) []byte) func(string) error {
		return func(dir string) error {
			path := filepath.Join(dir, name)
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, f(b), 0o600)
		}
	}
	otherKey := func(b []byte) []byte {
		skey, _, _ := note.GenerateKey(rand.NewChaCha8([32]byte{2}), origin)
		return []byte(skey)
	}
	for what, change := range map[string]func(string) error{
		"no memory":       func(dir string) error { return os.Remove(filepath.Join(dir, signer.SignedFile)) },
		"no verifier key": func(dir string) error { return os.Remove(filepath.Join(dir, signer.PublicFile)) },
		"a cut memory":    spoil(signer.SignedFile, func(b []byte) []byte { return b[:len(b)/2] }),
		"a smaller memory": spoil(signer.SignedFile, func(b []byte) []byte {
			return bytes.Replace(b, []byte("\n300\n"), []byte("\n3\n"), 1)
		}),
		"an empty key": spoil(signer.KeyFile, func([]byte) []byte { return nil }),
		"another key":  spoil(signer.KeyFile, otherKey),
	} {
		dir := t.TempDir()
		s := open(t, dir)
		if _, err := s.Sign(tree(300, 300)); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := signer.Open(dir, origin, seeded()); !errors.Is(err, ledger.ErrCorrupt) && !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("Open() of a folder with %s = %v, want a refusal", what, err)
		}
	}
}

// TestOrigins: a key is for one origin, and an origin is one line without
// spaces.
func TestOrigins(t *testing.T) {
	dir := t.TempDir()
	_ = open(t, dir).Close()
	if _, err := signer.Open(dir, "munich-1.example/ledger", seeded()); !errors.Is(err, signer.ErrOrigin) {
		t.Errorf("Open() for another origin = %v, want ErrOrigin", err)
	}
	for _, bad := range []string{"", "a b", "a+b", "a\nb", strings.Repeat("x", 201)} {
		if _, err := signer.Open(t.TempDir(), bad, seeded()); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("Open() for origin %q = %v, want ErrInvalid", bad, err)
		}
	}
}

// FuzzCheckpoint: what is accepted was signed, and is in the one form.
func FuzzCheckpoint(f *testing.F) {
	s, err := signer.Open(f.TempDir(), origin, seeded())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	text, err := s.Sign(tree(3, 3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("\n3\n"), []byte("\n03\n"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := signer.OpenCheckpoint(b, s.Verifier())
		if err != nil {
			if !errors.Is(err, ledger.ErrCorrupt) {
				t.Fatalf("OpenCheckpoint(%q) = %v, want ErrCorrupt", b, err)
			}
			return
		}
		if c.Size != 3 && c.Size != 0 { // the only ones it signed
			t.Fatalf("OpenCheckpoint(%q) has %d leaves, which were never signed", b, c.Size)
		}
	})
}
