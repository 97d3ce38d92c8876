package projections_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/projections/internal/story"
)

// TestHistories plays the stories in testdata/history. Each file is one shop;
// "shop" tells what happens and prints the cart of the visit it ends with, the
// other commands print a fold of all that was told. -rewrite accepts what is
// printed now.
func TestHistories(t *testing.T) {
	datadriven.Walk(t, "testdata/history", func(t *testing.T, path string) {
		s := story.New()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.HasArg("visit") {
				var v string
				d.ScanArgs(t, "visit", &v)
				s.Visit = ledger.VisitID(v)
			}
			switch d.Cmd {
			case "shop":
				if err := s.Tell(d.Input); err != nil {
					return err.Error() + "\n"
				}
				return printCart(s, s.Cart(s.Visit))
			case "receipt":
				return printReceipts(t, s)
			case "disputes":
				return printDisputes(t, s)
			case "queue":
				return printQueue(t, s)
			case "journal":
				return printJournal(t, s)
			case "visits":
				return printVisits(t, s)
			case "verify":
				if err := projections.VerifyReceipts(s.Stream(ledger.VisitStream(s.Visit))); err != nil {
					return err.Error() + "\n"
				}
				return "receipts equal their replay\n"
			}
			t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
			return ""
		})
	})
}

// printCart prints a cart: what is not as at the start.
func printCart(s *story.Shop, c *projections.Cart) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", c.Visit, c.Status)
	if c.Refusal != "" {
		fmt.Fprintf(&b, " (%s)", c.Refusal)
	}
	if c.Blocked() {
		b.WriteString(" blocked")
	}
	b.WriteString("\n")
	for _, p := range c.Picks {
		fmt.Fprintf(&b, "  pick %s: %d of %d %s, %s, %s", s.Name(p.Detection), p.Left, p.Quantity, p.SKU, p.State, p.Check)
		if p.Missing != "" {
			fmt.Fprintf(&b, ", no %s", p.Missing)
		}
		fmt.Fprintf(&b, ", because of %s\n", names(s, p.Causes))
	}
	for _, q := range c.Questions {
		fmt.Fprintf(&b, "  question %s: %v", s.Name(q.Detection), q.Doubts)
		if q.Decided != nil {
			fmt.Fprintf(&b, ", %s by %s", q.Decided.Verdict, q.Decided.Reviewer)
		}
		b.WriteString("\n")
	}
	if c.AgeDue() > 0 {
		fmt.Fprintf(&b, "  age of %d is to be verified\n", c.AgeDue())
	}
	lines, err := c.Lines()
	if err != nil {
		return err.Error() + "\n"
	}
	if c.Empty() != (len(lines) == 0) {
		fmt.Fprintf(&b, "  empty is %v with %d lines\n", c.Empty(), len(lines))
	}
	b.WriteString(printLines(lines))
	if because, ok := c.CorrectionDue(); ok {
		fmt.Fprintf(&b, "  correction due because of %s\n", s.Name(because))
	}
	for _, o := range c.Odd {
		fmt.Fprintf(&b, "  odd: %s: %s\n", s.Name(o.Event), o.What)
	}
	return b.String()
}

func names(s *story.Shop, ids []ledger.ID) string {
	var ns []string
	for _, id := range ids {
		ns = append(ns, s.Name(id))
	}
	return strings.Join(ns, " ")
}

func printLines(lines []ledger.ReceiptLine) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "  %d. %d x %s at %s: %s + %s = %s, %s%s\n",
			l.No, l.Quantity, l.SKU, l.Unit.Decimal(), l.Net.Decimal(), l.Tax.Decimal(), l.Gross.Decimal(), l.Check, printMore(l))
		for _, d := range l.Discounts {
			fmt.Fprintf(&b, "     -%s %s on %d: %s\n", d.Amount.Decimal(), d.Name, d.Pieces, d.Reason)
		}
	}
	return b.String()
}

// printMore prints what most lines have not.
func printMore(l ledger.ReceiptLine) string {
	var b strings.Builder
	if l.LineKind == ledger.LineDeposit {
		fmt.Fprintf(&b, ", %s of line %d", l.Name, l.Of)
	}
	if l.Per == ledger.PerKilogram {
		fmt.Fprintf(&b, ", %d g less %d g on %s", l.Grams, l.TareGrams, l.Scale)
	}
	if l.Picked.Currency != "" {
		fmt.Fprintf(&b, ", at the pick %s", l.Picked.Decimal())
	}
	if l.List.Currency != "" {
		fmt.Fprintf(&b, ", list price %s", l.List.Decimal())
	}
	if l.PriceRule != "" {
		fmt.Fprintf(&b, ", price at the %s", l.PriceRule)
	}
	if l.MinAge > 0 {
		fmt.Fprintf(&b, ", from %d", l.MinAge)
	}
	return b.String()
}

func printDocument(s *story.Shop, d ledger.ReceiptDocument) string {
	var b strings.Builder
	fmt.Fprintf(&b, "receipt %q", d.Number)
	if d.Corrects != "" {
		fmt.Fprintf(&b, " corrects %s", d.Corrects)
	}
	fmt.Fprintf(&b, ": %s + %s = %s of %d events\n", d.Net.Decimal(), d.Tax.Decimal(), d.Gross, d.Events)
	b.WriteString(printLines(d.Lines))
	for _, p := range d.Pending {
		fmt.Fprintf(&b, "  pending %s: %d %s %v, %s at risk\n", s.Name(p.Detection), p.Quantity, p.SKU, p.Doubts, p.AtRisk)
	}
	for _, t := range d.Taxes {
		fmt.Fprintf(&b, "  tax %s %s: %s on %s\n", t.Rule.Jurisdiction, t.Rule.Rate, t.Tax.Decimal(), t.Net.Decimal())
	}
	return b.String()
}

func printReceipts(t *testing.T, s *story.Shop) string {
	t.Helper()
	var r projections.Receipts
	foldStream(t, s, &r)
	var b strings.Builder
	for _, d := range r.Provisional {
		b.WriteString(printDocument(s, d))
	}
	if r.Issued != nil {
		b.WriteString(printDocument(s, *r.Issued))
	}
	for _, c := range r.Corrections {
		b.WriteString(printDocument(s, c.Document))
		fmt.Fprintf(&b, "  change %s because of %s\n", c.Change, s.Name(c.Because))
	}
	return b.String()
}

func printDisputes(t *testing.T, s *story.Shop) string {
	t.Helper()
	var ds projections.Disputes
	foldStream(t, s, &ds)
	var b strings.Builder
	for _, d := range ds.Disputes {
		fmt.Fprintf(&b, "%s of line %d (%s) of %s: %s, %d of %d taken off",
			s.Name(d.ID), d.Line.No, d.Line.SKU, d.Receipt, d.State, d.TakenOff, d.Quantity)
		if d.MoveTo != "" {
			fmt.Fprintf(&b, ", to %s", d.MoveTo)
		}
		if d.Correction != "" {
			fmt.Fprintf(&b, ", corrected by %s", d.Correction)
		}
		b.WriteString("\n")
	}
	for _, o := range ds.Odd {
		fmt.Fprintf(&b, "odd: %s: %s\n", s.Name(o.Event), o.What)
	}
	return b.String()
}

func printQueue(t *testing.T, s *story.Shop) string {
	t.Helper()
	var q projections.ReviewQueue
	foldAll(t, s, &q)
	var b strings.Builder
	for _, it := range q.Items() {
		claim := "recorded elsewhere"
		if it.Claim != nil {
			claim = fmt.Sprintf("%s %s", it.Claim.Actions[0].Action, it.Claim.Items[0].SKU)
		}
		fmt.Fprintf(&b, "%s: %s %v, %s at risk until %s, waiting in %v\n", s.Name(it.Detection), claim, it.Doubts,
			it.AtRisk, it.Deadline.Format("15:04:05"), it.Waiting)
	}
	return b.String()
}

func printJournal(t *testing.T, s *story.Shop) string {
	t.Helper()
	var j books.Journal
	foldAll(t, s, &j)
	var b strings.Builder
	for _, e := range j.Entries() {
		fmt.Fprintf(&b, "%s %s %s", e.Visit, e.Kind, e.Receipt)
		if e.Memo != "" {
			fmt.Fprintf(&b, "; %s", e.Memo)
		}
		b.WriteString("\n")
		for _, p := range e.Postings {
			fmt.Fprintf(&b, "  %-26s %8s\n", p.Account, p.Amount.Decimal())
		}
	}
	b.WriteString("balances\n")
	for _, x := range j.Balances() {
		fmt.Fprintf(&b, "  %-26s %8s\n", x.Account, x.Amount.Decimal())
	}
	for _, o := range j.Odd() {
		fmt.Fprintf(&b, "odd: %s: %s\n", s.Name(o.Event), o.What)
	}
	return b.String()
}

func printVisits(t *testing.T, s *story.Shop) string {
	t.Helper()
	var v projections.Visits
	foldAll(t, s, &v)
	var b strings.Builder
	for r := range v.All() {
		fmt.Fprintf(&b, "%s %s %s: gross %s, held %s, captured %s, refunded %s, %d questions", r.Visit, r.Status, r.Receipt,
			r.Gross.Decimal(), r.Held.Decimal(), r.Captured.Decimal(), r.Refunded.Decimal(), len(r.Questions))
		if r.Settled != "" {
			fmt.Fprintf(&b, ", settled %s %d time(s), owed %s", r.Settled, r.Settlements, r.Owed.Decimal())
		}
		if r.Captures > 1 {
			fmt.Fprintf(&b, ", captured %d times", r.Captures)
		}
		if r.Dispute() != "" {
			fmt.Fprintf(&b, ", dispute %s", r.Dispute())
		}
		b.WriteString("\n")
	}
	for _, r := range v.Refusals() {
		fmt.Fprintf(&b, "refused at %s: %s\n", r.Gate, r.Reason)
	}
	return b.String()
}

type applier interface{ Apply(e ledger.Event) error }

func foldAll(t testing.TB, s *story.Shop, f applier) {
	t.Helper()
	for _, e := range s.Events {
		if err := f.Apply(e); err != nil {
			t.Fatalf("%T.Apply(%s) = %v, want nil", f, s.Name(e.ID), err)
		}
	}
}

func foldStream(t testing.TB, s *story.Shop, f applier) {
	t.Helper()
	stream := ledger.VisitStream(s.Visit)
	for _, e := range s.Events {
		if e.Stream != stream {
			continue
		}
		if err := f.Apply(e); err != nil {
			t.Fatalf("%T.Apply(%s) = %v, want nil", f, s.Name(e.ID), err)
		}
	}
}

// told returns a shop in which text has happened.
func told(t testing.TB, text string) *story.Shop {
	t.Helper()
	s := story.New()
	if err := s.Tell(text); err != nil {
		t.Fatalf("Tell() = %v, want nil", err)
	}
	return s
}

func find(t testing.TB, s *story.Shop, name string) int {
	t.Helper()
	i := slices.IndexFunc(s.Events, func(e ledger.Event) bool { return s.Name(e.ID) == name })
	if i < 0 {
		t.Fatalf("the story has no event %q", name)
	}
	return i
}
