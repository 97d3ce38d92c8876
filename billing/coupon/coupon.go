// Package coupon makes and reads coupons: texts that nobody can invent.
//
// A coupon is "promotion.serial.signature": the id of a promotion, a serial
// that no other coupon has, and an Ed25519 signature (base64, for addresses,
// unpadded) over both by the key whose public half the promotion names. So a
// leaflet can carry any number of them without a list in the catalogue, and
// whoever reads the catalogue can check them and make none.
//
// That a coupon is used once is not for this package to say: the ledger gives
// each serial a stream that may be begun once.
package coupon

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// ErrRefused means that a text is not a coupon of its promotion: it was
// changed, invented, or cut. Nothing was used.
var ErrRefused = errors.New("no coupon of this promotion")

// MaxBytes bounds the text of a coupon.
const MaxBytes = 300

// A Coupon is what a coupon's text says. Nothing of it is true before
// [Coupon.Check].
type Coupon struct {
	Promotion string
	Serial    string // names the coupon's stream
	signature []byte
}

// Read takes a text apart.
func Read(text string) (Coupon, error) {
	if len(text) > MaxBytes {
		return Coupon{}, fmt.Errorf("%w: longer than %d bytes", ErrRefused, MaxBytes)
	}
	rest, signature, ok := cutLast(text)
	if !ok {
		return Coupon{}, fmt.Errorf("%w: want promotion.serial.signature", ErrRefused)
	}
	promotion, serial, ok := cutLast(rest)
	if !ok || promotion == "" || serial == "" {
		return Coupon{}, fmt.Errorf("%w: want promotion.serial.signature", ErrRefused)
	}
	s, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || len(s) != ed25519.SignatureSize {
		return Coupon{}, fmt.Errorf("%w: the signature is cut or changed", ErrRefused)
	}
	if err := ledger.CouponStream(serial).Validate(); err != nil {
		return Coupon{}, fmt.Errorf("%w: serial %q", ErrRefused, serial)
	}
	return Coupon{Promotion: promotion, Serial: serial, signature: s}, nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

// Check refuses a coupon that the promotion's key has not signed.
func (c Coupon) Check(p *ledger.Promotion) error {
	key, err := hex.DecodeString(p.CouponKey)
	if err != nil || len(key) != ed25519.PublicKeySize || !p.Coupon || p.Promotion != c.Promotion {
		return fmt.Errorf("%w: %s takes no coupons", ErrRefused, c.Promotion)
	}
	if !ed25519.Verify(key, message(c.Promotion, c.Serial), c.signature) {
		return fmt.Errorf("%w: the signature is not its key's", ErrRefused)
	}
	return nil
}

// New makes the coupon with this serial.
func New(key ed25519.PrivateKey, promotion, serial string) (string, error) {
	text := promotion + "." + serial + "." +
		base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, message(promotion, serial)))
	if c, err := Read(text); err != nil || c.Promotion != promotion || c.Serial != serial {
		return "", fmt.Errorf("coupon %q of %q: %w: a serial has no dots, and neither is empty or long", serial, promotion, ledger.ErrInvalid)
	}
	return text, nil
}

// message is what is signed: the zero byte keeps "ab"+"c" from being "a"+"bc".
func message(promotion, serial string) []byte {
	return []byte("vouch coupon 1\x00" + promotion + "\x00" + serial)
}
