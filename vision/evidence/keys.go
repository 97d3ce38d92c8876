package evidence

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"filippo.io/age"

	"github.com/vouchledger/vouch/ledger"
)

// destroyed is what a file holds in place of a key that is gone for good.
const destroyed = "destroyed\n"

// Keys is a folder with two keys for each visit, see [Owner]. It must not lie in the store,
// nor on anything that keeps what was deleted. Several servers that share a
// store share its keys. It may be used by many goroutines and processes.
//
//	DIR/ab/VISIT             an age identity, or "destroyed"; ab is of the SHA-256 of the name
//	DIR/cd/VISIT-original    the same for the originals
type Keys struct{ root *os.Root }

// OpenKeys opens the keys in dir and makes the folder if it is not there.
func OpenKeys(dir string) (*Keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("evidence keys: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("evidence keys: %w", err)
	}
	return &Keys{root}, nil
}

// Close gives the folder back.
func (k *Keys) Close() error { return k.root.Close() }

// keyFile returns where the key of an owner lies.
func keyFile(owner string) string {
	return fmt.Sprintf("%02x/%s", sha256.Sum256([]byte(owner))[0], owner)
}

// get returns the key of an owner. One that was never made is an [ErrNoKey].
func (k *Keys) get(owner string) (*age.X25519Identity, error) {
	if k == nil {
		return nil, fmt.Errorf("%w: the store was opened without keys", ErrNoKey)
	}
	f, err := k.root.Open(keyFile(owner))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, owner)
	}
	if err != nil {
		return nil, fmt.Errorf("evidence key of %s: %w", owner, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("evidence key of %s: %w", owner, err)
	}
	if string(b) == destroyed {
		return nil, fmt.Errorf("%w: of %s", ErrExpired, owner)
	}
	id, err := age.ParseX25519Identity(strings.TrimSuffix(string(b), "\n"))
	if err != nil {
		// The text of the error could hold the key.
		return nil, fmt.Errorf("%w: the file of %s holds none", ErrNoKey, owner)
	}
	return id, nil
}

// make returns the key of an owner and makes it if there was none.
func (k *Keys) make(owner string) (*age.X25519Identity, error) {
	id, err := k.get(owner)
	if !errors.Is(err, ErrNoKey) {
		return id, err
	}
	id, err = age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("evidence key of %s: %w", owner, err)
	}
	name := keyFile(owner)
	// A link fails where a rename would take the place of a key that another
	// process has just made and used.
	err = k.place(name, id.String()+"\n", k.root.Link)
	if errors.Is(err, fs.ErrExist) {
		return k.get(owner)
	}
	if err != nil {
		return nil, fmt.Errorf("evidence key of %s: %w", owner, err)
	}
	return id, nil
}

// place writes a file beside name, syncs it and gives it its name.
func (k *Keys) place(name, content string, give func(from, to string) error) error {
	dir := path.Dir(name)
	if err := k.root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp := path.Join(dir, ".tmp-"+rand.Text())
	f, err := k.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer k.root.Remove(tmp) //nolint:errcheck // a rename has taken it away
	_, err = io.WriteString(f, content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := give(tmp, name); err != nil {
		return err
	}
	return errors.Join(syncDir(k.root, dir), syncDir(k.root, "."))
}

// forget removes the key of a loose object. A device may send the same bytes
// again for something else, so that no mark is left.
func (k *Keys) forget(owner string) error {
	name := keyFile(owner)
	err := k.root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syncDir(k.root, path.Dir(name))
	}
	return err
}

// CopyTo copies all keys to another folder, in which a key that was destroyed
// on either side is destroyed afterwards.
func (k *Keys) CopyTo(to *Keys) error {
	return fs.WalkDir(k.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		b, err := fs.ReadFile(k.root.FS(), name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // forgotten since
		}
		if err != nil {
			return err
		}
		there, err := fs.ReadFile(to.root.FS(), name)
		if err == nil && (string(b) != destroyed || string(there) == destroyed) {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("evidence keys: %w", err)
		}
		give := to.root.Link
		if string(b) == destroyed {
			give = to.root.Rename
		}
		if err := to.place(name, string(b), give); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("evidence keys: %w", err)
		}
		return nil
	})
}

// validOwner refuses what could not be the name of a file.
func validOwner(owner string) error {
	ok := len(owner) > 0 && len(owner) <= 64
	for _, c := range []byte(owner) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}
	if !ok || strings.HasPrefix(owner, loose) || strings.HasSuffix(owner, originals) {
		return fmt.Errorf("evidence of visit %q: %w: no visit of ours has this name", owner, ledger.ErrInvalid)
	}
	return nil
}
