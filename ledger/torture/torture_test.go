package torture_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger/torture"
)

// The environment of a child: the folder of its log and the number of its life.
const (
	childDir  = "VOUCH_TORTURE_CHILD_DIR"
	childLife = "VOUCH_TORTURE_CHILD_LIFE"
)

// TestMain is a child when it is told to be one.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		goleak.VerifyTestMain(m)
	}
	life, err := strconv.ParseUint(os.Getenv(childLife), 10, 64)
	if err == nil {
		err = torture.Child(context.Background(), dir, life, time.Now, os.Stdout)
	}
	fmt.Fprintln(os.Stderr, "child:", err)
	os.Exit(1)
}

// duration is how long each torture runs: short, or what VOUCH_TORTURE says.
func duration(t *testing.T, short time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv("VOUCH_TORTURE")
	if text == "" {
		return short
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("VOUCH_TORTURE=%s: %v", text, err)
	}
	return d / 2 // there are two tortures
}

// TestTortureDisk checks that nothing acknowledged or read is lost on a disk that
// crashes, loses power, fills up and fails to sync.
func TestTortureDisk(t *testing.T) {
	var sum torture.Counts
	first := uint64(time.Now().UnixNano()) // a seed
	for end, seed := time.Now().Add(duration(t, 3*time.Second)), first; time.Now().Before(end); seed++ {
		c, err := torture.Simulate(t.Context(), seed)
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(c)
	}
	t.Logf("%+v", sum)
	if sum.Events == 0 || sum.Kills == 0 || sum.PowerCuts == 0 || sum.Full == 0 || sum.SyncErrors == 0 ||
		sum.Sealed == 0 || sum.Merged == 0 || sum.Again == 0 || sum.WhileSeals == 0 {
		t.Errorf("the simulation did not meet every fault: %+v", sum)
	}
}

// TestTortureNoticesALyingDisk checks that the simulation would notice: on a
// disk whose syncs do nothing it must find that events are lost.
func TestTortureNoticesALyingDisk(t *testing.T) {
	for seed := range uint64(50) {
		if _, err := torture.SimulateLying(t.Context(), seed); err != nil {
			t.Logf("found with seed %d: %v", seed, err)
			return
		}
	}
	t.Error("50 runs on a disk that lies about syncs found nothing")
}

// TestTortureProcess checks that a process that is killed under load loses nothing that
// it had acknowledged.
func TestTortureProcess(t *testing.T) {
	const killsPerLog = 30
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var sum torture.Counts
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for end := time.Now().Add(duration(t, time.Second)); sum.Runs == 0 || time.Now().Before(end); {
		dir := t.TempDir()
		c, err := torture.Kill(t.Context(), dir, killsPerLog, random, func(life int) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), childDir+"="+dir, childLife+"="+strconv.Itoa(life))
			cmd.Stderr = os.Stderr
			return cmd
		})
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(c)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%+v", sum)
	if sum.Sealed == 0 || sum.WhileSeals == 0 {
		t.Errorf("nothing was sealed, or nobody killed while sealing: %+v", sum)
	}
}
