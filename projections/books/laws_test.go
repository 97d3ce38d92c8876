package books_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections/books"
)

// anyHistory tells a shop of which little makes sense: outcomes of orders that
// were never given, corrections before receipts, verdicts before claims, money
// in other currencies, days closed whenever the books let them.
func anyHistory(t *rapid.T) *shop {
	s := newShop(t)
	intents := []ledger.ID{{1}}
	for range rapid.IntRange(1, 60).Draw(t, "length") {
		s.at = s.at.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "hours")) * time.Hour)
		v := rapid.SampledFrom([]ledger.VisitID{"v1", "v2", "v3"}).Draw(t, "visit")
		if rapid.IntRange(0, 5).Draw(t, "close") == 0 {
			s.close(anyDay(t, s))
			continue
		}
		stream, p := anyPayload(t, s, v, rapid.SampledFrom(intents).Draw(t, "intent"))
		intents = append(intents, s.tell(stream, p))
	}
	return s
}

// anyDay returns a day around now.
func anyDay(t *rapid.T, s *shop) ledger.Date {
	return ledger.Date(s.at.AddDate(0, 0, -rapid.IntRange(0, 4).Draw(t, "days ago")).Format(time.DateOnly))
}

// close closes a day if the books let it be closed.
func (s *shop) close(day ledger.Date) {
	p, err := s.j.Close(store, day, s.at, "finn", zone)
	if err == nil {
		s.tell(ledger.DayStream(store), p)
	}
}

func anyPayload(t *rapid.T, s *shop, v ledger.VisitID, intent ledger.ID) (ledger.StreamID, ledger.Payload) {
	m := money.Money{
		Minor:    rapid.Int64Range(1, 500).Draw(t, "amount"),
		Currency: rapid.SampledFrom([]money.Currency{"EUR", "EUR", "EUR", "JPY"}).Draw(t, "currency"),
	}
	visit, pay := ledger.VisitStream(v), ledger.PaymentStream(v)
	switch rapid.IntRange(0, 29).Draw(t, "kind") {
	case 0:
		return visit, presented(v, rapid.SampledFrom([]ledger.CredentialKind{ledger.CredentialQR, ledger.CredentialStaff}).Draw(t, "who"))
	case 1, 2, 3, 4:
		return visit, ledger.ReceiptIssued{Document: s.document(v, "", anyItems(t)...)}
	case 5, 6, 7:
		d := s.document(v, "r", anyItems(t)...)
		return visit, ledger.ReceiptCorrected{Document: d, Change: eur(0), Because: intent}
	case 8:
		return visit, ledger.GoodwillGranted{Visit: v, Receipt: "r", Amount: m, By: "anna", Reason: "kind"}
	case 9:
		return visit, ledger.SupplementProposed{Visit: v, Receipt: "r", Amount: m, Deadline: s.at}
	case 10:
		answer := rapid.SampledFrom([]ledger.SupplementAnswer{ledger.SupplementConsented, ledger.SupplementWaived}).Draw(t, "answer")
		return visit, ledger.SupplementAnswered{Visit: v, Proposal: intent, Answer: answer, By: "lea"}
	case 11:
		return pay, ledger.HoldIntended{Visit: v, Store: store, Amount: m, PaymentMethod: "pm", Key: "k"}
	case 12:
		return pay, ledger.Held{Intent: intent, Object: "pi_1", Amount: m}
	case 13:
		return pay, ledger.CaptureIntended{Visit: v, Store: store, Amount: m, Object: "pi_1", Receipt: "r", Key: "k"}
	case 14, 15:
		return pay, ledger.Captured{Intent: intent, Object: "pi_1", Amount: m}
	case 16:
		return pay, ledger.Charged{Intent: intent, Object: "pi_1", Amount: m}
	case 17:
		purpose := rapid.SampledFrom([]ledger.RefundPurpose{ledger.RefundCorrection, ledger.RefundFraudWarning}).Draw(t, "purpose")
		return pay, ledger.RefundIntended{Visit: v, Store: store, Amount: m, Object: "pi_1", Receipt: "r", Key: "k", Purpose: purpose}
	case 18:
		return pay, ledger.Refunded{Intent: intent, Object: "re_1", Amount: m}
	case 19:
		return pay, ledger.RefundFailed{Refund: "re_1", Amount: m, Code: "lost"}
	case 20:
		what := rapid.SampledFrom([]ledger.ExternalWhat{"hold", "capture", "refund", "release"}).Draw(t, "what")
		object := rapid.SampledFrom([]string{"pi_1", "pi_2"}).Draw(t, "object")
		return pay, ledger.ExternalObserved{Object: object, What: what, Amount: m}
	case 21:
		return pay, ledger.PaymentResolved{Intent: intent, Done: true, Object: "pi_1", Amount: m, By: "finn", Reason: "seen"}
	case 22:
		of := rapid.SampledFrom([]ledger.ID{{}, intent}).Draw(t, "supplement")
		return pay, ledger.DebtWrittenOff{Visit: v, Amount: m, By: "finn", Reason: "gone", Case: of}
	case 23:
		return pay, ledger.CashTaken{Visit: v, Receipt: "r", Amount: m, Till: "till-1", By: "olga"}
	}
	return anyHouse(t, s, v, m)
}

func anyHouse(t *rapid.T, s *shop, v ledger.VisitID, m money.Money) (ledger.StreamID, ledger.Payload) {
	fee := money.Money{Minor: rapid.Int64Range(-5, 5).Draw(t, "fee"), Currency: m.Currency}
	switch rapid.IntRange(0, 6).Draw(t, "house kind") {
	case 0:
		withdrawn := rapid.Bool().Draw(t, "withdrawn")
		return ledger.PaymentStream(v), ledger.ChargebackFundsMoved{Chargeback: "dp", Transaction: "t", Withdrawn: withdrawn, Amount: m, Fee: fee}
	case 1:
		outcome := rapid.SampledFrom([]ledger.ChargebackOutcome{ledger.ChargebackLost, ledger.ChargebackWon}).Draw(t, "outcome")
		return ledger.PaymentStream(v), ledger.ChargebackClosed{Chargeback: "dp", Outcome: outcome, Amount: m}
	case 2:
		category := rapid.SampledFrom([]string{"charge", "refund", "dispute", "payout", "fee", "other_adjustment"}).Draw(t, "category")
		net, err := m.Sub(fee)
		if err != nil {
			t.Fatal(err)
		}
		return ledger.ProviderStream("acct"), ledger.BalanceRecorded{Provider: "acct", Transactions: []ledger.BalanceTransaction{{
			Transaction: "t", Category: category, Visit: v, Amount: m, Fee: fee, Net: net, Created: s.at,
		}}}
	case 3:
		return ledger.PayoutStream("po"), ledger.PayoutRecorded{Payout: "po", Provider: "acct", Amount: m, Arrival: "2026-03-04", Reference: "S1"}
	case 4:
		return ledger.PayoutStream("po"), ledger.PayoutFailed{Payout: "po", Amount: m, Code: "closed"}
	case 5:
		key := rapid.SampledFrom([]string{"x1", "x2"}).Draw(t, "exception")
		if rapid.Bool().Draw(t, "explained") {
			return ledger.ExceptionStream(key), ledger.ExceptionClosed{Exception: key, By: "finn", Reason: "found"}
		}
		return ledger.ExceptionStream(key), ledger.ExceptionOpened{
			Exception: key, Class: ledger.ExceptionAmount, Store: store, Day: anyDay(t, s), Subject: "pi_1", Owner: "finn",
		}
	default:
		reference := rapid.SampledFrom([]string{"S1", "rent"}).Draw(t, "reference")
		return ledger.BankStream("DE89"), ledger.BankStatementRecorded{
			Account: "DE89", File: ledger.DigestOf(nil), Format: "csv",
			Lines: []ledger.BankLine{{Line: "1", Booked: anyDay(t, s), Amount: m, Reference: reference}},
		}
	}
}

func anyItems(t *rapid.T) []item {
	items := []item{}
	for range rapid.IntRange(0, 4).Draw(t, "lines") {
		items = append(items, item{
			category: rapid.SampledFrom([]string{"food", "Soft Drinks"}).Draw(t, "category"),
			kind:     rapid.SampledFrom([]ledger.LineKind{ledger.LineItem, ledger.LineItem, ledger.LineDeposit}).Draw(t, "line kind"),
			pieces:   rapid.IntRange(0, 9).Draw(t, "pieces"), net: rapid.Int64Range(-50, 500).Draw(t, "net"),
			tax: rapid.Int64Range(-5, 50).Draw(t, "tax"), rule: rapid.SampledFrom([]ledger.TaxRule{vat19, vat0, split}).Draw(t, "rule"),
			discount: rapid.Int64Range(0, 20).Draw(t, "discount"),
		})
	}
	return items
}

func fold(t *rapid.T, events []ledger.Event) *books.Journal {
	var j books.Journal
	for _, e := range events {
		if err := j.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return &j
}

func saved(t *rapid.T, j *books.Journal) []byte {
	b, err := j.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// off returns the first currency in which balances do not sum to zero.
func off(bs []books.Balance) (money.Currency, int64) {
	sums := map[money.Currency]int64{}
	for _, b := range bs {
		sums[b.Amount.Currency] += b.Amount.Minor
	}
	for c, n := range sums {
		if n != 0 {
			return c, n
		}
	}
	return "", 0
}

// TestEveryHistoryBalances checks that every entry sums to zero in each
// currency, that the balances are what the entries say, and that the books as
// known at any position are the fold of the log up to it.
func TestEveryHistoryBalances(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t)
		var j books.Journal
		for _, e := range s.events {
			if err := j.Apply(e); err != nil {
				t.Fatal(err)
			}
			if c, n := off(j.Balances()); n != 0 {
				t.Fatalf("after %s the books are off by %d %s", e.Kind, n, c)
			}
		}
		for _, e := range j.Entries() {
			if c, n := off(books.Sum([]books.Entry{e})); n != 0 {
				t.Fatalf("the entry of %s is off by %d %s", e.Kind, n, c)
			}
		}
		if diff := cmp.Diff(books.Sum(j.Entries()), j.Balances()); diff != "" {
			t.Fatalf("entries and balances differ (-entries +balances)\n%s", diff)
		}
		cut := rapid.IntRange(0, len(s.events)).Draw(t, "cut")
		then := fold(t, s.events[:cut])
		if diff := cmp.Diff(then.Entries(), j.EntriesTo(uint64(cut)), cmp.Transformer("list", func(es []books.Entry) []books.Entry {
			return append([]books.Entry{}, es...)
		})); diff != "" {
			t.Fatalf("the books as known at %d (-fold of the prefix +EntriesTo)\n%s", cut, diff)
		}
	})
}

// TestAMissingCentIsFound breaks TestEveryHistoryBalances on purpose.
func TestAMissingCentIsFound(t *testing.T) {
	s := open(t)
	s.sell("v1", cola(1))
	bs := s.j.Balances()
	bs[0].Amount.Minor++
	if _, n := off(bs); n != 1 {
		t.Errorf("off() = %d after one cent was added, want 1", n)
	}
}

// TestASavedJournalCarriesOn checks that a journal saved at any cut, read back
// and carried on is the whole.
func TestASavedJournalCarriesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t)
		cut := rapid.IntRange(0, len(s.events)).Draw(t, "cut")
		var j books.Journal
		if err := j.UnmarshalBinary(saved(t, fold(t, s.events[:cut]))); err != nil {
			t.Fatal(err)
		}
		for _, e := range s.events[cut:] {
			if err := j.Apply(e); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(saved(t, &j), saved(t, s.j)) {
			t.Fatalf("carried on from %d it is\n%s\nwant\n%s", cut, saved(t, &j), saved(t, s.j))
		}
	})
}

// TestClosingsPartitionTheBooks checks that every entry of a shop is booked on
// one day, that a closed day's totals are those of its entries however much
// came later, and that numbers have no gaps.
func TestClosingsPartitionTheBooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyHistory(t)
		if err := s.j.CheckClosings(store, zone); err != nil {
			t.Fatal(err)
		}
		c, cs := s.j.Calendar(zone), s.j.Closings(store)
		for i, k := range cs {
			if k.Number != i+1 {
				t.Fatalf("closing %d is number %d", i+1, k.Number)
			}
		}
		sum := map[string]int64{}
		entries := slices.Clone(s.j.Entries())
		for i := range entries {
			e := &entries[i]
			if e.Store != store {
				continue
			}
			d := c.Booked(e)
			if d < c.Date(e) {
				t.Fatalf("an entry of %s is booked on %s", c.Date(e), d)
			}
			at := slices.IndexFunc(cs, func(k books.Closing) bool { return k.Day == d })
			if at >= 0 && e.Position > cs[at].Position {
				t.Fatalf("an entry at %d is booked on %s, which was closed at %d", e.Position, d, cs[at].Position)
			}
			if at < 0 && len(cs) > 0 && d <= cs[len(cs)-1].Day {
				t.Fatalf("an entry is booked on %s, before the last closed day and in none", d)
			}
			for _, p := range e.Postings {
				sum[p.Account+string(p.Amount.Currency)] += p.Amount.Minor
				if at >= 0 {
					sum[p.Account+string(p.Amount.Currency)] -= p.Amount.Minor
				}
			}
		}
		whole := map[string]int64{}
		for _, e := range entries {
			for _, p := range e.Postings {
				if e.Store == store {
					whole[p.Account+string(p.Amount.Currency)] += p.Amount.Minor
				}
			}
		}
		for _, k := range cs {
			for _, total := range k.Totals {
				sum[total.Account+string(total.Amount.Currency)] += total.Amount.Minor
			}
		}
		if diff := cmp.Diff(whole, sum); diff != "" {
			t.Fatalf("closings and what is open are not the whole (-whole +parts)\n%s", diff)
		}
	})
}

// FuzzSavedJournal checks that what is accepted as a saved journal is read
// back to the byte.
func FuzzSavedJournal(f *testing.F) {
	s := newShop(f)
	s.sell("v1", cola(1), bottle(1))
	s.capture("v1", 225)
	b, err := s.j.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"form":"journal.v2","state":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var j books.Journal
		if j.UnmarshalBinary(b) != nil {
			return
		}
		again, err := j.MarshalBinary()
		if err != nil || !bytes.Equal(again, b) || !json.Valid(again) {
			t.Errorf("UnmarshalBinary(%q) was accepted and is %q, %v", b, again, err)
		}
	})
}
