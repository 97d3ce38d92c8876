package eventstore

import (
	"encoding/json"
	"testing"
)

// FuzzMetadata checks that no bytes of a client stop the server, that what
// hides events in one reading hides them in the next, and that $tb can be set on
// any of them without losing another member.
func FuzzMetadata(f *testing.F) {
	for _, s := range []string{
		`{"$maxCount":3,"$maxAge":5,"$tb":7,"$acl":{"$r":"till","$w":[]},"shop":"berlin"}`,
		`{"$acl":"$systemStreamAcl"}`, `{"$acl":7}`, `{"$tb":-1}`, `{"$tb":1e99}`, `{"$maxAge":9999999999999}`,
		`[]`, `null`, `{`, ``, `{"$userStreamAcl":{"$r":"till"}}`,
	} {
		f.Add([]byte(s), uint64(3))
	}
	f.Fuzz(func(t *testing.T, body []byte, tb uint64) {
		m := parseMetadata(body)
		for do := read; do <= metaWrite; do++ {
			_ = m.acl.roles(do)
			_ = parseSettings(body).list(true).roles(do)
		}
		tb %= deletedStream + 1
		again, err := withTruncateBefore(body, tb)
		if err != nil {
			t.Fatalf("withTruncateBefore(%q) = %v", body, err)
		}
		var was, is map[string]json.RawMessage
		if err := json.Unmarshal(again, &is); err != nil {
			t.Fatalf("withTruncateBefore(%q) = %q: %v", body, again, err)
		}
		if json.Unmarshal(body, &was) == nil {
			for name := range was {
				if _, ok := is[name]; !ok {
					t.Errorf("withTruncateBefore(%q) = %q, without %q", body, again, name)
				}
			}
		}
		if n := parseMetadata(again); n.tb != tb && n.hides() {
			t.Errorf("parseMetadata(%q).tb = %d, want %d", again, n.tb, tb)
		}
	})
}

// FuzzBasic checks that no authorization header stops the server, and that none
// signs in without a name.
func FuzzBasic(f *testing.F) {
	for _, s := range []string{"Basic dGlsbDpvcGVu", "basic dGlsbA==", "Basic !", "Bearer x", "", "Basic Om9wZW4="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if name, password, ok := basic(header); ok && name == "" {
			t.Errorf("basic(%q) = %q, %q", header, name, password)
		}
	})
}
