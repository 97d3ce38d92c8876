package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
)

func (e *Engine) palm(s ledger.ShopperID) *projections.Palm {
	p := e.palms[s]
	if p == nil {
		p = &projections.Palm{}
		e.palms[s] = p
	}
	return p
}

// palmOf returns what is known of a shopper's palm, for who only looks.
func (e *Engine) palmOf(s ledger.ShopperID) projections.Palm {
	if p := e.palms[s]; p != nil {
		return *p
	}
	return projections.Palm{}
}

// palmsAt returns the jurisdiction for which palms are on in a shop.
func (e *Engine) palmsAt(id ledger.StoreID) (string, error) {
	s := e.stores[id]
	switch {
	case s == nil || s.opened == nil:
		return "", fmt.Errorf("palms at %s: %w", id, ErrUnknownStore)
	case s.policy == nil || s.policy.Palm == "":
		return "", fmt.Errorf("palms at %s: %w", id, ErrPalmOff)
	}
	return s.policy.Palm, nil
}

// palmStands reports whether a shopper may be known by a palm in a shop.
func (e *Engine) palmStands(s ledger.ShopperID, policy ledger.Policy) bool {
	p := e.palms[s]
	return p != nil && p.Live() && policy.Palm != "" && p.Given.Jurisdiction == policy.Palm
}

// PalmsAt returns the jurisdiction for which palms are on in a shop. Where the
// policy names none it is an [ErrPalmOff].
func (d *Desk) PalmsAt(store ledger.StoreID) (in string, err error) {
	d.live.View(func(e *Engine) { in, err = e.palmsAt(store) })
	return in, err
}

// PalmShops returns the shops in which palms are on, by name.
func (d *Desk) PalmShops() (shops []ledger.StoreID) {
	d.live.View(func(e *Engine) {
		for id := range e.stores {
			if _, err := e.palmsAt(id); err == nil {
				shops = append(shops, id)
			}
		}
	})
	slices.Sort(shops)
	return shops
}

// Palm returns what the log says of a shopper's palm. Its zero value means that
// they never agreed to any.
func (d *Desk) Palm(ctx context.Context, s ledger.ShopperID) (p projections.Palm, err error) {
	if err := d.live.Sync(ctx); err != nil {
		return p, err
	}
	d.live.View(func(e *Engine) {
		if f := e.palms[s]; f != nil {
			p = *f
		}
	})
	return p, nil
}

// Palms returns every shopper's palm that was ever agreed to, by shopper.
func (d *Desk) Palms(ctx context.Context) ([]projections.Palm, error) {
	if err := d.live.Sync(ctx); err != nil {
		return nil, err
	}
	var all []projections.Palm
	d.live.View(func(e *Engine) {
		for _, f := range e.palms {
			if !f.Consent.IsZero() {
				all = append(all, *f)
			}
		}
	})
	slices.SortFunc(all, func(a, b projections.Palm) int { return cmp.Compare(a.Given.Shopper, b.Given.Shopper) })
	return all, nil
}

// ConsentPalm records that a shopper agreed to be known by a palm. It fills in
// the jurisdiction of the shop's policy; where the policy names none, palms are
// off: [ErrPalmOff]. While an earlier consent stands, or its template is not
// destroyed yet, it is an [ErrPalmStands].
func (d *Desk) ConsentPalm(ctx context.Context, m ledger.Meta, p ledger.PalmConsented) (Recorded, error) {
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		in, err := e.palmsAt(p.Store)
		if err != nil {
			return proposal{}, err
		}
		p.Jurisdiction = in
		f := e.palmOf(p.Shopper)
		if f.Live() || f.Unfinished() {
			return proposal{payload: p}, fmt.Errorf("consent of %s: %w", p.Shopper, ErrPalmStands)
		}
		return proposal{ledger.ShopperStream(p.Shopper), ledger.After(f.Events), p}, nil
	})
}

// EnrolPalm records that a template was made under the consent that stands. What
// was agreed to, where and how is taken from it. Without one it is an
// [ErrNoConsent]: also when it was withdrawn while the template was made.
func (d *Desk) EnrolPalm(ctx context.Context, m ledger.Meta, consent ledger.ID, p ledger.PalmEnrolled) (Recorded, error) {
	m.Cause = consent
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		in, err := e.palmsAt(p.Store)
		if err != nil {
			return proposal{}, err
		}
		f := e.palmOf(p.Shopper)
		if !f.Live() || f.Consent != consent || f.Given.Jurisdiction != in {
			return proposal{payload: p}, fmt.Errorf("enrol palm of %s: %w", p.Shopper, ErrNoConsent)
		}
		p.Consent, p.Agreed, p.Jurisdiction = f.Given.Text, f.Given.Agreed, in
		return proposal{ledger.ShopperStream(p.Shopper), ledger.After(f.Events), p}, nil
	})
}

// WithdrawPalm records that a shopper's consent is taken back. It is taken
// whatever the policy says by then; without a consent that stands it is an
// [ErrNoConsent].
func (d *Desk) WithdrawPalm(ctx context.Context, m ledger.Meta, p ledger.PalmWithdrawn) (Recorded, error) {
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		f := e.palmOf(p.Shopper)
		if !f.Live() {
			return proposal{payload: p}, fmt.Errorf("withdraw palm of %s: %w", p.Shopper, ErrNoConsent)
		}
		p.Consent = f.Consent
		return proposal{ledger.ShopperStream(p.Shopper), ledger.After(f.Events), p}, nil
	})
}

// RevokePalm records that a shopper's template and its key were destroyed. It is
// named after the consent, so that it is recorded once, whoever finds it to do.
func (d *Desk) RevokePalm(ctx context.Context, m ledger.Meta, consent ledger.ID, p ledger.PalmRevoked) (Recorded, error) {
	m.ID, m.Cause = ledger.DeriveID(consent, "revoked"), consent
	return d.commit(ctx, m, func(e *Engine) (proposal, error) {
		f := e.palmOf(p.Shopper)
		if f.Consent != consent || f.Enrolled.Template == "" || !f.RevokedAt.IsZero() {
			return proposal{payload: p}, fmt.Errorf("revoke palm of %s: %w", p.Shopper, ErrNoConsent)
		}
		p.Template = f.Enrolled.Template
		if p.Sealed == "" {
			p.Sealed = p.Template
		}
		return proposal{ledger.ShopperStream(p.Shopper), ledger.After(f.Events), p}, nil
	})
}
