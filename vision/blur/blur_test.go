package blur

import (
	"bytes"
	"image"
	"testing"

	"pgregory.net/rapid"
)

// picture draws random bytes.
func picture(t *rapid.T, w, h int) []byte {
	return rapid.SliceOfN(rapid.Byte(), w*h*3, w*h*3).Draw(t, "picture")
}

func region(t *rapid.T) image.Rectangle {
	at := rapid.IntRange(-20, 60)
	return image.Rect(at.Draw(t, "x0"), at.Draw(t, "y0"), at.Draw(t, "x1"), at.Draw(t, "y1"))
}

// TestNobodyIsLeftInWhatIsHidden: two faces of the same coarse colours look the
// same afterwards, a region keeps 16 fields at most, and nothing around it is
// touched.
func TestNobodyIsLeftInWhatIsHidden(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const w, h = 48, 40
		was, r := picture(t, w, h), region(t)
		is := bytes.Clone(was)
		inside := r.Intersect(image.Rect(0, 0, w, h))
		if got := Hide(is, w, h, []image.Rectangle{r}); got == inside.Empty() {
			t.Fatalf("Hide(%v) = %v", r, got)
		}
		colours := map[[3]byte]bool{}
		for y := range h {
			for x := range w {
				i := (y*w + x) * 3
				px := [3]byte(is[i : i+3])
				if !image.Pt(x, y).In(inside) {
					if px != [3]byte(was[i:i+3]) {
						t.Fatalf("%d,%d outside of %v was touched", x, y, r)
					}
					continue
				}
				colours[px] = true
				if px[0]%coarse != coarse/2 {
					t.Fatalf("%d,%d has the fine colour %v", x, y, px)
				}
			}
		}
		if len(colours) > across*across {
			t.Fatalf("%d colours are left in %v, at most %d say who it is", len(colours), inside, across*across)
		}
		again := bytes.Clone(is)
		if Hide(again, w, h, []image.Rectangle{r}); !bytes.Equal(again, is) {
			t.Fatal("hiding twice shows something else")
		}
	})
}

// TestWhoeverMovesHasAHead moves a person through an empty shop.
func TestWhoeverMovesHasAHead(t *testing.T) {
	const w, h = 160, 120
	rest := bytes.Repeat([]byte{90, 100, 110}, w*h)
	with := bytes.Clone(rest)
	person := image.Rect(64, 16, 96, 112)
	for y := person.Min.Y; y < person.Max.Y; y++ {
		for x := person.Min.X; x < person.Max.X; x++ {
			copy(with[(y*w+x)*3:], []byte{200, 40, 60})
		}
	}
	got := Moving(with, rest, w, h)
	if len(got) != 1 || !image.Rect(64, 16, 96, 48).In(got[0]) || got[0].Max.Y > 64 {
		t.Errorf("Moving = %v, want the upper part of %v", got, person)
	}
	for i := range rest { // a camera's noise
		rest[i] += byte(i * 7 % 6)
	}
	if got := Moving(bytes.Repeat([]byte{90, 100, 110}, w*h), rest, w, h); len(got) != 0 {
		t.Errorf("Moving in an empty shop = %v, want nobody", got)
	}
}

func TestAHeadIsHiddenWhereNoFaceWasFound(t *testing.T) {
	near, far := image.Rect(0, 0, 100, 300), image.Rect(200, 100, 220, 160)
	face := image.Rect(30, 10, 70, 60)
	got := Heads([]image.Rectangle{near, far}, []image.Rectangle{face})
	if len(got) != 1 || got[0] != image.Rect(200, 100, 220, 121) {
		t.Errorf("Heads = %v, want that of the far person: the near one's face was found", got)
	}
	if a := Around(face); !face.Inset(-10).In(a) {
		t.Errorf("Around(%v) = %v, want room for the hair", face, a)
	}
}
