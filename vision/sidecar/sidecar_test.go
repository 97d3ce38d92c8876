package sidecar

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	cola = Boxes{
		Size: [2]int{640, 360}, Model: "vouch-shelf/1 yolo.weights", Item: 941, Action: 973,
		Frames: []Frame{
			{"before", []Box{{KindPlace, "cola-330", 0, [4]int{30, 96, 134, 224}}, {KindThing, "bottle", 812, [4]int{40, 100, 60, 180}}}},
			{"after", []Box{{KindFace, "face", 990, [4]int{600, 0, 40, 360}}}},
		},
	}
	lifted = Weight{"scale-1", []Point{{-2000, 4120}, {-40, 4127}, {0, 3950}, {0, 3801}, {1500, 3790}}}
)

const (
	colaBytes = `{"size":[640,360],"model":"vouch-shelf/1 yolo.weights","item":941,"action":973,"frames":[` +
		`{"role":"before","boxes":[{"kind":"place","label":"cola-330","score":0,"rect":[30,96,134,224]},` +
		`{"kind":"thing","label":"bottle","score":812,"rect":[40,100,60,180]}]},` +
		`{"role":"after","boxes":[{"kind":"face","label":"face","score":990,"rect":[600,0,40,360]}]}]}`
	liftedBytes = `{"scale":"scale-1","points":[[-2000,4120],[-40,4127],[0,3950],[0,3801],[1500,3790]]}`
)

func TestWhatLiesBesideThePicturesHasOneForm(t *testing.T) {
	b, err := cola.Marshal()
	if err != nil || string(b) != colaBytes {
		t.Errorf("boxes = %s, %v, want %s", b, err, colaBytes)
	}
	again, err := ParseBoxes(b)
	if diff := cmp.Diff(cola, again); diff != "" || err != nil {
		t.Errorf("read again, %v: %s", err, diff)
	}
	w, err := lifted.Marshal()
	if err != nil || string(w) != liftedBytes {
		t.Errorf("weight = %s, %v, want %s", w, err, liftedBytes)
	}
	weight, err := ParseWeight(w)
	if err != nil || weight.Change() != -330 {
		t.Errorf("change = %d, %v, want 330 g less", weight.Change(), err)
	}
}

func TestWhatNoDeviceOfOursWritesIsRefused(t *testing.T) {
	for story, text := range map[string]string{
		"a box outside the picture":  strings.Replace(colaBytes, "[600,0,40,360]", "[601,0,40,360]", 1),
		"a box that overflows":       strings.Replace(colaBytes, "[600,0,40,360]", "[9223372036854775807,0,40,360]", 1),
		"a box of no width":          strings.Replace(colaBytes, "[600,0,40,360]", "[600,0,0,360]", 1),
		"surer than sure":            strings.Replace(colaBytes, "990", "1001", 1),
		"a kind that is not known":   strings.Replace(colaBytes, `"face","label"`, `"name","label"`, 1),
		"a field that is not known":  strings.Replace(colaBytes, `"size"`, `"name":"Lea","size"`, 1),
		"something behind it":        colaBytes + "{}",
		"a picture of no size":       strings.Replace(colaBytes, "640", "0", 1),
		"too many boxes":             strings.Replace(colaBytes, `"frames":[`, `"frames":[`+strings.Repeat(`{"role":"at","boxes":[]},`, maxBoxes), 1),
		"more than anybody reads":    colaBytes + strings.Repeat(" ", MaxBytes),
		"a label that is a novel":    strings.Replace(colaBytes, "bottle", strings.Repeat("x", maxText+1), 1),
		"nothing":                    "",
		"the weight of a detection":  liftedBytes,
		"a confidence that is large": strings.Replace(colaBytes, "941", "1941", 1),
	} {
		if _, err := ParseBoxes([]byte(text)); !errors.Is(err, ErrForm) {
			t.Errorf("%s: ParseBoxes = %v, want ErrForm", story, err)
		}
	}
	for story, text := range map[string]string{
		"a clock that runs back":   strings.Replace(liftedBytes, "-40", "-2001", 1),
		"no reading":               `{"scale":"scale-1","points":[]}`,
		"an elephant":              strings.Replace(liftedBytes, "4127", "10000001", 1),
		"a reading of last week":   strings.Replace(liftedBytes, "-2000", "-604800000", 1),
		"more readings than drawn": `{"scale":"s","points":[` + strings.Repeat("[0,0],", maxPoints) + `[0,0]]}`,
	} {
		if _, err := ParseWeight([]byte(text)); !errors.Is(err, ErrForm) {
			t.Errorf("%s: ParseWeight = %v, want ErrForm", story, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(colaBytes))
	f.Add([]byte(liftedBytes))
	f.Fuzz(func(t *testing.T, b []byte) {
		if boxes, err := ParseBoxes(b); err == nil {
			again, err := boxes.Marshal()
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			if second, err := ParseBoxes(again); err != nil || !cmp.Equal(boxes, second) {
				t.Fatalf("read again = %+v, %v, want %+v", second, err, boxes)
			}
		}
		if weight, err := ParseWeight(b); err == nil {
			again, err := weight.Marshal()
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			if second, err := ParseWeight(again); err != nil || !cmp.Equal(weight, second) {
				t.Fatalf("read again = %+v, %v, want %+v", second, err, weight)
			}
		}
	})
}
