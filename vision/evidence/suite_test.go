package evidence_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
	"github.com/vouchledger/vouch/vision/evidence/evidencetest"
)

func TestFolder(t *testing.T) {
	evidencetest.Run(t, func(t *testing.T) evidence.Blobs {
		f, err := evidence.OpenFolder(filepath.Join(t.TempDir(), "evidence"))
		if err != nil {
			t.Fatal(err)
		}
		return f
	})
}

// TestKeysOfABackupForgetToo copies keys to a backup before and after one of
// them was destroyed, and back.
func TestKeysOfABackupForgetToo(t *testing.T) {
	open := func(dir string) *evidence.Keys {
		k, err := evidence.OpenKeys(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = k.Close() })
		return k
	}
	keys, backup, again := open(t.TempDir()), open(t.TempDir()), open(t.TempDir())
	store, err := evidence.Open(t.TempDir(), evidence.Config{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, v := range []ledger.VisitID{"v1", "v2"} {
		b := []byte("frame of " + v)
		if _, err := store.PutFor(t.Context(), v, bytes.NewReader(b), ledger.DigestOf(b)); err != nil {
			t.Fatal(err)
		}
	}
	copyTo := func(from, to *evidence.Keys) {
		t.Helper()
		if err := from.CopyTo(to); err != nil {
			t.Fatal(err)
		}
	}
	copyTo(keys, backup)
	if err := keys.Destroy("v1"); err != nil {
		t.Fatal(err)
	}
	copyTo(backup, keys) // nothing brings it back
	copyTo(keys, backup)
	copyTo(backup, again)
	for name, k := range map[string]*evidence.Keys{"shop": keys, "backup": backup, "restored": again} {
		if !k.Destroyed("v1") || k.Destroyed("v2") {
			t.Errorf("%s: destroyed = %v, %v, want only the first visit's", name, k.Destroyed("v1"), k.Destroyed("v2"))
		}
	}
}

// TestADamagedKeyIsSaidAndNotShown damages the file of a key.
func TestADamagedKeyIsSaidAndNotShown(t *testing.T) {
	dir := t.TempDir()
	keys, err := evidence.OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	store, err := evidence.Open(t.TempDir(), evidence.Config{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	b := []byte("frame")
	put := func() error {
		_, err := store.PutFor(t.Context(), "v1", bytes.NewReader(b), ledger.DigestOf(b))
		return err
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "v1"))
	if err != nil || len(files) != 1 {
		t.Fatalf("keys = %v, %v, want one", files, err)
	}
	if err := os.WriteFile(files[0], []byte("AGE-SECRET-KEY-1BROKEN\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = store.Read(t.Context(), ledger.DigestOf(b))
	wantNoKey(t, err)
	other := []byte("another frame")
	_, err = store.PutFor(t.Context(), "v1", bytes.NewReader(other), ledger.DigestOf(other))
	wantNoKey(t, err) // no second key in the place of the first
}

func wantNoKey(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, evidence.ErrNoKey) || strings.Contains(err.Error(), "BROKEN") {
		t.Errorf("error = %v, want ErrNoKey that does not show the file", err)
	}
}
