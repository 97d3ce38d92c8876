package keys

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A Role says what kind of person or machine holds a key.
type Role string

// The roles.
const (
	Device   Role = "device"   // a gate, camera, scale or cart of one shop
	Shopper  Role = "shopper"  // one payer
	Reviewer Role = "reviewer" // answers questions and disputes
	Finance  Role = "finance"  // reads receipts and the journal
	Auditor  Role = "auditor"  // reads everything, changes nothing
	Operator Role = "operator" // runs the shop
	Program  Role = "program"  // another program, on the EventStoreDB port alone
)

// Roles returns every role.
func Roles() []Role { return []Role{Device, Shopper, Reviewer, Finance, Auditor, Operator, Program} }

// A Spec says for whom a key is made.
type Spec struct {
	Role    Role
	Store   string // the shop of a device; empty for all others
	Shopper string // the shopper of a shopper's key; empty for all others
	Name    string // who holds it, as events will name them; the key's id if empty
}

// maxName bounds what a key adds to the actor of an event.
const maxName = 80

// Validate refuses a key that would be bound to too little or too much.
func (s Spec) Validate() error {
	if !slices.Contains(Roles(), s.Role) {
		return fmt.Errorf("%w: role %q: use one of %v", ErrInvalid, s.Role, Roles())
	}
	if (s.Role == Device) != (s.Store != "") {
		return fmt.Errorf("%w: a device's key, and no other, is bound to a shop", ErrInvalid)
	}
	if (s.Role == Shopper) != (s.Shopper != "") {
		return fmt.Errorf("%w: a shopper's key, and no other, is bound to a shopper", ErrInvalid)
	}
	for _, v := range []string{s.Store, s.Shopper, s.Name} {
		if len(v) > maxName || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("%w: %q: at most %d printable characters without spaces", ErrInvalid, v, maxName)
		}
	}
	return nil
}

// A Key is what is kept of a key.
type Key struct {
	ID      string    `json:"id"`
	Role    Role      `json:"role"`
	Store   string    `json:"store,omitempty"`
	Shopper string    `json:"shopper,omitempty"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Revoked time.Time `json:"revoked,omitzero"` // zero while it works
	SHA256  string    `json:"sha256"`           // of the secret, 64 hex digits
}

// Actor returns how events name the holder: "reviewer:anna".
func (k Key) Actor() string { return string(k.Role) + ":" + k.Name }

const (
	prefix      = "vouch_"
	idBytes     = 8
	secretBytes = 32
)

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// generate returns a new key for spec and its text, the only time the secret
// is seen.
func generate(spec Spec, now time.Time, random io.Reader) (Key, string, error) {
	b := make([]byte, idBytes+secretBytes)
	if _, err := io.ReadFull(random, b); err != nil {
		return Key{}, "", fmt.Errorf("make key: %w", err)
	}
	id, secret := letters.EncodeToString(b[:idBytes]), letters.EncodeToString(b[idBytes:])
	k := Key{
		ID: id, Role: spec.Role, Store: spec.Store, Shopper: spec.Shopper, Name: spec.Name,
		Created: now.UTC().Truncate(time.Second), SHA256: hashOf(secret),
	}
	if k.Name == "" {
		k.Name = id
	}
	return k, prefix + id + "_" + secret, nil
}

// split returns the id and the secret of a key's text.
func split(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "_")
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// matches compares in constant time, so that an answer's delay tells nothing.
func (k Key) matches(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(hashOf(secret)), []byte(k.SHA256)) == 1
}
