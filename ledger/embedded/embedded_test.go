package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small makes segments so short that every test rolls through several.
const small = 16 << 10

func open(t *testing.T, dir string) *embedded.Log {
	t.Helper()
	l, err := embedded.Open(t.Context(), dir, embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: small})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestConformance checks that the embedded log keeps the contract.
func TestConformance(t *testing.T) {
	ledgertest.TestLog(t, func(t *testing.T) ledger.Log {
		l := open(t, t.TempDir())
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Errorf("Close() = %v", err)
			}
		})
		return l
	})
}

// TestConformanceSealing checks the same where nearly everything is sealed: three
// events fill a segment.
func TestConformanceSealing(t *testing.T) {
	for _, keep := range []int{0, 2} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			ledgertest.TestLog(t, func(t *testing.T) ledger.Log {
				cfg := embedded.Config{Now: ledgertest.JumpingClock(), SegmentBytes: tiny, KeepFull: keep}
				l := openWith(t, faultdisk.New(rand.New(rand.NewPCG(1, 1)), nil), cfg)
				t.Cleanup(func() {
					if err := l.Close(); err != nil {
						t.Errorf("Close() = %v", err)
					}
				})
				return l
			})
		})
	}
}

// TestDurable checks that the embedded log outlives its process.
func TestDurable(t *testing.T) {
	ledgertest.TestDurable(t, func(t *testing.T, dir string) ledgertest.Durable { return open(t, dir) })
}
