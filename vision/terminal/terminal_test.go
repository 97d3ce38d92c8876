package terminal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func reader() *Reader {
	return &Reader{Key: []byte(strings.Repeat("k", 32)), As: ledger.CredentialCard, Badges: "emp-"}
}

func TestOneChipIsOneTokenHoweverTheReaderWritesIt(t *testing.T) {
	want := ""
	for _, line := range []string{
		"04A3B2C1", "04a3b2c1\r", "  04A3B2C1", "04:a3:b2:c1", "04 A3 B2 C1", "UID: 04A3B2C1", "uid:04 a3 b2 c1", "04A3B2C19000", "04 A3 B2 C1 90 00",
	} {
		tap, err := reader().Hear([]byte(line), noon, time.Second)
		if want == "" {
			want = tap.Token
		}
		if err != nil || tap.Token != want || tap.Credential != ledger.CredentialCard {
			t.Errorf("%q is %+v, %v; want the card %s", line, tap, err, want)
		}
		if strings.Contains(strings.ToLower(tap.Token), "04a3") {
			t.Errorf("the token %s holds the number of the chip", tap.Token)
		}
	}
	other := reader()
	other.Key = []byte("another shop's")
	if tap, err := other.Hear([]byte("04A3B2C1"), noon, time.Second); err != nil || tap.Token == want {
		t.Errorf("in a shop with another key the card is %+v, %v; want another token", tap, err)
	}
}

func TestWhatAReaderSays(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       error
		staff      bool
	}{
		{"an old badge in ten digits", "0017382211", nil, false},
		{"a badge", "EMP-0417", nil, true},
		{"a chip of seven bytes", "0412AB34CD56EF", nil, false},
		{"a chip of digits alone that is called one", "UID: 42424242424242", nil, false}, // as a number its check digit is right
		{"the same without its name", "42424242424242", ErrNumber, false},
		{"an empty line", " ", ErrNothing, false},
		{"no card at the reader", "6300", ErrNothing, false},
		{"noise", "\x04\xff", ErrLine, false},
		{"something long", strings.Repeat("x", 65), ErrLine, false},
		{"the number of a card", "4242424242424242", ErrNumber, false},
		{"in groups", "4242 4242 4242 4242", ErrNumber, false},
		{"with words", "card 4242-4242-4242-4242 ok", ErrNumber, false},
		{"beside other digits", "17 4242424242424242", ErrNumber, false},
		{"track 1", "%B4242424242424242^DOE/JOHN^29121010000000000?", ErrNumber, false},
		{"track 2", ";4242424242424242=29121010000000000?", ErrNumber, false},
		{"track 2 without its signs", "424242424242424229121010000000000", ErrNumber, false},
		{"American Express", "378282246310005", ErrNumber, false},
	} {
		tap, err := reader().Hear([]byte(tt.line), noon, time.Second)
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || (tap.Credential == ledger.CredentialStaff) != tt.staff {
			t.Errorf("%s: %+v, %v; want %v, a badge %t", tt.name, tap, err, tt.want, tt.staff)
		}
		if err != nil && (strings.Contains(err.Error(), "4242") || strings.Contains(err.Error(), "3782")) {
			t.Errorf("%s: the error holds a part of the line: %v", tt.name, err)
		}
	}
}

func TestATokenOfAPaymentTerminalIsHandedOn(t *testing.T) {
	r := reader()
	r.Tokens = true
	if tap, err := r.Hear([]byte("fp_8d2c"), noon, time.Second); err != nil || tap.Token != "fp_8d2c" {
		t.Errorf("the token is %+v, %v; want it as it is", tap, err)
	}
	if _, err := r.Hear([]byte("4242424242424242"), noon, time.Second); !errors.Is(err, ErrNumber) {
		t.Errorf("a number instead of a token is %v, want ErrNumber", err)
	}
}

func TestACardThatStaysIsOneTap(t *testing.T) {
	r, taps := reader(), 0
	for i, line := range []string{"04A3B2C1", "04A3B2C1", "04A3B2C1", "0B0B0B0B", "04A3B2C1"} {
		switch _, err := r.Hear([]byte(line), noon.Add(time.Duration(i)*time.Second), 1500*time.Millisecond); {
		case err == nil:
			taps++
		case !errors.Is(err, ErrNothing):
			t.Fatal(err)
		}
	}
	if taps != 3 { // it, another one, and it again
		t.Errorf("%d taps, want 3", taps)
	}
	if _, err := r.Hear([]byte("04A3B2C1"), noon.Add(time.Minute), 1500*time.Millisecond); err != nil {
		t.Errorf("a minute later the card is %v, want a tap", err)
	}
}

// TestNoCardNumberGetsThrough: whatever stands around a number with a right check
// digit, and however it is parted, it is no tap.
func TestNoCardNumberGetsThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[3-6][0-9]{11,17}`).Draw(t, "number")
		for d := '0'; d <= '9'; d++ {
			if vision.CardNumber(digits + string(d)) {
				digits += string(d)
				break
			}
		}
		if rapid.Bool().Draw(t, "in groups") {
			gap := rapid.SampledFrom([]string{" ", "-"}).Draw(t, "gap")
			digits = digits[:4] + gap + digits[4:8] + gap + digits[8:]
		}
		line := rapid.SampledFrom([]string{"", "%B", ";", "PAN=", "x "}).Draw(t, "before") + digits + rapid.SampledFrom([]string{"", "=2912", "^DOE", " x"}).Draw(t, "behind")
		if tap, err := reader().Hear([]byte(line), noon, time.Second); !errors.Is(err, ErrNumber) {
			t.Fatalf("%q is %+v, %v; want ErrNumber", line, tap, err)
		}
	})
}

func FuzzHear(f *testing.F) {
	for _, line := range []string{"04A3B2C1", "UID: 04A3B2C1", "4242 4242 4242 4242", "6300", "\x00", ";4242424242424242=2912?"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		tap, err := reader().Hear(line, noon, time.Second)
		if err == nil && (!strings.HasPrefix(tap.Token, "t1-") || len(tap.Token) != 35 || vision.CardNumber(string(line))) {
			t.Fatalf("%q is %+v", line, tap)
		}
		for _, e := range []error{ErrNothing, ErrNumber, ErrLine} {
			if errors.Is(err, e) {
				return
			}
		}
		if err != nil {
			t.Fatalf("%q: %v, want an error of this package", line, err)
		}
	})
}

func TestTheKeyOfCards(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in", "cards.key")
	key, err := OpenKey(path)
	if err != nil || len(key) != 32 {
		t.Fatalf("OpenKey = %d bytes, %v; want a new key", len(key), err)
	}
	again, err := OpenKey(path)
	if err != nil || string(again) != string(key) {
		t.Errorf("opened again the key is another: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(path); !errors.Is(err, ErrKey) {
		t.Errorf("a key that all may read = %v, want ErrKey", err)
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, []byte("00ff"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(path); !errors.Is(err, ErrKey) || strings.Contains(err.Error(), "00ff") {
		t.Errorf("half a key = %v, want ErrKey without it", err)
	}
}
