package palm

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/internal/keyfile"
)

// A Vault keeps templates, each encrypted with a key of its own. The keys must
// lie where nothing keeps what was deleted, and apart from the templates, which
// may be backed up. Key and template are named by the event of the consent that
// they were made under, so that no file names a person, and who agrees again has
// another key. It may be used by many goroutines and processes.
//
//	TEMPLATES/CONSENT.age    the template
//	KEYS/ab/CONSENT          an age identity, or "destroyed"
type Vault struct {
	templates *os.Root
	keys      *keyfile.Folder
}

// OpenVault opens the two folders and makes them if they are not there.
func OpenVault(templates, keys string) (*Vault, error) {
	if filepath.Clean(templates) == filepath.Clean(keys) {
		return nil, fmt.Errorf("palm vault: %w: keys and templates lie in one folder", ErrTemplate)
	}
	if err := os.MkdirAll(templates, 0o700); err != nil {
		return nil, fmt.Errorf("palm vault: %w", err)
	}
	t, err := os.OpenRoot(templates)
	if err != nil {
		return nil, fmt.Errorf("palm vault: %w", err)
	}
	k, err := keyfile.Open(keys)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("palm vault: %w", err), t.Close())
	}
	return &Vault{t, k}, nil
}

// Close gives the folders back.
func (v *Vault) Close() error { return errors.Join(v.templates.Close(), v.keys.Close()) }

func file(consent ledger.ID) string { return consent.String() + ".age" }

// Enrol makes a template of captures, keeps it under a consent in place of an
// earlier one, and returns the digest of the sealed bytes. Under a consent whose
// key was destroyed it is an [ErrRevoked]: no late message undoes that.
func (v *Vault) Enrol(consent ledger.ID, captures []Code) (ledger.Digest, error) {
	d, err := v.enrol(consent, captures)
	if err != nil {
		return "", fmt.Errorf("enrol palm under consent %s: %w", consent, err)
	}
	return d, nil
}

func (v *Vault) enrol(consent ledger.ID, captures []Code) (ledger.Digest, error) {
	if consent.IsZero() {
		return "", ErrConsent
	}
	if err := Alive(captures); err != nil {
		return "", err
	}
	t, err := NewTemplate(captures)
	if err != nil {
		return "", err
	}
	plain, err := t.MarshalBinary()
	if err != nil {
		return "", err
	}
	id, err := v.keys.Make(consent.String())
	if err != nil {
		return "", said(err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, id.Recipient())
	if err == nil {
		_, err = w.Write(plain)
		err = errors.Join(err, w.Close())
	}
	if err == nil {
		err = v.place(file(consent), sealed.Bytes())
	}
	return ledger.DigestOf(sealed.Bytes()), err
}

// said gives the errors of keys the names that they have in this package.
func said(err error) error {
	switch {
	case errors.Is(err, keyfile.ErrDestroyed):
		return ErrRevoked
	case errors.Is(err, keyfile.ErrNone):
		return ErrUnknown
	case errors.Is(err, keyfile.ErrBroken):
		return fmt.Errorf("%w: the file of its key holds none", ErrTemplate)
	}
	return err
}

// Open returns the template that was sealed into these bytes. One that was never
// made is an [ErrUnknown], one whose key was destroyed an [ErrRevoked], and other
// bytes than those an [ErrTemplate].
func (v *Vault) Open(consent ledger.ID, want ledger.Digest) (Template, error) {
	t, err := v.open(consent, want)
	if err != nil {
		return Template{}, fmt.Errorf("palm under consent %s: %w", consent, err)
	}
	return t, nil
}

func (v *Vault) open(consent ledger.ID, want ledger.Digest) (t Template, err error) {
	id, err := v.keys.Get(consent.String())
	if err != nil {
		return t, said(err)
	}
	sealed, err := v.read(consent)
	if err != nil {
		return t, err
	}
	if ledger.DigestOf(sealed) != want {
		return t, fmt.Errorf("%w: it is not the one that was recorded", ErrTemplate)
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	var plain []byte
	if err == nil {
		plain, err = io.ReadAll(r)
	}
	if err != nil {
		return t, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	return t, t.UnmarshalBinary(plain)
}

// Destroy destroys the key of a consent for good, also if nothing was made under
// it yet. From here on its template is noise, here and in every copy. The digest
// of the sealed bytes is returned if they are there. [Vault.Remove] takes them away.
func (v *Vault) Destroy(consent ledger.ID) (sealed ledger.Digest, err error) {
	if err := v.keys.Destroy(consent.String()); err != nil {
		return "", fmt.Errorf("destroy palm under consent %s: %w", consent, err)
	}
	b, err := v.read(consent)
	if errors.Is(err, ErrUnknown) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("destroy palm under consent %s: %w", consent, err)
	}
	return ledger.DigestOf(b), nil
}

// Remove deletes what no key opens any more. A template whose key is there stays,
// and is an [ErrTemplate]: destroy it first.
func (v *Vault) Remove(consent ledger.ID) error {
	if !v.Holds(consent) {
		return nil
	}
	if !v.Destroyed(consent) {
		return fmt.Errorf("remove palm under consent %s: %w: its key is there", consent, ErrTemplate)
	}
	err := v.templates.Remove(file(consent))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = v.sync()
	}
	if err != nil {
		return fmt.Errorf("remove palm under consent %s: %w", consent, err)
	}
	return nil
}

// Destroyed reports whether the key of a consent was destroyed.
func (v *Vault) Destroyed(consent ledger.ID) bool { return v.keys.Destroyed(consent.String()) }

// Holds reports whether sealed bytes are there, whoever could read them.
func (v *Vault) Holds(consent ledger.ID) bool {
	_, err := v.templates.Stat(file(consent))
	return err == nil
}

func (v *Vault) read(consent ledger.ID) ([]byte, error) {
	f, err := v.templates.Open(file(consent))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return b, errors.Join(err, f.Close())
}

// place writes a template whole or not at all.
func (v *Vault) place(name string, b []byte) error {
	tmp := ".tmp-" + rand.Text()
	f, err := v.templates.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = v.templates.Rename(tmp, name)
	}
	if err != nil {
		return errors.Join(err, v.templates.Remove(tmp))
	}
	return v.sync()
}

func (v *Vault) sync() error {
	dir, err := v.templates.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
