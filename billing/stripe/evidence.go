package stripe

import (
	"bytes"
	"context"
	"fmt"
	"unicode/utf8"

	stripego "github.com/stripe/stripe-go/v76"

	"github.com/vouchledger/vouch/billing/provider"
)

// Limits of evidence: characters in one text and in all, and bytes of a file.
// Stripe takes files of 5 MB together; what was measured of others is smaller.
const (
	MaxEvidenceText = 20_000
	maxEvidenceAll  = 150_000
	MaxEvidenceFile = 4 << 20
)

// Upload puts a pack of evidence into Stripe's file store and returns the
// file's id. It goes to the host for files, which is not the API's.
func (g *Gateway) Upload(ctx context.Context, key, name string, pdf []byte) (string, error) {
	if key == "" || len(key) > maxKey || len(pdf) == 0 || len(pdf) > MaxEvidenceFile {
		return "", fmt.Errorf("%w: a file of %d bytes under the key %q", ErrOrder, len(pdf), key)
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	f, err := g.files.New(&stripego.FileParams{
		Params:     stripego.Params{Context: ctx, IdempotencyKey: &key},
		FileReader: bytes.NewReader(pdf),
		Filename:   &name,
		Purpose:    stripego.String(string(stripego.FilePurposeDisputeEvidence)),
	})
	if err != nil {
		return "", fmt.Errorf("upload %s: %w", name, claimError(err))
	}
	return f.ID, nil
}

// Stage puts evidence on a chargeback and does not submit it, any number of
// times. Pack is the digest of the file, so that it is seen what is staged.
func (g *Gateway) Stage(ctx context.Context, id, visit, pack string, e provider.Evidence) error {
	p, err := evidence(e)
	if err != nil {
		return fmt.Errorf("stage evidence of %s: %w", id, err)
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	_, err = g.disputes.Update(id, &stripego.DisputeParams{
		Params:   stripego.Params{Context: ctx},
		Evidence: p,
		Submit:   stripego.Bool(false),
		Metadata: map[string]string{metaVisit: visit, metaPack: pack},
	})
	if err != nil {
		return fmt.Errorf("stage evidence of %s: %w", id, claimError(err))
	}
	return nil
}

// Submit gives the bank what evidence says, with what was staged. The bank
// takes it once, so the chargeback is looked at first: if evidence was
// submitted before, however, the error is ErrSubmitted and nothing is sent.
func (g *Gateway) Submit(ctx context.Context, id, key, op string, e provider.Evidence) error {
	p, err := evidence(e)
	if err != nil {
		return fmt.Errorf("submit evidence of %s: %w", id, err)
	}
	if key == "" || len(key) > maxKey || op == "" {
		return fmt.Errorf("submit evidence of %s: %w: it has no key or no id", id, ErrOrder)
	}
	now, err := g.Chargeback(ctx, id)
	if err != nil {
		return fmt.Errorf("submit evidence: %w", err)
	}
	if now.Submissions > 0 || !now.NeedsAnswer {
		return fmt.Errorf("submit evidence of %s: %w", id, ErrSubmitted)
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	_, err = g.disputes.Update(id, &stripego.DisputeParams{
		Params:   stripego.Params{Context: ctx, IdempotencyKey: &key},
		Evidence: p,
		Submit:   stripego.Bool(true),
		Metadata: map[string]string{metaOp: op, metaKey: key},
	})
	if err != nil {
		return fmt.Errorf("submit evidence of %s: %w", id, claimError(err))
	}
	return nil
}

// Accept gives a chargeback up. It is lost then, and cannot be contested.
func (g *Gateway) Accept(ctx context.Context, id, key string) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("accept %s: %w: it has no key", id, ErrOrder)
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	_, err := g.disputes.Close(id, &stripego.DisputeParams{
		Params: stripego.Params{Context: ctx, IdempotencyKey: &key},
	})
	if err != nil {
		return fmt.Errorf("accept %s: %w", id, claimError(err))
	}
	return nil
}

// claimError sorts an error of a request about evidence. A refusal is one of
// the request: no money hangs on it, and what the chargeback is like now is
// looked at again.
func claimError(err error) error {
	out, err := refusal(err)
	if err != nil {
		return err
	}
	if out.Code == string(stripego.ErrorCodeResourceMissing) {
		return ErrNotFound
	}
	return fmt.Errorf("%w: %s", ErrRefused, out.Code)
}

// evidence writes evidence as Stripe wants it, and refuses texts that it would
// refuse.
func evidence(e provider.Evidence) (*stripego.DisputeEvidenceParams, error) {
	p := &stripego.DisputeEvidenceParams{}
	all := 0
	for _, f := range []struct {
		text string
		to   **string
	}{
		{e.Product, &p.ProductDescription},
		{e.Access, &p.AccessActivityLog},
		{e.ServiceDate, &p.ServiceDate},
		{e.RefundRefusal, &p.RefundRefusalExplanation},
		{e.Duplicate, &p.DuplicateChargeExplanation},
		{e.Summary, &p.UncategorizedText},
		{e.File, &p.UncategorizedFile},
		{e.Receipt, &p.Receipt},
	} {
		n := utf8.RuneCountInString(f.text)
		if all += n; n > MaxEvidenceText || all > maxEvidenceAll {
			return nil, fmt.Errorf("%w: evidence of %d characters", ErrOrder, n)
		}
		if f.text != "" {
			*f.to = &f.text
		}
	}
	return p, nil
}
