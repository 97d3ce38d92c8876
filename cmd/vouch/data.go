package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
)

// The folders and files of a data directory.
const (
	ledgerDir       = "ledger"
	readModelDir    = "readmodels"
	ticketKeyFile   = "ticket.key"
	rotationKeyFile = "rotation.key"
)

// openReadOnly opens the ledger of a data directory for reading, also beside
// a running server.
func openReadOnly(ctx context.Context, data string) (*embedded.Log, error) {
	dir := filepath.Join(data, ledgerDir)
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("%s holds no ledger: %w; make one with vouch serve or vouch demo, or name another folder with --data", data, ledger.ErrNotFound)
	}
	return embedded.Open(ctx, dir, embedded.Config{ReadOnly: true, Now: time.Now})
}

// addEvidenceFlags adds what names the store of evidence.
func addEvidenceFlags(cmd *cobra.Command) (address, keys *string) {
	f := cmd.Flags()
	address = f.String("evidence", os.Getenv("VOUCH_EVIDENCE"), "where evidence is kept: a folder (default DATA/evidence), or s3://BUCKET?endpoint=URL&region=NAME")
	f.Lookup("evidence").DefValue = ""
	keys = f.String("evidence-keys", os.Getenv("VOUCH_EVIDENCE_KEYS"), "folder of the keys of evidence (default DATA/evidence-keys)")
	f.Lookup("evidence-keys").DefValue = ""
	return address, keys
}

func addDataFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("data", "vouch-data", "folder of the server's data")
}

// visitRecords returns all records of a visit's two streams in the order of
// the log.
func visitRecords(ctx context.Context, log ledger.Log, v ledger.VisitID) ([]ledger.Record, error) {
	var records []ledger.Record
	for _, s := range []ledger.StreamID{ledger.VisitStream(v), ledger.PaymentStream(v)} {
		for r, err := range log.Read(ctx, ledger.Query{Stream: s}) {
			if err != nil {
				return nil, fmt.Errorf("visit %s: %w", v, err)
			}
			records = append(records, r)
		}
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("visit %s: %w", v, ledger.ErrNotFound)
	}
	slices.SortFunc(records, func(a, b ledger.Record) int { return cmp.Compare(a.Position, b.Position) })
	return records, nil
}

// findVisit takes a visit id or a receipt number.
func findVisit(ctx context.Context, log ledger.Log, arg string) (ledger.VisitID, error) {
	if _, err := ledger.ParseID(arg); err == nil {
		return ledger.VisitID(arg), nil
	}
	q := ledger.Query{
		Prefixes: ledger.OwnPrefixes(),
		Kinds:    []ledger.Kind{ledger.KindReceiptIssued, ledger.KindReceiptCorrected},
	}
	for r, err := range log.Read(ctx, q) {
		if err != nil {
			return "", err
		}
		e, err := ledger.Decode(r)
		if err != nil {
			return "", err
		}
		if number, visit := receiptOf(e); number == arg {
			return visit, nil
		}
	}
	return "", fmt.Errorf("%q is no visit id and no receipt number of this ledger: %w", arg, ledger.ErrNotFound)
}

func receiptOf(e ledger.Event) (string, ledger.VisitID) {
	switch p := e.Payload.(type) {
	case ledger.ReceiptIssued:
		return p.Document.Number, p.Document.Visit
	case ledger.ReceiptCorrected:
		return p.Document.Number, p.Document.Visit
	}
	return "", ""
}
