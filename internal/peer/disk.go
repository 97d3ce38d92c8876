package peer

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A SmallDisk is a file system of its own that can be filled to the last byte.
type SmallDisk struct {
	t   testing.TB
	Dir string
}

// NewSmallDisk mounts a file system in memory of so many bytes. It needs the
// right to mount, which a user namespace gives too.
func NewSmallDisk(t testing.TB, bytes string) *SmallDisk {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("vouch", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "size="+bytes); err != nil {
		t.Skipf("no small disk can be mounted (%v): run the test as root, or as `unshare -rm go test …`", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return &SmallDisk{t: t, Dir: dir}
}

// Fill takes all the room that is left but so many bytes.
func (d *SmallDisk) Fill(but int64) {
	d.t.Helper()
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		n := int64(len(block))
		if free := d.Free() - but; free < n {
			n = free
		}
		if n <= 0 {
			return
		}
		if _, err := f.Write(block[:n]); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
}

// Free returns the bytes that are left.
func (d *SmallDisk) Free() int64 {
	d.t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.Dir, &st); err != nil {
		d.t.Fatal(err)
	}
	return int64(st.Bavail) * st.Bsize //nolint:gosec // a small disk
}

// MakeRoom gives back what Fill took.
func (d *SmallDisk) MakeRoom() {
	d.t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *SmallDisk) ballast() string { return filepath.Join(d.Dir, "ballast") }
