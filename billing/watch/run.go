package watch

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/ledger"
)

// notices is how many notices may wait to be looked at; more are found by the
// next poll.
const notices = 1024

// Run watches until ctx is done: it looks at what notices name as they come,
// reads the event list in between, sweeps once in a while, and does what is
// due about claims. What fails is repeated; it returns only when the log does.
// Begin must have succeeded.
func (w *Watcher) Run(ctx context.Context) error {
	head, err := w.log.Head(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	come := make(chan ledger.Record, notices)
	group.Go(func() error { return w.listen(ctx, head+1, come) })
	group.Go(func() error { return w.loop(ctx, come) })
	return group.Wait()
}

// listen passes on what is written about the provider. A record that finds no
// room is no loss: the poll finds its object.
func (w *Watcher) listen(ctx context.Context, from uint64, come chan<- ledger.Record) error {
	q := ledger.Query{From: from, Kinds: []ledger.Kind{
		ledger.KindPaymentNotified, ledger.KindNoticeQuarantined, ledger.KindPaymentDeclined, ledger.KindChargebackAnswered,
		ledger.KindChargebackOpened, ledger.KindChargebackClosed, ledger.KindRefunded,
	}}
	for r, err := range w.log.Subscribe(ctx, q) {
		if err != nil {
			return err
		}
		select {
		case come <- r:
		default:
		}
	}
	return nil
}

// loop is the only goroutine that compares.
func (w *Watcher) loop(ctx context.Context, come <-chan ledger.Record) error {
	poll, sweep := time.NewTimer(0), time.NewTicker(w.config.Sweep) // what came while nobody watched is polled at once
	defer poll.Stop()
	defer sweep.Stop()
	tend := time.NewTimer(0)
	defer tend.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-come:
			err = w.heard(ctx, r)
			tend.Reset(0)
		case <-poll.C:
			_, err = w.Poll(ctx)
			poll.Reset(w.config.Poll)
			tend.Reset(0)
		case <-sweep.C:
			_, err = w.Sweep(ctx)
		case <-tend.C:
			var next time.Time
			next, err = w.Tend(ctx)
			tend.Reset(max(time.Second, next.Sub(w.now())))
		}
		if err != nil && ctx.Err() == nil {
			w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the provider could not be compared; trying again",
				slog.String("error", err.Error()))
		}
	}
}

// heard looks at what a record is about.
func (w *Watcher) heard(ctx context.Context, r ledger.Record) error {
	e, err := ledger.Decode(r)
	if err != nil {
		return err
	}
	object := ""
	switch p := e.Payload.(type) { // the kinds that listen asks for
	case ledger.PaymentNotified:
		object = p.Object
	case ledger.NoticeQuarantined:
		object = p.Object
	case ledger.ChargebackOpened, ledger.ChargebackClosed:
		return w.follow(r)
	}
	if object == "" {
		return nil // a reason to tend claims, no more
	}
	if err := w.Look(ctx, object); err != nil {
		w.miss(object)
		return err
	}
	return nil
}
