package ticket

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/vouchledger/vouch/vision/internal/secret"
)

// A KeyID names a public key in a code. It picks the key to check with; it
// proves nothing.
type KeyID [4]byte

// String returns the id as hex.
func (id KeyID) String() string { return fmt.Sprintf("%x", id[:]) }

// A Key signs tickets. Keep it on the server.
type Key struct {
	private ed25519.PrivateKey
}

// NewKey makes a key out of 32 bytes from random.
func NewKey(random io.Reader) (*Key, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("ticket key: %w", err)
	}
	return &Key{private: ed25519.NewKeyFromSeed(seed)}, nil
}

// Public returns the key that checks what k signs.
func (k *Key) Public() ed25519.PublicKey {
	public, _ := k.private.Public().(ed25519.PublicKey)
	return public
}

// ID returns the name of the key in codes.
func (k *Key) ID() KeyID { return idOf(k.Public()) }

func idOf(public ed25519.PublicKey) KeyID {
	sum := sha256.Sum256(public)
	return KeyID(sum[:4])
}

const pemType = "PRIVATE KEY"

// Save writes the key to a new file that only its owner may read, as PKCS #8
// in PEM. It never replaces a file.
func (k *Key) Save(path string) error { return save(path, k.private) }

func save(path string, private any) error {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("save ticket key: %w", err)
	}
	if err := secret.Save(path, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})); err != nil {
		return fmt.Errorf("save ticket key: %w", err)
	}
	return nil
}

// LoadKey reads a key that Save wrote. A file that others may read is
// refused: whoever reads it can open every gate.
func LoadKey(path string) (*Key, error) {
	parsed, err := load(path)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("load ticket key: %w: want Ed25519, have %T", ErrKey, parsed)
	}
	return &Key{private: private}, nil
}

func load(path string) (any, error) {
	exposed, err := secret.Exposed(path)
	if err != nil {
		return nil, fmt.Errorf("load ticket key: %w", err)
	}
	if exposed {
		return nil, fmt.Errorf("load ticket key: %w: others may read %s: chmod 600 %s", ErrKey, path, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load ticket key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != pemType {
		return nil, fmt.Errorf("load ticket key: %w: %s holds no private key in PEM", ErrKey, path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("load ticket key: %w: %w", ErrKey, err)
	}
	return parsed, nil
}

// LoadOrNewKey reads the key at path, or makes and saves one if there is no
// file. Two processes that start together end with the same key.
func LoadOrNewKey(path string, random io.Reader) (*Key, error) {
	k, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = NewKey(random); err != nil {
		return nil, err
	}
	if err := k.Save(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return LoadKey(path)
}

// A Ring holds the public keys whose tickets are accepted: the one in use
// and, for as long as a ticket may live after a change, the one before.
type Ring map[KeyID]ed25519.PublicKey

// NewRing returns a ring of these keys. Two keys with the same id, once in
// four thousand million, are refused: make one of them again.
func NewRing(keys ...ed25519.PublicKey) (Ring, error) {
	r := Ring{}
	for _, k := range keys {
		if len(k) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%w: a public key has %d bytes, want %d", ErrKey, len(k), ed25519.PublicKeySize)
		}
		if have, ok := r[idOf(k)]; ok && !have.Equal(k) {
			return nil, fmt.Errorf("%w: two keys have the id %s", ErrKey, idOf(k))
		}
		r[idOf(k)] = k
	}
	return r, nil
}
