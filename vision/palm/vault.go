package palm

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/vouchledger/vouch/ledger"
)

// gone is what the file of a key holds after it was destroyed: what is sent
// late must not bring the person back.
const gone = "destroyed\n"

// A Vault keeps templates, each encrypted with a key of its own. The keys must
// lie where nothing keeps what was deleted, and apart from the templates, which
// may be backed up. Files are named by a hash of the shopper's id. It may be
// used by one goroutine.
//
//	TEMPLATES/HASH.age    the template
//	KEYS/HASH             an age identity, or "destroyed"
type Vault struct{ templates, keys *os.Root }

// OpenVault opens the two folders and makes them if they are not there.
func OpenVault(templates, keys string) (*Vault, error) {
	if filepath.Clean(templates) == filepath.Clean(keys) {
		return nil, fmt.Errorf("palm vault: %w: keys and templates lie in one folder", ErrTemplate)
	}
	t, err := openRoot(templates)
	if err != nil {
		return nil, fmt.Errorf("palm vault: %w", err)
	}
	k, err := openRoot(keys)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("palm vault: %w", err), t.Close())
	}
	return &Vault{t, k}, nil
}

func openRoot(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

// Close gives the folders back.
func (v *Vault) Close() error { return errors.Join(v.templates.Close(), v.keys.Close()) }

func name(s ledger.ShopperID) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte("palm\x00"+string(s))))
}

// A Consent is what a shopper agreed to, and how.
type Consent struct {
	Text string // what they read
	How  string // "terminal-1, by touch"
}

// Enrol keeps a shopper's template, in place of an earlier one, and returns the
// event that records it; store and jurisdiction are left to the caller. Without
// consent it is an [ErrConsent], and after a revocation an [ErrRevoked]: the
// shopper then enrols under another id, so that late messages cannot undo it.
func (v *Vault) Enrol(s ledger.ShopperID, consent Consent, captures []Code) (ledger.PalmEnrolled, error) {
	if strings.TrimSpace(consent.Text) == "" || strings.TrimSpace(consent.How) == "" {
		return ledger.PalmEnrolled{}, fmt.Errorf("palm of %s: %w", s, ErrConsent)
	}
	if err := Alive(captures); err != nil {
		return ledger.PalmEnrolled{}, fmt.Errorf("palm of %s: %w", s, err)
	}
	t, err := NewTemplate(captures)
	if err != nil {
		return ledger.PalmEnrolled{}, fmt.Errorf("palm of %s: %w", s, err)
	}
	plain, err := t.MarshalBinary()
	if err != nil {
		return ledger.PalmEnrolled{}, fmt.Errorf("palm of %s: %w", s, err)
	}
	id, err := v.key(s)
	if errors.Is(err, fs.ErrNotExist) {
		id, err = v.makeKey(s)
	}
	if err != nil {
		return ledger.PalmEnrolled{}, fmt.Errorf("palm of %s: %w", s, err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, id.Recipient())
	if err == nil {
		_, err = w.Write(plain)
		err = errors.Join(err, w.Close())
	}
	if err == nil {
		err = place(v.templates, name(s)+".age", sealed.Bytes())
	}
	if err != nil {
		return ledger.PalmEnrolled{}, fmt.Errorf("palm of %s: %w", s, err)
	}
	return ledger.PalmEnrolled{
		Shopper: s, Template: ledger.DigestOf(sealed.Bytes()), Method: Method, Captures: len(captures),
		Consent: ledger.DigestOf([]byte(consent.Text)), Agreed: consent.How,
	}, nil
}

func (v *Vault) key(s ledger.ShopperID) (*age.X25519Identity, error) {
	b, err := read(v.keys, name(s))
	if err != nil {
		return nil, err
	}
	if string(b) == gone {
		return nil, ErrRevoked
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(string(b)))
	if err != nil {
		// The text of the error could hold the key.
		return nil, fmt.Errorf("%w: the file of its key holds none", ErrTemplate)
	}
	return id, nil
}

func (v *Vault) makeKey(s ledger.ShopperID) (*age.X25519Identity, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	return id, place(v.keys, name(s), []byte(id.String()+"\n"))
}

// Open returns a shopper's template. One that was never made is an
// [ErrUnknown], one that was destroyed an [ErrRevoked].
func (v *Vault) Open(s ledger.ShopperID) (Template, error) {
	var t Template
	id, err := v.key(s)
	if errors.Is(err, fs.ErrNotExist) {
		return t, fmt.Errorf("palm of %s: %w", s, ErrUnknown)
	}
	if err != nil {
		return t, fmt.Errorf("palm of %s: %w", s, err)
	}
	sealed, err := read(v.templates, name(s)+".age")
	if errors.Is(err, fs.ErrNotExist) {
		return t, fmt.Errorf("palm of %s: %w", s, ErrUnknown)
	}
	if err != nil {
		return t, fmt.Errorf("palm of %s: %w", s, err)
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	var plain []byte
	if err == nil {
		plain, err = io.ReadAll(r)
	}
	if err != nil {
		return t, fmt.Errorf("palm of %s: %w: %w", s, ErrTemplate, err)
	}
	if err := t.UnmarshalBinary(plain); err != nil {
		return t, fmt.Errorf("palm of %s: %w", s, err)
	}
	return t, nil
}

// Revoke destroys a shopper's key and template, and returns the event that
// records it: the digest of the sealed bytes, which whoever kept a copy of them
// can compare, and no key opens any more. It is no error to do it again after a
// crash; who has no template is an [ErrUnknown].
func (v *Vault) Revoke(s ledger.ShopperID, by, reason string) (ledger.PalmRevoked, error) {
	sealed, err := read(v.templates, name(s)+".age")
	if errors.Is(err, fs.ErrNotExist) {
		return ledger.PalmRevoked{}, fmt.Errorf("revoke palm of %s: %w", s, ErrUnknown)
	}
	if err == nil {
		err = v.overwrite(name(s))
	}
	if err != nil {
		return ledger.PalmRevoked{}, fmt.Errorf("revoke palm of %s: %w", s, err)
	}
	// The key is gone: from here on the template is noise, here and in every
	// backup.
	digest := ledger.DigestOf(sealed)
	if err := v.templates.Remove(name(s) + ".age"); err != nil {
		return ledger.PalmRevoked{}, fmt.Errorf("revoke palm of %s: %w", s, err)
	}
	return ledger.PalmRevoked{Shopper: s, Template: digest, Sealed: digest, By: by, Reason: reason}, nil
}

// overwrite writes over the bytes of a key where they lie, as far as the disk
// allows, and leaves the mark.
func (v *Vault) overwrite(file string) error {
	f, err := v.keys.OpenFile(file, os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	noise := make([]byte, 128)
	_, _ = rand.Read(noise) // never fails
	_, err = f.WriteAt(noise, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return place(v.keys, file, []byte(gone))
}

func read(root *os.Root, file string) ([]byte, error) {
	f, err := root.Open(file)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return b, errors.Join(err, f.Close())
}

// place writes a file whole or not at all.
func place(root *os.Root, file string, b []byte) error {
	tmp := ".tmp-" + rand.Text()
	f, err := root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = root.Rename(tmp, file)
	}
	if err != nil {
		return errors.Join(err, root.Remove(tmp))
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
