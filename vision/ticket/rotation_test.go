package ticket

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
)

// goldenRotating was made by the first version of this package from the keys
// below. If it changes, codes in shoppers' hands stop working.
const goldenRotating = "VT2-GR2Q7GDLAQVMAAB4AGRAQRX6AB22LJNFUWS2LJNFUUFWM4TBNZVWM5LSOQWTD7YBSCZMI7I6PIAIAAAAAAAABJ32AMPBQUZP2R2UYAXTAQOZY5OOWM5Y" +
	"H76YDLD44T7IQLGLDSMLYWEW4Q5C7VMO7WZCFVBN4GYQDWHEWI4LE6MV4LLJ6RAD52MUHV6M46RXEREU6ZA2FR36FJUAQM2SPZNAJCMLOBHK2VN2V2O4365RZ54YFIGQ-IAYFS7ED33BQ"

// phone is the device of the golden code, and gates its shops' rotation key.
func phone(t testing.TB) (*Device, *Rotation) {
	t.Helper()
	d, err := ParseRotation(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRotation(bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &Device{d.private}, r
}

// shown returns Anna's code as her phone shows it at a time.
func shown(t testing.TB, at time.Time) string {
	t.Helper()
	d, r := phone(t)
	c := anna(t)
	var err error
	if c.Device, err = ParseDeviceKey(d.Public()); err != nil {
		t.Fatal(err)
	}
	minted, err := Mint(seeded(t, 1), c)
	if err != nil {
		t.Fatal(err)
	}
	code, err := d.Code(minted, c.Ticket, r.Public(), at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// TestACodeThatHasChangedIsOfTheSameTicket: and no other text is.
func TestACodeThatHasChangedIsOfTheSameTicket(t *testing.T) {
	now, later := shown(t, noon), shown(t, noon.Add(Step))
	static, _, _ := strings.Cut(later[len(PrefixRotating):], "-")
	if now == later || !Same(now, later) || !Same(later, now) || !IsCode(now) {
		t.Errorf("%s and %s are not of one ticket", now, later)
	}
	for _, other := range []string{"", PrefixRotating, PrefixRotating + static, Prefix + later[len(PrefixRotating):], later + "-A", "VT2-A" + later[5:]} {
		if Same(now, other) {
			t.Errorf("%q is of the ticket of %s", other, now)
		}
	}
	if Same("VT1-A", "VT1-B") || !Same("VT1-A", "VT1-A") || IsCode("4006381333931") {
		t.Error("codes that do not change are of one ticket if they are one text")
	}
}

func verifier(t testing.TB) Verifier {
	t.Helper()
	_, r := phone(t)
	return Verifier{Ring: ring(t, seeded(t, 1)), Rotation: r}
}

func TestTheCodeThatChangesIsReadForEver(t *testing.T) {
	// The signature is deterministic, and so is everything else.
	if got := shown(t, noon); got != goldenRotating {
		t.Errorf("Code = %s, want %s", got, goldenRotating)
	}
	c, err := verifier(t).Verify(noon, "frankfurt-1", goldenRotating)
	if err != nil || !c.Rotating() || c.Ticket != anna(t).Ticket {
		t.Errorf("Verify = %+v, %v, want Anna's ticket", c, err)
	}
	if v := version(t, goldenRotating); v > 9 {
		t.Errorf("%d characters need QR version %d, want at most 9", len(goldenRotating), v)
	}
}

func TestAPictureOfACodeOpensNothingAMinuteLater(t *testing.T) {
	code := shown(t, noon)
	for after, want := range map[time.Duration]ledger.RefusalReason{
		0: "", 14 * time.Second: "", 29 * time.Second: "", -time.Second: "", // the window
		30 * time.Second: ledger.RefusedCopied, 45 * time.Second: ledger.RefusedCopied,
		65 * time.Second: ledger.RefusedCopied, 256 * Step: ledger.RefusedExpired,
	} {
		_, err := verifier(t).Verify(noon.Add(after), "frankfurt-1", code)
		var refused *RefusalError
		switch {
		case want == "" && err != nil:
			t.Errorf("after %v: Verify = %v, want entry", after, err)
		case want != "" && (!errors.As(err, &refused) || refused.Reason != want || refused.Ticket.IsZero()):
			t.Errorf("after %v: Verify = %v, want %s, with the ticket", after, err, want)
		}
	}
	if shown(t, noon) == shown(t, noon.Add(Step)) {
		t.Error("the code is the same in the next step, want another")
	}
}

func TestATicketWithoutItsDeviceIsWorthNothing(t *testing.T) {
	code := shown(t, noon)
	minted := code[:strings.LastIndex(code, "-")]
	other, err := NewDevice(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, r := phone(t)
	stolen, err := other.Code(minted, anna(t).Ticket, r.Public(), noon)
	if err != nil {
		t.Fatal(err)
	}
	for story, code := range map[string]string{
		"shown by another phone": stolen, "without its changing part": minted,
		"as a code that does not change": Prefix + strings.TrimPrefix(minted, PrefixRotating),
	} {
		if _, err := verifier(t).Verify(noon, "frankfurt-1", code); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: Verify = %v, want a refusal", story, err)
		}
	}
	v := verifier(t)
	v.Rotation = nil
	if _, err := v.Verify(noon, "frankfurt-1", code); !errors.Is(err, ErrRefused) {
		t.Errorf("Verify without the rotation key = %v, want a refusal", err)
	}
}

func TestAnyFlippedBitOfAChangingCodeIsRefused(t *testing.T) {
	v := verifier(t)
	for i := range len(goldenRotating) {
		for bit := range 8 {
			b := []byte(goldenRotating)
			b[i] ^= 1 << bit
			if _, err := v.Verify(noon, "frankfurt-1", string(b)); !errors.Is(err, ErrRefused) {
				t.Errorf("bit %d of character %d flipped: Verify = %v, want a refusal", bit, i, err)
			}
		}
	}
}

func TestEveryChangingTicketIsReadBackAndFitsItsQRCode(t *testing.T) {
	key := seeded(t, 3)
	d, r := phone(t)
	v := Verifier{Ring: ring(t, key), Rotation: r}
	rapid.Check(t, func(t *rapid.T) {
		c := drawClaims(t)
		var err error
		if c.Device, err = ParseDeviceKey(d.Public()); err != nil {
			t.Fatal(err)
		}
		minted, err := Mint(key, c)
		if err != nil {
			t.Fatal(err)
		}
		at := c.IssuedAt.Add(time.Duration(rapid.IntRange(0, int(c.ExpiresAt.Sub(c.IssuedAt)/time.Second)-1).Draw(t, "after")) * time.Second)
		code, err := d.Code(minted, c.Ticket, r.Public(), at)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Verify(at, c.Store, code)
		if err != nil || got != c {
			t.Fatalf("Verify = %+v, %v, want %+v", got, err, c)
		}
		if q := version(t, code); q > 10 {
			t.Fatalf("%d characters need QR version %d, want at most 10", len(code), q)
		}
	})
}

func TestTheRotationKeyIsKeptAndOthersAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rotation.pem")
	made, err := LoadOrNewRotation(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadOrNewRotation(path, rand.Reader)
	if err != nil || again.Public() != made.Public() {
		t.Errorf("LoadOrNewRotation again = %v, %v, want the same key", again, err)
	}
	if sent, err := ParseRotation(made.Secret()); err != nil || sent.Public() != made.Public() {
		t.Errorf("ParseRotation = %v, %v, want the same key", sent, err)
	}
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrNewRotation(path, rand.Reader); !errors.Is(err, ErrKey) {
		t.Errorf("LoadOrNewRotation(readable by others) = %v, want ErrKey", err)
	}
	signing := filepath.Join(t.TempDir(), "ticket.pem")
	if err := seeded(t, 1).Save(signing); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrNewRotation(signing, rand.Reader); !errors.Is(err, ErrKey) {
		t.Errorf("LoadOrNewRotation(a signing key) = %v, want ErrKey", err)
	}
	if _, err := ParseRotation(make([]byte, 32)); !errors.Is(err, ErrKey) {
		t.Errorf("ParseRotation(zero) = %v, want ErrKey", err)
	}
	point := bytes.Repeat([]byte{4}, 65)
	for _, key := range []string{"", "!", base64.RawURLEncoding.EncodeToString(point)} {
		if _, err := ParseDeviceKey(key); !errors.Is(err, ErrClaims) {
			t.Errorf("ParseDeviceKey(%q) = %v, want ErrClaims", key, err)
		}
	}
}
