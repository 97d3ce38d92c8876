package host

import (
	"fmt"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/lens"
)

// lensWidth is how wide the pictures are by which a camera's own troubles are
// known.
const lensWidth = 320

// A Sight knows the troubles of one camera by its pictures, for who looks at them for
// something else than a shelf. Make it with NewSight.
type Sight struct {
	width, height int
	scaler        *cv.Scaler
	lens          *lens.Lens
	small         []byte
	notice        func(state ledger.DeviceState, over bool, detail string)
	resized       bool
	told          lens.Trouble
}

// NewSight returns the sight of a camera of whose pictures so many a second are
// given to it. Every trouble is noticed once when it begins and once when it is over.
// goods says where in a picture things come and go, as of [lens.New].
func NewSight(
	width, height int, rate float64, goods func(x, y int) bool, notice func(state ledger.DeviceState, over bool, detail string),
) *Sight {
	w, h := cv.EvenSize(width, height, lensWidth)
	return &Sight{
		width: width, height: height, scaler: cv.NewScaler(w, h), lens: lens.New(w, h, rate, nil, goods), small: make([]byte, 3*w*h), notice: notice,
	}
}

// Judge reports whether a picture can be judged by.
func (s *Sight) Judge(f *cv.Frame) (bool, error) {
	if resized := f.Width() != s.width || f.Height() != s.height; resized != s.resized {
		s.resized = resized
		s.notice(ledger.DeviceResized, !resized, fmt.Sprintf("%dx%d", f.Width(), f.Height()))
	}
	if s.resized {
		return false, nil
	}
	if f.Damaged() {
		s.lens.Damage()
	}
	if err := s.scaler.Scale(f, s.small); err != nil {
		return false, err
	}
	judge, changed := s.lens.See(s.small)
	if !changed {
		return judge, nil
	}
	if was, ok := states[s.told]; ok {
		s.notice(was, true, "")
	}
	now, detail := s.lens.State()
	s.told = now
	if state, ok := states[now]; ok {
		s.notice(state, false, detail)
	}
	return judge, nil
}

// Close frees what it shrinks pictures with.
func (s *Sight) Close() { s.scaler.Close() }
