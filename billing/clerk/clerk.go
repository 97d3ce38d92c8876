// Package clerk takes the commands of finance: it closes days and records price
// checks.
//
// The one idea: the books decide (books.Journal.Close), the clerk appends. An
// append expects the closing before it, so of two clerks at one desk the second
// finds the day closed; ids are derived from what is said, so saying it twice
// changes nothing.
package clerk

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/report"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

// CloseDay appends a closing that the books allowed. If another one of that
// number was first it is a [ledger.ErrConflict].
func CloseDay(ctx context.Context, log ledger.Log, m ledger.Meta, p ledger.DayClosed) (ledger.Record, error) {
	m.ID = ledger.DeriveID(ledger.ID{}, string(ledger.KindDayClosed), string(p.Store), string(p.Day), strconv.FormatUint(p.Position, 10))
	m.Occurred, m.Actor = ledger.Instant(m.Occurred), p.By
	d, err := ledger.NewDraft(m, p)
	if err != nil {
		return ledger.Record{}, err
	}
	rs, err := log.Append(ctx, ledger.DayStream(p.Store), ledger.After(uint64(p.Number-1)), d) //nolint:gosec // at least 1
	if errors.Is(err, ledger.ErrIDReused) {
		err = fmt.Errorf("%w: %w", ledger.ErrConflict, err)
	}
	if err != nil {
		return ledger.Record{}, fmt.Errorf("close %s of %s: %w", p.Day, p.Store, err)
	}
	return rs[0], nil
}

// A Shop is what checks of a shop's prices are made with.
type Shop struct {
	store     ledger.StoreID
	seller    ledger.Seller
	catalogue *billing.Catalogue
}

// OpenShop reads a shop and its catalogue from the log. One that was never
// opened is a [books.ErrUnknownStore].
func OpenShop(ctx context.Context, log ledger.Log, store ledger.StoreID) (*Shop, error) {
	s := &Shop{store: store, catalogue: &billing.Catalogue{}}
	var id ledger.CatalogueID
	for r, err := range log.Read(ctx, ledger.Query{Stream: ledger.StoreStream(store), Kinds: []ledger.Kind{ledger.KindStoreOpened}}) {
		if err != nil {
			return nil, fmt.Errorf("shop %s: %w", store, err)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return nil, err
		}
		if p, ok := e.Payload.(ledger.StoreOpened); ok {
			s.seller, id = p.Seller, p.Catalogue
		}
	}
	if id == "" {
		return nil, fmt.Errorf("shop %s: %w", store, books.ErrUnknownStore)
	}
	for r, err := range log.Read(ctx, ledger.Query{Stream: ledger.CatalogueStream(id)}) {
		if err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", id, err)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return nil, err
		}
		if err := s.catalogue.Apply(e); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Check returns a check of one product as the event that says so. Without a
// charged amount it is compared with the price that the catalogue has at that
// moment.
func (s *Shop) Check(sku ledger.SKU, shelf money.Money, charged *money.Money, by string, at time.Time) (ledger.PriceChecked, error) {
	if !s.catalogue.Has(sku) {
		return ledger.PriceChecked{}, fmt.Errorf("price check of %s: %w: no such product is listed", sku, ledger.ErrInvalid)
	}
	p := ledger.PriceChecked{Store: s.store, SKU: sku, Shelf: shelf, By: by}
	if charged != nil {
		p.Charged = *charged
	} else {
		price, missing := s.catalogue.Price(sku, at, s.seller.Currency)
		if missing != "" {
			return ledger.PriceChecked{}, fmt.Errorf("price check of %s: %w: the catalogue has no %s", sku, ledger.ErrInvalid, missing)
		}
		p.Charged = price.Unit
	}
	for _, m := range []money.Money{p.Shelf, p.Charged} {
		if m.Currency != s.seller.Currency {
			return ledger.PriceChecked{}, fmt.Errorf("price check of %s: %w: %s at a seller in %s", sku, ledger.ErrInvalid, m, s.seller.Currency)
		}
	}
	return p, p.Validate()
}

// ParseChecks reads checks from CSV with the columns sku, shelf and, if wanted,
// charged: amounts like 1.99. Any error names its row, and then there are none.
func (s *Shop) ParseChecks(r io.Reader, by string, at time.Time) ([]ledger.PriceChecked, error) {
	in := csv.NewReader(r)
	rows, err := in.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("price checks: %w: %w", ledger.ErrInvalid, err)
	}
	if len(rows) < 2 || len(rows[0]) < 2 || rows[0][0] != "sku" || rows[0][1] != "shelf" || len(rows[0]) > 3 || len(rows[0]) == 3 && rows[0][2] != "charged" {
		return nil, fmt.Errorf("price checks: %w: want the columns sku, shelf and perhaps charged, and a row", ledger.ErrInvalid)
	}
	var checks []ledger.PriceChecked
	for i, row := range rows[1:] {
		shelf, err := money.Parse(row[1], s.seller.Currency)
		if err != nil {
			return nil, fmt.Errorf("price checks: row %d: %w: %w", i+2, ledger.ErrInvalid, err)
		}
		var charged *money.Money
		if len(row) == 3 && row[2] != "" {
			m, err := money.Parse(row[2], s.seller.Currency)
			if err != nil {
				return nil, fmt.Errorf("price checks: row %d: %w: %w", i+2, ledger.ErrInvalid, err)
			}
			charged = &m
		}
		p, err := s.Check(ledger.SKU(strings.TrimSpace(row[0])), shelf, charged, by, at)
		if err != nil {
			return nil, fmt.Errorf("price checks: row %d: %w", i+2, err)
		}
		checks = append(checks, p)
	}
	return checks, nil
}

// RecordChecks appends checks, all of one shop, under the name of their batch.
// The same batch again changes nothing, also when prices are others meanwhile.
func RecordChecks(ctx context.Context, log ledger.Log, m ledger.Meta, batch string, checks []ledger.PriceChecked) error {
	m.Occurred = ledger.Instant(m.Occurred)
	for from := 0; from < len(checks); from += ledger.MaxBatch {
		var drafts []ledger.Draft
		for i, p := range checks[from:min(from+ledger.MaxBatch, len(checks))] {
			m.ID = ledger.DeriveID(ledger.ID{}, string(ledger.KindPriceChecked), string(p.Store), batch, strconv.Itoa(from+i))
			d, err := ledger.NewDraft(m, p)
			if err != nil {
				return err
			}
			drafts = append(drafts, d)
		}
		if _, err := log.Find(ctx, drafts[0].ID); err == nil {
			continue // recorded before, all or none
		} else if !errors.Is(err, ledger.ErrNotFound) {
			return fmt.Errorf("price checks of %s: %w", checks[0].Store, err)
		}
		if _, err := log.Append(ctx, ledger.StoreStream(checks[0].Store), ledger.Exists(), drafts...); err != nil {
			return fmt.Errorf("price checks of %s: %w", checks[0].Store, err)
		}
	}
	return nil
}

// ReadChecks returns the price checks of the shop, in the order of the log.
func (s *Shop) ReadChecks(ctx context.Context, log ledger.Log) ([]report.PriceCheck, error) {
	zone, err := time.LoadLocation(s.seller.Timezone)
	if err != nil {
		zone = time.UTC // a shop cannot be opened with one; an imported log may hold it
	}
	var checks []report.PriceCheck
	for r, err := range log.Read(ctx, ledger.Query{Stream: ledger.StoreStream(s.store), Kinds: []ledger.Kind{ledger.KindPriceChecked}}) {
		if err != nil {
			return nil, fmt.Errorf("price checks of %s: %w", s.store, err)
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return nil, err
		}
		if p, ok := e.Payload.(ledger.PriceChecked); ok {
			checks = append(checks, report.PriceCheck{
				At: e.Occurred, Day: ledger.Date(e.Occurred.In(zone).Format(time.DateOnly)), Store: p.Store, SKU: p.SKU,
				Shelf: p.Shelf, Charged: p.Charged, By: p.By,
			})
		}
	}
	return checks, nil
}
