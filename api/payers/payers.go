// Package payers is the shopper directory: how the payment provider knows
// each shopper.
//
// It lies outside the ledger on purpose. The ledger names a shopper by an
// opaque id; what ties the id to a person is here, one small file for each
// shopper, so that forgetting a person is removing a file and every proof and
// balance still holds. Files are named by a hash of the id and are readable by
// the owner alone.
package payers

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// DirName is the folder of the directory in the data folder.
const DirName = "payers"

var (
	// ErrUnknown means that the directory does not know the shopper, or has
	// forgotten them. Enrol the shopper first.
	ErrUnknown = errors.New("unknown shopper")

	// ErrInvalid means that an entry cannot be. Correct it; nothing was
	// written.
	ErrInvalid = errors.New("invalid payer")
)

// A Payer is how the payment provider knows a shopper. No card number is ever
// here.
type Payer struct {
	Shopper       ledger.ShopperID `json:"shopper"`
	Customer      string           `json:"customer"`         // "cus_…"
	PaymentMethod string           `json:"payment_method"`   // "pm_…"
	Staff         bool             `json:"staff,omitempty"`  // works in the shops: pays nothing, and has no card
	Member        bool             `json:"member,omitempty"` // gets members' prices
}

// A Directory is a folder of payers. It may be used from many goroutines and
// processes at once.
type Directory struct{ dir string }

// Open returns the directory in the data folder, making its folder.
func Open(data string) (*Directory, error) {
	dir := filepath.Join(data, DirName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("shopper directory: %w", err)
	}
	return &Directory{dir: dir}, nil
}

func (d *Directory) path(s ledger.ShopperID) string {
	return filepath.Join(d.dir, fmt.Sprintf("%x.json", sha256.Sum256([]byte(s))))
}

// Put enrols a shopper, or replaces how they pay.
func (d *Directory) Put(p Payer) error {
	switch {
	case p.Shopper == "":
		return fmt.Errorf("%w: no shopper id", ErrInvalid)
	case p.Staff && (p.PaymentMethod != "" || p.Customer != ""):
		return fmt.Errorf("%w: %s is staff, and has a card", ErrInvalid, p.Shopper)
	case p.Staff:
	case !strings.HasPrefix(p.PaymentMethod, "pm_"):
		return fmt.Errorf("%w: payment method %q of %s does not begin with pm_", ErrInvalid, p.PaymentMethod, p.Shopper)
	case p.Customer != "" && !strings.HasPrefix(p.Customer, "cus_"):
		return fmt.Errorf("%w: customer %q of %s does not begin with cus_", ErrInvalid, p.Customer, p.Shopper)
	}
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("payer %s: %w", p.Shopper, err)
	}
	tmp, err := os.CreateTemp(d.dir, ".payer-*")
	if err != nil {
		return fmt.Errorf("payer %s: %w", p.Shopper, err)
	}
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), d.path(p.Shopper))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("payer %s: %w", p.Shopper, err), os.Remove(tmp.Name()))
	}
	return d.sync()
}

// Get returns how a shopper pays, or [ErrUnknown].
func (d *Directory) Get(s ledger.ShopperID) (Payer, error) {
	b, err := os.ReadFile(d.path(s))
	if errors.Is(err, fs.ErrNotExist) {
		return Payer{}, fmt.Errorf("%w: %s", ErrUnknown, s)
	}
	if err != nil {
		return Payer{}, fmt.Errorf("payer %s: %w", s, err)
	}
	var p Payer
	if err := json.Unmarshal(b, &p); err != nil {
		return Payer{}, fmt.Errorf("payer %s: %w: %w", s, ledger.ErrCorrupt, err)
	}
	if p.Shopper != s {
		return Payer{}, fmt.Errorf("payer %s: %w: the file is about %s", s, ledger.ErrCorrupt, p.Shopper)
	}
	return p, nil
}

// Forget removes a shopper, and what cards, badges and palms name them by. Forgetting twice is no error.
func (d *Directory) Forget(s ledger.ShopperID) error {
	if err := os.Remove(d.path(s)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget %s: %w", s, err)
	}
	return d.DropTokens("", s)
}

// A token is what a card, a badge or a palm is known by, kept under its hash.
type token struct {
	Credential ledger.CredentialKind `json:"credential"`
	Shopper    ledger.ShopperID      `json:"shopper"`
}

func (d *Directory) tokenPath(kind ledger.CredentialKind, text string) string {
	return filepath.Join(d.dir, fmt.Sprintf("token-%x.json", sha256.Sum256([]byte(string(kind)+"\x00"+text))))
}

// PutToken says whom a card, a badge or a palm names. A token that names
// somebody else is an [ErrInvalid]: take it from them first.
func (d *Directory) PutToken(kind ledger.CredentialKind, text string, s ledger.ShopperID) error {
	if text == "" {
		return fmt.Errorf("%w: the %s of %s has no token", ErrInvalid, kind, s)
	}
	if _, err := d.Get(s); err != nil {
		return err
	}
	b, err := json.Marshal(token{kind, s})
	if err != nil {
		return fmt.Errorf("%s of %s: %w", kind, s, err)
	}
	f, err := os.OpenFile(d.tokenPath(kind, text), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if other, err := d.Bearer(kind, text); err != nil || other != s {
			return errors.Join(fmt.Errorf("%w: that %s is another's", ErrInvalid, kind), err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s of %s: %w", kind, s, err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("%s of %s: %w", kind, s, err), os.Remove(f.Name()))
	}
	return d.sync()
}

// Bearer returns whom a card, a badge or a palm names, or [ErrUnknown].
func (d *Directory) Bearer(kind ledger.CredentialKind, text string) (ledger.ShopperID, error) {
	b, err := os.ReadFile(d.tokenPath(kind, text))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: nobody by that %s", ErrUnknown, kind)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", kind, err)
	}
	var t token
	if err := json.Unmarshal(b, &t); err != nil || t.Credential != kind || t.Shopper == "" {
		return "", fmt.Errorf("%s: %w: its file says nothing", kind, ledger.ErrCorrupt)
	}
	return t.Shopper, nil
}

// DropTokens removes every token of a kind that names a shopper, or of all
// kinds if kind is empty.
func (d *Directory) DropTokens(kind ledger.CredentialKind, s ledger.ShopperID) error {
	names, err := filepath.Glob(filepath.Join(d.dir, "token-*.json"))
	if err != nil {
		return fmt.Errorf("tokens of %s: %w", s, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var t token
		if err == nil {
			err = json.Unmarshal(b, &t)
		}
		if err == nil && t.Shopper == s && (kind == "" || t.Credential == kind) {
			err = os.Remove(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("tokens of %s: %w", s, err)
		}
	}
	return d.sync()
}

func (d *Directory) sync() error {
	f, err := os.Open(d.dir)
	if err != nil {
		return fmt.Errorf("shopper directory: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}
