package reconcile

import (
	"context"
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// linesAtOnce bounds the lines of one event: a bank's texts are long.
const linesAtOnce = 200

// Statement records the lines of a bank file that are not known yet, and
// returns how many. The same file again changes nothing; statements may
// overlap.
func (r *Reconciler) Statement(
	ctx context.Context, account, format string, file ledger.Digest, lines []ledger.BankLine, by string,
) (added int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.catchUp(ctx); err != nil {
		return 0, err
	}
	fresh := slices.DeleteFunc(slices.Clone(lines), func(l ledger.BankLine) bool {
		return r.book.lines[account+"/"+l.Line] != nil
	})
	if len(fresh) == 0 {
		return 0, nil
	}
	var ps []ledger.Payload
	for part := range slices.Chunk(fresh, linesAtOnce) {
		ps = append(ps, ledger.BankStatementRecorded{
			Account: account, File: file, Format: format, Lines: slices.Clone(part), More: true,
		})
	}
	last, _ := ps[len(ps)-1].(ledger.BankStatementRecorded)
	last.More = false
	ps[len(ps)-1] = last
	stream := ledger.BankStream(account)
	known := r.book.Events(stream)
	if err := r.write(ctx, stream, ledger.After(known), by, []string{string(file), fmt.Sprint(known)}, ps...); err != nil {
		return 0, fmt.Errorf("bank statement: %w", err)
	}
	return len(fresh), r.catchUp(ctx)
}

// Unexplained returns the differences in what the log holds that no person has
// explained, by key. Nothing is fetched and nothing is written.
func (r *Reconciler) Unexplained(ctx context.Context) ([]Difference, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.catchUp(ctx); err != nil {
		return nil, err
	}
	return r.book.unexplained(r.now(), r.config)
}

// Exceptions returns every exception, open ones first.
func (r *Reconciler) Exceptions(ctx context.Context) ([]Exception, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.catchUp(ctx); err != nil {
		return nil, err
	}
	return r.book.Exceptions(), nil
}

// Explain closes an exception by a person's word; see [Book.Close].
func (r *Reconciler) Explain(ctx context.Context, name, by, reason string) (Exception, error) {
	return r.act(ctx, name, by, func() (Fact, error) { return r.book.Close(name, by, reason) })
}

// Assign gives an exception another owner; see [Book.Assign].
func (r *Reconciler) Assign(ctx context.Context, name, owner, by string) (Exception, error) {
	return r.act(ctx, name, by, func() (Fact, error) { return r.book.Assign(name, owner, by) })
}

// act decides on the exceptions as they are, and returns the one it was about
// as it is afterwards.
func (r *Reconciler) act(ctx context.Context, name, by string, decide func() (Fact, error)) (Exception, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.catchUp(ctx); err != nil {
		return Exception{}, err
	}
	f, err := decide()
	if err != nil {
		return Exception{}, err
	}
	if err := r.write(ctx, f.Stream, f.Expected, by, f.Label, f.Payload); err != nil {
		return Exception{}, err
	}
	if err := r.catchUp(ctx); err != nil {
		return Exception{}, err
	}
	x, _ := r.book.Exception(name)
	return x, nil
}
