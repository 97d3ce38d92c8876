package account

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fields of evidence: texts, and ids of files.
var (
	evidenceTexts = strings.Fields(`
		access_activity_log billing_address cancellation_policy_disclosure cancellation_rebuttal
		customer_email_address customer_name customer_purchase_ip duplicate_charge_explanation duplicate_charge_id
		product_description refund_policy_disclosure refund_refusal_explanation service_date shipping_address
		shipping_carrier shipping_date shipping_tracking_number uncategorized_text`)
	evidenceFiles = strings.Fields(`
		cancellation_policy customer_communication customer_signature duplicate_charge_documentation receipt
		refund_policy service_documentation shipping_documentation uncategorized_file`)
)

// Limits of evidence, in characters and bytes.
const (
	maxText     = 20_000
	maxAllTexts = 150_000
	MaxFile     = 5 << 20
)

// What uncategorized_text decides at once, as in Stripe's test mode.
const (
	winningEvidence  = "winning_evidence"
	losingEvidence   = "losing_evidence"
	escalateEvidence = "escalate_inquiry_evidence"
)

// updateDispute serves POST /v1/disputes/:id: evidence is kept, and unless
// submit is false, all that was kept goes to the bank, once.
func updateDispute(t *tx, f Form) (Wire, *Error) {
	d, ok := t.disputeOf(t.call.ID)
	if !ok {
		return nil, notFound("dispute", t.call.ID)
	}
	submit := true
	if f.get("submit") != "" {
		var e *Error
		if submit, e = f.yes("submit"); e != nil {
			return nil, e
		}
	}
	data, e := f.metadata(d.Metadata)
	if e != nil {
		return nil, e
	}
	evidence, e := t.evidence(d, f)
	if e != nil {
		return nil, e
	}
	given := len(f.under("evidence")) > 0
	d.Metadata, d.Evidence = data, evidence
	submit = submit && len(evidence) > 0 && (given || d.Submitted == 0)
	if (given || submit) && d.Status != needsResponse && d.Status != warningNeedsResponse {
		return nil, refused("", "This dispute has a status of "+d.Status+": its evidence cannot be changed any more.")
	}
	if !submit {
		store(&t.rec.Disputes, d)
		t.announce("charge.dispute.updated", t.disputeWire(d))
		return t.disputeWire(d), nil
	}
	t.submit(d)
	d, _ = t.disputeOf(d.ID)
	return t.disputeWire(d), nil
}

// evidence returns what a dispute has with what the request adds.
func (t *tx) evidence(d dispute, f Form) (map[string]string, *Error) {
	out := maps.Clone(d.Evidence)
	if out == nil {
		out = map[string]string{}
	}
	given, all := f.under("evidence"), 0
	for _, name := range slices.Sorted(maps.Keys(given)) {
		v, at := given[name], "evidence["+name+"]"
		isFile := slices.Contains(evidenceFiles, name)
		switch {
		case !isFile && !slices.Contains(evidenceTexts, name):
			return nil, Invalid(at, "parameter_unknown", "Received unknown parameter: "+at)
		case v == "":
			delete(out, name)
			continue
		case isFile && t.acc.files.byID[v].Purpose != disputeEvidence:
			return nil, missing(at, "file upload", v)
		case utf8.RuneCountInString(v) > maxText:
			return nil, Invalid(at, "", "Evidence may have at most 20000 characters in a field.")
		}
		out[name] = v
	}
	for _, name := range evidenceTexts {
		all += utf8.RuneCountInString(out[name])
	}
	if all > maxAllTexts {
		return nil, Invalid("evidence", "", "Evidence may have at most 150000 characters in all.")
	}
	return out, nil
}

// submit gives the evidence to the bank, which decides at once if the evidence
// says so.
func (t *tx) submit(d dispute) {
	inquiry := d.inquiring()
	d.Submitted, d.Status = d.Submitted+1, underReview
	if inquiry {
		d.Status = warningUnderReview
	}
	store(&t.rec.Disputes, d)
	t.announce("charge.dispute.updated", t.disputeWire(d))
	switch verdict := d.Evidence["uncategorized_text"]; {
	case inquiry && verdict == escalateEvidence:
		t.escalate(d)
	case inquiry && (verdict == winningEvidence || verdict == losingEvidence):
		t.close(d, warningClosed)
	case verdict == winningEvidence:
		t.close(d, won)
	case verdict == losingEvidence:
		t.close(d, lost)
	}
}

// escalate makes a dispute of an inquiry, with a time of its own to answer.
func (t *tx) escalate(d dispute) dispute {
	d.DueBy, d.Submitted, d.Evidence = midnight(t.now+answerDays*day)-1, 0, nil
	return t.withdraw(d, "charge.dispute.updated")
}

// disputeEvidence is the only purpose of files.
const disputeEvidence = "dispute_evidence"

// createFile serves POST /v1/files, a multipart form.
func createFile(t *tx, f Form) (Wire, *Error) {
	purpose, e := f.needs("purpose")
	if e != nil {
		return nil, e
	}
	if purpose != disputeEvidence {
		return nil, Invalid("purpose", "", "Invalid purpose: must be one of "+disputeEvidence)
	}
	up := t.call.Upload
	if up == nil {
		return nil, Invalid("file", "parameter_missing", "Missing required param: file.")
	}
	kind := fileKind(up.Content)
	switch {
	case len(up.Content) > MaxFile:
		return nil, Invalid("file", "file_too_large", "Evidence files may have at most 5 MB.")
	case kind == "":
		return nil, Invalid("file", "", "Evidence files are PDF, JPEG or PNG.")
	}
	v := file{
		ID: t.id("file_"), Created: t.now, Name: up.Name, Kind: kind, Purpose: purpose, Content: up.Content,
	}
	store(&t.rec.Files, v)
	return t.fileWire(v), nil
}

// fileKind tells the type of a file by its first bytes.
func fileKind(content []byte) string {
	for kind, begins := range map[string]string{"pdf": "%PDF-", "jpg": "\xff\xd8\xff", "png": "\x89PNG\r\n\x1a\n"} {
		if bytes.HasPrefix(content, []byte(begins)) {
			return kind
		}
	}
	return ""
}

func (t *tx) fileWire(v file) Wire {
	return Wire{
		"id": v.ID, "object": "file", "created": v.Created, "expires_at": nil, "filename": orNull(v.Name),
		"links":   Wire{"object": "list", "data": []Wire{}, "has_more": false, "url": "/v1/file_links?file=" + v.ID},
		"purpose": v.Purpose, "size": len(v.Content), "title": nil, "type": v.Kind,
		"url": t.base() + "/sim/files/" + v.ID,
	}
}
