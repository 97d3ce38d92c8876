package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
)

// An Inbox takes the provider's webhooks. It appends what came, and nothing of
// what it said; whoever follows the log fetches the object. It returns nil
// only when the notice is durable, or is about nothing of ours.
type Inbox struct {
	parse   func(body []byte, signature string) (provider.Notice, error)
	desk    *engine.Desk
	log     ledger.Log
	store   Store
	account func() string
	logger  *slog.Logger
}

// NewInbox returns an inbox. Parse checks signature, time, mode and version of
// a webhook; account says whose stream takes what is not believed.
func NewInbox(
	parse func(body []byte, signature string) (provider.Notice, error), desk *engine.Desk, log ledger.Log, store Store,
	account func() string, logger *slog.Logger,
) *Inbox {
	return &Inbox{parse: parse, desk: desk, log: log, store: store, account: account, logger: logger}
}

// Take takes one webhook. A wrong signature is parse's error, and nothing is
// written. A notice of another version, of the other sort of money, or about a
// payment that nobody knows is kept aside: its bytes under their digest, and an
// event that names them. The object it names is fetched all the same.
func (in *Inbox) Take(ctx context.Context, body []byte, signature string) error {
	n, err := in.parse(body, signature)
	switch {
	case errors.Is(err, provider.ErrVersion), errors.Is(err, provider.ErrLivemode):
		return in.quarantine(ctx, n, err.Error(), body)
	case err != nil:
		return err
	case !prefixed(n.Type, "payment_intent.", "charge.", "refund.", "radar.early_fraud_warning."):
		return nil // of nothing that is kept here
	}
	_, err = in.desk.Notify(ctx, engine.ProviderEvent{
		ID: n.EventID, Type: n.Type, Object: n.Object, Payment: n.Intent, Visit: ledger.VisitID(n.Visit), Occurred: n.Created,
	})
	if errors.Is(err, engine.ErrUnknownObject) {
		return in.quarantine(ctx, n, "it is about no payment that is known", body)
	}
	return err
}

// quarantine keeps a notice aside. One that comes again is kept already, be
// its bytes others: the provider counts its deliveries in them.
func (in *Inbox) quarantine(ctx context.Context, n provider.Notice, reason string, body []byte) error {
	digest, err := in.store.Keep(ctx, body)
	if err != nil {
		return fmt.Errorf("webhook %s: %w", n.EventID, err)
	}
	object := n.Object
	if object == "" {
		object = "unknown"
	}
	account := in.account()
	if account == "" {
		account = "unknown"
	}
	d, err := ledger.NewDraft(ledger.Meta{
		ID: ledger.DeriveID(ledger.ID{}, "quarantine", n.EventID), Occurred: ledger.Instant(n.Created), Actor: "provider",
	}, ledger.NoticeQuarantined{Event: n.EventID, Type: n.Type, Object: object, Reason: reason, Digest: digest})
	if err != nil {
		return fmt.Errorf("webhook %s: %w", n.EventID, err)
	}
	_, err = in.log.Append(ctx, ledger.ProviderStream(account), ledger.Any(), d)
	if errors.Is(err, ledger.ErrIDReused) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("webhook %s: %w", n.EventID, err)
	}
	in.logger.LogAttrs(ctx, slog.LevelWarn, "a webhook is kept aside", slog.String("event", n.EventID),
		slog.String("type", n.Type), slog.String("object", object), slog.String("reason", reason))
	return nil
}
