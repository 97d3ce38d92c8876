// Package evidencestore opens the store of evidence that a server or a command
// was told to use: a folder or a bucket, and the folder of its keys.
package evidencestore

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/vision/evidence"
	"github.com/vouchledger/vouch/vision/evidence/bucket"
)

// The folders of a data folder, unless told otherwise.
const (
	Dir     = "evidence"
	KeysDir = "evidence-keys"
)

// Config says where evidence is.
type Config struct {
	Address string // a folder, or s3://BUCKET?endpoint=URL&region=NAME
	Keys    string // folder
	Make    bool   // the folder of keys; without it one that is not there holds none
}

// In returns what is in a data folder, with what a flag says instead.
func In(data, address, keys string) Config {
	c := Config{Address: address, Keys: keys}
	if address == "" {
		c.Address = filepath.Join(data, Dir)
	}
	if keys == "" {
		c.Keys = filepath.Join(data, KeysDir)
	}
	return c
}

// A Store is an open store with its keys.
type Store struct {
	*evidence.Store
	keys *evidence.Keys
}

// Open opens the store.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{}
	if _, err := os.Stat(cfg.Keys); err == nil || cfg.Make {
		if s.keys, err = evidence.OpenKeys(cfg.Keys); err != nil {
			return nil, err
		}
	}
	blobs, err := openBlobs(ctx, cfg.Address)
	if err != nil {
		return nil, errors.Join(err, s.closeKeys())
	}
	s.Store = evidence.New(blobs, evidence.Config{Keys: s.keys})
	return s, nil
}

func openBlobs(ctx context.Context, address string) (evidence.Blobs, error) {
	if bucket.Is(address) {
		return bucket.Open(ctx, address)
	}
	return evidence.OpenFolder(address)
}

// Close gives back the store and its keys.
func (s *Store) Close() error { return errors.Join(s.Store.Close(), s.closeKeys()) }

func (s *Store) closeKeys() error {
	if s.keys == nil {
		return nil
	}
	return s.keys.Close()
}
