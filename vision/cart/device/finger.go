package device

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart"
)

// ErrTouch means that a touch says nothing a cart can do. Correct the line.
var ErrTouch = errors.New("not a touch of the screen")

// A Finger is a touch as the screen, or a recording of one, says it.
type Finger struct {
	T      float64    `json:"t,omitzero"` // seconds since the first frame, in a recording
	Do     cart.Act   `json:"do"`
	Number string     `json:"number,omitempty"`
	Piece  ledger.ID  `json:"piece,omitzero"`
	SKU    ledger.SKU `json:"sku,omitempty"` // instead of Piece
	Text   string     `json:"text,omitempty"`
	Gate   string     `json:"gate,omitempty"`
}

// maxText bounds what is typed: a ticket's code has 195 characters.
const maxText = 400

// ReadFinger reads a touch.
func ReadFinger(b []byte) (Finger, error) {
	var f Finger
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return f, fmt.Errorf("%w: %w", ErrTouch, err)
	}
	switch f.Do {
	case cart.ActKey:
		if f.Number == "" {
			return f, fmt.Errorf("%w: no number is keyed in", ErrTouch)
		}
	case cart.ActRemove:
		if f.Piece.IsZero() == (f.SKU == "") {
			return f, fmt.Errorf("%w: remove names a piece or a product", ErrTouch)
		}
	case cart.ActCoupon, cart.ActScan:
		if f.Text == "" {
			return f, fmt.Errorf("%w: %s without a text", ErrTouch, f.Do)
		}
	case cart.ActTakeOut, cart.ActHelp, cart.ActZero, cart.ActLeave:
	default:
		return f, fmt.Errorf("%w: %q", ErrTouch, f.Do)
	}
	if len(f.Text) > maxText || len(f.Number) > maxText || len(f.Gate) > maxText || f.T < 0 || f.T > 1e6 {
		return f, fmt.Errorf("%w: too long", ErrTouch)
	}
	return f, nil
}

func (f Finger) at() time.Duration { return time.Duration(f.T * float64(time.Second)) }
