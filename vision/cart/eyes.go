package cart

import (
	"bytes"
	"errors"
	"image"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/barcode"
	"github.com/vouchledger/vouch/vision/qr"
)

const (
	// forgetQR is how long a QR code must be out of sight to count again.
	forgetQR = 3 * time.Second

	// Quick looks for QR codes see every third frame, thorough ones every
	// thirtieth: they cost as much as twenty quick ones.
	quickEvery = 3
	fullEvery  = 30

	// A picture is compared in gridW x gridH cells. Somebody reaches in while
	// more than movedCells differ by more than movedBy grey levels from the
	// frame before, once the light is taken out.
	gridW, gridH = 32, 24
	movedBy      = 14
	movedCells   = gridW * gridH / 50

	// handBefore is how long before a weight begins to change a hand is over the
	// cart.
	handBefore = time.Second

	// frozenAfter is how long a camera may show the very same picture, and
	// dark the mean of a picture that shows nothing.
	frozenAfter = 5 * time.Second
	dark        = 6
)

// Eyes look through the cart's camera: at labels and codes that are held
// before it, and at whether somebody reaches in. The zero value has seen
// nothing; it is not for several goroutines.
type Eyes struct {
	labels barcode.Watcher
	frames int

	code   string
	seen   time.Duration
	before []byte // the frame's cells
	pix    []byte
	same   time.Duration // since when the picture is the very same
	moved  time.Duration
	any    bool          // something moved ever
	from   time.Duration // of the first picture
	fault  string
	blind  ledger.DeviceState
}

// Blind says what kind of fault the camera has, for staff: [ledger.DeviceWell]
// if none.
func (e *Eyes) Blind() ledger.DeviceState { return e.blind }

// Fault says in words what is wrong with the camera; empty if nothing is.
func (e *Eyes) Fault() string { return e.fault }

// See looks at the next frame, taken at the time at since the first, and
// returns the text of a code that comes into sight.
func (e *Eyes) See(g *image.Gray, at time.Duration) (string, error) {
	if e.frames == 0 {
		e.from = at
	}
	e.move(g, at)
	n := e.frames
	e.frames++
	if e.fault != "" {
		return "", nil
	}
	digits, fresh, err := e.labels.See(g, at)
	if err != nil || fresh {
		return digits, err
	}
	if digits != "" || n%quickEvery != 0 {
		return "", nil
	}
	effort := qr.Quick
	if n%fullEvery == 0 {
		effort = qr.Full
	}
	text, err := qr.Decode(g, effort)
	if errors.Is(err, qr.ErrNoCode) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	again := text == e.code && at-e.seen <= forgetQR
	e.code, e.seen = text, at
	if again {
		return "", nil
	}
	return text, nil
}

// Reached reports whether somebody reached into the cart when its weight began to
// change at the time since, or later; nil if the camera cannot tell.
func (e *Eyes) Reached(since time.Duration) *bool {
	if e.frames < 2 || e.fault != "" || since-handBefore < e.from {
		return nil
	}
	yes := e.any && e.moved >= since-handBefore
	return &yes
}

// A Glimpse is a picture as far as it takes to tell it from another of the same
// view.
type Glimpse struct {
	cells []byte
	size  image.Point
}

// Look returns the glimpse of a picture.
func Look(g *image.Gray) Glimpse {
	c, _ := cells(g)
	return Glimpse{c, g.Rect.Size()}
}

// Changed returns where two pictures of one view differ, once the light is taken
// out, and in how many of 768 cells; nothing if they are no two of one size.
func (a Glimpse) Changed(b Glimpse) (r image.Rectangle, n int) {
	if a.size != b.size {
		return r, 0
	}
	light := lightOf(a.cells, b.cells)
	for i := range b.cells {
		if moved(a.cells[i], b.cells[i], light) {
			n++
			r = r.Union(image.Rect(i%gridW, i/gridW, i%gridW+1, i/gridW+1))
		}
	}
	w, h := a.size.X, a.size.Y
	return image.Rect(r.Min.X*w/gridW, r.Min.Y*h/gridH, r.Max.X*w/gridW, r.Max.Y*h/gridH), n
}

// move compares the frame with the one before.
func (e *Eyes) move(g *image.Gray, at time.Duration) {
	now, mean := cells(g)
	still := e.pix != nil && bytes.Equal(e.pix, g.Pix)
	if !still {
		e.same = at
		e.pix = append(e.pix[:0], g.Pix...)
	}
	switch {
	case mean < dark:
		e.fault, e.blind = "The camera sees nothing. Key in numbers, or ask staff.", ledger.DeviceBlack
	case at-e.same >= frozenAfter:
		e.fault, e.blind = "The camera stands still. Key in numbers, or ask staff.", ledger.DeviceFrozen
	default:
		e.fault, e.blind = "", ledger.DeviceWell
	}
	if e.before != nil && differ(e.before, now) > movedCells {
		e.moved, e.any = at, true
	}
	e.before = now
}

// cells returns the mean of each cell and of all.
func cells(g *image.Gray) (c []byte, mean int) {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	c = make([]byte, gridW*gridH)
	for j := range gridH {
		for i := range gridW {
			sum, n := 0, 0
			for y := j * h / gridH; y < (j+1)*h/gridH; y += 2 {
				for x := i * w / gridW; x < (i+1)*w/gridW; x += 2 {
					sum, n = sum+int(g.Pix[y*g.Stride+x]), n+1
				}
			}
			if n > 0 {
				c[j*gridW+i] = byte(sum / n)
				mean += sum / n
			}
		}
	}
	return c, mean / len(c)
}

// differ counts the cells that changed otherwise than the picture as a whole.
func differ(a, b []byte) (n int) {
	light := lightOf(a, b)
	for i := range a {
		if moved(a[i], b[i], light) {
			n++
		}
	}
	return n
}

// lightOf returns the median change, which is the light's.
func lightOf(a, b []byte) int {
	var by [511]int
	for i := range a {
		by[int(b[i])-int(a[i])+255]++
	}
	seen := 0
	for d, n := range by {
		if seen += n; 2*seen >= len(a) {
			return d - 255
		}
	}
	return 0
}

func moved(a, b byte, light int) bool {
	d := int(b) - int(a) - light
	return d > movedBy || d < -movedBy
}
