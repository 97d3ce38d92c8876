package receipt

import (
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// sign says who signed the paper, or why nobody has.
func (p Paper) sign(s *Sheet) {
	switch f := p.Signature; {
	case f != nil:
		s.Signed = []Fact{
			{"Transaction", fmt.Sprint(f.Transaction)},
			{"Signature counter", fmt.Sprint(f.Counter)},
			{"Begun", p.moment(f.Started)},
			{"Finished", p.moment(f.Finished)},
			{"Recording system", f.Register},
			{"Security module", f.Device},
			{"Check value", f.Value},
		}
		s.QR = FiscalCode(*f)
	case p.Unsigned != nil:
		s.Notes = append(s.Notes, "Not signed: the security module did not answer.")
	case p.Document.Seller.Fiscal != ledger.FiscalNone && p.Kind != Provisional:
		s.Notes = append(s.Notes, "The signature follows.")
	}
}

// FiscalCode returns the content of the code on a German receipt (DSFinV-K
// 2.3, annex I: "QR-Code", version V0): twelve fields with semicolons.
func FiscalCode(f ledger.FiscalSigned) string {
	const form = "2006-01-02T15:04:05.000Z"
	return strings.Join([]string{
		"V0", f.Register, f.Process, f.Data, fmt.Sprint(f.Transaction), fmt.Sprint(f.Counter),
		f.Started.UTC().Format(form), f.Finished.UTC().Format(form), f.Algorithm, "unixTime", f.Value, f.Key,
	}, ";")
}
