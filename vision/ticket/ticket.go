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
	maxBytes  = headBytes + 1 + 1 + MaxNameBytes + ed25519.SignatureSize
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
}

// Visit returns the id of the visit that the ticket begins.
func (c Claims) Visit() ledger.VisitID { return ledger.VisitID(c.Ticket.String()) }

// Mint returns the signed code of c. Times are cut to seconds.
func Mint(key *Key, c Claims) (string, error) {
	payload, err := c.marshal(key.ID())
	if err != nil {
		return "", err
	}
	payload = append(payload, ed25519.Sign(key.private, signed(payload))...)
	return Prefix + encoding.EncodeToString(payload), nil
}

func signed(payload []byte) []byte { return append([]byte(context), payload...) }

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
	return append(b, shopper...), nil
}

// Verify returns the claims of code, or a *RefusalError: it is no code of
// ours (unread), the signature is not by a key of the ring (forged), it is for
// another shop (store), from the future (not_yet), or too old (expired). One
// use is not its business. A ticket for any shop is accepted in each.
func Verify(keys Ring, now time.Time, store ledger.StoreID, code string) (Claims, error) {
	c, payload, signature, err := parse(code)
	if err != nil {
		return Claims{}, &RefusalError{Reason: ledger.RefusedUnread, Detail: err.Error()}
	}
	id := KeyID(payload[:4])
	key, ok := keys[id]
	if !ok {
		return Claims{}, &RefusalError{Reason: ledger.RefusedForged, Detail: fmt.Sprintf("no key of ours is %s", id)}
	}
	if !ed25519.Verify(key, signed(payload), signature) {
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
	}
	return c, nil
}

// parse reads a code without believing it.
func parse(code string) (c Claims, payload, signature []byte, err error) {
	text, ok := strings.CutPrefix(code, Prefix)
	if !ok {
		return c, nil, nil, fmt.Errorf("it does not begin with %s", Prefix)
	}
	if len(text) > encoding.EncodedLen(maxBytes) {
		return c, nil, nil, fmt.Errorf("%d characters are too many", len(code))
	}
	b, err := encoding.DecodeString(text)
	if err != nil {
		return c, nil, nil, fmt.Errorf("it is no base32")
	}
	if len(b) < minBytes {
		return c, nil, nil, fmt.Errorf("%d bytes are too few: it is cut off", len(b))
	}
	payload, signature = b[:len(b)-ed25519.SignatureSize], b[len(b)-ed25519.SignatureSize:]
	if err := c.unmarshal(payload); err != nil {
		return c, nil, nil, err
	}
	// One code for each ticket: the bits base32 leaves over, line breaks that
	// the decoder skips, and a UUID spelt out are all refused here.
	again, err := c.marshal(KeyID(payload[:4]))
	if err != nil {
		return c, nil, nil, err
	}
	if Prefix+encoding.EncodeToString(append(again, signature...)) != code {
		return c, nil, nil, fmt.Errorf("it is not in its one form")
	}
	return c, payload, signature, nil
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
