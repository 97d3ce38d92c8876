package ledger

import "fmt"

// An Agreement says how what a second look found stands to the claim.
type Agreement string

// The agreements.
const (
	AgreementAgrees  Agreement = "agrees"  // the same item, and the same action where one was judged
	AgreementDiffers Agreement = "differs" // another item or action
	AgreementUnsure  Agreement = "unsure"  // nothing it knows, or too little to see
)

// DetectionReverified records what a model, the same or a newer one, found in
// the stored evidence of a detection. It stands beside the claim and changes
// nothing of it: no line, no question and no money follows from it.
type DetectionReverified struct {
	Detection   ID                     `json:"detection"`
	Model       string                 `json:"model"`        // name and version of what looked
	ModelDigest Digest                 `json:"model_digest"` // of its file
	Items       List[ItemHypothesis]   `json:"items"`        // best first; empty if it shows nothing the model knows
	Actions     List[ActionHypothesis] `json:"actions"`      // empty if the model judges none
	Agreement   Agreement              `json:"agreement"`
	Evidence    List[EvidenceRef]      `json:"evidence"` // what was looked at, of the detection's
}

// AgreementWith compares what was found with a claim.
func (p DetectionReverified) AgreementWith(claim DetectionRecorded) Agreement {
	switch {
	case len(p.Items) == 0 || len(claim.Items) == 0 || len(claim.Actions) == 0:
		return AgreementUnsure
	case p.Items[0].SKU != claim.Items[0].SKU:
		return AgreementDiffers
	case len(p.Actions) > 0 && p.Actions[0].Action != claim.Actions[0].Action:
		return AgreementDiffers
	}
	return AgreementAgrees
}

// Kind returns the stored name.
func (DetectionReverified) Kind() Kind { return KindDetectionReverified }

// Validate implements Payload.
func (p DetectionReverified) Validate() error {
	if p.Detection.IsZero() {
		return fmt.Errorf("%w: detection is missing", ErrInvalid)
	}
	if err := need("model", p.Model); err != nil {
		return err
	}
	if err := p.ModelDigest.Validate(); err != nil {
		return err
	}
	switch p.Agreement {
	case AgreementAgrees, AgreementDiffers:
		if len(p.Items) == 0 {
			return fmt.Errorf("%w: agreement %q about nothing that was found", ErrInvalid, p.Agreement)
		}
	case AgreementUnsure:
	default:
		return fmt.Errorf("%w: agreement %q", ErrInvalid, p.Agreement)
	}
	if len(p.Evidence) == 0 {
		return fmt.Errorf("%w: nothing was looked at", ErrInvalid)
	}
	if err := (&DetectionRecorded{Items: p.Items, Actions: p.Actions}).validateReadings(); err != nil {
		return err
	}
	return validateEvidence(p.Evidence)
}

func (DetectionReverified) payload() {}
