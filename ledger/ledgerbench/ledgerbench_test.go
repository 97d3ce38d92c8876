package ledgerbench_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger/ledgerbench"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRun checks that a short measurement measures: both sides have a rate and
// every event that was appended is read.
func TestRun(t *testing.T) {
	r, err := ledgerbench.Run(t.Context(), ledgerbench.Config{
		Dir: t.TempDir(), Now: time.Now, Total: 200 * time.Millisecond, Rounds: 2, Writers: []int{1, 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 2 || r.Events == 0 || r.OpenPS <= 0 || r.ReadPS <= 0 {
		t.Fatalf("Run() = %+v", r)
	}
	for _, c := range r.Cells {
		if c.Log <= 0 || c.Bare <= 0 || c.Share <= 0 || c.LogP50 <= 0 || c.BareP50 <= 0 {
			t.Errorf("%d writers: %+v", c.Writers, c)
		}
	}
}
