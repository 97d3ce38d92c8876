package terminal

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/internal/secret"
)

// maxText is more than any card's number, badge's text or terminal's token has.
const maxText = 64

// A Tap is a card or a badge that was held to the reader.
type Tap struct {
	Credential ledger.CredentialKind // card or staff
	Token      string
}

// A Reader understands what one card reader says. It may be used by one goroutine.
type Reader struct {
	// Key makes tokens of numbers: see [OpenKey].
	Key []byte
	// As is what is tapped here, and Badges how numbers begin that are badges all
	// the same; empty: none.
	As     ledger.CredentialKind
	Badges string
	// Tokens says that the reader is a payment terminal, which says tokens of cards
	// and no numbers. They are handed on as they are.
	Tokens bool

	last Tap
	seen time.Time
}

// Hear takes a line and returns a tap, or one of the errors of this package. A card
// that stays at the reader, which then says it again and again, is one tap: it
// counts again after being away for forget.
func (r *Reader) Hear(line []byte, at time.Time, forget time.Duration) (Tap, error) {
	t, err := r.read(line)
	if err != nil {
		return Tap{}, err
	}
	again := t == r.last && at.Sub(r.seen) <= forget
	r.last, r.seen = t, at
	if again {
		return Tap{}, ErrNothing
	}
	return t, nil
}

func (r *Reader) read(line []byte) (Tap, error) {
	text := string(bytes.TrimSpace(line))
	if text == "" || text == noCard {
		return Tap{}, ErrNothing
	}
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return Tap{}, fmt.Errorf("%w: it is no text", ErrLine)
		}
	}
	t := Tap{Credential: r.As}
	uid, ok := chip(text)
	switch {
	case ok:
		text = uid
	case mayBePayment(text):
		return Tap{}, ErrNumber
	case len(text) > maxText:
		return Tap{}, fmt.Errorf("%w: %d letters", ErrLine, len(text))
	}
	if r.Badges != "" && strings.HasPrefix(strings.ToUpper(text), strings.ToUpper(r.Badges)) {
		t.Credential = ledger.CredentialStaff
	}
	t.Token = text
	if !r.Tokens {
		sum := hmac.New(sha256.New, r.Key)
		sum.Write([]byte(text))
		t.Token = tokenPrefix + hex.EncodeToString(sum.Sum(nil)[:16])
	}
	return t, nil
}

// tokenPrefix says how a token was made; the other 32 letters are of the HMAC.
const tokenPrefix = "t1-"

// noCard and good are the status words of PC/SC: no chip answered, and all is well.
const noCard, good = "6300", "9000"

// chip returns the UID of a chip in its one form, if a text is one. Of digits alone,
// without a sign that it is one, it is none if it may be a payment card's number.
func chip(text string) (string, bool) {
	name, rest, named := strings.Cut(text, ":")
	if named = named && strings.EqualFold(strings.TrimSpace(name), "uid"); !named {
		rest = text
	}
	groups := strings.FieldsFunc(rest, func(c rune) bool { return c == ' ' || c == ':' })
	bytewise := len(groups) > 1
	for _, g := range groups {
		bytewise = bytewise && len(g) == 2
	}
	if len(groups) > 1 && !bytewise {
		return "", false
	}
	uid := strings.ToUpper(strings.Join(groups, ""))
	b, err := hex.DecodeString(uid)
	if err != nil {
		return "", false
	}
	sizes := []int{4, 7, 10}
	if answer, ok := strings.CutSuffix(uid, good); ok && slices.Contains(sizes, len(b)-2) {
		if !named && !bytewise && mayBePayment(answer) {
			return "", false
		}
		return answer, true
	}
	if !slices.Contains(sizes, len(b)) || !named && !bytewise && mayBePayment(uid) {
		return "", false
	}
	return uid, true
}

// mayBePayment reports whether a text may hold the number of a payment card: one of
// its runs of digits could be one, or is too long to be anything but a track of the
// magnetic stripe.
func mayBePayment(text string) bool {
	run := func(s string) bool {
		digits := 0
		for _, c := range s {
			if c != ' ' && c != '-' {
				digits++
			}
		}
		return digits > 19 || vision.CardNumber(s)
	}
	for part := range strings.FieldsFuncSeq(text, func(c rune) bool { return (c < '0' || c > '9') && c != ' ' && c != '-' }) {
		if run(part) || slices.ContainsFunc(strings.Fields(part), run) {
			return true
		}
	}
	return false
}

// OpenKey reads the key by which numbers become tokens, and makes it if there is
// none. It refuses a file that others may read.
func OpenKey(path string) ([]byte, error) {
	b, err := secret.LoadOrMake(path, func() ([]byte, error) {
		key := make([]byte, sha256.Size)
		_, _ = rand.Read(key) // never fails
		return fmt.Appendf(nil, "%x\n", key), nil
	})
	if err != nil {
		return nil, err
	}
	exposed, err := secret.Exposed(path)
	if err != nil {
		return nil, err
	}
	if exposed {
		return nil, fmt.Errorf("%w: others may read %s: chmod 600 %s", ErrKey, path, path)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != sha256.Size {
		return nil, fmt.Errorf("%w in %s: want %d hexadecimal digits", ErrKey, path, 2*sha256.Size) // not the text: it may be half a key
	}
	return key, nil
}
