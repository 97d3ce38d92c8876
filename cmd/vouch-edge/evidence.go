package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/vouchledger/vouch/vision/evidence"
)

func (f watchFlags) evidenceDir() string {
	switch {
	case f.evidence != "":
		return f.evidence
	case f.out != "":
		return f.out + ".evidence"
	case f.server != "":
		return "vouch-evidence"
	}
	return ""
}

// outboxKeyFile returns where the key of the outbox lies.
func (f watchFlags) outboxKeyFile() string { return cmp.Or(f.outboxKey, f.outbox+".key") }

// evidenceStore is this machine's store with its keys.
type evidenceStore struct {
	*evidence.Store
	keys *evidence.Keys
}

// Close gives both back.
func (s *evidenceStore) Close() error {
	err := s.Store.Close()
	if s.keys != nil {
		err = errors.Join(err, s.keys.Close())
	}
	return err
}

// openEvidence opens the store, encrypted where what it holds is sent on, and
// deletes what is older than it is to be.
func (f watchFlags) openEvidence(ctx context.Context) (*evidenceStore, error) {
	dir, keys := f.evidenceDir(), f.evidenceKeys
	if keys == "" && f.server != "" {
		keys = dir + ".keys"
	}
	s := &evidenceStore{}
	var err error
	if keys != "" {
		if s.keys, err = evidence.OpenKeys(keys); err != nil {
			return nil, err
		}
	}
	if s.Store, err = evidence.Open(dir, evidence.Config{Keys: s.keys}); err != nil {
		if s.keys != nil {
			err = errors.Join(err, s.keys.Close())
		}
		return nil, err
	}
	if f.server != "" {
		err = s.age(ctx, time.Now().AddDate(0, 0, -f.evidenceDays))
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// age deletes what came before a time: it is at the server or in the outbox, and
// how long it is kept is decided there.
func (s *evidenceStore) age(ctx context.Context, before time.Time) error {
	for c, err := range s.Copies(ctx) {
		if err != nil {
			return err
		}
		if c.Stored.Before(before) {
			if err := s.RemoveCopy(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}
