package ticket

import (
	"crypto/ed25519"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

const (
	// Prefix begins every code, so that a gate tells a ticket from the QR
	// code on a bottle without knowing a key. Its number is the version.
	Prefix = "VT1-"

	// MaxLife bounds how long a ticket may be used: a lost phone's screenshot
	// must not open a gate tomorrow.
	MaxLife = time.Hour

	// Skew is how far the clocks of the server that makes a ticket and of the
	// one that checks it may differ. It widens both ends.
	Skew = 10 * time.Second

	// MaxNameBytes bounds the store's and the shopper's name together, so
	// that the code stays within QR version 8; a UUID counts 16.
	MaxNameBytes = 43
)

// context separates ticket signatures from all others made with the key.
const context = "vouch ticket 1\x00"

const (
	headBytes = 4 + 4 + 2 + 16
	minBytes  = headBytes + 1 + 1 + 1 + ed25519.SignatureSize
	maxBytes  = headBytes + 1 + 1 + MaxNameBytes + len(DeviceKey{}) + ed25519.SignatureSize
	asUUID    = 0xff
)

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Claims is what a ticket says.
type Claims struct {
	Ticket    ledger.ID // becomes the id of the visit
	Shopper   ledger.ShopperID
	Store     ledger.StoreID // empty: any shop
	IssuedAt  time.Time      // whole seconds
	ExpiresAt time.Time      // whole seconds
	Device    DeviceKey      // that shows it; zero: any, and the code does not change
}

// Rotating reports whether the code changes while it is shown.
func (c Claims) Rotating() bool { return c.Device != DeviceKey{} }

// Visit returns the id of the visit that the ticket begins.
func (c Claims) Visit() ledger.VisitID { return ledger.VisitID(c.Ticket.String()) }

// Mint returns the signed code of c. Times are cut to seconds. The code of a
// ticket with a Device is what the device puts its changing part behind.
func Mint(key *Key, c Claims) (string, error) {
	payload, err := c.marshal(key.ID())
	if err != nil {
		return "", err
	}
	payload = append(payload, ed25519.Sign(key.private, c.signed(payload))...)
	return c.prefix() + encoding.EncodeToString(payload), nil
}

func (c Claims) prefix() string {
	if c.Rotating() {
		return PrefixRotating
	}
	return Prefix
}

func (c Claims) signed(payload []byte) []byte {
	if c.Rotating() {
		return append([]byte(rotatingContext), payload...)
	}
	return append([]byte(context), payload...)
}

func (c Claims) marshal(id KeyID) ([]byte, error) {
	issued, life := c.IssuedAt.Unix(), c.ExpiresAt.Unix()-c.IssuedAt.Unix()
	switch {
	case c.Ticket.IsZero():
		return nil, fmt.Errorf("%w: the ticket id is missing", ErrClaims)
	case c.Shopper == "":
		return nil, fmt.Errorf("%w: the shopper is missing", ErrClaims)
	case issued < 0 || issued > math.MaxUint32:
		return nil, fmt.Errorf("%w: issued at %v", ErrClaims, c.IssuedAt)
	case life <= 0 || life > int64(MaxLife/time.Second):
		return nil, fmt.Errorf("%w: a life of %d s is outside 1 s to %v", ErrClaims, life, MaxLife)
	}
	shopper := []byte(c.Shopper)
	shopper = append([]byte{byte(len(shopper))}, shopper...) // bounded below
	if u, err := ledger.ParseID(string(c.Shopper)); err == nil {
		shopper = append([]byte{asUUID}, u[:]...)
	}
	if n := len(c.Store) + len(shopper) - 1; n > MaxNameBytes {
		return nil, fmt.Errorf("%w: store and shopper have %d bytes, want at most %d", ErrClaims, n, MaxNameBytes)
	}
	b := append(make([]byte, 0, maxBytes), id[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(issued)) //nolint:gosec // bounded above
	b = binary.BigEndian.AppendUint16(b, uint16(life))   //nolint:gosec // bounded above
	b = append(b, c.Ticket[:]...)
	b = append(b, byte(len(c.Store))) // at most MaxNameBytes
	b = append(b, c.Store...)
	b = append(b, shopper...)
	if c.Rotating() {
		b = append(b, c.Device[:]...)
	}
	return b, nil
}

// A Verifier checks codes: with the keys of those who sign tickets, and the
// one for the changing part. Without a Rotation a code that changes is refused.
type Verifier struct {
	Ring     Ring
	Rotation *Rotation
}

// Verify is [Verifier.Verify] for codes that do not change.
func Verify(keys Ring, now time.Time, store ledger.StoreID, code string) (Claims, error) {
	return Verifier{Ring: keys}.Verify(now, store, code)
}

// Verify returns the claims of code, or a *RefusalError: it is no code of
// ours (unread), the signature is not by a key of the ring (forged), it is for
// another shop (store), from the future (not_yet), too old (expired), or a
// code that changes and was shown at another time (copied). One use is not its
// business. A ticket for any shop is accepted in each.
func (v Verifier) Verify(now time.Time, store ledger.StoreID, code string) (Claims, error) {
	p, err := parse(code)
	if err != nil {
		return Claims{}, &RefusalError{Reason: ledger.RefusedUnread, Detail: err.Error()}
	}
	c, id := p.claims, KeyID(p.payload[:4])
	key, ok := v.Ring[id]
	if !ok {
		return Claims{}, &RefusalError{Reason: ledger.RefusedForged, Detail: fmt.Sprintf("no key of ours is %s", id)}
	}
	if !ed25519.Verify(key, c.signed(p.payload), p.signature) {
		return Claims{}, &RefusalError{Reason: ledger.RefusedForged, Detail: "the signature does not match"}
	}
	refuse := func(reason ledger.RefusalReason, format string, args ...any) (Claims, error) {
		return Claims{}, &RefusalError{Reason: reason, Ticket: c.Ticket, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case c.Store != "" && c.Store != store:
		return refuse(ledger.RefusedStore, "the ticket is for shop %s", c.Store)
	case now.Before(c.IssuedAt.Add(-Skew)):
		return refuse(ledger.RefusedNotYet, "the ticket is valid from %s", c.IssuedAt.Format(time.RFC3339))
	case !now.Before(c.ExpiresAt.Add(Skew)):
		return refuse(ledger.RefusedExpired, "the ticket ended at %s", c.ExpiresAt.Format(time.RFC3339))
	case c.Rotating() && v.Rotation == nil:
		return refuse(ledger.RefusedForged, "there is no key here to check codes that change")
	case c.Rotating():
		if reason, detail := v.Rotation.rotates(c, p.tail, now); reason != "" {
			return refuse(reason, "%s", detail)
		}
	}
	return c, nil
}

// parsed is what a code says, not believed yet.
type parsed struct {
	claims    Claims
	payload   []byte
	signature []byte
	tail      []byte // of a code that changes
}

// parse reads a code without believing it.
func parse(code string) (parsed, error) {
	text, ok := strings.CutPrefix(code, Prefix)
	var p parsed
	if rest, changes := strings.CutPrefix(code, PrefixRotating); changes {
		static, end, ok := strings.Cut(rest, "-")
		if !ok || len(end) != encoding.EncodedLen(tailBytes) {
			return p, fmt.Errorf("its changing part is cut off")
		}
		var err error
		if p.tail, err = encoding.DecodeString(end); err != nil || encoding.EncodeToString(p.tail) != end {
			return p, fmt.Errorf("its changing part is no base32")
		}
		text, code = static, PrefixRotating+static
	} else if !ok {
		return p, fmt.Errorf("it does not begin with %s or %s", Prefix, PrefixRotating)
	}
	if len(text) > encoding.EncodedLen(maxBytes) {
		return p, fmt.Errorf("%d characters are too many", len(code))
	}
	b, err := encoding.DecodeString(text)
	if err != nil {
		return p, fmt.Errorf("it is no base32")
	}
	least, device := minBytes, DeviceKey{}
	if p.tail != nil {
		least += len(device)
	}
	if len(b) < least {
		return p, fmt.Errorf("%d bytes are too few: it is cut off", len(b))
	}
	p.payload, p.signature = b[:len(b)-ed25519.SignatureSize], b[len(b)-ed25519.SignatureSize:]
	plain := p.payload
	if p.tail != nil {
		plain = p.payload[:len(p.payload)-len(device)]
		copy(device[:], p.payload[len(plain):])
		if device == (DeviceKey{}) {
			return p, fmt.Errorf("it is bound to no device")
		}
	}
	if err := p.claims.unmarshal(plain); err != nil {
		return p, err
	}
	p.claims.Device = device
	// One code for each ticket: the bits base32 leaves over, line breaks that
	// the decoder skips, and a UUID spelt out are all refused here.
	again, err := p.claims.marshal(KeyID(p.payload[:4]))
	if err != nil {
		return p, err
	}
	if p.claims.prefix()+encoding.EncodeToString(append(again, p.signature...)) != code {
		return p, fmt.Errorf("it is not in its one form")
	}
	return p, nil
}

func (c *Claims) unmarshal(b []byte) error {
	c.IssuedAt = time.Unix(int64(binary.BigEndian.Uint32(b[4:])), 0).UTC()
	c.ExpiresAt = c.IssuedAt.Add(time.Duration(binary.BigEndian.Uint16(b[8:])) * time.Second)
	c.Ticket = ledger.ID(b[10:headBytes])
	rest := b[headBytes:]
	store, rest, ok := cut(rest)
	if !ok {
		return fmt.Errorf("the store's name is cut off")
	}
	c.Store = ledger.StoreID(store)
	if len(rest) == 17 && rest[0] == asUUID {
		c.Shopper = ledger.ShopperID(ledger.ID(rest[1:]).String())
		return nil
	}
	shopper, rest, ok := cut(rest)
	if !ok || len(rest) != 0 {
		return fmt.Errorf("the shopper's name has another length than it says")
	}
	c.Shopper = ledger.ShopperID(shopper)
	return nil
}

// cut returns the text that b begins with, after its length.
func cut(b []byte) (text string, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}
