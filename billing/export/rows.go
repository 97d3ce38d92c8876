package export

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/vouchledger/vouch/ledger"
)

// A Row is one posting with all that its transaction says. Amounts are minor
// units, so that no spreadsheet rounds them.
type Row struct {
	Position     int64     `parquet:"position"`
	Part         int32     `parquet:"part"`
	Leaf         int64     `parquet:"leaf"`
	Booked       string    `parquet:"booked"`
	Occurred     time.Time `parquet:"occurred,timestamp(microsecond)"`
	Kind         string    `parquet:"kind,dict"`
	Event        string    `parquet:"event"`
	Store        string    `parquet:"store,dict"`
	Visit        string    `parquet:"visit"`
	Receipt      string    `parquet:"receipt"`
	Line         int32     `parquet:"line"`
	Account      string    `parquet:"account,dict"`
	AmountMinor  int64     `parquet:"amount_minor"`
	Currency     string    `parquet:"currency,dict"`
	Jurisdiction string    `parquet:"jurisdiction,dict"`
	Rate         string    `parquet:"rate,dict"`
	BaseMinor    int64     `parquet:"base_minor"`
	Pieces       int32     `parquet:"pieces"`
	Discount     int64     `parquet:"discount_minor"`
	Memo         string    `parquet:"memo"`
}

// columns are the names of a Row's fields, in order.
var columns = []string{
	"position", "part", "leaf", "booked", "occurred", "kind", "event", "store", "visit", "receipt", "line", "account",
	"amount_minor", "currency", "jurisdiction", "rate", "base_minor", "pieces", "discount_minor", "memo",
}

// Rows returns b's postings in the order of the log.
func (b Book) Rows() []Row {
	var rows []Row
	for _, t := range b.Transactions {
		for _, p := range t.Postings {
			rows = append(rows, Row{
				Position: int64(t.Position), Part: int32(t.Part), Leaf: int64(t.Leaf), Booked: string(t.Booked), //nolint:gosec // far below
				Occurred: ledger.Instant(t.Occurred), Kind: string(t.Kind), Event: t.Event.String(), Store: string(t.Store),
				Visit: string(t.Visit), Receipt: t.Receipt, Line: int32(p.Line), Account: p.Account, //nolint:gosec // likewise
				AmountMinor: p.Amount.Minor, Currency: string(p.Amount.Currency), Jurisdiction: p.Jurisdiction, Rate: p.Rate,
				BaseMinor: p.Base, Pieces: int32(p.Pieces), Discount: p.Discount, Memo: t.Memo, //nolint:gosec // likewise
			})
		}
	}
	return rows
}

// CSV writes one row for each posting (RFC 4180, with line feeds), under a row
// of names.
func CSV(w io.Writer, b Book) error { return writeCSV(w, b.Rows()) }

// Parquet writes one row for each posting (Apache Parquet 2, snappy).
func Parquet(w io.Writer, b Book) error { return writeParquet(w, b.Rows()) }

func writeCSV(w io.Writer, rows []Row) error {
	out := csv.NewWriter(w)
	lines := [][]string{columns}
	for _, r := range rows {
		i := func(n int64) string { return strconv.FormatInt(n, 10) }
		lines = append(lines, []string{
			i(r.Position), i(int64(r.Part)), i(r.Leaf), r.Booked, r.Occurred.Format(stamp), r.Kind, r.Event, r.Store, r.Visit,
			r.Receipt, i(int64(r.Line)), r.Account, i(r.AmountMinor), r.Currency, r.Jurisdiction, r.Rate, i(r.BaseMinor),
			i(int64(r.Pieces)), i(r.Discount), r.Memo,
		})
	}
	if err := out.WriteAll(lines); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// readCSV reads what writeCSV wrote, and nothing else.
func readCSV(r io.Reader) ([]Row, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = len(columns)
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read CSV: %w: %w", ledger.ErrCorrupt, err)
	}
	for i, name := range columns {
		if head[i] != name {
			return nil, fmt.Errorf("read CSV: %w: column %d is %q, want %q", ledger.ErrCorrupt, i+1, head[i], name)
		}
	}
	var rows []Row
	for {
		f, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read CSV: %w: %w", ledger.ErrCorrupt, err)
		}
		row, err := parseRow(f)
		if err != nil {
			return nil, fmt.Errorf("read CSV: row %d: %w: %w", len(rows)+2, ledger.ErrCorrupt, err)
		}
		rows = append(rows, row)
	}
}

func parseRow(f []string) (Row, error) {
	var errs []error
	number := func(s string, bits int) int64 {
		n, err := strconv.ParseInt(s, 10, bits)
		errs = append(errs, err)
		return n
	}
	at, err := time.Parse(stamp, f[4])
	errs = append(errs, err)
	return Row{
		Position: number(f[0], 64), Part: int32(number(f[1], 32)), Leaf: number(f[2], 64), Booked: f[3], Occurred: at, Kind: f[5], //nolint:gosec // 32 bits
		Event: f[6], Store: f[7], Visit: f[8], Receipt: f[9], Line: int32(number(f[10], 32)), Account: f[11], //nolint:gosec // 32 bits
		AmountMinor: number(f[12], 64), Currency: f[13], Jurisdiction: f[14], Rate: f[15], BaseMinor: number(f[16], 64),
		Pieces: int32(number(f[17], 32)), Discount: number(f[18], 64), Memo: f[19], //nolint:gosec // 32 bits
	}, errors.Join(errs...)
}

func writeParquet(w io.Writer, rows []Row) error {
	out := parquet.NewGenericWriter[Row](w, parquet.Compression(&parquet.Snappy))
	if _, err := out.Write(rows); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}

func readParquet(r io.ReaderAt, size int64) ([]Row, error) {
	rows, err := parquet.Read[Row](r, size)
	if err != nil {
		return nil, fmt.Errorf("read Parquet: %w: %w", ledger.ErrCorrupt, err)
	}
	for i := range rows {
		rows[i].Occurred = rows[i].Occurred.UTC()
	}
	return rows, nil
}
