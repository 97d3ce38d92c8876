package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/ticket"
)

// alonePatience is how long a gate that may decide by itself asks a server that
// does not answer: a person waits.
const alonePatience = 3 * time.Second

// openAlone opens what a gate needs to decide by itself, and asks the server
// for its keys. Without an answer the keys of the last time do.
func (r *gateRun) openAlone(ctx context.Context) (*gate.Alone, error) {
	a, err := gate.OpenAlone(r.alone, ledger.StoreID(r.store), time.Now())
	if err != nil {
		return nil, err
	}
	if err := r.learn(ctx, a); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// learn takes over the server's keys if it answers.
func (r *gateRun) learn(ctx context.Context, a *gate.Alone) error {
	limited, cancel := context.WithTimeout(ctx, alonePatience)
	defer cancel()
	b, err := r.client.Keys(limited)
	if errors.Is(err, gate.ErrRequest) {
		return err // a wrong key or address: better found now than in the dark
	}
	if err != nil {
		return nil //nolint:nilerr // it is cut off, which is what this is for
	}
	return a.Learn(b)
}

func (r *gateRun) patience() time.Duration {
	if r.solo != nil {
		return min(r.timeout, alonePatience)
	}
	return r.timeout
}

// enterAlone decides without the server. It is told through the outbox, which
// has the entry on disk before the gate opens.
func (r *gateRun) enterAlone(entry vision.GateEntry, ev *gateEvent) error {
	// By the server's clock, as far as it was known before the line was cut: codes
	// change by it.
	at := ev.At.Add(time.Duration(entry.Offset) * time.Millisecond)
	visit, err := r.admit(at, entry)
	var refused *ticket.RefusalError
	switch {
	case errors.As(err, &refused):
		r.refused++
		ev.Decision, ev.Reason, ev.Detail = string(vision.Refused), refused.Reason, refused.Detail
		return nil
	case errors.Is(err, gate.ErrCap):
		r.refused++
		ev.Decision, ev.Detail = string(vision.Refused), err.Error()
		return nil
	case err != nil:
		return err
	}
	entry.Tried, entry.ID, entry.Offline = entry.ID, offlineID(entry), true
	body, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	err = r.box.Put(outbox.Item{
		ID: entry.ID.String(), Path: vision.PathEntries, ContentType: "application/json", Body: body,
	})
	if err != nil {
		return err
	}
	left, _ := r.solo.Left(at)
	ev.Staff = entry.Credential == ledger.CredentialStaff // the server let this badge in before, and lets in staff alone
	ev.ID, ev.Visit, ev.Decision = entry.ID.String(), visit, string(vision.Entered)
	ev.Detail = fmt.Sprintf("without the server; %d more may", left)
	if r.door != nil {
		r.door.enter(gate.Admission{Visit: visit, Party: r.party, At: seconds(ev.T)})
	}
	return nil
}

// offlineID names an entry that was decided here: the one that the server was asked
// about may have reached it after all.
func offlineID(entry vision.GateEntry) ledger.ID { return ledger.DeriveID(entry.ID, "offline") }

// admit lets in a code or a card by itself, and returns the visit that begins.
func (r *gateRun) admit(at time.Time, entry vision.GateEntry) (ledger.VisitID, error) {
	if entry.Token == "" {
		claims, err := r.solo.Admit(at, entry.Code)
		if err != nil {
			return "", err
		}
		return claims.Visit(), nil
	}
	err := r.solo.AdmitCard(at, gate.Card{Credential: entry.Credential, Token: entry.Token})
	if err != nil {
		return "", err
	}
	return vision.Presented(offlineID(entry)), nil
}

// remember notes what the server says of a card, for when it cannot be asked.
func (r *gateRun) remember(entry vision.GateEntry, answer vision.GateAnswer) error {
	in := answer.Decision == vision.Entered
	if entry.Token == "" || !in && answer.Reason != ledger.RefusedStranger && answer.Reason != ledger.RefusedDeclined {
		return nil
	}
	return r.solo.Known(time.Now(), gate.Card{Credential: entry.Credential, Token: entry.Token}, in)
}

// back notes that the server answers again: the cap counts anew, and its keys
// may be others.
func (r *gateRun) back(ctx context.Context) error {
	if _, until := r.solo.Left(time.Now()); until.IsZero() {
		return nil
	}
	return errors.Join(r.solo.Back(time.Now()), r.learn(ctx, r.solo))
}
