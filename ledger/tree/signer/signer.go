// Package signer signs the checkpoints of a tree, and nothing that contradicts
// what it signed before.
//
// The one idea: the last signed checkpoint is the signer's memory. It lies in
// the signer's folder beside the key, not with the tree and not with the
// ledger: whoever brings the ledger back to an older state does not bring the
// memory back. A tree that is not an extension of it is not signed.
//
// # The folder
//
//	key      the signing key, a note signer key; for the owner alone (0600)
//	key.pub  the verifier key, for auditors: C2SP signed-note form
//	signed   the last signed checkpoint, a signed note
//
// The origin of the checkpoints is the name of the key. Both are made once and
// never change; another origin is another log.
//
// # Invariants
//
//   - What Sign returned is in the file signed, durably, before it returns.
//   - For any two notes that Sign returned, the tree of the smaller is the
//     beginning of the tree of the larger.
package signer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// The files of the folder.
const (
	KeyFile    = "key"
	PublicFile = "key.pub"
	SignedFile = "signed"
)

var (
	// ErrContradicts means that a tree is not an extension of what was signed
	// before. Nothing is signed: the ledger was brought back to an older state,
	// or its history was changed. Find out which; docs/tree.md says how.
	ErrContradicts = errors.New("tree contradicts a checkpoint that was signed before")

	// ErrOrigin means that the folder's key is that of another origin. Use the
	// origin it was made with, or another folder.
	ErrOrigin = errors.New("signing key belongs to another origin")

	// ErrLocked means that another process signs with this folder.
	ErrLocked = errors.New("signer's folder is in use by another process")
)

// A Signer signs checkpoints. It may be used from many goroutines.
type Signer struct {
	dir      string
	signer   note.Signer
	verifier note.Verifier
	vkey     string
	lock     *os.File

	mu   sync.Mutex
	last Checkpoint
	note []byte
}

// Open opens the signer in folder dir, and makes it with a new key for origin
// if there is none. An empty origin is the one that the key was made for. It
// locks the folder until Close.
func Open(dir, origin string, random io.Reader) (*Signer, error) {
	s := &Signer{dir: dir}
	if err := s.open(origin, random); err != nil {
		return nil, errors.Join(fmt.Errorf("signer %s: %w", dir, err), s.Close())
	}
	return s, nil
}

func (s *Signer) open(origin string, random io.Reader) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	var err error
	if s.lock, err = os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%w: %w", ErrLocked, err)
	}
	text, err := os.ReadFile(filepath.Join(s.dir, KeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = s.create(origin, random); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if s.signer, err = note.NewSigner(strings.TrimSpace(string(text))); err != nil {
		return fmt.Errorf("%s: %w: %w", KeyFile, ledger.ErrCorrupt, err)
	}
	if origin != "" && s.signer.Name() != origin {
		return fmt.Errorf("%w: it signs for %q, not for %q", ErrOrigin, s.signer.Name(), origin)
	}
	return s.remember()
}

// remember reads the verifier key and the last signed checkpoint.
func (s *Signer) remember() error {
	var err error
	if s.vkey, s.verifier, err = Key(s.dir); err != nil {
		return err
	}
	if s.verifier.Name() != s.signer.Name() || s.verifier.KeyHash() != s.signer.KeyHash() {
		return fmt.Errorf("%s: %w: it is not the public part of %s", PublicFile, ledger.ErrCorrupt, KeyFile)
	}
	s.note, s.last, err = Last(s.dir, s.verifier)
	return err
}

// create makes a key. The checkpoint of the empty tree is signed with it before
// the key is there, so that a key without memory is always a loss.
func (s *Signer) create(origin string, random io.Reader) ([]byte, error) {
	if err := ValidateOrigin(origin); err != nil {
		return nil, err
	}
	skey, vkey, err := note.GenerateKey(random, origin)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, err
	}
	empty, err := Checkpoint{Origin: origin, Root: tile.Empty()}.Sign(signer)
	if err != nil {
		return nil, err
	}
	if err := replace(s.dir, SignedFile, empty, 0o600); err != nil {
		return nil, err
	}
	if err := replace(s.dir, PublicFile, []byte(vkey+"\n"), 0o644); err != nil {
		return nil, err
	}
	key := []byte(skey + "\n")
	return key, replace(s.dir, KeyFile, key, 0o600)
}

// ValidateOrigin refuses a name that no checkpoint can carry.
func ValidateOrigin(origin string) error {
	if origin == "" || len(origin) > 200 || strings.ContainsAny(origin, "+ \t\r\n") {
		return fmt.Errorf("origin %q: %w: want 1 to 200 bytes without spaces and plus signs, like shop.example/ledger", origin, ledger.ErrInvalid)
	}
	return nil
}

// Key returns the verifier key in a signer's folder, as text and as verifier.
func Key(dir string) (string, note.Verifier, error) {
	b, err := os.ReadFile(filepath.Join(dir, PublicFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("%s: %w; the tree has no key before the first vouch serve", filepath.Join(dir, PublicFile), ledger.ErrNotFound)
	}
	if err != nil {
		return "", nil, err
	}
	vkey := strings.TrimSpace(string(b))
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w: %w", PublicFile, ledger.ErrCorrupt, err)
	}
	return vkey, v, nil
}

// Last returns the last signed checkpoint of a signer's folder.
func Last(dir string, v note.Verifier) ([]byte, Checkpoint, error) {
	b, err := os.ReadFile(filepath.Join(dir, SignedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Checkpoint{}, fmt.Errorf("%s: %w: the record of the last signed checkpoint is missing; "+
			"bring it back, or begin a new log with a new folder", SignedFile, ledger.ErrCorrupt)
	}
	if err != nil {
		return nil, Checkpoint{}, err
	}
	c, err := OpenCheckpoint(b, v)
	if err != nil {
		return nil, Checkpoint{}, fmt.Errorf("%s: %w", SignedFile, err)
	}
	return b, c, nil
}

// Close frees the folder.
func (s *Signer) Close() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// Origin returns the name that checkpoints carry.
func (s *Signer) Origin() string { return s.signer.Name() }

// VerifierKey returns the key for auditors.
func (s *Signer) VerifierKey() string { return s.vkey }

// Verifier checks the signatures of this signer.
func (s *Signer) Verifier() note.Verifier { return s.verifier }

// Last returns the last signed checkpoint, as the note and read.
func (s *Signer) Last() ([]byte, Checkpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.note), s.last
}

// Sign returns the signed checkpoint of the tree of v, which must be an
// extension of the last signed one: otherwise it signs nothing and returns
// [ErrContradicts]. Whatever the checkpoint covers must be durable. The note is
// on record when Sign returns. The tree that was signed last gives the same
// note again.
func (s *Signer) Sign(v *tile.View) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, err := v.Root(v.Size())
	if err != nil {
		return nil, err
	}
	next := Checkpoint{Origin: s.signer.Name(), Size: v.Size(), Root: root}
	if next == s.last {
		return bytes.Clone(s.note), nil
	}
	if err := s.extends(next, v); err != nil {
		return nil, err
	}
	signed, err := next.Sign(s.signer)
	if err != nil {
		return nil, err
	}
	if err := replace(s.dir, SignedFile, signed, 0o600); err != nil {
		return nil, fmt.Errorf("signer %s: %w", s.dir, err)
	}
	s.last, s.note = next, signed
	return bytes.Clone(signed), nil
}

// extends refuses a tree that does not begin with the one signed last.
func (s *Signer) extends(next Checkpoint, v *tile.View) error {
	if next.Size < s.last.Size {
		return fmt.Errorf("%w: the tree has %d leaves, %d were signed", ErrContradicts, next.Size, s.last.Size)
	}
	if s.last.Size == 0 {
		return nil // the empty tree begins every tree
	}
	steps, err := v.Consistency(s.last.Size)
	if err != nil {
		return err
	}
	hashes := make([][]byte, len(steps))
	for i := range steps {
		hashes[i] = steps[i][:]
	}
	err = proof.VerifyConsistency(rfc6962.DefaultHasher, s.last.Size, next.Size, hashes, s.last.Root[:], next.Root[:])
	if err != nil {
		return fmt.Errorf("%w: the first %d leaves are not those that were signed: %w", ErrContradicts, s.last.Size, err)
	}
	return nil
}

// replace writes a file in one step: a reader sees the old or the new one, also
// after a crash.
func replace(dir, name string, data []byte, mode fs.FileMode) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
