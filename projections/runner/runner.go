package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/vouchledger/vouch/ledger"
)

// A Fold is a fold of the whole log: ReviewQueue, Journal and Visits of package
// projections are ones.
type Fold interface {
	// Name names the fold's checkpoint file.
	Name() string
	// Apply moves the fold past an event, or leaves it as it was.
	Apply(e ledger.Event) error
	// MarshalBinary returns the state, always the same for the same events.
	MarshalBinary() ([]byte, error)
	// UnmarshalBinary makes a zero fold what MarshalBinary has returned.
	UnmarshalBinary(b []byte) error
}

// Config says how a runner keeps its checkpoint.
type Config struct {
	// Dir is where the checkpoint lies; it must exist. Empty keeps none.
	Dir string
	// Every is the number of events between two checkpoints; 0 means
	// DefaultEvery. There is one more when Run ends.
	Every int
}

// DefaultEvery is how many events a restart folds again at most: well below a
// second's work.
const DefaultEvery = 50_000

// A Runner keeps one fold up to date. Its methods may be called from many
// goroutines at once.
type Runner[F Fold] struct {
	log    ledger.Log
	fresh  func() F
	config Config
	logger *slog.Logger

	decoder ledger.Decoder // for apply, which one goroutine calls: that of Run

	rebuilding sync.Mutex // held by Rebuild
	saving     sync.Mutex // held while a checkpoint is written

	mu       sync.RWMutex // guards what follows
	fold     F
	position uint64
	last     ledger.Record // at position
	since    int           // events since the last checkpoint
	opened   bool
	running  bool
	stopped  error // why Run ended
	waiters  []waiter
}

// A waiter is told when the fold has seen a position, or never will.
type waiter struct {
	position uint64
	done     chan error // buffered
}

// New returns a runner over log for the fold that fresh makes. fresh must
// return a zero fold each time. Nothing is read before Open or Run.
func New[F Fold](log ledger.Log, fresh func() F, config Config, logger *slog.Logger) *Runner[F] {
	if config.Every <= 0 {
		config.Every = DefaultEvery
	}
	return &Runner[F]{log: log, fresh: fresh, config: config, logger: logger, fold: fresh()}
}

// Open reads the checkpoint, if there is a usable one. Run does it too.
func (r *Runner[F]) Open(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opened {
		return nil
	}
	if err := r.resume(ctx); err != nil {
		if !errors.Is(err, errDiscard) {
			return fmt.Errorf("open %s: %w", r.fold.Name(), err)
		}
		r.logger.WarnContext(ctx, "checkpoint discarded, folding from the first event",
			slog.String("fold", r.fold.Name()), slog.String("reason", err.Error()))
		if err := remove(r.path()); err != nil {
			return fmt.Errorf("open %s: %w", r.fold.Name(), err)
		}
	}
	r.opened = true
	return nil
}

func (r *Runner[F]) path() string {
	return filepath.Join(r.config.Dir, r.fold.Name()+".checkpoint")
}

// resume takes the state from the checkpoint, or leaves a fresh fold.
func (r *Runner[F]) resume(ctx context.Context) error {
	if r.config.Dir == "" {
		return nil
	}
	c, err := read(r.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	last, err := c.meets(ctx, r.log)
	if err != nil {
		return err
	}
	fold := r.fresh()
	if err := fold.UnmarshalBinary(c.state); err != nil {
		return fmt.Errorf("%w: %w", errDiscard, err)
	}
	r.fold, r.position, r.last = fold, c.position, last
	return nil
}

// Run follows the log until ctx is done, and then returns nil. Any other end
// is an error: of the log, of the fold (a corrupt or unknown event), or of the
// disk that keeps the checkpoint.
func (r *Runner[F]) Run(ctx context.Context) (err error) {
	if err := r.start(); err != nil {
		return err
	}
	defer func() { r.stop(err) }()
	if err := r.Open(ctx); err != nil {
		return err
	}
	for rec, err := range r.log.Subscribe(ctx, ledger.Query{From: r.Position() + 1}) {
		if err == nil {
			err = r.apply(rec)
		}
		if err != nil {
			return r.end(ctx, err)
		}
		if err := r.save(r.config.Every); err != nil {
			return err
		}
	}
	return r.end(ctx, ctx.Err())
}

// end saves what is folded, whatever stopped the runner.
func (r *Runner[F]) end(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil
	}
	return errors.Join(err, r.save(1))
}

func (r *Runner[F]) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		return fmt.Errorf("run %s: %w", r.fold.Name(), ErrRunning)
	}
	r.running, r.stopped = true, nil
	return nil
}

func (r *Runner[F]) stop(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running, r.stopped = false, ErrStopped
	if err != nil {
		r.stopped = fmt.Errorf("%w: %w", ErrStopped, err)
	}
	for _, w := range r.waiters {
		w.done <- r.stopped
	}
	r.waiters = nil
}

// decodeOwn decodes rec if it lies in one of Vouch's own streams. Foreign ones
// hold what no fold knows: they are passed, and their positions count.
func decodeOwn(d *ledger.Decoder, rec ledger.Record) (e ledger.Event, own bool, err error) {
	if !rec.Stream.Own() {
		return ledger.Event{}, false, nil
	}
	e, err = d.Decode(rec)
	return e, true, err
}

// apply folds one record and tells those who wait for it.
func (r *Runner[F]) apply(rec ledger.Record) error {
	e, own, err := decodeOwn(&r.decoder, rec)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if own {
		if err := r.fold.Apply(e); err != nil {
			return err
		}
	}
	r.position, r.last = rec.Position, rec
	r.since++
	waiting := r.waiters[:0]
	for _, w := range r.waiters {
		if w.position <= r.position {
			w.done <- nil
		} else {
			waiting = append(waiting, w)
		}
	}
	r.waiters = waiting
	return nil
}

// save writes a checkpoint if at least every events came since the last.
func (r *Runner[F]) save(every int) error {
	if r.config.Dir == "" {
		return nil
	}
	r.saving.Lock()
	defer r.saving.Unlock()
	r.mu.RLock()
	folded := r.since
	due := folded >= every && r.position > 0
	var c checkpoint
	var err error
	if due {
		c = checkpoint{position: r.position, record: digest(r.last)}
		c.state, err = r.fold.MarshalBinary()
	}
	r.mu.RUnlock()
	if !due || err != nil {
		return err
	}
	if err := write(r.path(), c); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	r.mu.Lock()
	r.since -= folded
	r.mu.Unlock()
	return nil
}

// Position returns the position of the last event that was folded.
func (r *Runner[F]) Position() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.position
}

// View calls look with the fold, which must not be changed or kept.
func (r *Runner[F]) View(look func(F)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	look(r.fold)
}

// WaitFor returns when the fold has seen the event at position. It returns
// ErrStopped, with its cause, if Run ends before, and ctx's error when ctx is
// done.
func (r *Runner[F]) WaitFor(ctx context.Context, position uint64) error {
	r.mu.Lock()
	if r.position >= position {
		r.mu.Unlock()
		return nil
	}
	if r.stopped != nil {
		defer r.mu.Unlock()
		return r.stopped
	}
	w := waiter{position, make(chan error, 1)}
	r.waiters = append(r.waiters, w)
	r.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		r.mu.Lock()
		defer r.mu.Unlock()
		for i := range r.waiters {
			if r.waiters[i].done == w.done {
				r.waiters = append(r.waiters[:i], r.waiters[i+1:]...)
				break
			}
		}
		return ctx.Err()
	}
}

// Rebuilt says what a rebuild found.
type Rebuilt struct {
	Events   uint64 // folded again
	Position uint64 // of the last of them
	Compared uint64 // position at which old and new were compared
	Equal    bool   // they had the same state there
}

// progressEvery is how many events are folded between two calls of progress.
const progressEvery = 1000

// Rebuild folds the log from its first event beside the fold in use, compares
// the two at the same position, and takes the new one. The old one answers
// until then. progress, if not nil, is told positions done and to do; it must
// not call the runner.
//
// A difference is not an error: the new fold is right, and in use. It means
// that the old one was made by another program, or that a checkpoint lied.
func (r *Runner[F]) Rebuild(ctx context.Context, progress func(done, total uint64)) (Rebuilt, error) {
	r.rebuilding.Lock()
	defer r.rebuilding.Unlock()
	if err := r.Open(ctx); err != nil {
		return Rebuilt{}, err
	}
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	g := &green[F]{log: r.log, fold: r.fresh(), progress: progress}
	if err := g.foldTo(ctx, r.Position()); err != nil {
		return Rebuilt{}, fmt.Errorf("rebuild %s: %w", g.fold.Name(), err)
	}
	if err := r.swap(ctx, g); err != nil {
		return Rebuilt{}, fmt.Errorf("rebuild %s: %w", g.fold.Name(), err)
	}
	if !g.result.Equal {
		r.logger.WarnContext(ctx, "fold differed from its rebuild and was replaced",
			slog.String("fold", g.fold.Name()), slog.Uint64("position", g.result.Compared))
	}
	return g.result, r.save(0)
}

// swap compares and replaces the fold while nobody moves it. If the runner
// does not run, the new fold is brought to the end of the log first.
func (r *Runner[F]) swap(ctx context.Context, g *green[F]) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := g.foldTo(ctx, r.position); err != nil { // a few events that came meanwhile
		return err
	}
	was, err := r.fold.MarshalBinary()
	if err != nil {
		return err
	}
	is, err := g.fold.MarshalBinary()
	if err != nil {
		return err
	}
	g.result.Compared, g.result.Equal = r.position, bytes.Equal(was, is)
	if !r.running {
		head, err := r.log.Head(ctx)
		if err != nil {
			return err
		}
		if err := g.foldTo(ctx, head); err != nil {
			return err
		}
	}
	r.fold, r.position, r.last = g.fold, g.result.Position, g.last
	return nil
}

// green is a fold on its way to replace the one in use.
type green[F Fold] struct {
	log      ledger.Log
	fold     F
	last     ledger.Record
	progress func(done, total uint64)
	result   Rebuilt
}

// foldTo folds on up to the event at position.
func (g *green[F]) foldTo(ctx context.Context, position uint64) error {
	if g.result.Position >= position {
		return nil
	}
	var decoder ledger.Decoder
	for rec, err := range g.log.Read(ctx, ledger.Query{From: g.result.Position + 1}) {
		if err != nil {
			return err
		}
		if rec.Position > position {
			break
		}
		e, own, err := decodeOwn(&decoder, rec)
		if err != nil {
			return err
		}
		if own {
			if err := g.fold.Apply(e); err != nil {
				return err
			}
		}
		g.last, g.result.Position = rec, rec.Position
		if g.result.Events++; g.result.Events%progressEvery == 0 {
			g.progress(rec.Position, position)
		}
	}
	g.progress(g.result.Position, position)
	return nil
}
