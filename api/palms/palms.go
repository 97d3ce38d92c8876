// Package palms is the server's keeping of palms: which text is agreed to where,
// the vault of templates, and the order in which consent, template, withdrawal and
// destruction become events.
//
// The one idea: the log is asked before anything is made and told before anything
// is believed. A template counts when its event is in the log; a withdrawal counts
// at once, and what is left to destroy is found again from the log after a crash.
//
// # Invariants
//
//   - Nothing is made without a consent that stands in the log, to a text that the
//     operator wrote for the jurisdiction of the shop.
//   - After a withdrawal no palm is matched, whatever the vault holds, and the
//     template is in no memory.
//   - The event of a destruction is written after the key is gone, and the sealed
//     bytes are removed after the event.
//   - No code of a palm is in an event, an error or a log.
package palms

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/vision/palm"
)

// The folders of a data folder.
const (
	Dir       = "palms"         // sealed templates
	KeysDir   = "palm-keys"     // their keys: not with a backup of the templates
	TextsDir  = "palm-consents" // JURISDICTION/VERSION.txt
	maxText   = 64 << 10
	sweepTime = time.Minute
	restAfter = 60 // sweeps in which no palm was shown
)

var (
	// ErrNoText means that the operator has written no text for a jurisdiction to
	// agree to. Palms are off there until there is one.
	ErrNoText = errors.New("there is no text to agree to")

	// ErrFull means that as many people are known by their palms as may be in a
	// jurisdiction: with more a stranger is taken for one of them too often. They
	// use another credential, or the operator counts and raises [Office.People].
	ErrFull = errors.New("no more people may be known by a palm here")

	// ErrOldText means that a shopper agreed to another text than the one that is
	// in force. Show that one.
	ErrOldText = errors.New("another text is in force")
)

// A Text is what shoppers of a jurisdiction agree to.
type Text struct {
	Jurisdiction string
	Version      string // name of its file; the last by name is in force
	Words        string
	Digest       ledger.Digest
}

// DefaultPeople is how many people of a jurisdiction are known by a palm unless the
// operator has counted false accepts for more: as many as were tried together, of
// drawings (docs/benchmarks.md).
const DefaultPeople = 150

// An Office keeps the palms of a server. It may be used by many goroutines.
type Office struct {
	// People is how many of a jurisdiction may be known by a palm; 0:
	// DefaultPeople. A palm is held against all of them, so what a stranger is
	// taken for grows with each.
	People int

	desk  *engine.Desk
	vault *palm.Vault
	book  *palm.Book
	texts string
	log   *slog.Logger

	shown atomic.Bool // a palm, since the last sweep
}

// Open opens the palms in a data folder. keys is the folder of their keys, or
// empty for the one beside them.
func Open(data, keys string, desk *engine.Desk, logger *slog.Logger) (*Office, error) {
	if keys == "" {
		keys = filepath.Join(data, KeysDir)
	}
	v, err := palm.OpenVault(filepath.Join(data, Dir), keys)
	if err != nil {
		return nil, err
	}
	o := &Office{desk: desk, vault: v, texts: filepath.Join(data, TextsDir), log: logger}
	o.book = palm.NewBook(v, func(consent ledger.ID, err error) {
		o.log.Warn("a palm's template does not open", slog.String("consent", consent.String()), slog.String("why", err.Error()))
	})
	return o, nil
}

// Close gives the folders back and lets go of what is in memory.
func (o *Office) Close() error {
	o.book.Close()
	return o.vault.Close()
}

// Offer returns the text that a shop's shoppers agree to. Where the shop's policy
// names no jurisdiction it is an [engine.ErrPalmOff], and where nothing is written
// for it an [ErrNoText].
func (o *Office) Offer(store ledger.StoreID) (Text, error) {
	in, err := o.desk.PalmsAt(store)
	if err != nil {
		return Text{}, err
	}
	return o.text(in)
}

func (o *Office) text(in string) (Text, error) {
	root, err := os.OpenRoot(o.texts)
	if errors.Is(err, fs.ErrNotExist) {
		return Text{}, fmt.Errorf("palms in %s: %w", in, ErrNoText)
	}
	if err != nil {
		return Text{}, fmt.Errorf("texts of palms: %w", err)
	}
	defer root.Close() //nolint:errcheck // only read
	names, err := fs.Glob(root.FS(), "*/*.txt")
	if err != nil {
		return Text{}, fmt.Errorf("texts of palms: %w", err)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, in+"/") })
	if len(names) == 0 {
		return Text{}, fmt.Errorf("palms in %s: %w", in, ErrNoText)
	}
	name := slices.Max(names)
	b, err := fs.ReadFile(root.FS(), name)
	if err != nil {
		return Text{}, fmt.Errorf("texts of palms: %w", err)
	}
	if b = bytes.TrimSpace(b); len(b) == 0 || len(b) > maxText {
		return Text{}, fmt.Errorf("palms in %s: %w: %s has %d bytes", in, ErrNoText, name, len(b))
	}
	version := strings.TrimSuffix(filepath.Base(name), ".txt")
	return Text{Jurisdiction: in, Version: version, Words: string(b), Digest: ledger.DigestOf(b)}, nil
}

// Agree records that a shopper agreed to the text in force, which version names.
func (o *Office) Agree(ctx context.Context, m ledger.Meta, s ledger.ShopperID, store ledger.StoreID, version, how string) (projections.Palm, error) {
	t, err := o.Offer(store)
	if err != nil {
		return projections.Palm{}, err
	}
	if t.Version != version {
		return projections.Palm{}, fmt.Errorf("palm of %s: %w: %s", s, ErrOldText, t.Version)
	}
	_, err = o.desk.ConsentPalm(ctx, m, ledger.PalmConsented{
		Shopper: s, Store: store, Text: t.Digest, Version: t.Version, Agreed: how,
	})
	if err != nil {
		return projections.Palm{}, err
	}
	return o.desk.Palm(ctx, s)
}

// Enrol makes a template of captures under the consent that stands, in place of an
// earlier one. Sent again with the same id it makes nothing. If the event cannot be
// written, what was made is nobody's palm: enrol again.
func (o *Office) Enrol(ctx context.Context, m ledger.Meta, s ledger.ShopperID, store ledger.StoreID, captures []palm.Code) (projections.Palm, error) {
	p, err := o.desk.Palm(ctx, s)
	if err != nil {
		return projections.Palm{}, err
	}
	if !m.ID.IsZero() && p.EnrolledEvent == m.ID {
		return p, nil
	}
	in, err := o.desk.PalmsAt(store)
	if err != nil {
		return projections.Palm{}, err
	}
	if !p.Live() {
		return projections.Palm{}, fmt.Errorf("enrol palm of %s: %w", s, engine.ErrNoConsent)
	}
	if err := o.room(ctx, s, in); err != nil {
		return projections.Palm{}, fmt.Errorf("enrol palm of %s: %w", s, err)
	}
	sealed, err := o.vault.Enrol(p.Consent, captures)
	if errors.Is(err, palm.ErrRevoked) {
		return projections.Palm{}, fmt.Errorf("enrol palm of %s: %w", s, engine.ErrNoConsent)
	}
	if err != nil {
		return projections.Palm{}, err
	}
	_, err = o.desk.EnrolPalm(ctx, m, p.Consent, ledger.PalmEnrolled{
		Shopper: s, Store: store, Template: sealed, Method: palm.Method, Captures: len(captures),
	})
	if err != nil {
		return projections.Palm{}, err
	}
	return o.desk.Palm(ctx, s)
}

// room refuses one more than may be known; who is known already is enrolled again.
func (o *Office) room(ctx context.Context, s ledger.ShopperID, in string) error {
	all, err := o.desk.Palms(ctx)
	if err != nil {
		return err
	}
	known := standing(all, in)
	most := cmp.Or(o.People, DefaultPeople)
	again := slices.ContainsFunc(known, func(k palm.Standing) bool { return k.Shopper == s })
	if len(known) >= most && !again {
		return fmt.Errorf("%w: %d in %s", ErrFull, most, in)
	}
	return nil
}

// Withdraw records that a shopper's consent is taken back, and destroys what was
// made under it. If the destruction does not succeed the withdrawal stands all the
// same, and [Office.Run] destroys later.
func (o *Office) Withdraw(ctx context.Context, m ledger.Meta, s ledger.ShopperID, reason string) (projections.Palm, error) {
	_, err := o.desk.WithdrawPalm(ctx, m, ledger.PalmWithdrawn{Shopper: s, By: m.Actor, Reason: reason})
	if err != nil {
		return projections.Palm{}, err
	}
	p, err := o.desk.Palm(ctx, s)
	if err != nil || p.Live() { // live: they agreed again since, and this is a repeat
		return p, err
	}
	if err := o.destroy(ctx, p); err != nil {
		o.log.ErrorContext(ctx, "a palm's template is still to be destroyed", slog.String("consent", p.Consent.String()), slog.String("why", err.Error()))
		return p, nil
	}
	return o.desk.Palm(ctx, s)
}

// destroy destroys what was made under a consent that is withdrawn.
func (o *Office) destroy(ctx context.Context, p projections.Palm) error {
	if p.Live() {
		panic("palms: a palm whose consent stands is not destroyed")
	}
	o.book.Drop(p.Consent)
	sealed, err := o.vault.Destroy(p.Consent)
	if err != nil {
		return err
	}
	if p.Unfinished() {
		m := ledger.Meta{Actor: p.Withdrawn.By}
		_, err = o.desk.RevokePalm(ctx, m, p.Consent, ledger.PalmRevoked{
			Shopper: p.Given.Shopper, By: p.Withdrawn.By, Reason: p.Withdrawn.Reason, Sealed: sealed,
		})
		if err != nil {
			return err
		}
	}
	return o.vault.Remove(p.Consent)
}

// Palm returns what the log says of a shopper's palm.
func (o *Office) Palm(ctx context.Context, s ledger.ShopperID) (projections.Palm, error) {
	return o.desk.Palm(ctx, s)
}

// Identify returns whose palm it is in a shop: one person who agreed to it for the
// shop's jurisdiction, or a [palm.ErrUnknown].
func (o *Office) Identify(ctx context.Context, store ledger.StoreID, c palm.Code) (ledger.ShopperID, error) {
	in, err := o.desk.PalmsAt(store)
	if err != nil {
		return "", err
	}
	all, err := o.desk.Palms(ctx)
	if err != nil {
		return "", err
	}
	o.shown.Store(true)
	return o.book.Identify(standing(all, in), c)
}

// standing returns the templates that count in a jurisdiction.
func standing(all []projections.Palm, in string) (out []palm.Standing) {
	for _, p := range all {
		if p.Live() && p.Given.Jurisdiction == in && p.Enrolled.Template != "" && p.Enrolled.Method == palm.Method {
			out = append(out, palm.Standing{Shopper: p.Given.Shopper, Consent: p.Consent, Sealed: p.Enrolled.Template})
		}
	}
	return out
}

// Forget destroys the key of a shopper's palm without a log, for who removes a
// person from the directory. [Office.Run] records it.
func Forget(data, keys string, consents ...ledger.ID) error {
	if _, err := os.Stat(filepath.Join(data, Dir)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	o, err := Open(data, keys, nil, nil)
	if err != nil {
		return err
	}
	for _, c := range consents {
		if _, derr := o.vault.Destroy(c); derr != nil {
			err = errors.Join(err, derr)
		}
	}
	return errors.Join(err, o.Close())
}

// Finish destroys what is left of consents that are withdrawn, and records keys
// that were destroyed without an event: of shoppers who were forgotten.
func (o *Office) Finish(ctx context.Context) error {
	all, err := o.desk.Palms(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Live() && o.vault.Destroyed(p.Consent) {
			m := ledger.Meta{ID: ledger.DeriveID(p.Consent, "forgotten"), Actor: "server"}
			_, werr := o.desk.WithdrawPalm(ctx, m, ledger.PalmWithdrawn{Shopper: p.Given.Shopper, By: m.Actor, Reason: "the shopper was forgotten"})
			if werr == nil {
				p, werr = o.desk.Palm(ctx, p.Given.Shopper)
			}
			if werr != nil {
				err = errors.Join(err, werr)
				continue
			}
		}
		if !p.Live() && (p.Unfinished() || o.vault.Holds(p.Consent) || !o.vault.Destroyed(p.Consent)) {
			err = errors.Join(err, o.destroy(ctx, p))
		}
	}
	return err
}

// Run does what [Office.Finish] does, now and each minute, until ctx is done. After
// an hour in which no palm was shown nothing of any is in memory.
func (o *Office) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepTime)
	defer tick.Stop()
	for quiet := 0; ; quiet++ {
		if o.shown.Swap(false) {
			quiet = 0
		}
		if quiet == restAfter {
			o.book.Close()
		}
		if err := o.Finish(ctx); err != nil && ctx.Err() == nil {
			o.log.ErrorContext(ctx, "palms are still to be destroyed", slog.String("why", err.Error()))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
