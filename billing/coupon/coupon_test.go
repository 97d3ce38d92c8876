package coupon_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/billing/coupon"
	"github.com/vouchledger/vouch/ledger"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func promotion(k ed25519.PrivateKey) *ledger.Promotion {
	public, _ := k.Public().(ed25519.PublicKey)
	return &ledger.Promotion{Promotion: "summer.26", Coupon: true, CouponKey: hex.EncodeToString(public)}
}

// golden is the coupon as it is printed on leaflets: it must be read for ever.
const golden = "summer.26.0001.yF3GQKd-AOH3wncRC9n63PzD7X8TFcEj_biT1k-4DCIcA3DVgdn5ziplE_oQ50T_IxPSmHk4pSK9jmHwE5TzCA"

func TestCouponsArePrintedOnceAndReadForEver(t *testing.T) {
	text, err := coupon.New(key(7), "summer.26", "0001")
	if err != nil || text != golden {
		t.Fatalf("New() = %q, %v, want %q", text, err, golden)
	}
	c, err := coupon.Read(golden)
	if err != nil || c.Promotion != "summer.26" || c.Serial != "0001" {
		t.Fatalf("Read() = %+v, %v, want number 0001 of summer.26", c, err)
	}
	if err := c.Check(promotion(key(7))); err != nil {
		t.Errorf("Check() = %v, want nil", err)
	}
	if err := c.Check(promotion(key(8))); !errors.Is(err, coupon.ErrRefused) {
		t.Errorf("Check(by another key) = %v, want ErrRefused", err)
	}
	for _, bad := range []struct{ promotion, serial string }{{"", "1"}, {"p", ""}, {"p", "1.2"}, {"p", strings.Repeat("1", 300)}, {"p", "a b"}} {
		if text, err := coupon.New(key(7), bad.promotion, bad.serial); err == nil {
			t.Errorf("New(%q, %q) = %q, want an error", bad.promotion, bad.serial, text)
		}
	}
}

// TestAChangedCouponIsNone changes each character of a coupon.
func TestAChangedCouponIsNone(t *testing.T) {
	p := promotion(key(7))
	for i := range golden {
		for _, other := range []byte{'A', 'B', '.', '0'} {
			if golden[i] == other {
				continue
			}
			text := golden[:i] + string(other) + golden[i+1:]
			c, err := coupon.Read(text)
			if err == nil {
				err = c.Check(p)
			}
			if !errors.Is(err, coupon.ErrRefused) {
				t.Errorf("%q = %v, want ErrRefused", text, err)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(golden)
	f.Add("a.b.")
	f.Add("..")
	p := promotion(key(7))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := coupon.Read(text)
		if err != nil {
			if !errors.Is(err, coupon.ErrRefused) {
				t.Fatalf("Read(%q) = %v, want ErrRefused", text, err)
			}
			return
		}
		if c.Check(p) == nil && text != golden && !strings.HasPrefix(text, "summer.26.") {
			t.Fatalf("Check(%q) = nil: it is of another promotion", text)
		}
	})
}
