package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // how pictures of hands come
	_ "image/png"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/billing/engine"
	"github.com/vouchledger/vouch/billing/proof"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/vision/palm"
)

func newPalmCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "palm",
		Short: "Enrol, show, revoke and prove what becomes of a shopper's palm",
		Long: `Palms are off unless the shop's policy names a jurisdiction for them and a text to agree to
lies in DATA/palm-consents/JURISDICTION/VERSION.txt (docs/operating/palms.md). These commands
work on the data folder of a server that does not run; beside a running one the shopper's
page, vouch-edge palm and the API do the same.`,
	}
	cmd.AddCommand(newPalmEnrolCommand(), newPalmRevokeCommand(), newPalmShowCommand(), newPalmProofCommand())
	return cmd
}

func addPalmKeysFlag(cmd *cobra.Command) *string {
	keys := cmd.Flags().String("palm-keys", os.Getenv("VOUCH_PALM_KEYS"), "folder of the keys of palms (default DATA/palm-keys)")
	cmd.Flags().Lookup("palm-keys").DefValue = ""
	return keys
}

func palmKeysIn(data, keys string) string {
	if keys == "" {
		return filepath.Join(data, palms.KeysDir)
	}
	return keys
}

// withPalms opens ledger and palms of a folder without a server, and calls f.
func withPalms(ctx context.Context, from source, keys string, f func(*palms.Office) error) (err error) {
	log, err := from.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	desk := engine.NewDesk(engine.NewLive(log), time.Now, rand.Reader)
	o, err := palms.Open(from.data, keys, desk, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	return f(o)
}

func newPalmEnrolCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enrol SHOPPER PICTURE PICTURE...",
		Short: "Record a consent and make a template of two to eight pictures of one hand",
		Long: `Records that the shopper agreed to the text in force, unless a consent stands already, and
makes a template of the pictures. Of these nothing is kept: delete them.`,
		Example: `  vouch shopper palm enrol anna --store frankfurt-1 --text 2026-11 --agreed "on paper, no. 12" a.jpg b.jpg c.jpg`,
		Args:    cobra.MinimumNArgs(1 + palm.MinCaptures),
	}
	from := addSourceFlags(cmd)
	keys := addPalmKeysFlag(cmd)
	store := cmd.Flags().String("store", "", "`ID` of the shop whose rules allow it")
	text := cmd.Flags().String("text", "", "`VERSION` of the text that was agreed to")
	agreed := cmd.Flags().String("agreed", "", "where and how the shopper agreed")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var captures []palm.Code
		for _, path := range args[1:] {
			code, err := readPalm(path)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			captures = append(captures, code)
		}
		ctx, shopper, at := cmd.Context(), ledger.ShopperID(args[0]), ledger.StoreID(*store)
		return withPalms(ctx, *from, *keys, func(o *palms.Office) error {
			m := ledger.Meta{Actor: "operator:cli"}
			p, err := o.Palm(ctx, shopper)
			if err != nil {
				return err
			}
			if !p.Live() {
				if *text == "" || *agreed == "" {
					return fmt.Errorf("%w: %s has agreed to nothing: name the text with --text, and with --agreed where and how", errUsage, shopper)
				}
				if _, err := o.Agree(ctx, m, shopper, at, *text, *agreed); err != nil {
					return err
				}
			}
			if p, err = o.Enrol(ctx, m, shopper, at, captures); err != nil {
				return err
			}
			printPalm(cmd.OutOrStdout(), shopper, p)
			return nil
		})
	}
	return cmd
}

// readPalm reads the code of the hand in a picture.
func readPalm(path string) (palm.Code, error) {
	f, err := os.Open(path)
	if err != nil {
		return palm.Code{}, err
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if err != nil {
		return palm.Code{}, fmt.Errorf("%w: %w", errUsage, err)
	}
	return palm.Read(palm.Grey(m))
}

func newPalmRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke SHOPPER",
		Short:   "Take a consent back and destroy the template's key",
		Example: `  vouch shopper palm revoke anna --reason "asked at the desk"`,
		Args:    cobra.ExactArgs(1),
	}
	from := addSourceFlags(cmd)
	keys := addPalmKeysFlag(cmd)
	reason := cmd.Flags().String("reason", "", "why")
	if err := cmd.MarkFlagRequired("reason"); err != nil {
		panic("vouch: " + err.Error())
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, shopper := cmd.Context(), ledger.ShopperID(args[0])
		return withPalms(ctx, *from, *keys, func(o *palms.Office) error {
			p, err := o.Withdraw(ctx, ledger.Meta{Actor: "operator:cli"}, shopper, *reason)
			if err != nil {
				return err
			}
			printPalm(cmd.OutOrStdout(), shopper, p)
			if p.Unfinished() {
				return fmt.Errorf("the template of %s is still to be destroyed: look at the folder of keys, and try again", shopper)
			}
			return nil
		})
	}
	return cmd
}

func newPalmShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show SHOPPER",
		Short: "Say what a shopper agreed to and what became of it, also beside a server",
		Args:  cobra.ExactArgs(1),
	}
	from := addSourceFlags(cmd)
	asJSON := cmd.Flags().Bool("json", false, "as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		shopper := ledger.ShopperID(args[0])
		p, err := palmIn(cmd.Context(), *from, shopper)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), provenPalm(shopper, &p))
		}
		printPalm(cmd.OutOrStdout(), shopper, p)
		return nil
	}
	return cmd
}

// palmIn reads what a ledger says of a shopper's palm.
func palmIn(ctx context.Context, from source, s ledger.ShopperID) (projections.Palm, error) {
	log, err := from.read(ctx)
	if err != nil {
		return projections.Palm{}, err
	}
	defer log.Close() //nolint:errcheck // only read
	return projections.FoldPalm(projections.Decoded(log.Read(ctx, ledger.Query{Stream: ledger.ShopperStream(s)})))
}

func newPalmProofCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "proof SHOPPER",
		Short: "Write one file that shows consent, template and destruction to anybody, offline",
		Long: `Writes a proof file (docs/reference/proof-file.md) of all events about the shopper's palm.
vouch verify FILE --key KEY checks it without server or data folder. Whoever has a copy of
the sealed template, from a backup, can compare its SHA-256 with what was destroyed.`,
		Example: `  vouch shopper palm proof anna -o anna.vouch-proof`,
		Args:    cobra.ExactArgs(1),
	}
	flags := addProofFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return flags.write(cmd, proof.File.Marshal, func(ctx context.Context, log ledger.Log, trees []proof.Tree) (proof.File, error) {
			return firstProof(trees, func(t proof.Tree) (proof.File, error) {
				return proof.OfPalm(ctx, log, t, ledger.ShopperID(args[0]))
			})
		})
	}
	return cmd
}

// palmJSON is what a ledger says of a palm, as `--json` prints it.
type palmJSON struct {
	Shopper      ledger.ShopperID `json:"shopper"`
	Consent      ledger.ID        `json:"consent,omitzero"`
	Version      string           `json:"version,omitempty"`
	Jurisdiction string           `json:"jurisdiction,omitempty"`
	Agreed       time.Time        `json:"agreed_at,omitzero"`
	Enrolled     time.Time        `json:"enrolled_at,omitzero"`
	Template     ledger.Digest    `json:"template,omitempty"`
	Withdrawn    time.Time        `json:"withdrawn_at,omitzero"`
	Destroyed    time.Time        `json:"destroyed_at,omitzero"`
	Sealed       ledger.Digest    `json:"sealed,omitempty"`
}

func provenPalm(s ledger.ShopperID, p *projections.Palm) *palmJSON {
	if p == nil {
		return nil
	}
	return &palmJSON{
		Shopper: s, Consent: p.Consent, Version: p.Given.Version, Jurisdiction: p.Given.Jurisdiction, Agreed: p.GivenAt,
		Enrolled: p.EnrolledAt, Template: p.Enrolled.Template, Withdrawn: p.WithdrawnAt, Destroyed: p.RevokedAt, Sealed: p.Revoked.Sealed,
	}
}

func printPalm(w io.Writer, s ledger.ShopperID, p projections.Palm) {
	fmt.Fprintf(w, "  palm      of %s\n", s)
	if p.Consent.IsZero() {
		fmt.Fprintln(w, "            never agreed to")
		return
	}
	at := func(t time.Time) string { return t.Format(time.RFC3339) }
	fmt.Fprintf(w, "  agreed    %s to text %s of %s, %s\n", at(p.GivenAt), p.Given.Version, p.Given.Jurisdiction, p.Given.Agreed)
	if p.Enrolled.Template != "" {
		fmt.Fprintf(w, "  enrolled  %s from %d captures, sealed as %s\n", at(p.EnrolledAt), p.Enrolled.Captures, p.Enrolled.Template)
	}
	if !p.WithdrawnAt.IsZero() {
		fmt.Fprintf(w, "  withdrawn %s by %s: %s\n", at(p.WithdrawnAt), p.Withdrawn.By, p.Withdrawn.Reason)
	}
	if !p.RevokedAt.IsZero() {
		fmt.Fprintf(w, "  destroyed %s, the key of %s\n", at(p.RevokedAt), p.Revoked.Sealed)
	}
}

// forgetPalm destroys the key of a shopper's palm, also beside a running server,
// which records it.
func forgetPalm(ctx context.Context, from source, keys string, s ledger.ShopperID) error {
	if _, err := os.Stat(filepath.Join(from.data, palms.Dir)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	p, err := palmIn(ctx, from, s)
	if err != nil {
		return err
	}
	if !p.Live() {
		return nil
	}
	return palms.Forget(from.data, keys, p.Consent)
}
