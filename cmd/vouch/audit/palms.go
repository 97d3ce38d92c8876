package audit

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/vision/palm"
)

// Palms are the folders of sealed templates and of their keys.
type Palms struct{ Templates, Keys string }

// madeOf is what the log says of one consent.
type madeOf struct {
	template  ledger.Digest
	withdrawn bool
	destroyed bool
}

// checkPalms holds the vault against the log: what was destroyed is gone, what
// stands is what was made, and nothing is there that the log does not know.
func (r *Report) checkPalms(ctx context.Context, log ledger.Log, at Palms) error {
	if _, err := os.Stat(at.Templates); errors.Is(err, fs.ErrNotExist) {
		return nil // a backup, or a shop without palms
	}
	consents, err := consentsOf(ctx, log)
	if err != nil {
		return err
	}
	if _, err := os.Stat(at.Keys); errors.Is(err, fs.ErrNotExist) {
		r.Find("palm", at.Keys, "the folder of keys is not there")
		return nil
	}
	v, err := palm.OpenVault(at.Templates, at.Keys)
	if err != nil {
		return err
	}
	defer v.Close() //nolint:errcheck // only read
	for id, m := range consents {
		switch {
		case m.destroyed && !v.Destroyed(id):
			r.Find("palm", id.String(), "its key is not marked destroyed, and event palm.revoked.v1 says that it is")
		case m.destroyed && v.Holds(id):
			r.Find("palm", id.String(), "its sealed template is there again; no key opens it, remove it")
		case !m.withdrawn && m.template != "":
			if _, err := v.Open(id, m.template); err != nil {
				r.Find("palm", id.String(), "%v", err)
			} else {
				r.Palms++
			}
		}
		if m.destroyed {
			r.PalmsDestroyed++
		}
	}
	return r.strangePalms(at.Templates, consents)
}

// consentsOf returns every consent in the log with what became of it.
func consentsOf(ctx context.Context, log ledger.Log) (map[ledger.ID]*madeOf, error) {
	all, last := map[ledger.ID]*madeOf{}, map[ledger.StreamID]ledger.ID{}
	q := ledger.Query{Prefixes: []string{ledger.CategoryShopper + "-"}}
	for e, err := range projections.Decoded(log.Read(ctx, q)) {
		if err != nil {
			return nil, err
		}
		m := all[last[e.Stream]]
		switch p := e.Payload.(type) { // those about palms
		case ledger.PalmConsented:
			all[e.ID], last[e.Stream] = &madeOf{}, e.ID
		case ledger.PalmEnrolled:
			if m != nil {
				m.template = p.Template
			}
		case ledger.PalmWithdrawn:
			if w := all[p.Consent]; w != nil {
				w.withdrawn = true
			}
		case ledger.PalmRevoked:
			if m != nil {
				m.withdrawn, m.destroyed = true, true
			}
		default:
		}
	}
	return all, nil
}

// strangePalms finds sealed templates that no consent in the log is for.
func (r *Report) strangePalms(dir string, consents map[ledger.ID]*madeOf) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if id, err := ledger.ParseID(name[:max(0, len(name)-len(".age"))]); err != nil || consents[id] == nil {
			r.Find("palm", name, "no consent in the log is for it")
		}
	}
	return nil
}
