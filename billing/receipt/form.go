package receipt

import "bytes"

// A Form is a way to hand out a paper.
type Form struct {
	MediaType string
	Make      func(p Paper) ([]byte, error)
}

// Forms are the ways to hand out a paper, by the name that people ask for them
// by. The map must not be changed.
var Forms = map[string]Form{
	"html": {"text/html; charset=utf-8", func(p Paper) ([]byte, error) {
		var b bytes.Buffer
		err := HTML(&b, p)
		return b.Bytes(), err
	}},
	"pdf":     {"application/pdf", PDF},
	"en16931": {"application/json", EN16931},
	"schema":  {"application/ld+json", Schema},
}
