package books_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/books"
)

const monday, tuesday, wednesday = ledger.Date("2026-03-02"), ledger.Date("2026-03-03"), ledger.Date("2026-03-04")

// closeDay closes a day, which must be possible.
func (s *shop) closeDay(day ledger.Date) ledger.DayClosed {
	s.t.Helper()
	p, err := s.j.Close(store, day, s.at, "finance:finn", zone)
	if err != nil {
		s.t.Fatalf("Close(%s) = %v, want nil", day, err)
	}
	s.tell(ledger.DayStream(store), p)
	return p
}

func (s *shop) refused(day ledger.Date, want error) {
	s.t.Helper()
	if _, err := s.j.Close(store, day, s.at, "finance:finn", zone); !errors.Is(err, want) {
		s.t.Errorf("Close(%s) = %v, want %v", day, err, want)
	}
}

// TestADayIsClosed: at midnight where the shop is, once, in order, with what
// each account moved. What is found later belongs to the next open day.
func TestADayIsClosed(t *testing.T) {
	s := open(t)
	d := s.sell("v1", cola(2))
	s.capture("v1", 400)
	s.refused(monday, books.ErrDayRunning)
	s.at = noon.Add(11*time.Hour + 30*time.Minute) // half past eleven in Berlin
	s.sell("v2", cola(1))
	s.refused(monday, books.ErrDayRunning)
	s.at = noon.Add(12*time.Hour + 30*time.Minute) // Tuesday in Berlin, Monday in UTC
	s.sell("v3", cola(3))
	s.refused(tuesday, books.ErrDayRunning)
	s.refused("2026-02-30", ledger.ErrInvalid)
	if _, err := s.j.Close("nowhere", monday, s.at, "finn", zone); !errors.Is(err, books.ErrUnknownStore) {
		t.Errorf("Close(a shop that is not there) = %v, want ErrUnknownStore", err)
	}
	p := s.closeDay(monday)
	want := ledger.DayClosed{
		Store: store, Day: monday, Number: 1, Position: p.Position, First: "s1-2026-000001", Last: "s1-2026-000002", Receipts: 2,
		By: "finance:finn", Totals: []ledger.DayTotal{
			{Account: books.AccountProvider, Amount: eur(400)},
			{Account: books.AccountReceivable, Amount: eur(200)},
			{Account: "Income:Sales:Soft Drinks", Amount: eur(-504)},
			{Account: "Liabilities:Tax:DE:19", Amount: eur(-96)},
		},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("the closing (-want +got)\n%s", diff)
	}
	s.refused(monday, books.ErrDayOver)

	late := s.document("v4", "", cola(1)) // a review took until Tuesday
	late.Exited = noon
	s.visit("v4", ledger.ReceiptIssued{Document: late})
	s.correct(d, cola(1))
	entries, c := s.j.Entries(), s.j.Calendar(zone)
	e := entries[len(entries)-2]
	if c.Date(&e) != monday || c.Booked(&e) != tuesday {
		t.Errorf("a sale of Monday that is found on Tuesday is of %s and booked on %s, want %s and %s",
			c.Date(&e), c.Booked(&e), monday, tuesday)
	}
	s.at = noon.AddDate(0, 0, 2)
	s.sell("v5", cola(1))
	s.at = noon.AddDate(0, 0, 3)
	s.refused(wednesday, books.ErrEarlierDay)
	p = s.closeDay(tuesday)
	if p.Number != 2 || p.Receipts != 3 {
		t.Errorf("the second closing is number %d with %d receipts, want 2 with 3", p.Number, p.Receipts)
	}
	s.closeDay(wednesday)
	if err := s.j.CheckClosings(store, zone); err != nil {
		t.Errorf("CheckClosings() = %v, want nil", err)
	}
}

// TestAnExceptionKeepsItsDayOpen, and every later one, until it is explained.
func TestAnExceptionKeepsItsDayOpen(t *testing.T) {
	s := open(t)
	s.visit("v1", presented("v1", ledger.CredentialQR))
	s.visit("v2", presented("v2", ledger.CredentialQR))
	s.sell("v2", cola(1))
	s.visit("v2", ledger.VisitSettled{Outcome: ledger.SettledOwed, Charged: eur(0), Owed: eur(200)})
	for key, shop := range map[string]ledger.StoreID{"missing-1": store, "bank-1": "", "other-1": "s2"} {
		s.tell(ledger.ExceptionStream(key), ledger.ExceptionOpened{
			Exception: key, Class: ledger.ExceptionAmount, Store: shop, Day: monday, Subject: "pi_1", Owner: "finn",
		})
	}
	s.at = s.at.AddDate(0, 0, 1)
	var x *books.ExceptionsError
	_, err := s.j.Close(store, monday, s.at, "finn", zone)
	if !errors.As(err, &x) || !errors.Is(err, books.ErrExceptions) || strings.Join(x.Keys, " ") != "bank-1 missing-1" {
		t.Errorf("Close() = %v, want the two exceptions named", err)
	}
	for _, key := range []string{"missing-1", "bank-1"} {
		s.tell(ledger.ExceptionStream(key), ledger.ExceptionClosed{Exception: key, By: "finn", Reason: "found"})
	}
	s.closeDay(monday)
	if vs := s.j.Unfinished(store, monday, zone); len(vs) != 1 || vs[0].Visit != "v1" {
		t.Errorf("Unfinished() = %v, want v1, which is carried over", vs)
	}
}

// TestAnAlteredClosingIsFound: one cent in a total, or one receipt too few, is
// named.
func TestAnAlteredClosingIsFound(t *testing.T) {
	for name, alter := range map[string]func(p *ledger.DayClosed){
		"a total": func(p *ledger.DayClosed) { p.Totals[0].Amount.Minor++ },
		"an account": func(p *ledger.DayClosed) {
			p.Totals = append(p.Totals, ledger.DayTotal{Account: "Z", Amount: eur(0)})
		},
		"the receipts": func(p *ledger.DayClosed) { p.Receipts++ },
		"the last":     func(p *ledger.DayClosed) { p.Last = "s1-2026-000009" },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.sell("v1", cola(1))
			s.at = s.at.AddDate(0, 0, 1)
			p, err := s.j.Close(store, monday, s.at, "finn", zone)
			if err != nil {
				t.Fatal(err)
			}
			alter(&p)
			s.tell(ledger.DayStream(store), p)
			if err := s.j.CheckClosings(store, zone); !errors.Is(err, books.ErrAltered) {
				t.Errorf("CheckClosings() = %v, want ErrAltered", err)
			}
		})
	}
}

// TestAClosingOutOfOrderIsOdd: an imported one has no effect.
func TestAClosingOutOfOrderIsOdd(t *testing.T) {
	s := open(t)
	s.tell(ledger.DayStream(store), ledger.DayClosed{Store: store, Day: monday, Number: 2, Position: 1, By: "finn"})
	if len(s.j.Closings(store)) != 0 || len(s.j.Odd()) != 1 {
		t.Errorf("%d closings and %d oddities, want 0 and 1", len(s.j.Closings(store)), len(s.j.Odd()))
	}
}
