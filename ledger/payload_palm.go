package ledger

import "fmt"

// PalmConsented records that a shopper agreed to be known by a palm, before
// anything was made of it. It is in the shopper's stream, and its id names the key
// of the template that may follow.
type PalmConsented struct {
	Shopper      ShopperID `json:"shopper"`
	Store        StoreID   `json:"store"` // whose rules allowed it
	Jurisdiction string    `json:"jurisdiction"`
	Text         Digest    `json:"text"`    // of the text that the shopper agreed to
	Version      string    `json:"version"` // by which the operator knows the text
	Agreed       string    `json:"agreed"`  // where and how: "on the shopper's page"
}

// PalmWithdrawn records that a shopper took a consent back. From here on no gate
// knows the palm; that the template was destroyed is recorded when it is.
type PalmWithdrawn struct {
	Shopper ShopperID `json:"shopper"`
	Consent ID        `json:"consent"` // the event that is taken back
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
}

// PalmEnrolled records that a template was made of a shopper's palm, under the
// consent before it in the shopper's stream. The template is not in the log: the
// digest says which it was.
type PalmEnrolled struct {
	Shopper      ShopperID `json:"shopper"`
	Store        StoreID   `json:"store"` // whose rules allowed it
	Template     Digest    `json:"template"`
	Method       string    `json:"method"`   // "ordinal/1"
	Captures     int       `json:"captures"` // that the template was made from
	Consent      Digest    `json:"consent"`  // of the text that the shopper agreed to
	Agreed       string    `json:"agreed"`   // where and how: "terminal-1, by touch"
	Jurisdiction string    `json:"jurisdiction"`
}

// PalmRevoked records that a shopper's template and its key were destroyed.
type PalmRevoked struct {
	Shopper  ShopperID `json:"shopper"`
	Template Digest    `json:"template"`
	By       string    `json:"by"`
	Reason   string    `json:"reason"`
	Sealed   Digest    `json:"sealed"` // of the encrypted bytes that no key opens any more
}

// Kind returns the stored name.
func (PalmConsented) Kind() Kind { return KindPalmConsented }

// Kind returns the stored name.
func (PalmWithdrawn) Kind() Kind { return KindPalmWithdrawn }

// Kind returns the stored name.
func (PalmEnrolled) Kind() Kind { return KindPalmEnrolled }

// Kind returns the stored name.
func (PalmRevoked) Kind() Kind { return KindPalmRevoked }

// MaxCaptures bounds what one palm template is made from.
const MaxCaptures = 20

// Validate implements Payload.
func (p PalmEnrolled) Validate() error {
	if p.Captures < 2 || p.Captures > MaxCaptures {
		return fmt.Errorf("%w: a palm template from %d captures, want 2..%d", ErrInvalid, p.Captures, MaxCaptures)
	}
	if err := p.Template.Validate(); err != nil {
		return err
	}
	if err := p.Consent.Validate(); err != nil {
		return err
	}
	if err := short("agreed", p.Agreed); err != nil {
		return err
	}
	return need("shopper", string(p.Shopper), "store", string(p.Store), "method", p.Method, "agreed", p.Agreed,
		"jurisdiction", p.Jurisdiction)
}

// Validate implements Payload.
func (p PalmRevoked) Validate() error {
	if err := p.Template.Validate(); err != nil {
		return err
	}
	if err := p.Sealed.Validate(); err != nil {
		return err
	}
	if err := short("reason", p.Reason); err != nil {
		return err
	}
	return need("shopper", string(p.Shopper), "by", p.By, "reason", p.Reason)
}

// Validate implements Payload.
func (p PalmConsented) Validate() error {
	if err := p.Text.Validate(); err != nil {
		return err
	}
	if err := short("agreed", p.Agreed); err != nil {
		return err
	}
	if err := short("version", p.Version); err != nil {
		return err
	}
	return need("shopper", string(p.Shopper), "store", string(p.Store), "jurisdiction", p.Jurisdiction, "version", p.Version,
		"agreed", p.Agreed)
}

// Validate implements Payload.
func (p PalmWithdrawn) Validate() error {
	if p.Consent.IsZero() {
		return fmt.Errorf("%w: no consent is withdrawn", ErrInvalid)
	}
	if err := short("reason", p.Reason); err != nil {
		return err
	}
	return need("shopper", string(p.Shopper), "by", p.By, "reason", p.Reason)
}

func (PalmConsented) payload() {}
func (PalmWithdrawn) payload() {}
func (PalmEnrolled) payload()  {}
func (PalmRevoked) payload()   {}
