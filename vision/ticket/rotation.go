package ticket

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

const (
	// PrefixRotating begins every code that changes while it is shown.
	PrefixRotating = "VT2-"

	// Step is how long one code is shown.
	Step = 15 * time.Second

	// Window is how many steps a code may be early or late: the clocks of a
	// phone and a gate differ, and reading takes a moment.
	Window = 1
)

// IsCode reports whether a text begins as codes of tickets do.
func IsCode(text string) bool {
	return strings.HasPrefix(text, Prefix) || strings.HasPrefix(text, PrefixRotating)
}

// Same reports whether two texts are codes of one ticket, of which one that changes
// while it is shown has several: what changes stands behind the last dash.
func Same(a, b string) bool {
	i := strings.LastIndexByte(a, '-')
	if !strings.HasPrefix(a, PrefixRotating) || i < len(PrefixRotating) {
		return a == b
	}
	return strings.HasPrefix(b, a[:i+1]) && strings.LastIndexByte(b, '-') == i
}

const (
	rotatingContext = "vouch ticket 2\x00"
	stepContext     = "vouch step 1\x00"
	macBytes        = 6
	tailBytes       = 1 + macBytes
)

// A DeviceKey is the public key of the device that a ticket is bound to, a
// compressed point of P-256. The zero value is none.
type DeviceKey [33]byte

// ParseDeviceKey reads a key as browsers export it ("raw", 65 bytes), in
// base64url without padding.
func ParseDeviceKey(text string) (DeviceKey, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return DeviceKey{}, fmt.Errorf("%w: the device's key is no base64url", ErrClaims)
	}
	public, err := ecdh.P256().NewPublicKey(b)
	if err != nil {
		return DeviceKey{}, fmt.Errorf("%w: the device's key is no point of P-256", ErrClaims)
	}
	return compress(public), nil
}

func compress(public *ecdh.PublicKey) DeviceKey {
	b := public.Bytes() // 4, x, y
	var k DeviceKey
	k[0] = 2 + b[64]&1
	copy(k[1:], b[1:33])
	return k
}

// public returns the key as a point, or an error if it is none.
func (k DeviceKey) public() (*ecdh.PublicKey, error) {
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), k[:])
	if x == nil {
		return nil, fmt.Errorf("the device's key is no point of P-256")
	}
	b := make([]byte, 65)
	b[0] = 4
	x.FillBytes(b[1:33])
	y.FillBytes(b[33:])
	return ecdh.P256().NewPublicKey(b)
}

// A Rotation is the key with which the changing part of codes is checked. The
// server has it, and gates that work without a line.
type Rotation struct{ private *ecdh.PrivateKey }

// NewRotation makes a rotation key.
func NewRotation(random io.Reader) (*Rotation, error) {
	private, err := ecdh.P256().GenerateKey(random)
	if err != nil {
		return nil, fmt.Errorf("rotation key: %w", err)
	}
	return &Rotation{private}, nil
}

// ParseRotation reads what [Rotation.Secret] gives.
func ParseRotation(secret []byte) (*Rotation, error) {
	private, err := ecdh.P256().NewPrivateKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%w: no rotation key", ErrKey)
	}
	return &Rotation{private}, nil
}

// Secret returns the key itself, for the gates.
func (r *Rotation) Secret() []byte { return r.private.Bytes() }

// Public returns the key that devices need, as browsers import it ("raw"), in
// base64url without padding.
func (r *Rotation) Public() string {
	return base64.RawURLEncoding.EncodeToString(r.private.PublicKey().Bytes())
}

// LoadOrNewRotation reads the key at path, or makes and saves one if there is
// no file, as LoadOrNewKey does.
func LoadOrNewRotation(path string, random io.Reader) (*Rotation, error) {
	r, err := loadRotation(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if r, err = NewRotation(random); err != nil {
		return nil, err
	}
	if err := save(path, r.private); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return loadRotation(path)
}

func loadRotation(path string) (*Rotation, error) {
	parsed, err := load(path)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("load rotation key: %w: want P-256, have %T", ErrKey, parsed)
	}
	agreed, err := private.ECDH()
	if err != nil || agreed.Curve() != ecdh.P256() {
		return nil, fmt.Errorf("load rotation key: %w: it is not of P-256", ErrKey)
	}
	return &Rotation{agreed}, nil
}

// A Device is what a shopper's phone holds: the key that its tickets are bound
// to.
type Device struct{ private *ecdh.PrivateKey }

// NewDevice makes a device's key.
func NewDevice(random io.Reader) (*Device, error) {
	private, err := ecdh.P256().GenerateKey(random)
	if err != nil {
		return nil, fmt.Errorf("device key: %w", err)
	}
	return &Device{private}, nil
}

// Public returns the key as it is sent to the server: see [ParseDeviceKey].
func (d *Device) Public() string {
	return base64.RawURLEncoding.EncodeToString(d.private.PublicKey().Bytes())
}

// Code returns what the device shows at a time: the minted ticket with its
// changing part. rotation is [Rotation.Public].
func (d *Device) Code(minted string, ticket ledger.ID, rotation string, at time.Time) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(rotation)
	if err != nil {
		return "", fmt.Errorf("%w: the rotation key is no base64url", ErrClaims)
	}
	public, err := ecdh.P256().NewPublicKey(b)
	if err != nil {
		return "", fmt.Errorf("%w: the rotation key is no point of P-256", ErrClaims)
	}
	shared, err := d.private.ECDH(public)
	if err != nil {
		return "", fmt.Errorf("device key: %w", err)
	}
	return minted + "-" + encoding.EncodeToString(tail(shared, ticket, stepOf(at))), nil
}

func stepOf(at time.Time) int64 { return at.Unix() / int64(Step/time.Second) }

// tail returns the changing part of a code in a step.
func tail(shared []byte, ticket ledger.ID, step int64) []byte {
	h := hmac.New(sha256.New, shared)
	h.Write([]byte(stepContext))
	h.Write(ticket[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(step))) //nolint:gosec // its bits
	return append([]byte{byte(step)}, h.Sum(nil)[:macBytes]...)
}

// rotates checks the changing part of a code against the time. The steps in
// reach have different low bytes, so that at most one is tried.
func (r *Rotation) rotates(c Claims, shown []byte, now time.Time) (reason ledger.RefusalReason, detail string) {
	public, err := c.Device.public()
	if err != nil {
		return ledger.RefusedForged, err.Error()
	}
	shared, err := r.private.ECDH(public)
	if err != nil {
		return ledger.RefusedForged, "the device's key agrees on nothing"
	}
	here := stepOf(now)
	for step := here - Window; step <= here+Window; step++ {
		if byte(step) != shown[0] {
			continue
		}
		if !hmac.Equal(tail(shared, c.Ticket, step), shown) {
			return ledger.RefusedForged, "the changing part is not by the ticket's device"
		}
		return "", ""
	}
	return ledger.RefusedCopied, "the code was shown at another time"
}
