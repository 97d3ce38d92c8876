package barcode

import (
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
)

// withCheck completes the digits of a product.
func withCheck(digits string) string {
	for c := '0'; c <= '9'; c++ {
		if ledger.ValidateGTIN(digits+string(c)) == nil {
			return digits + string(c)
		}
	}
	panic("no check digit for " + digits)
}

func TestWhatWeDrawIsReadByAnotherProgram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{7, 11, 12}).Draw(t, "length")
		digits := withCheck(rapid.StringMatching(fmt.Sprintf("[0-9]{%d}", n)).Draw(t, "digits"))
		c, err := Encode(digits)
		if err != nil {
			t.Fatal(err)
		}
		px := rapid.IntRange(1, 4).Draw(t, "px")
		var r Reader
		g := c.Image(px, 40)
		if rapid.Bool().Draw(t, "on its side") && px > 1 {
			g = &image.Gray{Pix: turned(g.Pix, g.Rect.Dx(), 40), Stride: 40, Rect: image.Rect(0, 0, 40, g.Rect.Dx())}
			g = wide(g)
		}
		got, err := r.Decode(g)
		want, _ := Normal(digits)
		if have, nerr := Normal(got); err != nil || nerr != nil || have != want {
			t.Fatalf("Decode(%s at %d px) = %q, %v", digits, px, got, err)
		}
	})
}

// wide puts a narrow picture on a white one that is as wide as high.
func wide(g *image.Gray) *image.Gray {
	side := g.Rect.Dy()
	out := image.NewGray(image.Rect(0, 0, side, side))
	for i := range out.Pix {
		out.Pix[i] = 255
	}
	for y := range side {
		copy(out.Pix[y*side+60:], g.Pix[y*g.Stride:][:g.Rect.Dx()])
	}
	return out
}

func TestGoldenBars(t *testing.T) {
	c, err := Encode("4006381333931")
	if err != nil {
		t.Fatal(err)
	}
	bars := ""
	for i := range c.Modules() {
		bars += map[bool]string{true: "1", false: "0"}[c.Black(i)]
	}
	want := "10100011010100111010111101111010001001011001101010100001010000101000010111010010000101100110101"
	if bars != want {
		t.Errorf("bars = %s, want %s", bars, want)
	}
}

func TestNumbersThatAreNoProductAreRefused(t *testing.T) {
	for _, s := range []string{"", "4006381333932", "400638133393", "123", "40063813339ab", "04006381333931", "96385075"} {
		if _, err := Encode(s); !errors.Is(err, ErrDigits) {
			t.Errorf("Encode(%q) = %v, want ErrDigits", s, err)
		}
	}
	for s, want := range map[string]string{
		"4006381333931": "04006381333931", "036000291452": "00036000291452", "0036000291452": "00036000291452",
		"96385074": "00000096385074",
	} {
		if got, err := Normal(s); err != nil || got != want {
			t.Errorf("Normal(%q) = %q, %v, want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "4006381333930", "1"} {
		if _, err := Normal(s); !errors.Is(err, ErrDigits) {
			t.Errorf("Normal(%q) = %v, want ErrDigits", s, err)
		}
	}
}

func TestBrokenLabelIsNoCode(t *testing.T) {
	c, err := Encode("4006381333931")
	if err != nil {
		t.Fatal(err)
	}
	var r Reader
	g := c.Image(3, 60)
	for y := range 60 { // a strip torn off across all rows
		for x := 120; x < 165; x++ {
			g.Pix[y*g.Stride+x] = 255
		}
	}
	if got, err := r.Decode(g); !errors.Is(err, ErrNoCode) {
		t.Errorf("Decode(torn label) = %q, %v, want ErrNoCode", got, err)
	}
	if _, err := r.Decode(image.NewGray(image.Rect(0, 0, 40, 40))); !errors.Is(err, ErrPicture) {
		t.Errorf("Decode(tiny picture) = %v, want ErrPicture", err)
	}
}

// TestNoiseIsNeverAScan looks at ten thousand rows of noise: a single look may
// err, two that agree do not.
func TestNoiseIsNeverAScan(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var w Watcher
	for i := range 300 {
		g := image.NewGray(image.Rect(0, 0, 200, 60))
		for x := range 200 {
			v := uint8(r.IntN(2) * 255)
			for y := range 60 {
				g.Pix[y*200+x] = v
			}
		}
		if code, fresh, err := w.See(g, time.Duration(i)*50*time.Millisecond); fresh || err != nil {
			t.Errorf("noise %d was read as %q, %v", i, code, err)
		}
	}
}

func TestEachShowingIsOneScan(t *testing.T) {
	show := func(digits string) *image.Gray {
		if digits == "" {
			return image.NewGray(image.Rect(0, 0, 300, 60))
		}
		c, err := Encode(digits)
		if err != nil {
			t.Fatal(err)
		}
		return c.Image(2, 60)
	}
	const cola, milk = "4006381333931", "96385074"
	var w Watcher
	var got []string
	for _, s := range []struct {
		text string
		ms   int
	}{
		{cola, 0},
		{cola, 100},
		{cola, 200},
		{"", 300},
		{cola, 400}, // a finger was before it
		{milk, 500}, // seen once only
		{cola, 600},
		{milk, 3000},
		{milk, 3100},
		{"", 3200},
		{cola, 5000},
		{cola, 5100},
	} {
		code, fresh, err := w.See(show(s.text), time.Duration(s.ms)*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if fresh {
			got = append(got, fmt.Sprint(code, "@", s.ms))
		}
	}
	if want := "[4006381333931@100 96385074@3100 4006381333931@5100]"; fmt.Sprint(got) != want {
		t.Errorf("scans = %v, want %s", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	c, err := Encode("4006381333931")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Image(1, 10).Pix, 113)
	f.Add([]byte{1, 2, 3}, 100)
	f.Fuzz(func(t *testing.T, pix []byte, w int) {
		if w < 1 || w > 2000 {
			return
		}
		h := len(pix) / w
		var r Reader
		text, err := r.Decode(&image.Gray{Pix: pix[:w*h], Stride: w, Rect: image.Rect(0, 0, w, h)})
		if err == nil && ledger.ValidateGTIN(text) != nil {
			t.Errorf("Decode = %q, whose check digit is wrong", text)
		}
	})
}

// BenchmarkEmptyFrame is what a camera costs while nothing is shown.
func BenchmarkEmptyFrame(b *testing.B) {
	g := image.NewGray(image.Rect(0, 0, 640, 480))
	r := rand.New(rand.NewPCG(3, 4))
	for i := range g.Pix {
		g.Pix[i] = uint8(110 + r.IntN(30))
	}
	var rd Reader
	for b.Loop() {
		if _, err := rd.Decode(g); err == nil {
			b.Fatal("noise was read")
		}
	}
}
