package ticket

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"rsc.io/qr"

	"github.com/vouchledger/vouch/ledger"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func seeded(t testing.TB, b byte) *Key {
	t.Helper()
	k, err := NewKey(bytes.NewReader(bytes.Repeat([]byte{b}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ring(t testing.TB, keys ...*Key) Ring {
	t.Helper()
	r := Ring{}
	for _, k := range keys {
		r[k.ID()] = k.Public()
	}
	return r
}

func anna(t testing.TB) Claims {
	t.Helper()
	id, err := ledger.NewID(noon, bytes.NewReader(bytes.Repeat([]byte{0xa5}, 10)))
	if err != nil {
		t.Fatal(err)
	}
	return Claims{
		Ticket: id, Shopper: "0190b2c4-7d1e-7a00-8000-00000000a77a", Store: "frankfurt-1",
		IssuedAt: noon, ExpiresAt: noon.Add(time.Minute),
	}
}

// golden was written by the first version of this package. If it changes,
// codes in shoppers' hands stop working: add a version instead.
const golden = "VT1-GR2Q7GDLAQVMAAB4AGRAQRX6AB22LJNFUWS2LJNFUUFWM4TBNZVWM5LSOQWTD7YBSCZMI7I6PIAIAAAAAAAABJ" +
	"32B6KHPD26B26WL7V4UINSYBB77JGLSNROKWMYJY2CQR5B4SBFETF7ILPNAMI74NZRRY6BWV75XWAS3AWC2MVBF2QYN4BMMX5KSPNOEBI"

func TestCodeOfTodayIsReadForEver(t *testing.T) {
	code, err := Mint(seeded(t, 1), anna(t))
	if err != nil {
		t.Fatal(err)
	}
	if code != golden {
		t.Errorf("Mint = %s, want %s", code, golden)
	}
	got, err := Verify(ring(t, seeded(t, 2), seeded(t, 1)), noon, "frankfurt-1", golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(anna(t), got); diff != "" {
		t.Errorf("Verify (-want +got):\n%s", diff)
	}
	if got.Visit() != ledger.VisitID(got.Ticket.String()) {
		t.Errorf("Visit() = %s, want the ticket's id", got.Visit())
	}
}

func TestGateRefusesWithItsReason(t *testing.T) {
	ours, theirs := seeded(t, 1), seeded(t, 9)
	keys := ring(t, ours)
	forged, err := Mint(theirs, anna(t))
	if err != nil {
		t.Fatal(err)
	}
	anywhere := anna(t)
	anywhere.Store = ""
	roaming, err := Mint(ours, anywhere)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		story string
		code  string
		at    time.Time
		store ledger.StoreID
		want  ledger.RefusalReason // empty: enters
	}{
		{"at once", golden, noon, "frankfurt-1", ""},
		{"the server's clock is a little behind", golden, noon.Add(-Skew), "frankfurt-1", ""},
		{"from the future", golden, noon.Add(-Skew - time.Second), "frankfurt-1", ledger.RefusedNotYet},
		{"in the last moment", golden, noon.Add(time.Minute + Skew - 1), "frankfurt-1", ""},
		{"too late", golden, noon.Add(time.Minute + Skew), "frankfurt-1", ledger.RefusedExpired},
		{"next door", golden, noon, "frankfurt-2", ledger.RefusedStore},
		{"for any shop", roaming, noon, "frankfurt-2", ""},
		{"signed by somebody else", forged, noon, "frankfurt-1", ledger.RefusedForged},
		{"a bottle's own code", "https://example.com/water", noon, "frankfurt-1", ledger.RefusedUnread},
		{"half a code", golden[:100], noon, "frankfurt-1", ledger.RefusedUnread},
		{"nothing", "", noon, "frankfurt-1", ledger.RefusedUnread},
		{"lower case", strings.ToLower(golden), noon, "frankfurt-1", ledger.RefusedUnread},
		{"a line break inside", golden[:50] + "\n" + golden[50:], noon, "frankfurt-1", ledger.RefusedUnread},
		{"endless", Prefix + strings.Repeat("A", 1<<20), noon, "frankfurt-1", ledger.RefusedUnread},
	} {
		_, err := Verify(keys, tt.at, tt.store, tt.code)
		var refusal *RefusalError
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: Verify = %v, want entry", tt.story, err)
		case tt.want != "" && (!errors.As(err, &refusal) || refusal.Reason != tt.want || !errors.Is(err, ErrRefused)):
			t.Errorf("%s: Verify = %v, want %s", tt.story, err, tt.want)
		}
	}
}

func TestExpiredTicketIsNamedAndForgedOneIsNot(t *testing.T) {
	var refusal *RefusalError
	_, err := Verify(ring(t, seeded(t, 1)), noon.Add(time.Hour), "frankfurt-1", golden)
	if !errors.As(err, &refusal) || refusal.Ticket != anna(t).Ticket {
		t.Errorf("expired: Verify = %v, want the ticket named", err)
	}
	_, err = Verify(ring(t, seeded(t, 2)), noon, "frankfurt-1", golden)
	if !errors.As(err, &refusal) || !refusal.Ticket.IsZero() {
		t.Errorf("forged: Verify = %v, want no ticket named", err)
	}
}

func TestAnyFlippedBitIsRefused(t *testing.T) {
	keys := ring(t, seeded(t, 1))
	for i := range len(golden) {
		for bit := range 8 {
			b := []byte(golden)
			b[i] ^= 1 << bit
			if _, err := Verify(keys, noon, "frankfurt-1", string(b)); !errors.Is(err, ErrRefused) {
				t.Errorf("bit %d of character %d flipped: Verify = %v, want a refusal", bit, i, err)
			}
		}
	}
	raw, err := encoding.DecodeString(strings.TrimPrefix(golden, Prefix))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for bit := range 8 {
			b := bytes.Clone(raw)
			b[i] ^= 1 << bit
			code := Prefix + encoding.EncodeToString(b)
			if _, err := Verify(keys, noon, "frankfurt-1", code); !errors.Is(err, ErrRefused) {
				t.Errorf("bit %d of byte %d flipped: Verify = %v, want a refusal", bit, i, err)
			}
		}
	}
}

func drawClaims(t *rapid.T) Claims {
	issued := noon.Add(time.Duration(rapid.IntRange(-1e8, 1e8).Draw(t, "issued")) * time.Second)
	c := Claims{
		Ticket:    ledger.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ticket")),
		Store:     ledger.StoreID(rapid.StringN(0, 20, 20).Draw(t, "store")),
		Shopper:   ledger.ShopperID(rapid.StringN(1, 20, MaxNameBytes-20).Draw(t, "shopper")),
		IssuedAt:  issued,
		ExpiresAt: issued.Add(time.Duration(rapid.IntRange(1, 3600).Draw(t, "life")) * time.Second),
	}
	c.Ticket[0] |= 1 // never zero
	if rapid.Bool().Draw(t, "uuid") {
		c.Shopper = ledger.ShopperID(c.Ticket.String())
	}
	return c
}

func TestEveryTicketIsReadBackAndFitsItsQRCode(t *testing.T) {
	key := seeded(t, 3)
	keys := ring(t, key)
	rapid.Check(t, func(t *rapid.T) {
		c := drawClaims(t)
		code, err := Mint(key, c)
		if err != nil {
			t.Fatalf("Mint(%+v) = %v", c, err)
		}
		got, err := Verify(keys, c.IssuedAt, c.Store, code)
		if err != nil || got != c {
			t.Fatalf("Verify = %+v, %v, want %+v", got, err, c)
		}
		if v := version(t, code); v > 8 {
			t.Fatalf("%d characters need QR version %d, want at most 8", len(code), v)
		}
	})
}

func version(t interface{ Fatal(...any) }, code string) int {
	q, err := qr.Encode(code, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	return (q.Size - 17) / 4
}

func TestSizeOfCodes(t *testing.T) {
	if v := version(t, golden); len(golden) != 195 || v > 8 {
		t.Errorf("usual ticket: %d characters, QR version %d, want 195 and at most 8", len(golden), v)
	}
	long := anna(t)
	long.Store, long.Shopper = "", ledger.ShopperID(strings.Repeat("s", MaxNameBytes))
	code, err := Mint(seeded(t, 1), long)
	if err != nil {
		t.Fatal(err)
	}
	if v := version(t, code); v != 8 {
		t.Errorf("longest ticket: %d characters, QR version %d, want 8", len(code), v)
	}
}

func TestTicketsThatCannotBeMade(t *testing.T) {
	for story, change := range map[string]func(*Claims){
		"no id":           func(c *Claims) { c.Ticket = ledger.ID{} },
		"no shopper":      func(c *Claims) { c.Shopper = "" },
		"names too long":  func(c *Claims) { c.Store = ledger.StoreID(strings.Repeat("s", MaxNameBytes-15)) },
		"name far beyond": func(c *Claims) { c.Shopper = ledger.ShopperID(strings.Repeat("s", 300)) },
		"ends before":     func(c *Claims) { c.ExpiresAt = c.IssuedAt },
		"lives too long":  func(c *Claims) { c.ExpiresAt = c.IssuedAt.Add(MaxLife + time.Second) },
		"before 1970":     func(c *Claims) { c.IssuedAt = time.Unix(-1, 0); c.ExpiresAt = time.Unix(5, 0) },
	} {
		c := anna(t)
		change(&c)
		if code, err := Mint(seeded(t, 1), c); !errors.Is(err, ErrClaims) {
			t.Errorf("%s: Mint = %s, %v, want ErrClaims", story, code, err)
		}
	}
}

func TestKeyIsKeptFromOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ticket.pem")
	made, err := LoadOrNewKey(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadOrNewKey(path, rand.Reader)
	if err != nil || again.ID() != made.ID() {
		t.Errorf("LoadOrNewKey again = %v, %v, want the same key", again, err)
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", st.Mode(), err)
	}
	if err := made.Save(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("Save over a key = %v, want ErrExist", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrNewKey(path, rand.Reader); !errors.Is(err, ErrKey) {
		t.Errorf("LoadOrNewKey(readable by others) = %v, want ErrKey", err)
	}
	junk := filepath.Join(t.TempDir(), "junk.pem")
	if err := os.WriteFile(junk, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(junk); !errors.Is(err, ErrKey) {
		t.Errorf("LoadKey(junk) = %v, want ErrKey", err)
	}
	if _, err := NewRing(made.Public(), made.Public()); err != nil {
		t.Errorf("NewRing(same twice) = %v, want nil", err)
	}
	if _, err := NewRing(made.Public()[:5]); !errors.Is(err, ErrKey) {
		t.Errorf("NewRing(short) = %v, want ErrKey", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(golden)
	f.Add(Prefix)
	f.Add(golden[:130])
	f.Add(goldenRotating)
	f.Fuzz(func(t *testing.T, code string) {
		p, err := parse(code)
		if err != nil {
			return
		}
		again, err := p.claims.marshal(KeyID(p.payload[:4]))
		if err != nil {
			t.Fatalf("parsed claims %+v cannot be written: %v", p.claims, err)
		}
		got := p.claims.prefix() + encoding.EncodeToString(append(again, p.signature...))
		if p.tail != nil {
			got += "-" + encoding.EncodeToString(p.tail)
		}
		if got != code {
			t.Errorf("parse and write = %q, want %q", got, code)
		}
	})
}
