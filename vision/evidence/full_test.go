package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
)

// TestADiskThatIsReallyFullKeepsWhatItHas fills a store's file system to the
// last byte: what found no room is not there, not even in part, and what was
// taken is; with room it goes on.
func TestADiskThatIsReallyFullKeepsWhatItHas(t *testing.T) {
	disk := peer.NewSmallDisk(t, "1m")
	dir := filepath.Join(disk.Dir, "evidence")
	s, err := Open(dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	disk.Fill(512 << 10)
	picture := func(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "picture %d ", n), 5000) }
	taken := 0
	for ; ; taken++ {
		if _, err = s.PutBytes(t.Context(), picture(taken)); err != nil {
			break
		}
	}
	if !errors.Is(err, syscall.ENOSPC) || taken < 5 {
		t.Fatalf("PutBytes on a full disk = %v after %d, want ENOSPC after some", err, taken)
	}
	if _, err := s.PutBytes(t.Context(), picture(taken)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("PutBytes on a disk without a byte = %v, want ENOSPC", err)
	}
	if _, err := s.Read(t.Context(), ledger.DigestOf(picture(taken))); !errors.Is(err, ErrMissing) {
		t.Errorf("what found no room is read: %v, want ErrMissing", err)
	}
	if n := len(files(t, dir)); n != taken {
		t.Errorf("%d files lie in the store, want the %d that were taken", n, taken)
	}
	disk.MakeRoom()
	for n := range taken {
		if got, err := s.Read(t.Context(), ledger.DigestOf(picture(n))); err != nil || !bytes.Equal(got, picture(n)) {
			t.Errorf("picture %d = %d bytes, %v, want it whole", n, len(got), err)
		}
	}
	if _, err := s.PutBytes(t.Context(), []byte("small enough")); err != nil {
		t.Errorf("PutBytes after room was made = %v", err)
	}
}
