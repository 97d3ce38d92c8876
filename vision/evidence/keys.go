package evidence

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/internal/keyfile"
)

// Keys is a folder with two keys for each visit, see [Owner]. It must not lie in the store,
// nor on anything that keeps what was deleted. Several servers that share a
// store share its keys. It may be used by many goroutines and processes.
//
//	DIR/ab/VISIT             an age identity, or "destroyed"; ab is of the SHA-256 of the name
//	DIR/cd/VISIT-original    the same for the originals
type Keys struct{ folder *keyfile.Folder }

// OpenKeys opens the keys in dir and makes the folder if it is not there.
func OpenKeys(dir string) (*Keys, error) {
	f, err := keyfile.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("evidence keys: %w", err)
	}
	return &Keys{f}, nil
}

// Close gives the folder back.
func (k *Keys) Close() error { return k.folder.Close() }

// get returns the key of an owner. One that was never made is an [ErrNoKey].
func (k *Keys) get(owner string) (*age.X25519Identity, error) {
	if k == nil {
		return nil, fmt.Errorf("%w: the store was opened without keys", ErrNoKey)
	}
	return said(owner)(k.folder.Get(owner))
}

// make returns the key of an owner and makes it if there was none.
func (k *Keys) make(owner string) (*age.X25519Identity, error) {
	return said(owner)(k.folder.Make(owner))
}

// said gives the errors of keys the names that they have in this package.
func said(owner string) func(*age.X25519Identity, error) (*age.X25519Identity, error) {
	return func(id *age.X25519Identity, err error) (*age.X25519Identity, error) {
		switch {
		case err == nil:
			return id, nil
		case errors.Is(err, keyfile.ErrNone):
			return nil, fmt.Errorf("%w: %s", ErrNoKey, owner)
		case errors.Is(err, keyfile.ErrDestroyed):
			return nil, fmt.Errorf("%w: of %s", ErrExpired, owner)
		case errors.Is(err, keyfile.ErrBroken):
			return nil, fmt.Errorf("%w: the file of %s holds none", ErrNoKey, owner)
		}
		return nil, fmt.Errorf("evidence key of %s: %w", owner, err)
	}
}

// forget removes the key of a loose object. A device may send the same bytes
// again for something else, so that no mark is left.
func (k *Keys) forget(owner string) error { return k.folder.Forget(owner) }

// CopyTo copies all keys to another folder, in which a key that was destroyed
// on either side is destroyed afterwards.
func (k *Keys) CopyTo(to *Keys) error {
	if err := k.folder.CopyTo(to.folder); err != nil {
		return fmt.Errorf("evidence keys: %w", err)
	}
	return nil
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
