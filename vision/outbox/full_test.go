package outbox

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vouchledger/vouch/internal/peer"
)

// TestADiskThatIsReallyFullLosesNothingThatWasTaken fills a file system to its
// last byte, kills and reopens the outbox on it, and makes room again.
func TestADiskThatIsReallyFullLosesNothingThatWasTaken(t *testing.T) {
	disk := peer.NewSmallDisk(t, "1m")
	dir := filepath.Join(disk.Dir, "outbox")
	up, refuse := false, ""
	s := serve(t, func(id string) int {
		switch {
		case !up:
			return http.StatusServiceUnavailable
		case id == refuse:
			return http.StatusBadRequest
		}
		return http.StatusCreated
	})
	o := open(t, dir, Config{Server: s.URL})
	var taken []string
	var full error
	for n := 0; full == nil; n++ {
		id := fmt.Sprintf("m%03d", n)
		if full = o.Put(Item{ID: id, Path: "/v1/detections", Body: []byte(strings.Repeat(id, 5000))}); full == nil {
			taken = append(taken, id)
		}
	}
	if !errors.Is(full, syscall.ENOSPC) || len(taken) < 10 {
		t.Fatalf("Put on a full disk = %v after %d messages, want ENOSPC after some", full, len(taken))
	}
	disk.Fill(0)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	// The machine is switched off and on, and the disk is as full as before.
	o = open(t, dir, Config{Server: s.URL})
	defer o.Close()
	if d := o.Status().Depth; d != len(taken) {
		t.Fatalf("%d wait after a start on a full disk, want the %d that were taken", d, len(taken))
	}
	// The server is back; it refuses one, whose answer finds no room either.
	up, refuse = true, taken[0]
	stop := run(t, o)
	drain(t, o)
	stop()
	got := s.seen()
	for i, id := range taken {
		if i >= len(got) || !strings.HasPrefix(got[i], id+" ") || !strings.Contains(got[i], strings.Repeat(id, 5000)) {
			t.Fatalf("message %d is not %s, whole and in its place", i, id)
		}
	}
	if d := o.Status().Dead; d != 1 {
		t.Errorf("%d refused messages are kept, want 1", d)
	}
	disk.MakeRoom()
	put(t, o, "after")
	stop = run(t, o)
	drain(t, o)
	stop()
	if got := s.seen(); len(got) != len(taken)+1 || !strings.HasPrefix(got[len(taken)], "after ") {
		t.Errorf("after there was room again %d came, want %d and the new one last", len(got), len(taken)+1)
	}
}
