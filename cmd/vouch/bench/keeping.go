package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/ledgerbench"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/leaf"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/tile"
)

// sealed weighs the large log's files.
func (r *run) sealed(ctx context.Context) error {
	const work, goal = "sealed bytes per byte of JSON body, all files counted", 0.35
	r.progress("weighing", 0, 1)
	w, err := ledgerbench.Weigh(ctx, r.path())
	if err != nil {
		return err
	}
	if w.Events == 0 {
		r.report.Missing(work, goal, "", true, "nothing is sealed yet: make --events larger")
		return nil
	}
	r.report.AtMost(work, float64(w.Files)/float64(w.Bodies), goal, "")
	r.report.Figure("sealed event, all files counted", float64(w.Files)/float64(w.Events), "bytes")
	return nil
}

// proofs makes a tree of the log's beginning and measures what it costs, and
// what a proof in it costs.
func (r *run) proofs(ctx context.Context) error {
	log, err := embedded.Open(ctx, r.path(), embedded.Config{ReadOnly: true})
	if err != nil {
		return err
	}
	files := tree.NewDir(filepath.Join(r.dir, "tlog"))
	stack, cost, hashing, err := r.grow(ctx, log, files)
	if err = errors.Join(err, log.Close()); err != nil {
		return err
	}
	s, err := signer.Open(filepath.Join(r.dir, "signer"), "bench.example/vouch", r.Random)
	if err != nil {
		return err
	}
	view := tree.NewFolder(files).View(stack.Size())
	checkpoint, err := s.Sign(view)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	signed, err := signer.OpenCheckpoint(checkpoint, s.Verifier())
	if err != nil {
		return err
	}
	var took, whole []float64
	for i := range uint64(2000) {
		index := i * 0x9e3779b97f4a7c15 % stack.Size()
		start := r.Now()
		p, err := tree.Prove(view, index, checkpoint)
		if err != nil {
			return err
		}
		if err := included(p, signed); err != nil {
			return err
		}
		end := r.Now()
		if _, _, err := p.Verify(s.Verifier(), nil); err != nil {
			return err
		}
		took = append(took, float64(end.Sub(start).Nanoseconds())/1e3)
		whole = append(whole, float64(r.Now().Sub(end).Nanoseconds())/1e3)
	}
	r.report.AtMost(fmt.Sprintf("one inclusion proof out of %s, made and checked", goals.Number(float64(stack.Size()))),
		ledgerbench.Median(took), 50, "µs")
	r.report.AtMost("tree, per event, tiles written", cost, 1, "µs")
	r.report.Figure("of it leaf and hashes", hashing, "µs")
	r.report.Figure("checking a proof with the signature of its checkpoint", ledgerbench.Median(whole), "µs")
	return nil
}

// included checks p against the root of a checkpoint whose signature has been
// checked, with code that is not ours.
func included(p tree.Proof, c signer.Checkpoint) error {
	hashes := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		hashes[i] = p.Hashes[i][:]
	}
	return proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, c.Size, rfc6962.DefaultHasher.HashLeaf(p.Leaf), hashes, c.Root[:])
}

// grow makes the tree of the first events, its tiles written to files behind
// the hashing as a [tree.Publisher] does it, and returns the median cost of an
// event in microseconds: until the last tile is written, and of leaf and hashes
// without waiting for files. Reading the log is not counted.
func (r *run) grow(ctx context.Context, log ledger.Log, files tree.Files) (grown *tile.Stack, cost, hashing float64, err error) {
	var (
		stack         tile.Stack
		buf           []byte
		batch         []ledger.Record
		costs, hashed []float64
		waiting       time.Duration
	)
	behind := tree.NewBehind(files)
	write := func(id tile.ID, data []byte) error {
		start := r.Now()
		defer func() { waiting += r.Now().Sub(start) }()
		return behind.Write(id, data)
	}
	add := func() (err error) {
		start := r.Now()
		waiting = 0
		for i := range batch {
			if buf, err = leaf.Append(buf[:0], &batch[i]); err != nil {
				return err
			}
			if err := stack.Append(buf, write); err != nil {
				return err
			}
		}
		made := r.Now().Sub(start) - waiting
		if err := behind.Wait(); err != nil {
			return err
		}
		n := float64(time.Microsecond) * float64(len(batch))
		costs, hashed = append(costs, float64(r.Now().Sub(start))/n), append(hashed, float64(made)/n)
		r.progress("growing a tree", int64(stack.Size()), int64(min(r.Sample, r.report.Events))) //nolint:gosec // not so many
		batch = batch[:0]
		return nil
	}
	for rec, err := range log.Read(ctx, ledger.Query{Limit: int(r.Sample)}) { //nolint:gosec // not so many
		if err != nil {
			return nil, 0, 0, err
		}
		if batch = append(batch, rec); len(batch) == 10*tile.Width {
			if err := add(); err != nil {
				return nil, 0, 0, err
			}
		}
	}
	if len(batch) > 0 {
		if err := add(); err != nil {
			return nil, 0, 0, err
		}
	}
	ids, data := stack.Edge()
	for i, id := range ids {
		if err := write(id, data[i]); err != nil {
			return nil, 0, 0, err
		}
	}
	if err := behind.Wait(); err != nil {
		return nil, 0, 0, err
	}
	return &stack, ledgerbench.Median(costs), ledgerbench.Median(hashed), nil
}
