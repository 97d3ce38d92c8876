package ledger_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/vouchledger/vouch/ledger"
)

func batch(n int) []ledger.Draft {
	ds := make([]ledger.Draft, n)
	for i := range ds {
		id := id(1)
		binary.BigEndian.PutUint32(id[8:], uint32(i))
		ds[i] = ledger.Draft{ID: id, Kind: "x.v1", Occurred: noon}
	}
	return ds
}

// TestOneIDTwice checks that a batch which holds one id twice is refused,
// wherever in it the two are and however long it is.
func TestOneIDTwice(t *testing.T) {
	for _, n := range []int{2, 3, 16, 17, 200, ledger.MaxBatch} {
		if err := ledger.ValidateAppend("visit-v1", batch(n)); err != nil {
			t.Errorf("ValidateAppend(%d drafts) = %v, want nil", n, err)
		}
		for _, pair := range [][2]int{{0, n - 1}, {0, 1}, {n - 2, n - 1}} {
			ds := batch(n)
			ds[pair[1]].ID = ds[pair[0]].ID
			if err := ledger.ValidateAppend("visit-v1", ds); !errors.Is(err, ledger.ErrInvalid) {
				t.Errorf("ValidateAppend(%d drafts, %d and %d the same) = %v, want ErrInvalid", n, pair[0], pair[1], err)
			}
		}
	}
}

func BenchmarkValidateAppend(b *testing.B) {
	for _, n := range []int{1, 4, 16, 100, ledger.MaxBatch} {
		ds := batch(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := ledger.ValidateAppend("visit-v1", ds); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
