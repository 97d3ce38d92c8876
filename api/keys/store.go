package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// FileName is the name of the key file in the data folder.
const FileName = "keys.json"

// file is the stored form of all keys.
type file struct {
	Version int   `json:"version"`
	Keys    []Key `json:"keys"` // in the order they were made
}

// A Store is the keys of one data folder. It may be used from many
// goroutines, and beside other processes that use the same folder.
type Store struct {
	path string

	mu   sync.Mutex
	seen stamp
	keys []Key
	byID map[string]Key
}

// stamp tells one state of the file from another: every change replaces the
// file, so the inode changes even within one tick of the clock.
type stamp struct {
	modified time.Time
	size     int64
	inode    uint64
}

// Open reads the keys in folder dir. A folder without a key file has no keys.
func Open(dir string) (*Store, error) {
	s := &Store{path: filepath.Join(dir, FileName)}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.refresh()
}

// Create makes a key and returns its text, which is shown nowhere again.
func (s *Store) Create(spec Spec, now time.Time, random io.Reader) (Key, string, error) {
	if err := spec.Validate(); err != nil {
		return Key{}, "", err
	}
	k, text, err := generate(spec, now, random)
	if err != nil {
		return Key{}, "", err
	}
	err = s.change(func(ks []Key) ([]Key, error) { return append(ks, k), nil })
	if err != nil {
		return Key{}, "", fmt.Errorf("create key: %w", err)
	}
	return k, text, nil
}

// Revoke ends the key with this id for ever.
func (s *Store) Revoke(id string, now time.Time) (Key, error) {
	var revoked Key
	err := s.change(func(ks []Key) ([]Key, error) {
		i := slices.IndexFunc(ks, func(k Key) bool { return k.ID == id })
		if i < 0 {
			return nil, ErrNoKey
		}
		if ks[i].Revoked.IsZero() {
			ks[i].Revoked = now.UTC().Truncate(time.Second)
		}
		revoked = ks[i]
		return ks, nil
	})
	if err != nil {
		return Key{}, fmt.Errorf("revoke key %q: %w", id, err)
	}
	return revoked, nil
}

// List returns all keys in the order they were made, revoked ones too.
func (s *Store) List() ([]Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return nil, err
	}
	return slices.Clone(s.keys), nil
}

// Check returns the key whose text this is, or ErrNoKey or ErrRevoked.
func (s *Store) Check(text string) (Key, error) {
	id, secret, _ := split(text)
	k, err := s.find(id)
	if err != nil && !errors.Is(err, ErrNoKey) {
		return Key{}, err
	}
	// An unknown id is compared too, so that it takes as long as a known one.
	if !k.matches(secret) || err != nil {
		return Key{}, ErrNoKey
	}
	if !k.Revoked.IsZero() {
		return Key{}, ErrRevoked
	}
	return k, nil
}

// Get returns the working key with this id, for somebody who showed its
// secret before.
func (s *Store) Get(id string) (Key, error) {
	k, err := s.find(id)
	if err != nil {
		return Key{}, err
	}
	if !k.Revoked.IsZero() {
		return Key{}, ErrRevoked
	}
	return k, nil
}

func (s *Store) find(id string) (Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return Key{}, err
	}
	k, ok := s.byID[id]
	if !ok {
		return Key{}, ErrNoKey
	}
	return k, nil
}

// refresh reads the file again if it has changed. The caller holds mu.
func (s *Store) refresh() error {
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		s.seen, s.keys, s.byID = stamp{}, nil, nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	now := stamp{modified: info.ModTime(), size: info.Size()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		now.inode = st.Ino
	}
	if now == s.seen {
		return nil
	}
	ks, err := read(s.path)
	if err != nil {
		return err
	}
	s.seen, s.keys, s.byID = now, ks, make(map[string]Key, len(ks))
	for _, k := range ks {
		s.byID[k.ID] = k
	}
	return nil
}

// change rewrites the file under a lock that other processes see too.
func (s *Store) change(f func([]Key) ([]Key, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	unlock, err := lock(s.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	ks, err := read(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if ks, err = f(ks); err != nil {
		return err
	}
	if err := write(s.path, ks); err != nil {
		return err
	}
	return s.refresh()
}

func lock(path string) (func(), error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock keys: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil { // a descriptor fits an int
		_ = f.Close()
		return nil, fmt.Errorf("lock keys: %w", err)
	}
	return func() { _ = f.Close() }, nil // closing frees the lock
}

func read(path string) ([]Key, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	var f file
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrCorrupt, err)
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("%s: %w: version %d", path, ErrCorrupt, f.Version)
	}
	for _, k := range f.Keys {
		spec := Spec{Role: k.Role, Store: k.Store, Shopper: k.Shopper, Name: k.Name}
		if err := spec.Validate(); err != nil || len(k.SHA256) != 64 || k.ID == "" {
			return nil, fmt.Errorf("%s: %w: key %q", path, ErrCorrupt, k.ID)
		}
	}
	return f.Keys, nil
}

// write replaces the file in one step: a reader sees the old or the new one,
// also after a crash.
func write(path string, ks []Key) error {
	b, err := json.MarshalIndent(file{Version: 1, Keys: ks}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode keys: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // readable by the owner alone
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone already when all went well
	_, err = tmp.Write(append(b, '\n'))
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync keys: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
