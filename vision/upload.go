package vision

import (
	"net/url"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// Uploads returns each piece of evidence that is to be sent once. One that is
// named as an original and as its own blurred copy shows nobody, and goes as what
// a shopper may see.
func Uploads(refs []ledger.EvidenceRef) []ledger.EvidenceRef {
	var all []ledger.EvidenceRef
	for _, e := range refs {
		i := slices.IndexFunc(all, func(o ledger.EvidenceRef) bool { return o.Digest == e.Digest })
		switch {
		case i < 0:
			all = append(all, e)
		case !e.Original():
			all[i] = e
		}
	}
	return all
}

// UploadPath returns where a piece is sent, and says so for which visit it is; an
// empty one is not known yet.
func UploadPath(e ledger.EvidenceRef, visit ledger.VisitID) string {
	path := "/v1/evidence/" + string(e.Digest)
	if visit == "" {
		return path
	}
	q := url.Values{"visit": {string(visit)}}
	if e.Original() {
		q.Set("original", "true")
	}
	return path + "?" + q.Encode()
}
