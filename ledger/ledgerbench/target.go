package ledgerbench

import (
	"context"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
)

// A Target takes durable appends of single events from many goroutines.
type Target interface {
	// Append returns when e is durable, or it was refused because its stream
	// is not at its revision.
	Append(ctx context.Context, e Event) error

	// Settle waits for what goes on in the background after a turn, so that
	// it does not slow the next one's.
	Settle(ctx context.Context) error
}

// An Embedded is the embedded log as a target.
type Embedded struct{ log *embedded.Log }

// NewEmbedded returns log as a target. The caller closes log.
func NewEmbedded(log *embedded.Log) *Embedded { return &Embedded{log: log} }

// Append implements [Target].
func (t *Embedded) Append(ctx context.Context, e Event) error {
	_, err := t.log.Append(ctx, e.Stream, ledger.After(e.Revision), e.Draft)
	return err
}

// Settle waits until full segments are sealed.
func (t *Embedded) Settle(ctx context.Context) error { return sealed(ctx, t.log) }

// sealed waits until log has sealed what is full.
func sealed(ctx context.Context, log any) error {
	if l, ok := log.(interface{ Sealed(context.Context) error }); ok {
		return l.Sealed(ctx)
	}
	return nil
}
