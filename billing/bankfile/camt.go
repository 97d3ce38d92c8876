package bankfile

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// What of ISO 20022 camt.053 (BankToCustomerStatement, versions 02 to 08) is
// read: the account, and of each booked entry its amount, side, day, reference
// and remittance information.
type (
	camtEntry struct {
		Amount    camtAmount   `xml:"Amt"`
		Side      string       `xml:"CdtDbtInd"`
		Status    camtStatus   `xml:"Sts"`
		Booked    camtDate     `xml:"BookgDt"`
		Servicer  string       `xml:"AcctSvcrRef"`
		Reference string       `xml:"NtryRef"`
		Info      string       `xml:"AddtlNtryInf"`
		Details   []camtDetail `xml:"NtryDtls>TxDtls"`
	}
	camtAmount struct {
		Currency string `xml:"Ccy,attr"`
		Value    string `xml:",chardata"`
	}
	// camtStatus is <Sts>BOOK</Sts> until version 07, <Sts><Cd>BOOK</Cd></Sts>
	// from then on.
	camtStatus struct {
		Text string `xml:",chardata"`
		Code string `xml:"Cd"`
	}
	camtDate struct {
		Day  string `xml:"Dt"`
		Time string `xml:"DtTm"`
	}
	camtDetail struct {
		EndToEnd string      `xml:"Refs>EndToEndId"`
		Servicer string      `xml:"Refs>AcctSvcrRef"`
		Amount   *camtAmount `xml:"Amt"`
		Inner    *camtAmount `xml:"AmtDtls>TxAmt>Amt"`
		Side     string      `xml:"CdtDbtInd"`
		Free     []string    `xml:"RmtInf>Ustrd"`
		Creditor []string    `xml:"RmtInf>Strd>CdtrRefInf>Ref"`
		Debtor   string      `xml:"RltdPties>Dbtr>Nm"`
		DebtorP  string      `xml:"RltdPties>Dbtr>Pty>Nm"` // from version 08 on
		Payee    string      `xml:"RltdPties>Cdtr>Nm"`
		PayeeP   string      `xml:"RltdPties>Cdtr>Pty>Nm"`
	}
	camtAccount struct {
		IBAN  string `xml:"Id>IBAN"`
		Other string `xml:"Id>Othr>Id"`
	}
)

// ReadCAMT reads a camt.053 file: its statements, in order. Entries that are
// not booked yet are left out. Neither document types nor entities are
// followed.
func ReadCAMT(r io.Reader) ([]Statement, error) {
	dec := xml.NewDecoder(&capped{r: r, left: MaxBytes})
	dec.Strict = true
	var out []Statement
	var path []string
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fault(dec, err)
		}
		switch t := token.(type) { // text and comments say nothing here
		case xml.Directive:
			return nil, fault(dec, errors.New("a document type"))
		case xml.StartElement:
			path = append(path, t.Name.Local)
			if len(path) == 1 && (t.Name.Local != "Document" || !strings.Contains(t.Name.Space, ":camt.053.001.")) {
				return nil, fault(dec, fmt.Errorf("begins with %s of %q, want Document of camt.053", t.Name.Local, t.Name.Space))
			}
			done, err := element(dec, t, path, &out)
			if err != nil {
				return nil, fault(dec, err)
			}
			if done {
				path = path[:len(path)-1]
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: no statement in it", ErrFormat)
	}
	for i := range out {
		name(out[i].Account, out[i].Lines)
		if err := unique(out[i].Lines); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// element reads what matters at this place; done says that it went past the
// element's end.
func element(dec *xml.Decoder, t xml.StartElement, path []string, out *[]Statement) (done bool, err error) {
	if len(path) < 3 || path[1] != "BkToCstmrStmt" || path[2] != "Stmt" {
		return false, nil
	}
	if len(path) == 3 {
		*out = append(*out, Statement{})
		return false, nil
	}
	s := &(*out)[len(*out)-1]
	switch {
	case len(path) == 4 && t.Name.Local == "Acct":
		var a camtAccount
		if err := dec.DecodeElement(&a, &t); err != nil {
			return true, err
		}
		s.Account = a.IBAN + a.Other
		return true, nil
	case len(path) == 4 && t.Name.Local == "Ntry":
		var e camtEntry
		if err := dec.DecodeElement(&e, &t); err != nil {
			return true, err
		}
		lines, err := e.lines()
		if err != nil {
			return true, fmt.Errorf("entry %d of the statement: %w", len(s.Lines)+1, err)
		}
		s.Lines = append(s.Lines, lines...)
		return true, nil
	}
	return false, nil
}

func fault(dec *xml.Decoder, err error) error {
	line, column := dec.InputPos()
	return fmt.Errorf("%w: line %d, column %d: %w", ErrFormat, line, column, err)
}

// lines returns the entry's lines: one, or one for each part of a collective
// entry whose parts say their amounts and sum to it.
func (e camtEntry) lines() ([]ledger.BankLine, error) {
	if status := strings.TrimSpace(e.Status.Text + e.Status.Code); status != "BOOK" {
		return nil, nil
	}
	amount, err := e.Amount.money(e.Side)
	if err != nil {
		return nil, err
	}
	day, _, _ := strings.Cut(e.Booked.Day+e.Booked.Time, "T")
	booked := ledger.Date(day)
	if err := booked.Validate(); err != nil {
		return nil, err
	}
	whole := ledger.BankLine{Line: e.Servicer, Booked: booked, Amount: amount, Reference: e.Info}
	if whole.Line == "" {
		whole.Line = e.Reference
	}
	for i, d := range e.Details {
		if i == 0 {
			whole.Reference, whole.Party = "", d.party()
		}
		whole.Reference = join(whole.Reference, d.reference())
	}
	if whole.Reference == "" {
		whole.Reference = e.Info
	}
	if len(e.Details) < 2 {
		return []ledger.BankLine{clip(whole)}, nil
	}
	parts, sum := []ledger.BankLine{}, money.Zero(amount.Currency)
	for i, d := range e.Details {
		part, err := d.money(e.Side)
		if err != nil || part.Currency != amount.Currency {
			return []ledger.BankLine{clip(whole)}, nil //nolint:nilerr // a part that says no amount leaves the entry whole
		}
		if sum, err = sum.Add(part); err != nil {
			return nil, err
		}
		l := ledger.BankLine{Line: d.Servicer, Booked: booked, Amount: part, Reference: d.reference(), Party: d.party()}
		if whole.Line != "" && (l.Line == "" || l.Line == whole.Line) {
			l.Line = fmt.Sprintf("%s/%d", whole.Line, i+1)
		}
		parts = append(parts, clip(l))
	}
	if sum != amount {
		return []ledger.BankLine{clip(whole)}, nil
	}
	return parts, nil
}

// clip keeps texts of a bank within what an event holds.
func clip(l ledger.BankLine) ledger.BankLine {
	for _, s := range []*string{&l.Line, &l.Reference, &l.Party} {
		*s = strings.ToValidUTF8((*s)[:min(len(*s), 500)], "")
	}
	return l
}

func join(a, b string) string { return strings.TrimSpace(a + " " + b) }

func (d camtDetail) reference() string {
	words := append([]string{}, d.Free...)
	words = append(words, d.Creditor...)
	if d.EndToEnd != "" && d.EndToEnd != "NOTPROVIDED" {
		words = append(words, d.EndToEnd)
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

func (d camtDetail) party() string {
	for _, n := range []string{d.Debtor, d.DebtorP, d.Payee, d.PayeeP} {
		if n != "" {
			return n
		}
	}
	return ""
}

func (d camtDetail) money(side string) (money.Money, error) {
	a := d.Amount
	if a == nil {
		a = d.Inner
	}
	if a == nil {
		return money.Money{}, fmt.Errorf("%w: a part without an amount", ErrFormat)
	}
	if d.Side != "" {
		side = d.Side
	}
	return a.money(side)
}

func (a camtAmount) money(side string) (money.Money, error) {
	m, err := money.Parse(strings.TrimSpace(a.Value), money.Currency(a.Currency))
	if err != nil {
		return money.Money{}, err
	}
	switch {
	case m.Minor < 0:
		return money.Money{}, fmt.Errorf("amount %s: a side says the sign", m)
	case side == "CRDT":
		return m, nil
	case side == "DBIT":
		return m.Neg(), nil
	}
	return money.Money{}, fmt.Errorf("side %q: want CRDT or DBIT", side)
}

// capped ends a file that is too long with an error.
type capped struct {
	r    io.Reader
	left int
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrFormat, MaxBytes)
	}
	n, err := c.r.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
