// Package bankfile reads bank statements: camt.053 and CSV.
//
// The one idea: a line of a bank is the same line in whichever file it comes.
// It is named by the bank's own reference, or, where the bank gives none, by
// what it says and by how many equal ones stand before it on its day. So
// statements may overlap and files may be read twice.
//
// A file that is not understood to its end gives no line at all, and an error
// that names the place.
package bankfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/vouchledger/vouch/ledger"
)

// MaxBytes bounds a file: a year of a busy account is below it.
const MaxBytes = 64 << 20

// ErrFormat means that a file is not what it should be. Nothing of it was
// taken.
var ErrFormat = errors.New("bank file is not understood")

// The formats, as events name them.
const (
	CSV  = "csv"
	CAMT = "camt.053"
)

// A Statement is what one file says of one account.
type Statement struct {
	Account string // as the file names it; empty if it does not
	Lines   []ledger.BankLine
}

// name gives lines without a reference of the bank a name of their own.
func name(account string, lines []ledger.BankLine) {
	seen := map[[sha256.Size]byte]int{}
	for i := range lines {
		l := &lines[i]
		if l.Line != "" {
			continue
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%q %s %d %s %q %q",
			account, l.Booked, l.Amount.Minor, l.Amount.Currency, l.Reference, l.Party))
		seen[sum]++
		sum = sha256.Sum256(fmt.Appendf(sum[:], " %d", seen[sum]))
		l.Line = "vouch-" + hex.EncodeToString(sum[:12])
	}
}

// unique refuses a file in which two entries have one reference.
func unique(lines []ledger.BankLine) error {
	seen := map[string]bool{}
	for _, l := range lines {
		if seen[l.Line] {
			return fmt.Errorf("%w: two entries are called %s", ErrFormat, l.Line)
		}
		seen[l.Line] = true
	}
	return nil
}
