//go:build opencv

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
)

// TestACamerasDiskIsReallyFull runs a shop's cameras on a disk that has little
// room, then none, then room again: that is told, and what was seen meanwhile
// waits in memory and comes.
func TestACamerasDiskIsReallyFull(t *testing.T) {
	t.Parallel() // it waits most of the time
	disk := peer.NewSmallDisk(t, "100m")
	f, url := newFar(t)
	c := startEdge(t, writeShopIn(t, disk.Dir, url, filmCamera(t, "cam-1", ", speed: 2")))
	f.until("it runs", func() bool { return f.told("cam-1", ledger.DeviceStarting) })
	disk.Fill(0)
	select {
	case <-c.first:
		t.Fatal("something was kept on a full disk")
	case <-c.read:
		t.Fatal("vouch-edge ended on a full disk")
	case <-c.full:
	}
	disk.MakeRoom()
	f.until("what was seen on the full disk came", func() bool { return len(f.seen) >= 4 })
	f.until("the full disk was told", func() bool { return f.told("cam-1", ledger.DeviceDiskFull) || f.told("disk", ledger.DeviceDiskFull) })
	f.until("the disk is well", func() bool { return f.state("disk") == ledger.DeviceWell })
}

// TestTheServersDiskIsReallyFull fills the disk of `vouch serve`: what it
// cannot keep it does not take, what it took is there after it was killed, and
// it goes on when there is room.
func TestTheServersDiskIsReallyFull(t *testing.T) {
	disk := peer.NewSmallDisk(t, "400m")
	data := filepath.Join(disk.Dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	s := openShopSelling(t, data, (*cartShop).file)
	before := s.ticket() // an event that was acknowledged
	picture := func(n int) []byte { return bytes.Repeat([]byte(fmt.Sprintf("picture %d ", n)), 20_000) }
	put := func(n int) int {
		b := picture(n)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.direct+"/v1/evidence/"+string(ledger.DigestOf(b)), bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.keys[keys.Device])
		req.Header.Set("Content-Type", "image/jpeg")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	if got := put(0); got/100 != 2 {
		t.Fatalf("evidence on a disk with room is answered %d", got)
	}
	disk.Fill(0)
	for n := range 3 {
		if got := put(n + 1); got != http.StatusInsufficientStorage {
			t.Errorf("evidence on a full disk is answered %d, want 507: send it again later", got)
		}
	}
	if status, _ := s.look(keys.Operator, "/v1/evidence/"+string(ledger.DigestOf(picture(1))), "*/*"); status != http.StatusNotFound {
		t.Errorf("evidence that was not taken is answered %d, want 404", status)
	}
	disk.MakeRoom()
	for n := range 2 {
		if got := put(n); got/100 != 2 {
			t.Errorf("evidence %d after there was room is answered %d", n, got)
		}
	}
	s.call("verify", "--data", data)
	if before == s.ticket() {
		t.Error("two tickets are one")
	}
}
