package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/vouchledger/vouch/billing/proof"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/witness"
)

func newProofCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "proof EVENT|RECEIPT",
		Short: "Write one file that proves an event or a receipt to anybody, offline",
		Long: `Writes a proof file (docs/reference/proof-file.md): for a receipt all events of its visit
and payment with their stored bytes, for an event that one; for each its C2SP tlog-proof,
under the last checkpoint that witnesses cosigned, or else the last. Check it with
vouch verify FILE --key KEY.

With --tlog-proof it writes the bare tlog-proof of the event, or of the event that carries
the receipt, which tools of others read.

The events of a visit may name other visits and staff: hand a file to those who may see
that.`,
		Example: `  vouch proof --data DIR berlin-1-2026-000001 -o receipt.vouch-proof`,
		Args:    cobra.ExactArgs(1),
	}
	flags := addProofFlags(cmd)
	bare := cmd.Flags().Bool("tlog-proof", false, "the c2sp.org/tlog-proof@v1 of one event alone")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text := proof.File.Marshal
		if *bare {
			text = bareProof
		}
		return flags.write(cmd, text, func(ctx context.Context, log ledger.Log, trees []proof.Tree) (proof.File, error) {
			return makeProof(ctx, log, trees, args[0])
		})
	}
	return cmd
}

// proofFlags say what a proof is made from and where it goes.
type proofFlags struct {
	from           *source
	out, elsewhere string
}

func addProofFlags(cmd *cobra.Command) *proofFlags {
	p := &proofFlags{from: addSourceFlags(cmd)}
	cmd.Flags().StringVarP(&p.out, "output", "o", "", "file to write, which must not be there; standard output if not given")
	cmd.Flags().StringVar(&p.elsewhere, "tlog-signer", "", "folder of the tree's signing key (default DATA/signer)")
	return p
}

// write makes a proof and writes it, also beside a running server.
func (p *proofFlags) write(
	cmd *cobra.Command, text func(proof.File) ([]byte, error), of func(context.Context, ledger.Log, []proof.Tree) (proof.File, error),
) error {
	ctx := cmd.Context()
	trees, err := openProofTrees(p.from.data, p.elsewhere) // before the log: it must hold what they cover
	if err != nil {
		return err
	}
	log, err := p.from.read(ctx)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // only read
	f, err := of(ctx, log, trees)
	if err != nil {
		return err
	}
	b, err := text(f)
	if err != nil {
		return err
	}
	return writeProof(cmd.OutOrStdout(), p.out, b)
}

// openProofTrees returns the trees that a proof can be made from: the one that
// witnesses cosigned, then the newest.
func openProofTrees(data, elsewhere string) ([]proof.Tree, error) {
	_, key, err := signer.Key(signerFolder(data, elsewhere))
	if err != nil {
		return nil, err
	}
	folder := tree.NewFolder(tree.NewDir(filepath.Join(data, tlogDir)))
	var trees []proof.Tree
	for _, read := range []func() ([]byte, error){folder.Cosigned, folder.Checkpoint} {
		text, err := read()
		if errors.Is(err, ledger.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c, err := signer.OpenCheckpoint(text, key)
		if err != nil {
			return nil, err
		}
		trees = append(trees, proof.Tree{View: folder.View(c.Size), Checkpoint: text})
	}
	if len(trees) == 0 {
		return nil, fmt.Errorf("%s holds no checkpoint: %w; vouch serve makes the first one", data, ledger.ErrNotFound)
	}
	return trees, nil
}

// makeProof proves an event or a receipt under the first tree that holds it.
func makeProof(ctx context.Context, log ledger.Log, trees []proof.Tree, arg string) (proof.File, error) {
	id, notID := ledger.ParseID(arg)
	if notID == nil {
		return firstProof(trees, func(t proof.Tree) (proof.File, error) { return proof.OfEvent(ctx, log, t, id) })
	}
	visit, err := findVisit(ctx, log, arg)
	if err != nil {
		return proof.File{}, err
	}
	return firstProof(trees, func(t proof.Tree) (proof.File, error) { return proof.OfReceipt(ctx, log, t, arg, visit) })
}

// firstProof returns the proof under the first tree that holds it.
func firstProof(trees []proof.Tree, of func(proof.Tree) (proof.File, error)) (f proof.File, err error) {
	for _, t := range trees {
		if f, err = of(t); !errors.Is(err, ledger.ErrNotFound) {
			return f, err
		}
	}
	return f, err
}

// bareProof returns the tlog-proof of the event that f is about.
func bareProof(f proof.File) ([]byte, error) {
	for _, e := range f.Events {
		p, err := tree.ParseProof([]byte(e.Proof))
		if err != nil {
			return nil, err
		}
		if envelope, err := p.Envelope(); err != nil || envelope.ID == f.Event {
			return []byte(e.Proof), err
		}
	}
	return nil, fmt.Errorf("event %s: %w", f.Event, ledger.ErrNotFound)
}

func writeProof(w io.Writer, name string, text []byte) error {
	if name == "" {
		_, err := w.Write(text)
		return err
	}
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the proof: %w", err)
	}
	_, err = out.Write(text)
	return errors.Join(err, out.Close())
}

// trustFlags say what the checker of a file believes.
type trustFlags struct{ key, policy string }

func addTrustFlags(cmd *cobra.Command) *trustFlags {
	var t trustFlags
	cmd.Flags().StringVar(&t.key, "key", "", "for FILE: the log's verifier key, or a file that holds it")
	cmd.Flags().StringVar(&t.policy, "policy", "", "for FILE: file of witnesses and their quorum (C2SP tlog-policy), all of whom must have cosigned")
	return &t
}

// trust reads the key and the policy.
func (t trustFlags) trust() (proof.Trust, *witness.Policy, error) {
	if t.key == "" {
		return proof.Trust{}, nil, fmt.Errorf("%w: a file is checked against a key: --key KEY, as vouch tlog key prints it", errUsage)
	}
	vkey := t.key
	if text, err := os.ReadFile(t.key); err == nil {
		vkey = string(text)
	}
	key, err := note.NewVerifier(strings.TrimSpace(vkey))
	if err != nil {
		return proof.Trust{}, nil, fmt.Errorf("%w: --key is neither a verifier key nor a file with one: %w", errUsage, err)
	}
	if t.policy == "" {
		return proof.Trust{Key: key}, nil, nil
	}
	p, err := readPolicy(t.policy)
	if err != nil {
		return proof.Trust{}, nil, err
	}
	return proof.Trust{Key: key, Quorum: p.Check}, p, nil
}

// verifyFile checks a proof file and says what it proves.
func verifyFile(w io.Writer, name string, flags trustFlags, asJSON bool) error {
	trust, policy, err := flags.trust()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	f, err := proof.Parse(text)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errVerify, name, err)
	}
	v, err := f.Verify(trust)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errVerify, name, err)
	}
	var cosigners []string
	if policy != nil {
		cosigners = policy.Cosigners([]byte(f.Checkpoint))
	}
	if asJSON {
		return printJSON(w, provenJSON{
			Receipt: f.Receipt, Palm: provenPalm(f.Palm, v.Palm), Event: f.Event, Kind: v.Proven.Kind, Stream: v.Proven.Stream, Position: v.Proven.Position,
			Events: len(v.Records), Origin: v.Checkpoint.Origin, Leaves: v.Checkpoint.Size, Root: fmt.Sprintf("%x", v.Checkpoint.Root),
			Cosigners: cosigners, Evidence: v.Evidence,
		})
	}
	printProven(w, f, v, cosigners)
	return nil
}

// provenJSON is what a file proves, as `--json` prints it.
type provenJSON struct {
	Receipt   string          `json:"receipt,omitempty"`
	Palm      *palmJSON       `json:"palm,omitempty"`
	Event     ledger.ID       `json:"event"`
	Kind      ledger.Kind     `json:"kind"`
	Stream    ledger.StreamID `json:"stream"`
	Position  uint64          `json:"position"`
	Events    int             `json:"events"`
	Origin    string          `json:"origin"`
	Leaves    uint64          `json:"leaves"`
	Root      string          `json:"root"`
	Cosigners []string        `json:"cosigners,omitempty"`
	Evidence  []ledger.Digest `json:"evidence"`
}

func printProven(w io.Writer, f proof.File, v proof.Verified, cosigners []string) {
	fmt.Fprintln(w, "proof holds")
	if v.Document != nil {
		fmt.Fprintf(w, "  receipt   %s of %s, equals its replay\n", f.Receipt, v.Document.Gross)
		fmt.Fprintf(w, "  visit     %s, %d events of it and of its payment\n", v.Document.Visit, len(v.Records))
	} else if v.Palm != nil {
		printPalm(w, f.Palm, *v.Palm)
	} else {
		fmt.Fprintf(w, "  event     %s, %s of %s\n", f.Event, v.Proven.Kind, v.Proven.Stream)
	}
	fmt.Fprintf(w, "  position  %d\n", v.Proven.Position)
	fmt.Fprintf(w, "  tree      %d leaves, signed by %s\n", v.Checkpoint.Size, v.Checkpoint.Origin)
	fmt.Fprintf(w, "  root      %x\n", v.Checkpoint.Root)
	if len(cosigners) > 0 {
		fmt.Fprintf(w, "  cosigned  by %s\n", strings.Join(cosigners, ", "))
	}
	fmt.Fprintf(w, "  evidence  %d digests\n", len(v.Evidence))
	for _, d := range v.Evidence {
		fmt.Fprintf(w, "            %s\n", d)
	}
}
