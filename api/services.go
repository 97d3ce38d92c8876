package api

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/api/register"
	"github.com/vouchledger/vouch/billing"
	"github.com/vouchledger/vouch/billing/chargeback"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/reconcile"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/books"
	"github.com/vouchledger/vouch/vision/evidence"
	"github.com/vouchledger/vouch/vision/ticket"
)

// Services is what the API stands on. All fields but the last group are
// required.
type Services struct {
	Log      ledger.Log
	Desk     *engine.Desk
	Evidence *evidence.Store
	Keys     *keys.Store
	Tickets  *ticket.Key // signs the codes of shoppers
	Ring     ticket.Ring // checks them; holds at least the public part of Tickets

	// The read models. View calls f with the fold under a lock; f must not
	// keep it.
	Visits   Model[*projections.Visits]
	Reviews  Model[*projections.ReviewQueue]
	Journal  Model[*books.Journal]
	Register Model[*register.Register]

	Chargebacks Model[*chargeback.Book]
	// Reconciler compares our books with the provider's and the bank's.
	Reconciler *reconcile.Reconciler

	// Payer says how a shopper pays. An unknown shopper is ErrUnknownShopper.
	Payer func(context.Context, ledger.ShopperID) (Payer, error)
	// Webhook takes what the payment provider sends, and returns nil when it is
	// durable. What is not signed, or long ago, is an error of package stripe.
	Webhook func(ctx context.Context, body []byte, signature string) error

	Now    func() time.Time
	Logger *slog.Logger

	// Optional.
	// Confirm returns what the shopper's app needs to have them answer their
	// bank about a charge that waits for them; nil: such charges only wait.
	Confirm func(context.Context, billing.Order) (string, error)
	// Rotation checks codes that change while they are shown; nil: there are none.
	Rotation *ticket.Rotation
	// Bearer says whom the token of a card, a badge or a palm names; nobody is
	// ErrUnknownShopper. nil: nobody.
	Bearer func(context.Context, ledger.CredentialKind, string) (ledger.ShopperID, error)
	// Palms keeps palms; nil: this server has none.
	Palms         *palms.Office
	Tlog          func(name string) ([]byte, error) // the published tree, by the names of tlog-tiles; nil: there is none
	SecureCookies bool                              // the server is reached over TLS only
	Ready         func(context.Context) error       // nil: the log answers
	Metrics       *prometheus.Registry              // nil: one of its own
	ReadModelWait time.Duration                     // how long a list waits for its read model; 0 means two seconds
}

// complete refuses services that would fail at the first request instead.
func (s Services) complete() error {
	for name, missing := range map[string]bool{
		"Log": s.Log == nil, "Desk": s.Desk == nil, "Evidence": s.Evidence == nil, "Keys": s.Keys == nil,
		"Tickets": s.Tickets == nil, "Ring": len(s.Ring) == 0, "Visits": s.Visits == nil, "Reviews": s.Reviews == nil,
		"Journal": s.Journal == nil, "Chargebacks": s.Chargebacks == nil, "Reconciler": s.Reconciler == nil,
		"Register": s.Register == nil, "Payer": s.Payer == nil, "Webhook": s.Webhook == nil,
		"Now": s.Now == nil, "Logger": s.Logger == nil,
	} {
		if missing {
			return fmt.Errorf("api: %w: no %s", ledger.ErrInvalid, name)
		}
	}
	return nil
}

// A Model is a read model that is kept up with the log.
type Model[F any] interface {
	// View calls f with the fold as it is now, under a lock.
	View(f func(F))
	// WaitFor returns when the fold has seen the event at position pos.
	WaitFor(ctx context.Context, pos uint64) error
}

// A Payer is how the payment provider knows a shopper.
type Payer struct {
	Customer      string // "cus_…"
	PaymentMethod string // "pm_…"
	Staff         bool   // is let in without a hold, and billed for nothing
	Member        bool   // gets members' prices
}
