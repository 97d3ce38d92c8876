package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/billing/evidencepack"
	"github.com/vouchledger/vouch/billing/watch"
	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/memlog"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision/evidence"
)

// TestEvidenceIsMadeAgain: whoever has the ledger can make the file that went
// to the bank, to the byte, although the claim has gone on since; a digest that
// is not of that file is found.
func TestEvidenceIsMadeAgain(t *testing.T) {
	data, now := t.TempDir(), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	log := memlog.New(func() time.Time { return now })
	usd := money.Money{Minor: 500, Currency: "USD"}
	say := func(stream ledger.StreamID, p ledger.Payload) {
		t.Helper()
		now = now.Add(time.Minute)
		d, err := ledger.NewDraft(ledger.Meta{
			ID: ledger.DeriveID(ledger.ID{}, string(p.Kind()), now.String()), Occurred: now, Actor: "watch",
		}, p)
		if err == nil {
			_, err = log.Append(t.Context(), stream, ledger.Any(), d)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	say("visit-v", ledger.GateEntered{Visit: "v", Gate: "gate", Hold: usd})
	say("payment-v", ledger.ChargebackOpened{
		Chargeback: "dp_1", Object: "pi_1", Amount: usd, Reason: "fraudulent", DueBy: now.Add(240 * time.Hour),
	})
	say("payment-v", ledger.ChargebackAnswered{Chargeback: "dp_1", Reply: ledger.ReplyContest, By: "operator:finn", Reason: "seen"})
	show := func() (string, error) {
		t.Helper()
		book, err := chargebacks(t.Context(), log)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := book.Get("dp_1")
		cmd, out := newChargebackCommand(), &bytes.Buffer{}
		cmd.SetOut(out)
		cmd.SetContext(t.Context())
		err = remakeEvidence(cmd, log, evidencestore.In(data, "", ""), c, filepath.Join(data, "again.pdf"))
		return out.String(), err
	}
	if out, err := show(); err != nil || !strings.Contains(out, "names no file yet") {
		t.Errorf("before the pack: %q, %v", out, err)
	}

	// The watcher makes the pack, and the claim goes on.
	records, err := watch.Records(t.Context(), log, "v")
	if err != nil {
		t.Fatal(err)
	}
	book, err := chargebacks(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := book.Get("dp_1")
	pack, err := evidencepack.Collect(*c, records, 0)
	if err != nil {
		t.Fatal(err)
	}
	store, err := evidence.Open(filepath.Join(data, evidencestore.Dir), evidence.Config{})
	if err != nil {
		t.Fatal(err)
	}
	file, pages, err := pack.PDF(func(d ledger.Digest) ([]byte, error) { return store.Read(t.Context(), d) })
	if err != nil {
		t.Fatal(err)
	}
	built := ledger.EvidencePackBuilt{Chargeback: "dp_1", Digest: ledger.DigestOf(file), Pages: pages, Position: pack.Position}
	say("payment-v", built)
	say("payment-v", ledger.ChargebackOpened{Chargeback: "dp_1", Object: "pi_1", Amount: usd, Reason: "general", DueBy: now})
	say("payment-v", ledger.ChargebackClosed{Chargeback: "dp_1", Outcome: ledger.ChargebackWon, Amount: usd})
	say("visit-v", ledger.GateExited{Visit: "v", Gate: "gate"})
	if out, err := show(); err != nil || !strings.Contains(out, "equals the file that the ledger names") {
		t.Errorf("made again: %q, %v", out, err)
	}
	if again, err := os.ReadFile(filepath.Join(data, "again.pdf")); err != nil || !bytes.Equal(again, file) {
		t.Errorf("the file that was written is another one, %v", err)
	}
	built.Digest = ledger.DigestOf([]byte("another file"))
	say("payment-v", built)
	if out, err := show(); !errors.Is(err, errVerify) {
		t.Errorf("a wrong digest: %q, %v, want %v", out, err, errVerify)
	}

	cmd, out := newChargebackCommand(), &bytes.Buffer{}
	cmd.SetOut(out)
	if err := listChargebacks(cmd, book); err != nil || !strings.Contains(out.String(), "dp_1  open") {
		t.Errorf("list = %q, %v", out, err)
	}
}
