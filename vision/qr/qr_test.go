package qr

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/internal/given"
)

func load(t testing.TB, path string) *image.Gray {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return Gray(m)
}

// always are the conditions in which a gate must read every code.
var always = []string{
	"clean", "blur1.0", "glare", "jpeg15", "phone-dark", "noise25", "lowcontrast", "blur1.8", "motion7",
	"small2.2px", "small1.6px", "inverted", "persp20", "persp35", "rot+persp+blur",
}

func TestCodesBeforeTheCameraAreRead(t *testing.T) {
	b, err := os.ReadFile(given.File(t, "qr/truth.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	type score struct{ quick, full, all int }
	scores := map[string]score{}
	var order []string
	for line := range strings.Lines(string(b)) {
		var truth struct{ File, Condition, Text string }
		if err := json.Unmarshal([]byte(line), &truth); err != nil {
			t.Fatal(err)
		}
		g := load(t, given.File(t, "qr/"+truth.File))
		s := scores[truth.Condition]
		if s.all++; s.all == 1 {
			order = append(order, truth.Condition)
		}
		for effort, n := range map[Effort]*int{Quick: &s.quick, Full: &s.full} {
			got, err := Decode(g, effort)
			switch {
			case err == nil && got == truth.Text:
				*n++
			case err == nil:
				t.Errorf("%s: Decode = %q, want %q or nothing", truth.File, got, truth.Text)
			case !errors.Is(err, ErrNoCode):
				t.Errorf("%s: Decode = %v, want ErrNoCode", truth.File, err)
			case effort == Full && slices.Contains(always, truth.Condition):
				t.Errorf("%s: Decode = %v, want the text", truth.File, err)
			}
		}
		scores[truth.Condition] = s
	}
	for _, c := range order {
		s := scores[c]
		t.Logf("%-16s quick %d/%d  full %d/%d", c, s.quick, s.all, s.full, s.all)
	}
}

func TestDrawnCodeIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567-")), 1, 200, -1).Draw(t, "text")
		code, err := Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(code.Image(rapid.IntRange(3, 6).Draw(t, "px")), Full)
		if err != nil || got != text {
			t.Fatalf("Decode(Encode(%q)) = %q, %v", text, got, err)
		}
	})
}

func TestPicturesWithoutACodeGiveNone(t *testing.T) {
	flat, ramp := image.NewGray(image.Rect(0, 0, 320, 240)), image.NewGray(image.Rect(0, 0, 320, 240))
	for i := range ramp.Pix {
		ramp.Pix[i] = uint8(i * 7919 >> 3)
	}
	code, err := Encode("VT1-HALF")
	if err != nil {
		t.Fatal(err)
	}
	whole := code.Image(6)
	half := whole.SubImage(image.Rect(0, 0, whole.Rect.Dx(), whole.Rect.Dy()/2)).(*image.Gray)
	for story, g := range map[string]*image.Gray{"a wall": flat, "a pattern": ramp, "half a code": half} {
		if text, err := Decode(g, Full); !errors.Is(err, ErrNoCode) {
			t.Errorf("%s: Decode = %q, %v, want ErrNoCode", story, text, err)
		}
	}
	if _, err := Decode(image.NewGray(image.Rect(0, 0, 0, 0)), Full); !errors.Is(err, ErrPicture) {
		t.Errorf("Decode(nothing) = %v, want ErrPicture", err)
	}
	part := image.NewGray(image.Rect(0, 0, 400, 400))
	for i := range part.Pix {
		part.Pix[i] = 255
	}
	window := part.SubImage(image.Rect(100, 60, 100+whole.Rect.Dx(), 60+whole.Rect.Dy())).(*image.Gray)
	for y := range whole.Rect.Dy() {
		copy(window.Pix[y*window.Stride:], whole.Pix[y*whole.Stride:(y+1)*whole.Stride])
	}
	if text, err := Decode(window, Quick); err != nil || text != "VT1-HALF" {
		t.Errorf("Decode(part of a frame) = %q, %v, want the text", text, err)
	}
}

func TestTextsThatFitNoCode(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("x", 5000)} {
		if _, err := Encode(text); !errors.Is(err, ErrText) {
			t.Errorf("Encode(%d bytes) = %v, want ErrText", len(text), err)
		}
	}
	code, err := Encode("VT1-A")
	if err != nil {
		t.Fatal(err)
	}
	if code.Version() != 1 || code.Size() != 21 || !strings.HasPrefix(string(code.PNG()), "\x89PNG") {
		t.Errorf("Encode = version %d, size %d, want 1 and 21", code.Version(), code.Size())
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range []string{"clean", "blur1.8", "occl8"} {
		g := load(b, given.File(b, fmt.Sprintf("qr/%s-00.jpg", c)))
		for name, effort := range map[string]Effort{"quick": Quick, "full": Full} {
			b.Run(c+"/"+name, func(b *testing.B) {
				for b.Loop() {
					_, _ = Decode(g, effort)
				}
			})
		}
	}
}
