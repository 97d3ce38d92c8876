package bankfile

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A Mapping says how a bank writes its CSV. It is a JSON file of the shop's.
// Columns are named as the header names them.
type Mapping struct {
	Account   string         `json:"account"`   // for every line
	Delimiter string         `json:"delimiter"` // one character; "," if absent
	Encoding  string         `json:"encoding"`  // utf-8 or latin1; utf-8 if absent
	Skip      int            `json:"skip"`      // lines before the header
	Date      string         `json:"date"`      // column
	DateForm  string         `json:"date_form"` // DD.MM.YYYY, YYYY-MM-DD, MM/DD/YYYY, …; YYYY-MM-DD if absent
	Amount    string         `json:"amount"`    // column with a sign, or
	Credit    string         `json:"credit"`    // column of what comes in and
	Debit     string         `json:"debit"`     // column of what goes out, both without a sign
	Point     string         `json:"point"`     // "." or ","; "." if absent. The other one groups thousands
	Currency  string         `json:"currency"`  // column; or
	In        money.Currency `json:"in"`        // the one currency of all lines
	Reference []string       `json:"reference"` // columns, joined
	Party     string         `json:"party"`     // column; may be absent
	ID        string         `json:"id"`        // column of the bank's own reference; may be absent
}

// ParseMapping reads a mapping and refuses one that could not be used.
func ParseMapping(b []byte) (Mapping, error) {
	var m Mapping
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return Mapping{}, fmt.Errorf("mapping: %w: %w", ErrFormat, err)
	}
	return m.Complete()
}

// Complete returns m with its defaults, or an [ErrFormat] if it could not be
// used.
func (m Mapping) Complete() (Mapping, error) {
	if m.Delimiter == "" {
		m.Delimiter = ","
	}
	if m.Point == "" {
		m.Point = "."
	}
	if m.DateForm == "" {
		m.DateForm = "YYYY-MM-DD"
	}
	split := m.Credit != "" && m.Debit != ""
	switch {
	case utf8.RuneCountInString(m.Delimiter) != 1:
		return Mapping{}, fmt.Errorf("mapping: %w: delimiter %q is not one character", ErrFormat, m.Delimiter)
	case m.Point != "." && m.Point != ",":
		return Mapping{}, fmt.Errorf("mapping: %w: point %q: use . or ,", ErrFormat, m.Point)
	case m.Encoding != "" && m.Encoding != "utf-8" && m.Encoding != "latin1":
		return Mapping{}, fmt.Errorf("mapping: %w: encoding %q: use utf-8 or latin1", ErrFormat, m.Encoding)
	case m.Account == "" || m.Date == "" || len(m.Reference) == 0:
		return Mapping{}, fmt.Errorf("mapping: %w: account, date and reference are needed", ErrFormat)
	case (m.Amount != "") == split || !split && (m.Credit != "" || m.Debit != ""):
		return Mapping{}, fmt.Errorf("mapping: %w: name a column amount, or two, credit and debit", ErrFormat)
	case (m.Currency == "") == (m.In == ""):
		return Mapping{}, fmt.Errorf("mapping: %w: name a column currency, or the currency in", ErrFormat)
	case m.Skip < 0:
		return Mapping{}, fmt.Errorf("mapping: %w: skip %d", ErrFormat, m.Skip)
	}
	if m.In != "" {
		if _, err := m.In.Exponent(); err != nil {
			return Mapping{}, fmt.Errorf("mapping: %w: %w", ErrFormat, err)
		}
	}
	return m, nil
}

// layout is the date form as package time writes it.
func (m Mapping) layout() string {
	return strings.NewReplacer("YYYY", "2006", "YY", "06", "MM", "01", "DD", "02").Replace(m.DateForm)
}

// ReadCSV reads a statement as the mapping says.
func ReadCSV(r io.Reader, m Mapping) (Statement, error) {
	text, err := io.ReadAll(&capped{r: r, left: MaxBytes})
	if err != nil {
		return Statement{}, err
	}
	if text, err = m.decode(text); err != nil {
		return Statement{}, err
	}
	for range m.Skip {
		_, rest, ok := bytes.Cut(text, []byte("\n"))
		if !ok {
			return Statement{}, fmt.Errorf("%w: fewer than %d lines before the header", ErrFormat, m.Skip)
		}
		text = rest
	}
	in := csv.NewReader(bytes.NewReader(text))
	in.Comma, _ = utf8.DecodeRuneInString(m.Delimiter)
	in.FieldsPerRecord = -1
	header, err := in.Read()
	if err != nil {
		return Statement{}, fmt.Errorf("%w: the header: %w", ErrFormat, err)
	}
	row := row{mapping: m, header: header}
	if err := row.find(); err != nil {
		return Statement{}, err
	}
	s := Statement{Account: m.Account}
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Statement{}, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		if len(fields) == 1 && strings.TrimSpace(fields[0]) == "" {
			continue
		}
		line, _ := in.FieldPos(0)
		l, err := row.read(fields)
		if err != nil {
			return Statement{}, fmt.Errorf("%w: line %d: %w", ErrFormat, line+m.Skip, err)
		}
		s.Lines = append(s.Lines, l)
	}
	name(m.Account, s.Lines)
	return s, unique(s.Lines)
}

// decode makes the text UTF-8.
func (m Mapping) decode(text []byte) ([]byte, error) {
	if m.Encoding == "latin1" {
		out := make([]byte, 0, len(text))
		for _, b := range text { // the first 256 code points are Latin-1
			out = utf8.AppendRune(out, rune(b))
		}
		return out, nil
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%w: it is not UTF-8: say encoding latin1", ErrFormat)
	}
	return text, nil
}

// A row reads lines whose columns stand where the header says.
type row struct {
	mapping Mapping
	header  []string
	at      map[string]int
}

// find looks the columns up, and refuses a header that lacks one or has it
// twice.
func (r *row) find() error {
	r.at = map[string]int{}
	for i, h := range r.header {
		h = strings.TrimSpace(h)
		if _, twice := r.at[h]; twice && slices.Contains(r.columns(), h) {
			return fmt.Errorf("%w: two columns are called %q", ErrFormat, h)
		}
		r.at[h] = i
	}
	for _, c := range r.columns() {
		if _, ok := r.at[c]; !ok {
			return fmt.Errorf("%w: no column is called %q; there are %q", ErrFormat, c, r.header)
		}
	}
	return nil
}

// columns returns the names that the mapping uses.
func (r *row) columns() []string {
	m := r.mapping
	var names []string
	for _, n := range append([]string{m.Date, m.Amount, m.Credit, m.Debit, m.Currency, m.Party, m.ID}, m.Reference...) {
		if n != "" {
			names = append(names, n)
		}
	}
	return names
}

// get returns a column's text, or nothing for a column that is not named.
func (r *row) get(fields []string, column string) (string, error) {
	if column == "" {
		return "", nil
	}
	i := r.at[column]
	if i >= len(fields) {
		return "", fmt.Errorf("there is no column %q: %d fields under a header of %d", column, len(fields), len(r.header))
	}
	return strings.TrimSpace(fields[i]), nil
}

func (r *row) read(fields []string) (l ledger.BankLine, err error) {
	day, err := r.get(fields, r.mapping.Date)
	if err != nil {
		return l, err
	}
	t, err := time.Parse(r.mapping.layout(), day)
	if err != nil {
		return l, fmt.Errorf("column %q: %q is not a date as %s", r.mapping.Date, day, r.mapping.DateForm)
	}
	l.Booked = ledger.Date(t.Format(time.DateOnly))
	if l.Amount, err = r.amount(fields); err != nil {
		return l, err
	}
	for _, c := range r.mapping.Reference {
		word, err := r.get(fields, c)
		if err != nil {
			return l, err
		}
		l.Reference = join(l.Reference, word)
	}
	if l.Party, err = r.get(fields, r.mapping.Party); err != nil {
		return l, err
	}
	if l.Line, err = r.get(fields, r.mapping.ID); err != nil {
		return l, err
	}
	return clip(l), nil
}

// amount reads the one column with a sign, or the one of two that is filled.
func (r *row) amount(fields []string) (money.Money, error) {
	m := r.mapping
	currency := m.In
	if m.Currency != "" {
		c, err := r.get(fields, m.Currency)
		if err != nil {
			return money.Money{}, err
		}
		currency = money.Currency(c)
	}
	if m.Amount != "" {
		text, err := r.get(fields, m.Amount)
		if err != nil {
			return money.Money{}, err
		}
		return r.parse(m.Amount, text, currency)
	}
	in, err := r.get(fields, m.Credit)
	if err != nil {
		return money.Money{}, err
	}
	out, err := r.get(fields, m.Debit)
	if err != nil {
		return money.Money{}, err
	}
	if (in == "") == (out == "") {
		return money.Money{}, fmt.Errorf("columns %q and %q: one of them must be filled, and not both", m.Credit, m.Debit)
	}
	column, text := m.Credit, in
	if in == "" {
		column, text = m.Debit, out
	}
	amount, err := r.parse(column, text, currency)
	if err != nil {
		return money.Money{}, err
	}
	if amount.Minor < 0 {
		return money.Money{}, fmt.Errorf("column %q: %q has a sign", column, text)
	}
	if in == "" {
		amount = amount.Neg()
	}
	return amount, nil
}

func (r *row) parse(column, text string, currency money.Currency) (money.Money, error) {
	plain, err := r.plain(text)
	if err != nil {
		return money.Money{}, fmt.Errorf("column %q: %w", column, err)
	}
	amount, err := money.Parse(plain, currency)
	if err != nil {
		return money.Money{}, fmt.Errorf("column %q: %w", column, err)
	}
	return amount, nil
}

// plain takes thousands apart: 1.234,56 and 1'234.56 are 1234.56. Groups that
// are not of three digits are no groups: 12,34 with a point of "." is refused
// rather than read as 1234.
func (r *row) plain(text string) (string, error) {
	group := ","
	if r.mapping.Point == "," {
		group = "."
	}
	body, sign := text, ""
	if rest, ok := strings.CutPrefix(body, "-"); ok {
		body, sign = rest, "-"
	} else {
		body = strings.TrimPrefix(body, "+")
	}
	whole, frac, pointed := strings.Cut(body, r.mapping.Point)
	for _, sep := range []string{group, "'", "\u00a0", "\u202f", " "} {
		parts := strings.Split(whole, sep)
		for i, p := range parts {
			if i > 0 && len(p) != 3 || len(parts) > 1 && p == "" {
				return "", fmt.Errorf("%q is no amount with %q as point", text, r.mapping.Point)
			}
		}
		whole = strings.Join(parts, "")
	}
	if strings.Trim(whole, "0123456789") != "" || strings.Trim(frac, "0123456789") != "" || whole == "" || pointed && frac == "" {
		return "", fmt.Errorf("%q is no amount with %q as point", text, r.mapping.Point)
	}
	if pointed {
		whole += "." + frac
	}
	return sign + whole, nil
}
