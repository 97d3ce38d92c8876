package gate_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/ticket"
)

func wantRefused(t *testing.T, err error, want ledger.RefusalReason) {
	t.Helper()
	var r *ticket.RefusalError
	if !errors.As(err, &r) || r.Reason != want {
		t.Errorf("AdmitCard = %v, want refused as %s", err, want)
	}
}

// TestACutOffTerminalLetsInWhomTheServerKnew: a card that the server let in here is
// let in once while the line is cut, also after the plug was pulled; nobody else is.
// The cap counts cards and codes together.
func TestACutOffTerminalLetsInWhomTheServerKnew(t *testing.T) {
	dir, shop := t.TempDir(), newIssuer(t)
	a := openAlone(t, dir, eight)
	anna, tom := gate.Card{Credential: "card", Token: "t1-anna"}, gate.Card{Credential: "card", Token: "t1-tom"}
	wantRefused(t, a.AdmitCard(eight, anna), ledger.RefusedStranger)
	for range 3 { // one line for them all
		if err := a.Known(eight, anna, true); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "cards.jsonl")); err != nil || strings.Count(string(b), "\n") != 1 {
		t.Errorf("the file of cards holds %q, %v; want one line", b, err)
	}
	wantRefused(t, a.AdmitCard(eight, gate.Card{Credential: "staff", Token: "t1-anna"}), ledger.RefusedStranger)
	if err := a.AdmitCard(eight, anna); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, a.AdmitCard(eight.Add(time.Minute), anna), ledger.RefusedReplayed)
	a = restart(t, a, dir, eight.Add(time.Minute))
	wantRefused(t, a.AdmitCard(eight.Add(time.Minute), anna), ledger.RefusedReplayed)
	wantRefused(t, a.AdmitCard(eight.Add(time.Minute), tom), ledger.RefusedStranger)
	if n, _ := a.Left(eight.Add(time.Minute)); n != gate.MaxAlone-1 {
		t.Errorf("after one card %d more may come, want %d", n, gate.MaxAlone-1)
	}
	if err := errors.Join(a.Back(eight.Add(2*time.Minute)), a.Learn(shop.keys())); err != nil {
		t.Fatal(err)
	}
	a = restart(t, a, dir, eight.Add(2*time.Minute))
	if err := a.AdmitCard(eight.Add(2*time.Minute), anna); err != nil {
		t.Errorf("when the server was back between the card is %v, want let in again", err)
	}
	if err := a.Known(eight.Add(3*time.Minute), anna, false); err != nil { // declined since
		t.Fatal(err)
	}
	if err := a.Back(eight.Add(3 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, a.AdmitCard(eight.Add(3*time.Minute), anna), ledger.RefusedStranger)

	for n := range gate.MaxAlone {
		card := gate.Card{Credential: "card", Token: fmt.Sprint("t1-", n)}
		if err := errors.Join(a.Known(eight, card, true), a.AdmitCard(eight.Add(4*time.Minute), card)); err != nil {
			t.Fatalf("card %d: %v", n, err)
		}
	}
	if err := errors.Join(a.Known(eight, tom, true)); err != nil {
		t.Fatal(err)
	}
	if err := a.AdmitCard(eight.Add(4*time.Minute), tom); !errors.Is(err, gate.ErrCap) {
		t.Errorf("one card more than the cap = %v, want ErrCap", err)
	}
	if _, err := a.Admit(eight.Add(4*time.Minute), shop.code(eight.Add(4*time.Minute))); !errors.Is(err, gate.ErrCap) {
		t.Errorf("and a code = %v, want ErrCap", err)
	}
}

// TestACardThatStayedAwayIsForgotten: after a month without the server's word a card
// is a stranger again, and nothing of it is on the disk after the next start.
func TestACardThatStayedAwayIsForgotten(t *testing.T) {
	dir := t.TempDir()
	a := openAlone(t, dir, eight)
	card := gate.Card{Credential: "card", Token: "t1-anna"}
	if err := a.Known(eight, card, true); err != nil {
		t.Fatal(err)
	}
	month := eight.Add(30 * 24 * time.Hour)
	wantRefused(t, a.AdmitCard(month, card), ledger.RefusedStranger)
	for n := range 150 { // comes and is refused, again and again: the file stays small
		if err := errors.Join(a.Known(eight, card, n%2 == 0), a.Known(eight, card, n%2 == 1)); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "cards.jsonl")); err != nil || strings.Count(string(b), "\n") > 210 {
		t.Errorf("the file of cards has %d lines, %v; want about two hundred at most", strings.Count(string(b), "\n"), err)
	}
	restart(t, a, dir, month)
	if b, err := os.ReadFile(filepath.Join(dir, "cards.jsonl")); err != nil || len(b) > 0 {
		t.Errorf("after a month the file of cards holds %q, %v; want nothing", b, err)
	}
}
