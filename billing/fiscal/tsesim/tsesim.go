// Package tsesim is a security module without hardware: for trials, demos and
// tests. Its signatures are real ECDSA over P-256, so that altered data is
// found; its certificate does not exist, so nobody may trade with it.
//
// A certified module signs a log message of BSI TR-03153; this one signs the
// text that [Message] returns.
package tsesim

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vouchledger/vouch/billing/fiscal"
	"github.com/vouchledger/vouch/ledger"
)

// Algorithm is what a Kassenbeleg calls ECDSA with r and s beside each other.
const Algorithm = "ecdsa-plain-SHA256"

// ErrForged means that a signature is not of what it stands beside.
var ErrForged = errors.New("the signature does not match")

const (
	keyFile    = "device.pem"
	stateFile  = "transactions.jsonl"
	coordinate = 32 // bytes of r and of s
)

// A Device is a simulated security module whose state lies in a folder. Its
// methods may be called from many goroutines.
type Device struct {
	register string
	now      func() time.Time
	random   io.Reader
	key      *ecdsa.PrivateKey
	public   string
	serial   string

	mu      sync.Mutex
	file    *os.File
	all     map[string]*transaction
	last    uint64 // transaction
	counter uint64 // signature
}

// transaction is a line of the state file: begun, or finished.
type transaction struct {
	Key      string            `json:"key"`
	Number   uint64            `json:"number"`
	Begun    time.Time         `json:"begun"`
	Finished *fiscal.Signature `json:"finished,omitempty"`
	Process  string            `json:"process,omitempty"`
	Data     string            `json:"data,omitempty"`
}

// Open opens the device in dir, which is made with a new key if it is empty.
// register is the serial of the recording system that it stands beside.
func Open(dir, register string, now func() time.Time, random io.Reader) (*Device, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("signing device: %w", err)
	}
	d := &Device{register: register, now: now, random: random, all: map[string]*transaction{}}
	if err := d.unlock(filepath.Join(dir, keyFile)); err != nil {
		return nil, fmt.Errorf("signing device %s: %w", dir, err)
	}
	if err := d.load(filepath.Join(dir, stateFile)); err != nil {
		return nil, fmt.Errorf("signing device %s: %w", dir, err)
	}
	return d, nil
}

// unlock reads the key, or makes it.
func (d *Device) unlock(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newKey(path, d.random); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Errorf("%s: %w: no PEM block", path, ledger.ErrCorrupt)
	}
	if d.key, err = x509.ParseECPrivateKey(block.Bytes); err != nil {
		return fmt.Errorf("%s: %w: %w", path, ledger.ErrCorrupt, err)
	}
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		return err
	}
	d.public = base64.StdEncoding.EncodeToString(point)
	sum := sha256.Sum256(point) // a module's serial is the hash of its key (BSI TR-03153, section 7.5)
	d.serial = hex.EncodeToString(sum[:])
	return nil
}

func newKey(path string, random io.Reader) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	return text, os.WriteFile(path, text, 0o600)
}

// load reads what was begun and finished, and leaves the file open for more. A
// last line that is torn was never answered.
func (d *Device) load(path string) error {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	lines := bufio.NewScanner(bytes.NewReader(whole))
	for lines.Scan() {
		var t transaction
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return fmt.Errorf("%s: %w: %w", path, ledger.ErrCorrupt, err)
		}
		d.note(&t)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if d.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := d.file.Truncate(int64(len(whole))); err != nil {
		return errors.Join(err, d.file.Close())
	}
	_, err = d.file.Seek(0, io.SeekEnd)
	return err
}

func (d *Device) note(t *transaction) {
	d.all[t.Key] = t
	d.last = max(d.last, t.Number)
	if t.Finished != nil {
		d.counter = max(d.counter, t.Finished.Counter)
	}
}

// save makes t durable, and then true.
func (d *Device) save(t *transaction) error {
	line, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if _, err := d.file.Write(append(line, '\n')); err != nil {
		return err
	}
	if err := d.file.Sync(); err != nil {
		return err
	}
	d.note(t)
	return nil
}

// Close closes the state file.
func (d *Device) Close() error { return d.file.Close() }

// Begin implements [fiscal.Device].
func (d *Device) Begin(_ context.Context, key string) (fiscal.Begun, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.begun(key)
	if err != nil {
		return fiscal.Begun{}, fmt.Errorf("begin %s: %w", key, err)
	}
	return fiscal.Begun{Device: d.serial, Transaction: t.Number, At: t.Begun}, nil
}

func (d *Device) begun(key string) (*transaction, error) {
	if t := d.all[key]; t != nil {
		return t, nil
	}
	t := &transaction{Key: key, Number: d.last + 1, Begun: ledger.Instant(d.now())}
	return t, d.save(t)
}

// Finish implements [fiscal.Device].
func (d *Device) Finish(_ context.Context, key, process, data string) (fiscal.Signature, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.begun(key)
	if err != nil {
		return fiscal.Signature{}, fmt.Errorf("finish %s: %w", key, err)
	}
	if t.Finished != nil {
		if t.Process != process || t.Data != data {
			return fiscal.Signature{}, fmt.Errorf("finish %s: %w: it was finished with other data", key, ledger.ErrInvalid)
		}
		return *t.Finished, nil
	}
	s := fiscal.Signature{
		Begun:    fiscal.Begun{Device: d.serial, Transaction: t.Number, At: t.Begun},
		Register: d.register, Counter: d.counter + 1, Finished: ledger.Instant(d.now()), Algorithm: Algorithm, Key: d.public,
	}
	if s.Value, err = d.sign(Message(s, process, data)); err != nil {
		return fiscal.Signature{}, fmt.Errorf("finish %s: %w", key, err)
	}
	ended := &transaction{Key: key, Number: t.Number, Begun: t.Begun, Finished: &s, Process: process, Data: data}
	if err := d.save(ended); err != nil {
		return fiscal.Signature{}, fmt.Errorf("finish %s: %w", key, err)
	}
	return s, nil
}

// Message is what the device signs: its fields in order, one on each line.
func Message(s fiscal.Signature, process, data string) []byte {
	const form = "2006-01-02T15:04:05.000000Z"
	return []byte(strings.Join([]string{
		s.Register, s.Device, fmt.Sprint(s.Transaction), fmt.Sprint(s.Counter),
		s.At.UTC().Format(form), s.Finished.UTC().Format(form), process, data,
	}, "\n"))
}

func (d *Device) sign(message []byte) (string, error) {
	sum := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(d.random, d.key, sum[:])
	if err != nil {
		return "", err
	}
	plain := make([]byte, 2*coordinate)
	r.FillBytes(plain[:coordinate])
	s.FillBytes(plain[coordinate:])
	return base64.StdEncoding.EncodeToString(plain), nil
}

// Verify checks a signature that stands in the ledger: [ErrForged] if it is not
// of this device's key over this data.
func Verify(f ledger.FiscalSigned) error {
	point, err := base64.StdEncoding.DecodeString(f.Key)
	if err != nil {
		return fmt.Errorf("receipt %s: %w: public key: %w", f.Receipt, ErrForged, err)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return fmt.Errorf("receipt %s: %w: public key: %w", f.Receipt, ErrForged, err)
	}
	serial := sha256.Sum256(point)
	plain, err := base64.StdEncoding.DecodeString(f.Value)
	if err != nil || len(plain) != 2*coordinate || f.Algorithm != Algorithm || hex.EncodeToString(serial[:]) != f.Device {
		return fmt.Errorf("receipt %s: %w", f.Receipt, ErrForged)
	}
	sum := sha256.Sum256(Message(fiscal.Signature{
		Begun:    fiscal.Begun{Device: f.Device, Transaction: f.Transaction, At: f.Started},
		Register: f.Register, Counter: f.Counter, Finished: f.Finished,
	}, f.Process, f.Data))
	r, s := new(big.Int).SetBytes(plain[:coordinate]), new(big.Int).SetBytes(plain[coordinate:])
	if !ecdsa.Verify(key, sum[:], r, s) {
		return fmt.Errorf("receipt %s: %w", f.Receipt, ErrForged)
	}
	return nil
}
