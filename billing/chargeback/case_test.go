package chargeback

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/billing/provider"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

var (
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	due  = noon.Add(14 * 24 * time.Hour)
	pack = ledger.Digest("sha256:" + strings.Repeat("a", 64))
)

func usd(minor int64) money.Money { return money.Money{Minor: minor, Currency: "USD"} }

// fold is a case after these events, an hour apart.
func fold(ps ...ledger.Payload) *Case {
	c := &Case{}
	for i, p := range ps {
		c.Apply(ledger.Event{Record: ledger.Record{
			ID: ledger.DeriveID(ledger.ID{}, fmt.Sprint(i)), Stream: "payment-v", Occurred: noon.Add(time.Duration(i) * time.Hour),
		}, Payload: p})
	}
	return c
}

var (
	opened  = ledger.ChargebackOpened{Chargeback: "dp_1", Object: "pi_1", Amount: usd(400), Reason: "fraudulent", DueBy: due}
	asked   = ledger.ChargebackOpened{Chargeback: "dp_1", Object: "pi_1", Amount: usd(400), Reason: "fraudulent", DueBy: due, Inquiry: true}
	built   = ledger.EvidencePackBuilt{Chargeback: "dp_1", Digest: pack, Pages: 3, Position: 10}
	contest = ledger.ChargebackAnswered{Chargeback: "dp_1", Reply: ledger.ReplyContest, By: "operator:finn", Reason: "seen"}
	accept  = ledger.ChargebackAnswered{Chargeback: "dp_1", Reply: ledger.ReplyAccept, By: "operator:finn", Reason: "her right"}
	intends = ledger.SubmissionIntended{Visit: "v", Chargeback: "dp_1", Digest: pack, Key: "v1/dispute/dp_1/submit/1"}
	sent    = ledger.EvidenceSubmitted{Intent: ledger.DeriveID(ledger.ID{}, "x"), Chargeback: "dp_1", File: "file_1"}
	lost    = ledger.ChargebackClosed{Chargeback: "dp_1", Outcome: ledger.ChargebackLost, Amount: usd(400)}
)

// waiting is the claim at the provider, answerable, with nothing staged.
func waiting() provider.Chargeback {
	return provider.Chargeback{
		ID: "dp_1", Payment: "pi_1", Amount: usd(400), Reason: "fraudulent", DueBy: due, NeedsAnswer: true,
	}
}

func staged() provider.Chargeback {
	p := waiting()
	p.Pack, p.File = string(pack), "file_1"
	return p
}

// What is due about a claim, at which time, and when to look again.
func TestNextStep(t *testing.T) {
	ahead, last := due.Add(-Ahead), due.Add(-LastCall)
	under := staged()
	under.Submissions, under.NeedsAnswer = 1, false
	over := staged()
	over.Outcome, over.NeedsAnswer = ledger.ChargebackLost, false
	older := staged()
	older.Pack = "sha256:bb"
	for _, tt := range []struct {
		name  string
		c     *Case
		at    time.Time
		claim provider.Chargeback
		shown uint64
		step  Step
		wake  time.Time
	}{
		{"a claim comes in", fold(opened), noon, waiting(), 10, Build, time.Time{}},
		{"the pack is made", fold(opened, built), noon, waiting(), 10, Stage, last},
		{"it is staged", fold(opened, built), noon, staged(), 10, Wait, ahead},
		{"something happened since", fold(opened, built), noon, staged(), 11, Build, time.Time{}},
		{"an older pack is staged", fold(opened, built), noon, older, 10, Stage, last},
		{"a person contests", fold(opened, built, contest), noon.Add(3 * time.Hour), staged(), 10, Intend, time.Time{}},
		{"a person contests, and there is no pack", fold(opened, contest), noon.Add(3 * time.Hour), waiting(), 10, Build, time.Time{}},
		{"a person contests, and it is not staged", fold(opened, built, contest), noon.Add(3 * time.Hour), waiting(), 10, Stage, last},
		{"nobody answers in time", fold(opened, built), ahead, staged(), 10, Intend, time.Time{}},
		{"just before", fold(opened, built), ahead.Add(-time.Second), staged(), 10, Wait, ahead},
		{"the pack cannot be uploaded", fold(opened, built), last.Add(-time.Second), waiting(), 10, Stage, last},
		{"until the last call", fold(opened, built), last, waiting(), 10, Intend, time.Time{}},
		{"it is intended", fold(opened, built, intends), noon, staged(), 10, Submit, time.Time{}},
		{"it is intended, and more happened", fold(opened, built, intends), noon, staged(), 99, Submit, time.Time{}},
		{"the bank has it", fold(opened, built, intends), noon, under, 10, Wait, time.Time{}},
		{"and we know", fold(opened, built, intends, sent), noon, under, 10, Wait, time.Time{}},
		{"the bank has some, not from us", fold(opened, built, contest), noon, under, 10, Wait, time.Time{}},
		{"too late", fold(opened, built), due, staged(), 10, Wait, time.Time{}},
		{"too late for what was intended", fold(opened, built, intends), due, staged(), 10, Wait, time.Time{}},
		{"it is accepted", fold(opened, built, accept), noon, staged(), 10, Accept, time.Time{}},
		{"it was accepted and contested", fold(opened, built, accept, contest), noon, staged(), 10, Accept, time.Time{}},
		{"it was contested and accepted", fold(opened, built, contest, accept), noon.Add(5 * time.Hour), staged(), 10, Intend, time.Time{}},
		{"the bank has decided", fold(opened, built, contest), noon, over, 10, Wait, time.Time{}},
		{"and we know that", fold(opened, built, lost), noon, staged(), 10, Wait, time.Time{}},
		{"the bank was not satisfied", fold(asked, built, intends, sent, opened), noon, waiting(), 10, Build, time.Time{}},
	} {
		step, wake := tt.c.Next(tt.at, tt.claim, tt.shown)
		if step != tt.step || !wake.Equal(tt.wake) {
			t.Errorf("%s: Next = %q, %s, want %q, %s", tt.name, step, wake, tt.step, tt.wake)
		}
	}
}

// What is intended names the pack if the bank can have it, and else the text
// alone; each round of a claim has a key of its own.
func TestIntention(t *testing.T) {
	c := fold(opened, built)
	if p := c.Intention(staged()); p.Digest != pack || p.Key != "v1/dispute/dp_1/submit/1" || p.Validate() != nil || p.Visit != "v" {
		t.Errorf("Intention = %+v, want the pack", p)
	}
	if p := c.Intention(waiting()); p.Digest != "" {
		t.Errorf("Intention = %+v, want text alone", p)
	}
	again := fold(asked, built, intends, sent, opened, built)
	if p := again.Intention(staged()); p.Key != "v1/dispute/dp_1/submit/2" {
		t.Errorf("Intention after an inquiry = %s, want another key", p.Key)
	}
}

// What the ledger lacks of a claim is said once.
func TestObserveUntilNothingIsLacking(t *testing.T) {
	now := staged()
	now.Moves = []provider.Move{{Transaction: "txn_1", Withdrawn: true, Amount: usd(400), Fee: usd(1500)}}
	c := fold(c0(now)...)
	want := []ledger.Payload{opened, ledger.ChargebackFundsMoved{
		Chargeback: "dp_1", Transaction: "txn_1", Withdrawn: true, Amount: usd(400), Fee: usd(1500),
	}}
	if diff := cmp.Diff(want, c0(now)); diff != "" {
		t.Errorf("Observe of a new claim (-want +got):\n%s", diff)
	}
	if more := c.Observe(now); len(more) != 0 {
		t.Errorf("Observe again = %v, want nothing", more)
	}

	// The bank decides, and gives the money back afterwards.
	c.Apply(ledger.Event{Record: ledger.Record{Stream: "payment-v"}, Payload: intends})
	now.Outcome, now.Submissions, now.NeedsAnswer = ledger.ChargebackWon, 1, false
	end := c.Observe(now)
	if len(end) != 2 || end[0].Kind() != ledger.KindEvidenceSubmitted || end[1] != (ledger.ChargebackClosed{
		Chargeback: "dp_1", Outcome: ledger.ChargebackWon, Amount: usd(400),
	}) {
		t.Errorf("Observe of a claim that was won = %+v", end)
	}
	for _, p := range end {
		c.Apply(ledger.Event{Record: ledger.Record{Stream: "payment-v"}, Payload: p})
	}
	now.Moves = append(now.Moves, provider.Move{Transaction: "txn_2", Amount: usd(400), Fee: usd(0)})
	if late := c.Observe(now); len(late) != 1 || late[0].Kind() != ledger.KindChargebackFundsMoved {
		t.Errorf("Observe of money that came back = %+v", late)
	}
}

func c0(now provider.Chargeback) []ledger.Payload { return (&Case{}).Observe(now) }

// Whoever accepted a claim has not lost it.
func TestAcceptedIsNotLost(t *testing.T) {
	over := staged()
	over.Outcome, over.NeedsAnswer = ledger.ChargebackLost, false
	for reply, want := range map[ledger.ChargebackAnswered]ledger.ChargebackOutcome{
		accept: ledger.ChargebackAccepted, contest: ledger.ChargebackLost,
	} {
		got := fold(opened, reply).Observe(over)
		if len(got) != 1 || got[0].(ledger.ChargebackClosed).Outcome != want {
			t.Errorf("a claim with the reply %s ended %+v, want %s", reply.Reply, got, want)
		}
	}
}

// TestEvidenceIsSubmittedOnce drives a claim by its steps, with lost answers,
// failing uploads, restarts and a person who answers at any time: whatever
// happens, a claim that was not accepted is answered once and before its
// deadline, and one that was accepted is not.
func TestEvidenceIsSubmittedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := []ledger.Payload{opened}
		claim, now, shown := waiting(), noon, uint64(10)
		uploads := rapid.Bool().Draw(t, "uploads work")
		reply := rapid.SampledFrom([]ledger.ChargebackReply{"", ledger.ReplyAccept, ledger.ReplyContest}).Draw(t, "reply")
		at := noon.Add(time.Duration(rapid.IntRange(1, 13*24).Draw(t, "hour of the reply")) * time.Hour)
		accepted := false
		for now.Before(due) && claim.Outcome == "" {
			if reply != "" && !now.Before(at) {
				events = append(events, ledger.ChargebackAnswered{Chargeback: "dp_1", Reply: reply, By: "finn", Reason: "so"})
				reply = ""
			}
			lostAnswer := rapid.IntRange(0, 3).Draw(t, "fault") == 0
			c := fold(events...) // as after a restart
			step, _ := c.Next(now, claim, shown)
			switch step {
			case Build:
				events = append(events, ledger.EvidencePackBuilt{Chargeback: "dp_1", Digest: pack, Pages: 1, Position: shown})
			case Stage:
				if uploads && !lostAnswer {
					claim.Pack, claim.File = string(pack), "file_1"
				}
			case Intend:
				events = append(events, c.Intention(claim))
			case Submit:
				if claim.Submissions > 0 || !now.Before(due) {
					t.Fatalf("submitted %d times before, at %s", claim.Submissions, now)
				}
				claim.Submissions, claim.NeedsAnswer = 1, false
				if !lostAnswer {
					events = append(events, fold(events...).Observe(claim)...)
				}
			case Accept:
				accepted, claim.Outcome, claim.NeedsAnswer = true, ledger.ChargebackLost, false
			case Wait:
			}
			if rapid.IntRange(0, 40).Draw(t, "a refund") == 0 {
				shown++
			}
			now = now.Add(time.Hour)
		}
		if accepted == (claim.Submissions > 0) {
			t.Fatalf("accepted %t and %d submissions, want one of them", accepted, claim.Submissions)
		}
	})
}

// The book keeps claims apart, and shows first what is due first.
func TestBook(t *testing.T) {
	var b Book
	position := uint64(0)
	say := func(p ledger.Payload, at time.Time) {
		position++
		e := ledger.Event{Record: ledger.Record{Stream: "payment-v", Occurred: at, Position: position}, Payload: p}
		if err := b.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	late := opened
	late.Chargeback, late.DueBy = "dp_late", due.Add(time.Hour)
	over := opened
	over.Chargeback = "dp_over"
	say(late, noon)
	say(opened, noon)
	say(over, noon)
	kept, _ := b.Get("dp_over")
	end := lost
	end.Chargeback = "dp_over"
	say(end, noon.Add(time.Hour))
	say(ledger.Captured{Intent: ledger.DeriveID(ledger.ID{}, "c"), Object: "pi_1", Amount: usd(1)}, noon)
	var order []string
	for _, c := range b.All() {
		order = append(order, c.Chargeback)
	}
	if diff := cmp.Diff([]string{"dp_1", "dp_late", "dp_over"}, order); diff != "" || b.Open() != 2 {
		t.Errorf("All (-want +got), %d open, want 2:\n%s", b.Open(), diff)
	}
	if !kept.Open() {
		t.Error("a case that a reader holds changed under it")
	}
}

// A book that was put away and taken out again is the same book, and goes on.
func TestBookIsKept(t *testing.T) {
	var b Book
	for i, p := range []ledger.Payload{asked, built, contest, intends, sent, opened} {
		e := ledger.Event{Record: ledger.Record{Stream: "payment-v", Occurred: noon, Position: uint64(i + 1)}, Payload: p}
		if err := b.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	text, err := b.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var again Book
	if err := again.UnmarshalBinary(text); err != nil {
		t.Fatal(err)
	}
	more, err := again.MarshalBinary()
	if err != nil || string(more) != string(text) {
		t.Errorf("the book changed in the drawer:\n%s\n%s, %v", text, more, err)
	}
	if c, ok := again.Get("dp_1"); !ok || c.Round != 2 || c.Pack != nil {
		t.Errorf("case %+v, want the second round", c)
	}
	if err := again.Apply(ledger.Event{Record: ledger.Record{Position: 6}, Payload: lost}); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Apply of an event that was applied = %v, want %v", err, ledger.ErrCorrupt)
	}
	if err := again.UnmarshalBinary([]byte("{")); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("UnmarshalBinary of half a book = %v, want %v", err, ledger.ErrCorrupt)
	}
}
