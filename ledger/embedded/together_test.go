package embedded_test

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
)

// TestSealedTogether seals a rush of events that has left many full segments: two
// become one, and all of it is read as it was.
func TestSealedTogether(t *testing.T) {
	s, want := shelveWith(t, 24, config(tiny))
	full := len(s.segments()) - 1
	d := s.on(t)
	l := openWith(t, d, sealing(tiny))
	if err := l.Sealed(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := all(t.Context(), l)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	after := filesOf(t, d)
	together := after.named(".sealed")
	if len(together) != (full+1)/2 || len(after.segments()) != 1 {
		t.Fatalf("%d full segments have become %q", full, after.named(""))
	}
	if report, err := embedded.VerifyFolder(t.Context(), d); err != nil || report.Sealed != len(together) {
		t.Errorf("Verify = %+v, %v", report, err)
	}

	// Whoever dies between the sealed file and the end of the two leaves both, or the second.
	first, second := s.segments()[0], s.segments()[1]
	for _, left := range [][]string{{first, second}, {second}} {
		some := after.clone()
		for _, name := range left {
			some[name] = s[name]
		}
		got, _, tidied, err := some.opened(t, sealing(tiny))
		if diff := cmp.Diff(want, got); diff != "" || err != nil || len(tidied.segments()) != 1 {
			t.Errorf("with %q: %v, and then %q (-want +got):\n%s", left, err, tidied.segments(), diff)
		}
		some[together[0]][80] ^= 1 // now they are all that still has the events
		disk := some.on(t)
		_, err = embedded.OpenFolder(t.Context(), disk, sealing(tiny))
		damaged(t, "a sealed file that has rotted", err, together[0])
		if now := filesOf(t, disk); len(now.segments()) != 1+len(left) {
			t.Errorf("with %q and a block that has rotted %q are left", left, now.segments())
		}
	}

	// Another log's file is not ours to remove.
	foreign := after.clone()
	b := append([]byte(nil), s[second]...)
	b[16] ^= 1
	le.PutUint32(b[60:], crc32.Checksum(b[:60], crc32.MakeTable(crc32.Castagnoli)))
	foreign[second] = b
	disk := foreign.on(t)
	_, err = embedded.OpenFolder(t.Context(), disk, sealing(tiny))
	damaged(t, "a segment of another log", err, second)
	if filesOf(t, disk)[second] == nil {
		t.Error("it was removed")
	}
}

// TestCrashWhileSealingTogether lets the process die, or the power fail, at each change
// of the disk while a rush is sealed: every event is there once, and nothing is damaged.
func TestCrashWhileSealingTogether(t *testing.T) {
	s, want := shelveWith(t, 9, config(tiny))
	seal := func(d *faultdisk.Disk) {
		l, err := embedded.OpenFolder(t.Context(), d, sealing(tiny))
		if err != nil {
			return
		}
		_ = l.Sealed(t.Context())
		_ = l.Close()
	}
	whole := s.on(t)
	before := whole.Ops()
	seal(whole)
	crashes := 0
	for op := before; op < whole.Ops(); op++ {
		for _, cut := range []bool{false, true} {
			d := s.onDisk(t, faultdisk.New(rand.New(rand.NewPCG(uint64(op), 1)), func(o faultdisk.Op) faultdisk.Fault { // small
				if o.N == op {
					return faultdisk.Kill
				}
				return faultdisk.None
			}))
			seal(d)
			if d.SetFault(nil); cut {
				d.PowerLoss()
			} else {
				d.Restart()
			}
			crashes++
			l := openWith(t, d, sealing(tiny))
			got, err := all(t.Context(), l)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("change %d, power cut %v: %v (-want +got):\n%s", op, cut, err, diff)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := embedded.VerifyFolder(t.Context(), d); err != nil {
				t.Fatalf("change %d, power cut %v: Verify = %v", op, cut, err)
			}
		}
	}
	if crashes < 40 {
		t.Errorf("%d crashes, want some more", crashes)
	}
}
