package cart

import (
	"errors"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

var (
	// ErrPrices means that a price list is not what a server gives: another
	// shop's, without a currency, or with a price that cannot be. The one
	// before stays in use.
	ErrPrices = errors.New("price list cannot be used")

	// ErrInput means that an input says nothing, or several things at once.
	// Correct the caller.
	ErrInput = errors.New("not an input of a cart")

	// ErrJournal means that a line of a cart's journal is not what was
	// written. Keep the folder for whoever looks into it, and give the cart
	// another. It is a [ledger.ErrCorrupt].
	ErrJournal = fmt.Errorf("journal of a cart is damaged: %w", ledger.ErrCorrupt)
)
