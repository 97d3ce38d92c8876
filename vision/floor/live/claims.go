package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// An aside is a sighting that waits to be joined with what others say.
type aside struct {
	ID        ledger.ID                `json:"id"`
	At        time.Time                `json:"at"`
	Claim     string                   `json:"claim"`
	Detection ledger.DetectionRecorded `json:"detection"` // as the camera saw it

	put time.Time // aside
}

// asides is a folder of what is put aside, a file each.
type asides struct{ dir string }

const asideEnd = ".json"

func (a asides) file(id ledger.ID) string { return filepath.Join(a.dir, id.String()+asideEnd) }

// keep puts a sighting on the disk.
func (a asides) keep(s aside) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(a.dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), a.file(s.ID))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return a.sync()
}

// sync makes names durable.
func (a asides) sync() error {
	d, err := os.Open(a.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// drop forgets a sighting that is sent. Without a sync: sent again it is known
// by its id.
func (a asides) drop(id ledger.ID) error {
	if err := os.Remove(a.file(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// left returns what an earlier run put aside and did not send, in order.
func (a asides) left() ([]aside, error) {
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return nil, err
	}
	var all []aside
	for _, e := range entries {
		path := filepath.Join(a.dir, e.Name())
		if !strings.HasSuffix(e.Name(), asideEnd) { // the plug was pulled while it was written
			if err := os.Remove(path); err != nil {
				return nil, err
			}
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var s aside
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, s)
	}
	return all, nil
}
