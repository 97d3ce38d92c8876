package sequences_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/vouchledger/vouch/billing/audit"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/reconcile"
	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/stripesim/fault"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
)

// fault makes requests or webhooks go wrong.
func (w *world) fault(f fault.Fault) {
	w.t.Helper()
	_, err := w.sim.Fault(f)
	w.must(err)
}

// wantMoney compares what really happened at the provider with want, field by
// field; the visit's name and currency are filled in.
func (w *world) wantMoney(visit string, want stripesim.VisitAudit) {
	w.t.Helper()
	want.Visit, want.Currency = visit, strings.ToLower(string(w.policy.Hold.Currency))
	if got := w.sim.Audit().Visits[visit]; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		w.t.Errorf("the provider says of %s: %+v\nwant %+v", visit, got, want)
	}
}

// orders says which orders reached the provider for a visit, in order, each
// with what became of it where that was no plain answer.
func (w *world) orders(visit string) string {
	var all []string
	for _, r := range w.sim.Requests() {
		if r.Visit != visit || r.Method != http.MethodPost {
			continue
		}
		_, op, _ := strings.Cut(r.Op, ".")
		if strings.HasPrefix(r.Op, "refunds.") {
			op = "refund"
		}
		switch {
		case r.Replayed:
			op += " replayed"
		case r.Fault != "":
			op += " " + string(r.Fault)
		case r.Status != http.StatusOK:
			op += fmt.Sprint(" ", r.Status)
		}
		all = append(all, op)
	}
	return strings.Join(all, ", ")
}

func (w *world) wantOrders(visit, want string) {
	w.t.Helper()
	if got := w.orders(visit); got != want {
		w.t.Errorf("orders for %s: %s\nwant %s", visit, got, want)
	}
}

// dashboard asks the provider as its own pages do.
func (w *world) dashboard(path string, form map[string]string) {
	w.t.Helper()
	w.dashboardAs("", path, form)
}

// dashboardAs does so with an idempotency key.
func (w *world) dashboardAs(key, path string, form map[string]string) {
	w.t.Helper()
	if status, body := w.ask(key, path, form); status != http.StatusOK {
		w.t.Fatalf("%s answered %d %s", path, status, body)
	}
}

// ask posts to the provider; without an answer the status is 0.
func (w *world) ask(key, path string, form map[string]string) (status int, body []byte) {
	w.t.Helper()
	values := url.Values{}
	for k, v := range form {
		values.Set(k, v)
	}
	r, err := http.NewRequestWithContext(w.ctx, http.MethodPost, "http://stripe.invalid"+path, strings.NewReader(values.Encode()))
	w.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+secretKey)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := w.sim.Transport().RoundTrip(r)
	if err != nil {
		return 0, nil
	}
	return answer.StatusCode, readAll(answer.Body)
}

func readAll(r io.ReadCloser) []byte {
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		panic(err) // it is in memory
	}
	return b
}

// listen has the provider send webhooks from now on.
func (w *world) listen() {
	w.t.Helper()
	w.must(w.sim.SetWebhook("http://vouch.invalid/v1/webhooks/stripe", webhookSecret))
}

// arrived returns the webhooks that came since it was last asked.
func (w *world) arrived() []letter {
	w.t.Helper()
	w.must(w.sim.Flush(w.ctx))
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.mail
	w.mail = nil
	return all
}

// opens takes webhooks in as the server does, and lets the watcher look at
// what they name. What is refused comes back.
func (w *world) opens(all ...letter) (refused []error) {
	w.t.Helper()
	for _, l := range all {
		w.survive(func() {
			if err := w.receive(l); err != nil {
				refused = append(refused, err)
			}
		})
		w.settle()
	}
	return refused
}

// receive is what the server does with a webhook: it takes it in, and the
// watcher looks at what was written.
func (w *world) receive(l letter) error {
	before := w.head()
	if err := w.inbox.Take(w.ctx, l.body, l.header); err != nil {
		return err
	}
	for e, err := range projections.Decoded(w.memory.Read(w.ctx, ledger.Query{From: before + 1})) {
		w.must(err)
		object := ""
		switch p := e.Payload.(type) { // what the watcher listens for
		case ledger.PaymentNotified:
			object = p.Object
		case ledger.NoticeQuarantined:
			object = p.Object
		}
		if object != "" {
			if err := w.watcher.Look(w.ctx, object); err != nil {
				return err
			}
		}
	}
	return nil
}

// poll reads the provider's event list, as the server does every minute.
func (w *world) poll() {
	w.t.Helper()
	w.do("poll", func(ctx context.Context) error { _, err := w.watcher.Poll(ctx); return err })
}

// tend does what is due about claims of card networks.
func (w *world) tend() {
	w.t.Helper()
	w.do("tend", func(ctx context.Context) error { _, err := w.watcher.Tend(ctx); return err })
}

// asked returns the questions about money that wait for a person.
func (w *world) asked() []engine.AskedView {
	w.t.Helper()
	w.must(w.live.CatchUp(w.ctx))
	var all []engine.AskedView
	w.live.View(func(e *engine.Engine) { all = e.Asked() })
	return all
}

// end holds everything against everything: nothing was done twice, the ledger
// is sound, and the books equal the provider's own balance, for each visit and
// for all.
func (w *world) end() {
	w.t.Helper()
	w.settle()
	if w.killAt != "" {
		w.t.Errorf("the process never came to %q", w.killAt)
	}
	at := w.sim.Audit()
	for _, op := range at.Doubled {
		w.t.Errorf("order %s was carried out twice", op)
	}
	report, err := audit.Run(w.ctx, w.memory, w.over)
	w.must(err)
	odd := 0
	for _, f := range report.Findings {
		if odd++; f.Check != "journal" || odd > w.early {
			w.t.Errorf("audit: %s", f)
		}
	}
	w.books.fold(w)
	if n := len(w.books.journal.Odd()); n != w.early {
		w.t.Errorf("the books note %d oddities, want %d", n, w.early)
	}
	w.compare(at)
	w.reconcile()
	available, underWay := w.sim.Funds()
	var funds int64
	for c := range available {
		funds += available[c] + underWay[c]
	}
	if n := w.balance(books.AccountProvider); n != funds {
		w.t.Errorf("with all fees booked the books have %d at the provider, and the provider %d", n, funds)
	}
	if w.t.Failed() {
		w.tell()
	}
}

// reconcile fetches the provider's record of our money into the books.
func (w *world) reconcile() {
	w.t.Helper()
	rec, err := reconcile.New(mortalLog{w.memory, w}, w.gateway, w.now, reconcile.Config{}, slog.New(slog.DiscardHandler))
	w.must(err)
	_, err = rec.Once(w.ctx)
	w.must(err)
	w.settle()
}

// balance is what an account of the books holds.
func (w *world) balance(account string) int64 {
	w.books.fold(w)
	var n int64
	for _, b := range w.books.journal.Balances() {
		if b.Account == account {
			n += b.Amount.Minor
		}
	}
	return n
}

// compare holds what the books say of the provider against the provider.
func (w *world) compare(at stripesim.Audit) {
	w.t.Helper()
	visits, total := clearing(w.books.journal.Entries())
	for visit, v := range at.Visits {
		if want := v.Captured - v.Refunded - v.Withdrawn; visits[ledger.VisitID(visit)] != want {
			w.t.Errorf("visit %s: the provider keeps %d for us, the books say %d", visit, want, visits[ledger.VisitID(visit)])
		}
		delete(visits, ledger.VisitID(visit))
	}
	for visit, n := range visits {
		if n != 0 {
			w.t.Errorf("visit %s: the books have %d at the provider, which knows nothing of it", visit, n)
		}
	}
	var balance int64
	for _, b := range w.sim.Look("balance_transactions", 1<<20) {
		switch b["type"] {
		case "payout", "payout_failure":
		case "adjustment": // a claim, whose fee is booked with it
			balance += number(b["net"])
		default:
			balance += number(b["amount"])
		}
	}
	if balance != total {
		w.t.Errorf("the provider's balance before fees is %d, the books say %d", balance, total)
	}
}

func number(v any) int64 {
	n, ok := v.(int64)
	if !ok {
		panic(fmt.Sprintf("%T is no amount", v))
	}
	return n
}

// clearing sums what the books have at the provider, before its fees for
// charges: of each visit without the fees of claims, and of all with them.
func clearing(entries []books.Entry) (visits map[ledger.VisitID]int64, total int64) {
	visits = map[ledger.VisitID]int64{}
	for i := range entries {
		switch entries[i].Kind {
		case ledger.KindBalanceRecorded, ledger.KindPayoutRecorded, ledger.KindPayoutFailed:
			continue
		}
		fee := int64(0)
		for _, p := range entries[i].Postings {
			if p.Account == books.AccountClaimFees {
				fee += p.Amount.Minor
			}
		}
		visits[entries[i].Visit] += fee
		for _, p := range entries[i].Postings {
			if p.Account == books.AccountProvider {
				visits[entries[i].Visit] += p.Amount.Minor
				total += p.Amount.Minor
			}
		}
	}
	return visits, total
}

// tell prints the end of the log for a test that failed.
func (w *world) tell() {
	w.t.Helper()
	for r, err := range w.memory.Read(w.ctx, ledger.Query{Backwards: true, From: ledger.End, Limit: 40}) {
		w.must(err)
		w.t.Logf("%3d %s %-20s %2d %-26s %.300s", r.Position, r.Occurred.Format("02 15:04:05.000"), r.Stream, r.Revision, r.Kind, r.Body)
	}
}
