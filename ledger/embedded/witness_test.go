package embedded

import (
	"math/rand/v2"
	"testing"

	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/faultdisk"
)

// TestWitnessCutShort checks that a witness whose process died while it noted a
// commit says how far the commit before went, wherever it was cut, and that it
// goes on from there; and that with both notes spoilt it says what was settled.
func TestWitnessCutShort(t *testing.T) {
	for cut := range witnessFields + 1 {
		d := faultdisk.New(rand.New(rand.NewPCG(1, uint64(cut))), nil)
		w, err := makeWitness(d, sampleID)
		if err != nil {
			t.Fatal(err)
		}
		for position := uint64(3); position < 8; position++ {
			if err := w.note(position); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.file.WriteAt(w.encode(1<<40+8, stillOpen)[:cut], w.place); err != nil {
			t.Fatal(err)
		}
		want := uint64(7)
		if cut == witnessFields {
			want = 1<<40 + 8
		}
		if a, err := readWitness(d); err != nil || a.position != want || a.closed {
			t.Errorf("cut at byte %d: readWitness() = %+v, %v, want position %d", cut, a, err, want)
		}
		seen, _ := d.Bytes(witnessName)
		seen[10] ^= 1
		seen[witnessSecond+10] ^= 1
		if a, err := readWitness(d); err != nil || a.position != 0 || a.settled != 1 {
			t.Errorf("cut at byte %d, both notes spoilt: readWitness() = %+v, %v, want what was settled", cut, a, err)
		}
	}
}

// TestWitnessIsPosted checks that what is noted in memory is in the file at once,
// for who reads it beside the writer and for who opens it next.
func TestWitnessIsPosted(t *testing.T) {
	files := disk.Dir(t.TempDir())
	w, err := makeWitness(files, sampleID)
	if err != nil {
		t.Fatal(err)
	}
	for position := uint64(1); position < 6; position++ {
		if err := w.note(position); err != nil {
			t.Fatal(err)
		}
		if a, err := readWitness(files); err != nil || a.position != position || a.closed {
			t.Fatalf("after note(%d): readWitness() = %+v, %v", position, a, err)
		}
	}
	if err := w.settle(5, closedInOrder); err != nil {
		t.Fatal(err)
	}
	if err := w.file.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := readWitness(files)
	if err != nil || a.position != 5 || !a.closed {
		t.Fatalf("closed in order at 5: readWitness() = %+v, %v", a, err)
	}
	if w, err = openWitness(files, sampleID, a); err != nil {
		t.Fatal(err)
	}
	if err := w.settle(5, stillOpen); err != nil {
		t.Fatal(err)
	}
	if err := w.note(6); err != nil {
		t.Fatal(err)
	}
	if err := w.file.Close(); err != nil {
		t.Fatal(err)
	}
	if a, err := readWitness(files); err != nil || a.position != 6 || a.closed {
		t.Errorf("opened again, note(6): readWitness() = %+v, %v", a, err)
	}
}
