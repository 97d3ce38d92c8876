package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// An ID names one event for ever. It is a UUID, made by the producer (version
// 7, so that ids sort by time) and is the idempotency key of its event.
type ID [16]byte

// NewID returns a UUIDv7 for the instant at, with its random part read from
// random.
func NewID(at time.Time, random io.Reader) (ID, error) {
	var id ID
	if _, err := io.ReadFull(random, id[6:]); err != nil {
		return ID{}, fmt.Errorf("event id: %w", err)
	}
	ms := uint64(at.UnixMilli()) //nolint:gosec // after 1970
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id, nil
}

// Millis returns the time in a UUID of version 7, in milliseconds since 1970, and
// reports whether id is one.
func (id ID) Millis() (ms uint64, ok bool) {
	return binary.BigEndian.Uint64(id[:]) >> 16, id[6]>>4 == 7
}

// DeriveID returns the id of the one event that follows from cause under this
// label. Deriving it again gives the same id, so a reaction that is repeated
// after a crash is recognised as the same event. It is a UUID of version 8
// over SHA-256 (RFC 9562, section 5.8).
func DeriveID(cause ID, label ...string) ID {
	h := sha256.New()
	h.Write(cause[:])
	for _, l := range label {
		fmt.Fprintf(h, "\x00%d:%s", len(l), l)
	}
	id := ID(h.Sum(nil)[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ParseID reads the usual 36-character form of a UUID.
func ParseID(s string) (ID, error) {
	if len(s) != 36 {
		return ID{}, fmt.Errorf("id %q: %w: want a UUID of 36 characters", s, ErrInvalid)
	}
	u, err := uuid.Parse(s)
	if err != nil || strings.ToLower(s) != s {
		return ID{}, fmt.Errorf("id %q: %w: want a UUID in lower case", s, ErrInvalid)
	}
	return ID(u), nil
}

// IsZero reports whether id names no event.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the 36-character form.
func (id ID) String() string { return uuid.UUID(id).String() }

// MarshalText makes an ID a string in JSON; the zero ID is the empty string.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return []byte{}, nil
	}
	return uuid.UUID(id).MarshalText()
}

// UnmarshalText accepts what MarshalText gives.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	parsed, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// Identifiers that appear in events. All are opaque: nothing may be read out
// of them, and a ShopperID names nobody outside the shopper directory.
type (
	// A VisitID names one payer's trip through a shop.
	VisitID string
	// A StoreID names a shop.
	StoreID string
	// A ShopperID names a payer; the person behind it is kept outside the log.
	ShopperID string
	// A DeviceID names a gate, camera, scale or cart.
	DeviceID string
	// A SKU names a product of the catalogue.
	SKU string
	// A CatalogueID names a catalogue of products, prices and tax rates.
	CatalogueID string
	// A Digest names bytes by their content: "sha256:" and 64 hex digits.
	Digest string
)

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest { return Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(b))) }

// Validate refuses anything but sha256 and 64 lower-case hex digits.
func (d Digest) Validate() error {
	hex, ok := strings.CutPrefix(string(d), "sha256:")
	if !ok || len(hex) != 64 || !isHex(hex) {
		return fmt.Errorf("digest %q: %w: want sha256: and 64 hex digits", string(d), ErrInvalid)
	}
	return nil
}

// isHex reports whether s is hex digits in lower case, and nothing else.
func isHex(s string) bool {
	bad := byte(0)
	for i := range len(s) {
		bad |= nibbles[s[i]]
	}
	return bad&notHex == 0
}

// A StreamID names a stream as category-id, EventStoreDB's habit.
type StreamID string

// The categories of streams.
const (
	CategoryVisit     = "visit"
	CategoryPayment   = "payment"
	CategoryShopper   = "shopper"
	CategoryStore     = "store"
	CategoryCatalogue = "catalogue"
	CategoryEvidence  = "evidence"
	CategoryPayout    = "payout"
	CategoryDay       = "day"
	CategoryCoupon    = "coupon"
	CategoryProvider  = "provider"
	CategoryBank      = "bank"
	CategoryException = "exception"
	CategoryDevice    = "device"
)

// ownCategories are the categories that Vouch's folds read.
var ownCategories = []string{
	CategoryVisit, CategoryPayment, CategoryShopper, CategoryStore, CategoryCatalogue,
	CategoryEvidence, CategoryPayout, CategoryDay,
	CategoryCoupon, CategoryProvider, CategoryBank, CategoryException, CategoryDevice,
}

// OwnPrefixes returns the prefixes of the streams that money depends on, for
// the Prefixes of a [Query]. Every other stream is foreign: another program put
// it there through the EventStoreDB protocol, and no fold looks at it.
func OwnPrefixes() []string {
	ps := make([]string, len(ownCategories))
	for i, c := range ownCategories {
		ps[i] = c + "-"
	}
	return ps
}

// Own reports whether money depends on s: it is in one of Vouch's categories.
// Such a stream holds only payloads of this package, and is never cut.
func (s StreamID) Own() bool {
	c, id := s.Split()
	return id != "" && slices.Contains(ownCategories, c)
}

// VisitStream holds all that happened in a visit.
func VisitStream(v VisitID) StreamID { return StreamID(CategoryVisit + "-" + string(v)) }

// PaymentStream holds the money of a visit: intentions and observations.
func PaymentStream(v VisitID) StreamID { return StreamID(CategoryPayment + "-" + string(v)) }

// ShopperStream is the stream of what a shopper agreed to.
func ShopperStream(s ShopperID) StreamID { return StreamID(CategoryShopper + "-" + string(s)) }

// StoreStream holds a shop's policy, planograms and what no visit owns.
func StoreStream(s StoreID) StreamID { return StreamID(CategoryStore + "-" + string(s)) }

// CatalogueStream holds products, prices and tax rates.
func CatalogueStream(c CatalogueID) StreamID { return StreamID(CategoryCatalogue + "-" + string(c)) }

// EvidenceStream is where it stands who looked at a piece of evidence.
func EvidenceStream(d Digest) StreamID { return StreamID(CategoryEvidence + "-" + string(d)) }

// VisitEvidenceStream holds what keeps the evidence of a visit.
func VisitEvidenceStream(v VisitID) StreamID { return StreamID(CategoryEvidence + "-" + string(v)) }

// CouponStream holds the one use of a coupon.
func CouponStream(coupon string) StreamID { return StreamID(CategoryCoupon + "-" + coupon) }

// ProviderStream holds what is known of our account at a provider that no
// payment owns: its balance, notices that were not believed, sweeps.
func ProviderStream(account string) StreamID { return StreamID(CategoryProvider + "-" + account) }

// PayoutStream holds one payout.
func PayoutStream(payout string) StreamID { return StreamID(CategoryPayout + "-" + payout) }

// BankStream holds the statements of one bank account.
func BankStream(account string) StreamID { return StreamID(CategoryBank + "-" + account) }

// ExceptionStream holds one exception of reconciliation.
func ExceptionStream(exception string) StreamID {
	return StreamID(CategoryException + "-" + exception)
}

// DayStream holds the closings of a shop's days.
func DayStream(s StoreID) StreamID { return StreamID(CategoryDay + "-" + string(s)) }

// DeviceStream holds the settings of a shop's device, how it does, and what it
// saw that no visit answers for.
func DeviceStream(s StoreID, d DeviceID) StreamID {
	return StreamID(CategoryDevice + "-" + string(s) + ":" + string(d))
}

// Split returns the category and the id of s; both are empty when s has no
// category.
func (s StreamID) Split() (category, id string) {
	category, id, ok := strings.Cut(string(s), "-")
	if !ok {
		return "", ""
	}
	return category, id
}

// MaxStreamBytes bounds a stream name: it is stored with every event.
const MaxStreamBytes = 500

// Validate refuses names that are empty, long, not UTF-8, or hold control
// characters. Vouch's own names are printable ASCII, as category-id; foreign
// ones may be anything that EventStoreDB allows and a person can read.
func (s StreamID) Validate() error {
	if s == "" || len(s) > MaxStreamBytes {
		return fmt.Errorf("stream %q: %w: want 1 to %d bytes", string(s), ErrInvalid, MaxStreamBytes)
	}
	if s.graphic() {
		return nil
	}
	switch {
	case !utf8.ValidString(string(s)):
		return fmt.Errorf("stream %q: %w: not UTF-8", string(s), ErrInvalid)
	case strings.ContainsFunc(string(s), unicode.IsControl):
		return fmt.Errorf("stream %q: %w: control characters", string(s), ErrInvalid)
	case s.Own():
		return fmt.Errorf("stream %q: %w: only printable ASCII without spaces", string(s), ErrInvalid)
	}
	return nil
}

// graphic reports whether s is printable ASCII without spaces, as nearly all
// names are.
func (s StreamID) graphic() bool {
	odd := byte(0)
	for i := range len(s) { // without a branch: each append asks
		odd |= s[i] | (s[i] - '!') | (s[i] + 1) // the highest bit is set of what is no such byte
	}
	return odd < 0x80
}
