package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/cmd/vouch/audit"
	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
	"github.com/vouchledger/vouch/cmd/vouch/story"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// A reviewItem is a question as the queue gives it.
type reviewItem struct {
	Detection ledger.ID                `json:"detection"`
	Doubts    []ledger.Doubt           `json:"doubts"`
	AtRisk    money.Money              `json:"at_risk"`
	Occurred  time.Time                `json:"occurred"`
	Claim     ledger.DetectionRecorded `json:"claim"`
}

// review answers what is open. The reviewer of the demo sees what a person
// would see in the clip: the truth that the video was rendered with.
func (r *run) review(ctx context.Context) error {
	if r.tale.cart.OpenCount == 0 {
		return nil
	}
	r.heading("6. A line is doubtful: Ben looks at the clip")
	var page struct {
		Items []reviewItem `json:"items"`
	}
	err := r.server.until(ctx, "the review queue", func() (bool, error) {
		err := r.server.do(ctx, r.keys[keys.Reviewer], http.MethodGet, "/v1/reviews?store="+store, nil, &page)
		return len(page.Items) >= r.tale.cart.OpenCount, err
	})
	if err != nil {
		return err
	}
	for _, item := range page.Items {
		in := r.verdict(item)
		path := "/v1/reviews/" + item.Detection.String() + "/decision"
		if err := r.server.do(ctx, r.keys[keys.Reviewer], http.MethodPost, path, in, nil); err != nil {
			return err
		}
	}
	return r.tale.until(ctx, "the review", func(c *projections.Cart) bool { return c.OpenCount == 0 })
}

// nearTruth is how far a detection may lie from what it saw.
const nearTruth = 3 * time.Second

func (r *run) verdict(item reviewItem) map[string]any {
	best := map[string]any{
		"verdict": "confirmed", "sku": item.Claim.Items[0].SKU, "action": item.Claim.Actions[0].Action,
		"quantity": item.Claim.Quantity, "visit": r.visit, "reason": "the frames before and after show it",
	}
	if r.truth == nil {
		return best
	}
	for _, t := range r.truth {
		at := r.start.Add(time.Duration(t.T * float64(time.Second) / max(r.cfg.Speed, 1)))
		if t.Slot == item.Claim.Slot && item.Occurred.Sub(at).Abs() <= nearTruth {
			if string(item.Claim.Items[0].SKU) != t.SKU || item.Claim.Actions[0].Action != t.action() {
				best["verdict"] = "corrected"
			}
			best["sku"], best["action"] = t.SKU, t.action()
			best["reason"] = "the label can be read in the clip"
			return best
		}
	}
	return map[string]any{"verdict": "dismissed", "reason": "a hand touches the shelf; nothing leaves it"}
}

func (r *run) charge(ctx context.Context) error {
	r.heading("7. The receipt and the charge")
	err := r.tale.until(ctx, "the charge", func(c *projections.Cart) bool { return c.Settled != nil })
	if err != nil {
		return err
	}
	cart := r.tale.cart
	if cart.Issued == nil || cart.Issued.Gross.Minor <= 0 {
		return fmt.Errorf("the visit was settled as %s without a charge", cart.Settled.Outcome)
	}
	r.result.Receipt = cart.Issued.Number
	r.result.ExitToReceipt = r.tale.issuedAt.Sub(r.tale.exitedAt)
	r.say("\n")
	story.PrintReceipt(r.cfg.Out, *cart.Issued)
	return nil
}

// dispute lets Anna contest the first line, and Ben answer.
func (r *run) dispute(ctx context.Context) error {
	r.heading("8. Anna disputes a line and sees why it is there")
	line := r.tale.cart.Issued.Lines[0]
	r.say("  line %d, %s, rests on %d event(s) and %d pieces of evidence\n", line.No, line.Name, len(line.Causes), len(line.Evidence))
	var d struct {
		Dispute ledger.ID `json:"dispute"`
	}
	in := map[string]any{
		"line": line.No, "claim": "not_taken", "quantity": 1,
		"message": "I left one on the counter by the door",
	}
	path := "/v1/receipts/" + r.result.Receipt + "/disputes"
	if err := r.server.do(ctx, r.keys[keys.Shopper], http.MethodPost, path, in, &d); err != nil {
		return err
	}
	decision := map[string]any{
		"outcome": "upheld", "quantity": 1, "reason": "the clip shows the take; staff found it on the counter",
	}
	path = "/v1/disputes/" + d.Dispute.String() + "/decision"
	if err := r.server.do(ctx, r.keys[keys.Reviewer], http.MethodPost, path, decision, nil); err != nil {
		return err
	}
	err := r.tale.until(ctx, "the refund", func(c *projections.Cart) bool {
		return c.Latest.Number != c.Issued.Number && r.tale.refunded != (money.Money{})
	})
	if err != nil {
		return err
	}
	if err := r.tale.settle(ctx); err != nil {
		return err
	}
	r.result.Correction = r.tale.cart.Latest.Number
	r.say("\n")
	story.PrintReceipt(r.cfg.Out, *r.tale.cart.Latest)
	return nil
}

// prove stops the server and checks everything from the outside.
func (r *run) prove(ctx context.Context) error {
	r.heading("9. The proof")
	var bank struct {
		Visits map[string]struct {
			Captures int   `json:"captures"`
			Refunds  int   `json:"refunds"`
			Captured int64 `json:"captured"`
			Refunded int64 `json:"refunded"`
			Held     int64 `json:"held"`
		} `json:"visits"`
		Doubled []string `json:"doubled"`
	}
	if err := r.procs.plug.stop(); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	r.result.Kills = r.procs.plug.kills
	if err := newClient(r.bankURL, r.cfg.Patience).do(ctx, "", http.MethodGet, "/sim/audit", nil, &bank); err != nil {
		return err
	}
	report, err := audit.Run(ctx, audit.Config{
		Ledger: r.path("ledger"), Evidence: evidencestore.In(r.cfg.Data, "", ""), Tree: r.path("tlog"), Signer: r.path("signer"), Over: true,
	})
	if err != nil {
		return err
	}
	r.result.Audit, r.result.Visit, r.result.Events = report, r.visit, report.Log.Events
	r.result.Charged, r.result.Refunded = r.tale.captured.String(), r.tale.refunded.String()
	mine, ours := bank.Visits[string(r.visit)], r.tale
	switch {
	case !report.OK():
		return errors.New(report.Findings[0].String())
	case len(bank.Doubled) > 0 || mine.Captures != 1 || mine.Refunds != 1 || mine.Held != 0:
		return fmt.Errorf("the bank charged %d times, refunded %d times and still holds %d; doubled: %v",
			mine.Captures, mine.Refunds, mine.Held, bank.Doubled)
	case mine.Captured != ours.captured.Minor || mine.Refunded != ours.refunded.Minor:
		return fmt.Errorf("the bank moved %d and %d, the ledger says %s and %s", mine.Captured, mine.Refunded, ours.captured, ours.refunded)
	}
	if report.Tree == nil || report.Tree.Published != report.Log.Events {
		return fmt.Errorf("the tree does not hold all of %d events: %+v", report.Log.Events, report.Tree)
	}
	if err := r.proveReceipt(ctx); err != nil {
		return err
	}
	r.totals(report)
	return nil
}

// proofFile is what the shopper is handed, and anybody can check offline.
const proofFile = "receipt.vouch-proof"

// proveReceipt writes the proof of the corrected receipt and checks it as
// somebody would who has the file and the log's key alone.
func (r *run) proveReceipt(ctx context.Context) error {
	_, _, err := call(ctx, r.path("logs"), r.cfg.Vouch, nil, "proof", "--data", r.cfg.Data, r.result.Correction, "-o", r.path(proofFile))
	if err != nil {
		return err
	}
	_, _, err = call(ctx, r.path("logs"), r.cfg.Vouch, nil, "verify", r.path(proofFile), "--key", r.path("signer", "key.pub"))
	return err
}

func (r *run) totals(report audit.Report) {
	sums := make([]string, 0, len(report.Sums))
	for _, s := range report.Sums {
		sums = append(sums, s.String())
	}
	r.say("  events                %d in %d streams\n", report.Log.Events, report.Log.Streams)
	r.say("  charged               %s, refunded %s; the bank says the same, each once\n", r.result.Charged, r.result.Refunded)
	r.say("  journal sum           %s over %d entries\n", strings.Join(sums, ", "), report.Entries)
	r.say("  receipt equals replay %d of %d documents, byte for byte\n", report.Receipts, report.Receipts)
	r.say("  evidence              %d objects match their digests\n", report.Evidence)
	r.say("  log verified          %s\n", report.Log.SHA256)
	r.say("  tree verified         %d leaves, root %s, signed by %s\n", report.Tree.Published, report.Tree.Root[:16], report.Tree.Origin)
	r.say("  receipt proven        offline, from %s and the log's key alone\n", proofFile)
	if r.result.Kills > 0 {
		r.say("  server killed         %d times on the way; nothing acknowledged was lost\n", r.result.Kills)
	}
	grace := time.Duration(r.tale.cart.Presented.Policy.GraceMillis) * time.Millisecond
	r.say("  exit to receipt       %s, of which %s wait for detections under way\n", r.result.ExitToReceipt.Round(time.Millisecond), grace)
}
