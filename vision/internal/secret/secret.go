// Package secret keeps a key in a file of its own that is made once: the key by
// which tickets are signed, messages sealed, card numbers hidden.
//
// # Invariants
//
//   - A file with the whole of the secret is there, durably, before anyone has it:
//     what was sealed or signed with it can be opened after a power cut.
//   - A file that is there is never replaced. Of two processes that make one at
//     once, both end with the same.
package secret

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Exposed reports whether others than its owner may read the file at path.
func Exposed(path string) (bool, error) {
	st, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return st.Mode().Perm()&0o077 != 0, nil
}

// LoadOrMake returns what the file at path holds. If there is none it makes the
// folder and a file with what fresh returns, for its owner alone (0600).
func LoadOrMake(path string, fresh func() ([]byte, error)) ([]byte, error) {
	b, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if b, err = fresh(); err != nil {
		return nil, err
	}
	if err := Save(path, b); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

// Save writes a new file that only its owner may read. One that is there is left
// as it is and the error is a [fs.ErrExist].
func Save(path string, content []byte) error {
	dir := filepath.Dir(path)
	tmp := filepath.Join(dir, ".secret-"+rand.Text())
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(tmp) //nolint:errcheck // the second name of the file, once linked
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	// A link refuses to replace, which a rename does not. Who lost waits for the
	// winner's name too: it uses the same file.
	err = os.Link(tmp, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(err, syncDir(dir))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
