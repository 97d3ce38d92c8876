package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree/leaf"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// Witnesses cosign checkpoints. Package witness has the ones of C2SP
// tlog-witness.
type Witnesses interface {
	// Cosign shows a signed checkpoint, of the tree of v, to all witnesses and
	// returns it with the cosignatures of those that answered, and whether they
	// are a quorum. That a witness knows another history is
	// [signer.ErrContradicts]; that one does not answer is no error.
	Cosign(ctx context.Context, signed []byte, v *tile.View) (cosigned []byte, quorum bool, err error)
}

// A Config says how a [Publisher] works. The zero value of a field is what its
// comment says.
type Config struct {
	Interval  time.Duration // between checkpoints, while events come in; 0 is half a second, so that making them durable leaves it below one
	Patience  time.Duration // how long witnesses may be silent before a checkpoint goes out without them; 0 is ten seconds
	Retry     time.Duration // pause after an error of the disk or the log; 0 is five seconds
	Witnesses Witnesses     // nil: none
	Now       func() time.Time
	Logger    *slog.Logger
}

// shutdownTime bounds the last checkpoint when a publisher is ended.
const shutdownTime = 3 * time.Second

// A Publisher keeps the tree of a log in a folder and publishes checkpoints. It
// reads the log like any other subscriber, so no append ever waits for it.
type Publisher struct {
	log    ledger.Log
	folder *Folder
	behind *Behind
	signer *signer.Signer
	cfg    Config

	mu       sync.Mutex // the tree that grows
	stack    *tile.Stack
	position uint64   // of the last leaf in the log
	target   uint64   // the log's head when the stack was made
	unsynced []string // tiles that were written, or are being
	leaf     []byte

	leaves, last atomic.Uint64 // of the tree, for who only looks: mu and placing are held while a disk takes its time

	pub    sync.Mutex // what is published
	status Status
	placed bool      // the checkpoint of status.Published is in the folder
	quorum time.Time // when witnesses last were a quorum
	proven bool      // witnesses have confirmed the signer's memory
	signed chan struct{}

	placing sync.Mutex // of a checkpoint
	stored  []uint64   // trees whose partial tiles are in the folder
}

// New returns a publisher of log's tree. Now and Logger must be set.
func New(log ledger.Log, files Files, s *signer.Signer, cfg Config) *Publisher {
	for d, standard := range map[*time.Duration]time.Duration{
		&cfg.Interval: time.Second / 2, &cfg.Patience: 10 * time.Second, &cfg.Retry: 5 * time.Second,
	} {
		if *d == 0 {
			*d = standard
		}
	}
	return &Publisher{
		log: log, folder: NewFolder(files), behind: NewBehind(files), signer: s, cfg: cfg, signed: make(chan struct{}, 1),
	}
}

// Folder returns where the tree is published.
func (p *Publisher) Folder() *Folder { return p.folder }

// Run publishes until ctx is done, which it answers with a last checkpoint.
// A tree that contradicts what was signed ends the signing and not the run: the
// log goes on, and Ready says why there are no checkpoints. After an error of
// the disk it begins again from what is durable.
func (p *Publisher) Run(ctx context.Context) error {
	for {
		err := p.run(ctx)
		switch {
		case errors.Is(err, signer.ErrContradicts):
			p.refuse(ctx, err)
			<-ctx.Done()
			return ctx.Err()
		case ctx.Err() != nil:
			p.finish(ctx)
			return ctx.Err()
		case errors.Is(err, ledger.ErrClosed):
			return fmt.Errorf("tree: %w", err)
		}
		p.pub.Lock()
		p.status.Failures++
		p.pub.Unlock()
		p.cfg.Logger.ErrorContext(ctx, "tree: begins again from its last checkpoint", slog.Any("error", err))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(p.cfg.Retry):
		}
	}
}

func (p *Publisher) refuse(ctx context.Context, err error) {
	p.pub.Lock()
	defer p.pub.Unlock()
	p.status.Refused = err
	p.cfg.Logger.ErrorContext(ctx, "tree: signs nothing any more", slog.Any("error", err))
}

// finish publishes what is left when the server ends.
func (p *Publisher) finish(ctx context.Context) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err := p.CatchUp(last)
	if err == nil {
		err = p.Publish(last)
	}
	if err != nil {
		p.cfg.Logger.WarnContext(ctx, "tree: no last checkpoint; the next start makes it", slog.Any("error", err))
	}
}

// run works until something fails.
func (p *Publisher) run(ctx context.Context) error {
	if err := p.Resume(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.follow(ctx) })
	group.Go(func() error { return p.tick(ctx) })
	if p.cfg.Witnesses != nil {
		group.Go(func() error { return p.witness(ctx) })
	}
	return group.Wait()
}

// follow appends a leaf for each event, for as long as ctx lives.
func (p *Publisher) follow(ctx context.Context) error {
	p.mu.Lock()
	from := p.position + 1
	p.mu.Unlock()
	if err := p.take(p.log.Subscribe(ctx, ledger.Query{From: from})); err != nil {
		return err
	}
	return ctx.Err()
}

// take appends a leaf for each record. When it returns nothing is being written
// any more.
func (p *Publisher) take(records iter.Seq2[ledger.Record, error]) (err error) {
	defer func() {
		if late := p.behind.Wait(); late != nil && err == nil {
			err = fmt.Errorf("tree: %w", late)
		}
	}()
	for r, err := range records {
		if err != nil {
			return fmt.Errorf("tree: %w", err)
		}
		if err := p.add(&r); err != nil {
			return err
		}
	}
	return nil
}

// CatchUp appends what the log holds now.
func (p *Publisher) CatchUp(ctx context.Context) error {
	p.mu.Lock()
	if p.stack == nil {
		p.mu.Unlock()
		return nil
	}
	from := p.position + 1
	p.mu.Unlock()
	return p.take(p.log.Read(ctx, ledger.Query{From: from}))
}

func (p *Publisher) add(r *ledger.Record) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if p.leaf, err = leaf.Append(p.leaf[:0], r); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	if err := p.stack.Append(p.leaf, p.write); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	p.position = r.Position
	p.leaves.Store(p.stack.Size())
	p.last.Store(r.Position)
	return nil
}

func (p *Publisher) write(id tile.ID, data []byte) error {
	p.unsynced = append(p.unsynced, id.Path())
	return p.behind.Write(id, data)
}

// tick signs each interval.
func (p *Publisher) tick(ctx context.Context) error {
	ticker := time.NewTicker(p.cfg.Interval)
	defer ticker.Stop()
	for {
		if err := p.sign(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// Once makes one checkpoint of all that the log holds. It is what Run does, for
// whoever does not run.
func (p *Publisher) Once(ctx context.Context) error {
	if err := p.Resume(ctx); err != nil {
		return err
	}
	if err := p.CatchUp(ctx); err != nil {
		return err
	}
	return p.Publish(ctx)
}

// Publish makes one checkpoint of what the tree holds, asks the witnesses, and
// publishes it.
func (p *Publisher) Publish(ctx context.Context) error {
	if err := p.cosign(ctx); err != nil { // what was signed before
		return err
	}
	if err := p.sign(ctx); err != nil {
		return err
	}
	return p.cosign(ctx)
}

// sign makes the tree durable and signs it.
func (p *Publisher) sign(ctx context.Context) error {
	_, last := p.signer.Last()
	p.mu.Lock()
	size, behind := p.stack.Size(), p.position < p.target
	p.mu.Unlock()
	if size == last.Size && p.current(size) || size < last.Size && behind {
		return nil
	}
	size, err := p.store(ctx)
	if err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	if p.cfg.Witnesses != nil && last.Size > 0 && !p.confirmed() {
		return nil // the signer's memory may be older than the witnesses'
	}
	note, err := p.signer.Sign(p.folder.View(size))
	if err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	p.pub.Lock()
	p.status.Signed = size
	alone := p.cfg.Witnesses == nil || size == 0 || p.cfg.Now().Sub(p.quorum) > p.cfg.Patience
	p.pub.Unlock()
	if alone {
		if err := p.place(CheckpointFile, note, size); err != nil {
			return err
		}
	}
	select {
	case p.signed <- struct{}{}:
	default: // the witnesses are asked for the newest anyway
	}
	return nil
}

func (p *Publisher) confirmed() bool {
	p.pub.Lock()
	defer p.pub.Unlock()
	return p.proven
}

// current reports whether the tree of size leaves is signed and published, or
// waits for witnesses only.
func (p *Publisher) current(size uint64) bool {
	p.pub.Lock()
	defer p.pub.Unlock()
	waits := p.cfg.Witnesses != nil && p.cfg.Now().Sub(p.quorum) <= p.cfg.Patience
	return p.placed && p.status.Published == size || waits && p.proven && p.status.Signed == size
}

// store makes durable what the tree consists of now.
func (p *Publisher) store(ctx context.Context) (uint64, error) {
	p.mu.Lock()
	size := p.stack.Size()
	ids, data := p.stack.Edge()
	names := p.unsynced
	p.unsynced = nil
	p.mu.Unlock()
	p.placing.Lock()
	if n := len(p.stored); n == 0 || p.stored[n-1] != size {
		p.stored = append(p.stored, size)
	}
	p.placing.Unlock()
	if err := p.behind.Wait(); err != nil {
		return 0, err
	}
	for i, id := range ids {
		if err := p.folder.files.Write(id.Path(), data[i]); err != nil {
			return 0, err
		}
		names = append(names, id.Path())
	}
	return size, p.folder.files.Sync(ctx, names)
}

// place publishes a checkpoint, unless a larger one is there already.
func (p *Publisher) place(name string, note []byte, size uint64) error {
	p.placing.Lock()
	defer p.placing.Unlock()
	p.pub.Lock()
	at := &p.status.Published
	if name == CosignedFile {
		at = &p.status.Cosigned
	}
	before := *at
	p.pub.Unlock()
	if size < before {
		return nil
	}
	if err := p.folder.files.Replace(name, note); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	p.pub.Lock()
	*at = size
	if name == CheckpointFile {
		p.status.At, p.placed = p.cfg.Now(), true
	}
	p.pub.Unlock()
	if name == CosignedFile {
		return nil
	}
	var err error
	p.stored, err = p.folder.Sweep(size, before, p.stored)
	return err
}

// witness asks the witnesses about every newest checkpoint, and again about one
// for which they were no quorum.
func (p *Publisher) witness(ctx context.Context) error {
	for {
		if err := p.cosign(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.signed:
		case <-time.After(p.cfg.Patience / 5):
		}
	}
}

// cosign asks the witnesses about the newest signed checkpoint and publishes it
// with what they say.
func (p *Publisher) cosign(ctx context.Context) error {
	note, last := p.signer.Last()
	p.pub.Lock()
	done := p.status.Cosigned == last.Size && p.proven
	p.pub.Unlock()
	if p.cfg.Witnesses == nil || last.Size == 0 || done {
		return nil
	}
	p.mu.Lock()
	whole := p.stack.Size() >= last.Size
	p.mu.Unlock()
	if !whole {
		return nil // the tiles are still being computed again
	}
	if err := p.behind.Wait(); err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	note, quorum, err := p.cfg.Witnesses.Cosign(ctx, note, p.folder.View(last.Size))
	if err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	if !quorum {
		p.cfg.Logger.WarnContext(ctx, "tree: witnesses are no quorum", slog.Uint64("leaves", last.Size))
		return nil
	}
	p.pub.Lock()
	p.quorum, p.proven = p.cfg.Now(), true
	p.pub.Unlock()
	if err := p.place(CosignedFile, note, last.Size); err != nil {
		return err
	}
	return p.place(CheckpointFile, note, last.Size)
}

// Resume continues from what is durable: from the tree that was signed last, or
// from the first event if its tiles are not all there. That the log does not
// hold what was signed is [signer.ErrContradicts].
func (p *Publisher) Resume(ctx context.Context) error {
	p.behind.Reset()
	_, last := p.signer.Last()
	stack, position, err := p.resumed(ctx, last)
	if errors.Is(err, ledger.ErrCorrupt) && !errors.Is(err, signer.ErrContradicts) {
		p.cfg.Logger.WarnContext(ctx, "tree: is computed again from the log", slog.Any("because", err))
		stack, position, err = &tile.Stack{}, 0, nil
	}
	if err != nil {
		return err
	}
	target, err := p.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("tree: %w", err)
	}
	if err := p.folder.Clean(stack.Size()); err != nil {
		return err
	}
	p.mu.Lock()
	p.stack, p.position, p.target, p.unsynced = stack, position, target, nil
	p.leaves.Store(stack.Size())
	p.last.Store(position)
	p.mu.Unlock()
	p.placing.Lock()
	p.stored = []uint64{stack.Size()}
	p.placing.Unlock()
	p.pub.Lock()
	p.status = Status{Signed: last.Size, Failures: p.status.Failures}
	p.quorum, p.proven, p.placed = p.cfg.Now(), p.cfg.Witnesses == nil || last.Size == 0, false
	p.pub.Unlock()
	return nil
}

// resumed returns the signed tree from its tiles, and the position of its last
// leaf. Tiles that are not those of the checkpoint are [ledger.ErrCorrupt].
func (p *Publisher) resumed(ctx context.Context, last signer.Checkpoint) (*tile.Stack, uint64, error) {
	if last.Size == 0 {
		return &tile.Stack{}, 0, nil
	}
	stack, err := tile.Resume(last.Size, p.folder.Tile)
	if err != nil {
		return nil, 0, fmt.Errorf("tree: %w", err)
	}
	if root := stack.Root(); root != last.Root {
		return nil, 0, fmt.Errorf("tree: %w: the tiles have root %x, the checkpoint of %d leaves says %x", ledger.ErrCorrupt, root, last.Size, last.Root)
	}
	entry, err := p.folder.View(last.Size).Entry(last.Size - 1)
	if err != nil {
		return nil, 0, fmt.Errorf("tree: %w", err)
	}
	e, err := leaf.Decode(entry)
	if err != nil {
		return nil, 0, fmt.Errorf("tree: %w", err)
	}
	for r, err := range p.log.Read(ctx, ledger.Query{From: e.Position, Limit: 1}) {
		if err != nil {
			return nil, 0, fmt.Errorf("tree: %w", err)
		}
		now, err := leaf.Append(nil, &r)
		if err != nil {
			return nil, 0, fmt.Errorf("tree: %w", err)
		}
		if bytes.Equal(now, entry) {
			return stack, e.Position, nil
		}
	}
	return nil, 0, fmt.Errorf("tree: %w: the ledger does not hold event %s at position %d, the last of %d that were signed; "+
		"it was restored to an older state or changed", signer.ErrContradicts, e.ID, e.Position, last.Size)
}
