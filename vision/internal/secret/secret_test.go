package secret

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func text() ([]byte, error) { return []byte(rand.Text()), nil }

func TestAllWhoMakeTheSecretAtOnceHaveTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "shop.key")
	got := make([]string, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			b, err := LoadOrMake(path, text)
			if err != nil {
				t.Error(err)
			}
			got[i] = string(b)
		})
	}
	wg.Wait()
	for i, s := range got {
		if s == "" || s != got[0] {
			t.Errorf("process %d has %q, another %q", i, s, got[0])
		}
	}
	if open, err := Exposed(path); open || err != nil {
		t.Errorf("Exposed(a new secret) = %v, %v", open, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the secret lie %v, %v", left, err)
	}
}

func TestASecretIsNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.key")
	if err := Save(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Save over a secret = %v, want ErrExist", err)
	}
	never := func() ([]byte, error) { t.Error("another was made"); return nil, nil }
	if b, err := LoadOrMake(path, never); string(b) != "first" || err != nil {
		t.Errorf("LoadOrMake = %q, %v", b, err)
	}
}

func TestWhatCannotBeMadeLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	broken := errors.New("no randomness")
	if _, err := LoadOrMake(filepath.Join(dir, "a.key"), func() ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("LoadOrMake without randomness = %v", err)
	}
	if _, err := LoadOrMake(filepath.Join(dir, strings.Repeat("x", 300)), text); err == nil {
		t.Error("a name too long for a file was taken")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("what failed left %v, %v", left, err)
	}
}
