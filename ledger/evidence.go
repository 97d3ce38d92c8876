package ledger

import "fmt"

// The roles of evidence: what a piece shows of its detection. A device may use
// others, which nobody but the staff is shown.
const (
	RoleBefore  = "before"  // the frame before anything happened
	RoleAt      = "at"      // the frame in which it happened
	RoleAfter   = "after"   // the frame when it was over
	RoleLabel   = "label"   // the frame in which its label was read
	RoleClip    = "clip"    // the seconds around it
	RoleWeight  = "weight"  // what a scale read meanwhile, as data
	RoleBoxes   = "boxes"   // what was seen where and how surely, as data beside the pictures
	RoleBlurred = "blurred" // a copy of a picture or clip in which faces cannot be recognised
	RoleThumb   = "thumb"   // a small copy of a picture, for lists
)

// Original reports whether the piece may show somebody's face: every piece
// but data and blurred copies.
func (r EvidenceRef) Original() bool {
	return r.Role != RoleBlurred && r.Role != RoleWeight && r.Role != RoleBoxes
}

// BlurredOf returns the blurred copy of a piece that the same detection names.
func BlurredOf(refs []EvidenceRef, d Digest) (EvidenceRef, bool) {
	for _, r := range refs {
		if r.Role == RoleBlurred && r.Of == d {
			return r, true
		}
	}
	return EvidenceRef{}, false
}

func validateEvidence(refs []EvidenceRef) error {
	if len(refs) > MaxEvidence {
		return fmt.Errorf("%w: more than %d pieces of evidence", ErrInvalid, MaxEvidence)
	}
	for _, r := range refs {
		if err := need("evidence.role", r.Role, "evidence.media_type", r.MediaType); err != nil {
			return err
		}
		if r.Bytes <= 0 {
			return fmt.Errorf("%w: evidence %s has no bytes", ErrInvalid, r.Digest)
		}
		if err := r.Digest.Validate(); err != nil {
			return err
		}
		if copied := r.Role == RoleBlurred || r.Role == RoleThumb; copied != (r.Of != "") {
			return fmt.Errorf("%w: evidence %s: a blurred copy or a thumbnail says of what, and nothing else does", ErrInvalid, r.Digest)
		}
		if r.Of != "" {
			if err := r.Of.Validate(); err != nil {
				return err
			}
		}
	}
	return nil
}
