package keys

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatalf("Open(%s) = %v, want nil", dir, err)
	}
	return s
}

// TestAKeyOpensAndIsNeverKept: the reviewer's key works, its secret is nowhere
// in the folder, and nobody else may read the file.
func TestAKeyOpensAndIsNeverKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	made, text, err := s.Create(Spec{Role: Reviewer, Name: "anna"}, noon, rand.Reader)
	if err != nil {
		t.Fatalf("Create(reviewer anna) = %v, want nil", err)
	}
	got, err := s.Check(text)
	if err != nil || got != made || got.Actor() != "reviewer:anna" {
		t.Fatalf("Check(text) = %+v, %v, want %+v, nil", got, err, made)
	}
	_, secret, _ := split(text)
	b, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(secret)) {
		t.Error("the key file holds the secret")
	}
	info, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("Stat(keys.json) = %v, %v, want mode 0600", info.Mode(), err)
	}
}

// TestAWrongKeyTellsNothing: a wrong secret, an unknown id and no key at all
// get the same answer.
func TestAWrongKeyTellsNothing(t *testing.T) {
	s := open(t, t.TempDir())
	_, text, err := s.Create(Spec{Role: Auditor}, noon, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "vouch_", "vouch__", text + "a", text[:len(text)-1], strings.Replace(text, "vouch_", "vouch_x", 1),
		strings.ToUpper(text), "vouch_" + strings.Repeat("a", 13) + "_",
	} {
		if _, err := s.Check(bad); !errors.Is(err, ErrNoKey) {
			t.Errorf("Check(%q) = %v, want %v", bad, err, ErrNoKey)
		}
	}
}

// TestAKeyMadeBesideARunningServerWorks: the command line and the server share
// the file; a revoked key stops working at once.
func TestAKeyMadeBesideARunningServerWorks(t *testing.T) {
	dir := t.TempDir()
	server, command := open(t, dir), open(t, dir)
	k, text, err := command.Create(Spec{Role: Device, Store: "s1", Name: "gate-1"}, noon, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Check(text); err != nil {
		t.Fatalf("Check(new key) = %v, want nil", err)
	}
	if _, err := command.Revoke(k.ID, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Check(text); !errors.Is(err, ErrRevoked) {
		t.Errorf("Check(revoked key) = %v, want %v", err, ErrRevoked)
	}
	if _, err := server.Get(k.ID); !errors.Is(err, ErrRevoked) {
		t.Errorf("Get(revoked id) = %v, want %v", err, ErrRevoked)
	}
	if ks, err := server.List(); err != nil || len(ks) != 1 {
		t.Errorf("List() = %v, %v, want the revoked key", ks, err)
	}
}

// TestAKeyIsBoundToWhatItsRoleNeeds: a device without a shop would see every
// shop.
func TestAKeyIsBoundToWhatItsRoleNeeds(t *testing.T) {
	s := open(t, t.TempDir())
	for _, bad := range []Spec{
		{},
		{Role: "boss"},
		{Role: Device},
		{Role: Shopper},
		{Role: Shopper, Shopper: "p1", Store: "s1"},
		{Role: Reviewer, Store: "s1"},
		{Role: Auditor, Name: "two words"},
		{Role: Auditor, Name: strings.Repeat("n", 81)},
	} {
		if _, _, err := s.Create(bad, noon, rand.Reader); !errors.Is(err, ErrInvalid) {
			t.Errorf("Create(%+v) = %v, want %v", bad, err, ErrInvalid)
		}
	}
}

// TestADamagedKeyFileIsNotReadAsEmpty: nobody is let in, nothing is
// overwritten.
func TestADamagedKeyFileIsNotReadAsEmpty(t *testing.T) {
	for _, text := range []string{
		"{", `{"version":2,"keys":[]}`, `{"version":1,"keys":[{"id":"a"}]}`, `{"version":1,"more":1}`,
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, FileName)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); !errors.Is(err, ErrCorrupt) {
			t.Errorf("Open(%q) = %v, want %v", text, err, ErrCorrupt)
		}
		s := &Store{path: path}
		if _, _, err := s.Create(Spec{Role: Auditor}, noon, rand.Reader); !errors.Is(err, ErrCorrupt) {
			t.Errorf("Create over %q = %v, want %v", text, err, ErrCorrupt)
		}
		if b, _ := os.ReadFile(path); string(b) != text {
			t.Errorf("key file %q became %q", text, b)
		}
	}
}

// TestTheFirstKeyMakesTheFolder: whoever sets a server up begins with a key.
func TestTheFirstKeyMakesTheFolder(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "new", "data"))
	_, text, err := s.Create(Spec{Role: Operator, Name: "olga"}, time.Now(), rand.Reader)
	if err != nil {
		t.Fatalf("Create in a folder that is not there = %v, want a key", err)
	}
	if _, err := s.Check(text); err != nil {
		t.Errorf("Check = %v, want the key", err)
	}
}
