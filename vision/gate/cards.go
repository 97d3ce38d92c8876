package gate

import (
	"os"
	"path/filepath"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/ticket"
)

const (
	cardsFile = "cards.jsonl"

	// knownFor is how long a card that the server let in is let in without it, and
	// knownAgain how old that may be before it is written down anew: not at each
	// tap, which would wear out the disk.
	knownFor   = 30 * 24 * time.Hour
	knownAgain = 24 * time.Hour

	// maxKnown bounds the cards that are remembered; one more is a stranger while
	// the line is cut. staleLines is how many lines of the file may say nothing any
	// more before it is written anew.
	maxKnown   = 20_000
	staleLines = 200
)

// A Card is a card or a badge that is tapped, by its token.
type Card struct {
	Credential ledger.CredentialKind `json:"credential"`
	Token      string                `json:"token"`
}

// cardLine is one line of the cards that the server knows.
type cardLine struct {
	Card
	At  time.Time `json:"at"`
	Out bool      `json:"out,omitempty"` // the server let it in no more
}

// cards are those that the server let in at this gate, and when last. A code says by
// its signature whose it is; a card says nothing, so that a gate that is cut off can
// go by nothing else.
type cards struct {
	known map[Card]time.Time
	path  string
	file  *os.File
	lines int
}

func openCards(dir string, now time.Time) (cards, error) {
	c := cards{known: map[Card]time.Time{}, path: filepath.Join(dir, cardsFile)}
	// A line that was cut off with the plug is lost: that card is a stranger until the
	// server lets it in again.
	err := readLines(c.path, func(l cardLine) {
		if l.Token != "" {
			c.take(l)
		}
	})
	if err == nil {
		err = c.rewrite(now)
	}
	return c, err
}

// rewrite replaces the file by what counts and opens it to be added to.
func (c *cards) rewrite(now time.Time) error {
	var lines []cardLine
	for card, at := range c.known {
		if now.Sub(at) >= knownFor {
			delete(c.known, card)
			continue
		}
		lines = append(lines, cardLine{Card: card, At: at})
	}
	f, err := rewriteLines(c.path, lines)
	if err != nil {
		return err
	}
	if c.file != nil {
		err = c.file.Close()
	}
	c.file, c.lines = f, len(c.known)
	return err
}

func (c *cards) take(l cardLine) {
	if l.Out {
		delete(c.known, l.Card)
		return
	}
	c.known[l.Card] = l.At
}

// Known notes what the server said of a card: let in, it is let in without the
// server for a month; refused, no more.
func (a *Alone) Known(now time.Time, card Card, in bool) error {
	at, was := a.cards.known[card]
	if in && (was && now.Sub(at) < knownAgain || !was && len(a.cards.known) >= maxKnown) || !in && !was {
		return nil
	}
	l := cardLine{card, now, !in}
	if err := appendLine(a.cards.file, l); err != nil {
		return err
	}
	a.cards.take(l)
	if a.cards.lines++; a.cards.lines > 2*len(a.cards.known)+staleLines {
		return a.cards.rewrite(now)
	}
	return nil
}

// AdmitCard decides about a card while the server cannot be reached: it is let in
// once, if the server let it in here before. Errors are as those of [Alone.Admit].
func (a *Alone) AdmitCard(now time.Time, card Card) error {
	switch at, ok := a.cards.known[card]; {
	case !ok || now.Sub(at) >= knownFor:
		return &ticket.RefusalError{Reason: ledger.RefusedStranger, Detail: "it was never let in here, and the server cannot be asked"}
	case a.tapped[card]:
		return &ticket.RefusalError{Reason: ledger.RefusedReplayed, Detail: "it was let in here since the line was cut"}
	}
	return a.use(usedLine{Card: &card, At: now})
}
