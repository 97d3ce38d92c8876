package embedded_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
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

// TestDurable checks that the embedded log outlives its process.
func TestDurable(t *testing.T) {
	ledgertest.TestDurable(t, func(t *testing.T, dir string) ledgertest.Durable { return open(t, dir) })
}
