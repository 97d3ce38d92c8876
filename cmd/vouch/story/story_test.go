package story_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vouchledger/vouch/cmd/vouch/story"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/ledgertest"
	"github.com/vouchledger/vouch/projections"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// TestEveryKindIsTold tells a payload of every kind: none panics, and none that
// a visit can hold is told by the name of its kind alone.
func TestEveryKindIsTold(t *testing.T) {
	ownWords := map[ledger.Kind]bool{ // told by their kind: they are not part of a visit
		ledger.KindStoreOpened: true, ledger.KindPolicySet: true, ledger.KindPlanogramSet: true,
		ledger.KindProductListed: true, ledger.KindPriceSet: true, ledger.KindTaxSet: true,
	}
	for _, p := range ledgertest.Samples(t, filepath.Join("..", "..", "..", "ledger", "testdata", "kinds")) {
		l := story.Tell(ledger.Event{Record: ledger.Record{Kind: p.Kind(), Occurred: noon}, Payload: p}, nil)
		if l.Text == "" || (l.Text == string(p.Kind())) != ownWords[p.Kind()] {
			t.Errorf("Tell(%s) = %q, want words", p.Kind(), l.Text)
		}
	}
}

// TestCartInWords puts sure, doubtful, returned and dropped picks into words.
func TestCartInWords(t *testing.T) {
	c := &projections.Cart{Picks: []projections.Pick{
		{SKU: "cola", Left: 1, State: projections.PickSure},
		{SKU: "chips", Left: 1, State: projections.PickOpen},
		{SKU: "cola", Left: 2, State: projections.PickSure},
		{SKU: "water", Left: 0, State: projections.PickSure},
		{SKU: "gum", Left: 1, State: projections.PickDropped},
	}}
	if got, want := story.CartText(c), "3 × cola, 1 × chips?"; got != want {
		t.Errorf("CartText = %q, want %q", got, want)
	}
	if got, want := story.CartText(&projections.Cart{}), "empty"; got != want {
		t.Errorf("CartText(nothing) = %q, want %q", got, want)
	}
}

// TestTableFitsATerminal prints long lines and requires that no line is wider
// than the table, that nothing is cut off, and that a cart is said once.
func TestTableFitsATerminal(t *testing.T) {
	var b strings.Builder
	p := story.NewPrinter(&b)
	p.Head()
	cart := "1 × water-still, 1 × orange-juice, 1 × cola-can, 1 × honey-jar?"
	l := story.Line{At: noon, Text: strings.Repeat("word ", 40), Cart: cart, Money: "12.00 USD"}
	p.Line(l)
	p.Line(l)
	out := b.String()
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 132 {
			t.Errorf("a line of %d characters: %q", n, line)
		}
	}
	if got := strings.Count(out, "word"); got != 80 {
		t.Errorf("words printed = %d, want 80", got)
	}
	if got := strings.Count(out, "honey-jar?"); got != 1 {
		t.Errorf("the cart is said %d times, want once", got)
	}
}
