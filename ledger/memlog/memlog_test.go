package memlog_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/ledgertest"
	"github.com/vouchledger/vouch/ledger/memlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConformance checks that the log in memory keeps the contract.
func TestConformance(t *testing.T) {
	ledgertest.TestLog(t, func(*testing.T) ledger.Log { return memlog.New(ledgertest.JumpingClock()) })
}
