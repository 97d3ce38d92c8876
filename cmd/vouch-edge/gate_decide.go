package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/relay"
)

// offset returns what has to be added to this machine's clock, in milliseconds; 0
// while nobody knows.
func (r *gateRun) offset() int {
	if r.lacks == nil {
		return 0
	}
	return r.lacks()
}

// leave tells that who showed what is in exit leaves: the server, and then here,
// before anything is told of what the server says of it.
func (r *gateRun) leave(exit vision.GateExit, ev gateEvent) error {
	ev.Decision = "exit"
	exit.OccurredAt, exit.Gate, exit.Offset = ev.At, ledger.DeviceID(r.id), r.offset()
	body, err := json.Marshal(exit)
	if err != nil {
		return err
	}
	r.leaving.Lock()
	defer r.leaving.Unlock()
	err = r.box.Put(outbox.Item{
		ID: ev.ID, Path: vision.PathExits, ContentType: "application/json", Body: body,
	})
	if err != nil {
		return err
	}
	return r.tell(ev)
}

// sent tells whose exit the server has taken: only it knows a code's visit for
// sure. `vouch-edge run` reads the line.
func (r *gateRun) sent(o outbox.Outcome) {
	if o.Item.Path != vision.PathExits || !o.Taken() {
		return
	}
	var said vision.GateExit
	var answer struct {
		Visit ledger.VisitID `json:"visit"`
	}
	if json.Unmarshal(o.Item.Body, &said) != nil || json.Unmarshal(o.Answer, &answer) != nil || answer.Visit == "" {
		return
	}
	r.leaving.Lock()
	defer r.leaving.Unlock()
	ev := gateEvent{At: said.OccurredAt, Gate: r.id, ID: said.ID.String(), Visit: answer.Visit, Decision: string(vision.Left)}
	if err := r.tell(ev); err != nil {
		slog.Warn("an exit is not written down", slog.String("visit", string(answer.Visit)), slog.String("why", err.Error()))
	}
}

// enter asks the server about what was shown, which is in entry.
func (r *gateRun) enter(ctx context.Context, entry vision.GateEntry, ev *gateEvent) error {
	limited, cancel := context.WithTimeout(ctx, r.patience())
	defer cancel()
	entry.OccurredAt, entry.Store, entry.Gate, entry.Place = ev.At, ledger.StoreID(r.store), ledger.DeviceID(r.id), ledger.Place(r.place)
	entry.Party, entry.Offset = r.party, r.offset()
	answer, err := r.client.Enter(limited, entry)
	ev.Party = r.party
	ev.Visit, ev.Decision, ev.Reason, ev.Detail = answer.Visit, string(answer.Decision), answer.Reason, answer.Detail
	ev.Staff = answer.Staff
	if r.solo != nil && gate.Unreached(answer, err) && ctx.Err() == nil {
		if entry.Palm != "" {
			ev.Decision, ev.Detail = string(vision.Pending), "the gate is cut off and knows no palm: show a code"
			return nil
		}
		return r.enterAlone(entry, ev)
	}
	if r.solo != nil && err == nil {
		err = errors.Join(r.back(ctx), r.remember(entry, answer))
	}
	switch {
	case err != nil:
		ev.Decision, ev.Detail = string(vision.Pending), err.Error()
	case answer.Decision == vision.Refused:
		r.refused++
	case r.door != nil && answer.Decision == vision.Entered:
		r.door.enter(gate.Admission{Visit: answer.Visit, Party: r.party, At: seconds(ev.T)})
	}
	return err
}

// printTo opens where decisions are told.
func (r *gateRun) printTo(cmd *cobra.Command) (shut func() error, err error) {
	if r.json {
		r.print, r.text = append(r.print, cmd.OutOrStdout()), nil
	}
	if r.out == "" {
		return func() error { return nil }, nil
	}
	file, err := relay.Open(r.out, 0o600)
	if err != nil {
		return nil, err
	}
	r.print = append(r.print, file)
	return file.Close, nil
}

// tell prints one decision for a person or a program.
func (r *gateRun) tell(ev gateEvent) error {
	line, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	for _, w := range r.print {
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	if r.text == nil {
		return nil
	}
	what := ev.Code
	switch ev.Decision {
	case string(vision.Entered):
		what = fmt.Sprintf("enters, visit %s", ev.Visit)
		if ev.Detail != "" {
			what += " (" + ev.Detail + ")"
		}
	case string(vision.Refused):
		what = fmt.Sprintf("refused: %s", ev.Reason)
		if ev.Detail != "" {
			what += " (" + ev.Detail + ")"
		}
	case string(vision.Pending):
		what = "stays shut: " + ev.Detail
	case "exit":
		what = "leaves"
	case string(vision.Left):
		what = fmt.Sprintf("has left, visit %s", ev.Visit)
	case "asked", "unread":
		what = ev.Detail
	case "tailgated":
		what = fmt.Sprintf("%s, visit %s", ev.Detail, ev.Visit)
	}
	_, err = fmt.Fprintf(r.text, "%s  %s  %s\n", ev.At.Format("15:04:05.000"), r.id, what)
	return err
}
