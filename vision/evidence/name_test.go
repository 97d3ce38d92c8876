package evidence

import (
	"testing"

	"github.com/vouchledger/vouch/ledger"
)

// FuzzName reads names as a folder or a bucket may hold them: what is taken for
// an object lies exactly where it says.
func FuzzName(f *testing.F) {
	d := ledger.DigestOf([]byte("frame"))
	for _, s := range []string{
		file(d), file(d) + ".v1", file(d) + ".loose", file(d) + ".", file(d) + ".loose-x", file(d) + "..", file(d) + ".a.b", "tmp/x", "", ".",
		"sha256/00/" + string(d)[7:], file(d) + "/../x", file(d) + ".V" + string(rune(0x130)),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		c, ok := parseName(name)
		if ok && (c.Name() != name || c.Digest.Validate() != nil || validName(c.owner) != nil) {
			t.Errorf("parseName(%q) = %+v, which lies at %q", name, c, c.Name())
		}
		if (name == file(d) || name == file(d)+".v1" || name == file(d)+".loose") && !ok {
			t.Errorf("parseName(%q) refuses an object", name)
		}
	})
}
