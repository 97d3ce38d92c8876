package shop

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"github.com/vouchledger/vouch/vision/render/random"
	"github.com/vouchledger/vouch/vision/truth"
)

// How RFID readers work here: each asks all tags twice a second.
const (
	roundsHz    = 2
	strayShare  = 0.02 // of rounds in which a reader hears the next shelf
	bagShare    = 0.25 // in which a shelf's reader hears the bag of who stands there
	bagRange    = 1.1  // metres
	doorRange   = 0.9
	hiddenShare = 0.06 // further rounds missed for each row before a tag
)

// DoorReader is the name of the reader at the door.
const DoorReader = "rfid-door"

// Reader returns the name of a shelf's RFID reader.
func (s Shelf) Reader() string { return "rfid-" + s.Name }

// Reads returns what RFID readers hear, in order. Tags on a shelf answer its
// reader in most rounds, rarely the neighbour's, and those in a bag answer
// where it is carried past.
func (s *Stage) Reads() iter.Seq[truth.Read] {
	return func(yield func(truth.Read) bool) {
		every := max(1, s.FPS/roundsHz)
		for n := 0; n < s.frames; n += every {
			reads := s.round(n)
			slices.SortFunc(reads, func(a, b truth.Read) int {
				return cmp.Or(cmp.Compare(a.Reader, b.Reader), cmp.Compare(a.Tag, b.Tag))
			})
			for _, r := range reads {
				if !yield(r) {
					return
				}
			}
		}
	}
}

func (s *Stage) round(n int) []truth.Read {
	var reads []truth.Read
	hear := func(x *Piece, reader string, key int, share, strength float64) {
		if x.Tag == "" || random.Grain(n, x.ID, key+int(s.Seed%1000)) >= share { //nolint:gosec // below 1000
			return
		}
		rssi := strength + 6*random.Grain(n, x.ID, key+1001)
		reads = append(reads, truth.Read{T: s.Time(n), Reader: reader, Tag: x.Tag, RSSI: math.Round(10*rssi) / 10})
	}
	for i := range s.Shelves {
		for _, st := range s.Standing(i, n) {
			row := st.place / s.Shelves[i].Slots[st.Slot].Facings
			hear(st.Piece, s.Shelves[i].Reader(), 10*i, 1-s.RFIDMiss-hiddenShare*float64(row), -58)
			for _, j := range []int{i - 1, i + 1} {
				if j >= 0 && j < len(s.Shelves) {
					hear(st.Piece, s.Shelves[j].Reader(), 10*j+3, strayShare, -72)
				}
			}
		}
	}
	for _, p := range s.Poses(n) {
		for _, x := range s.people[p.Who].carries(n) {
			for i, sh := range s.Shelves {
				if math.Hypot(p.Floor[0]-sh.X, p.Floor[1]-sh.Y) < bagRange {
					hear(x, sh.Reader(), 10*i+5, bagShare, -70)
				}
			}
			if math.Hypot(p.Floor[0]-DoorX, p.Floor[1]) < doorRange {
				hear(x, DoorReader, 500, 1-s.RFIDMiss, -60)
			}
		}
	}
	return reads
}

// carries returns what is in a person's bag in frame n.
func (w *walker) carries(n int) []*Piece {
	var bag []*Piece
	for _, b := range w.bagged {
		switch {
		case b.frame > n:
		case b.in:
			bag = append(bag, b.piece)
		default:
			bag = slices.DeleteFunc(bag, func(x *Piece) bool { return x == b.piece })
		}
	}
	return bag
}
