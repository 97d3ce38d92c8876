package score

import (
	"errors"
	"strings"
	"testing"
)

func TestEachDetectionIsPairedAtMostOnce(t *testing.T) {
	truth := []Event{{"left", "take", 10}, {"left", "take", 11}, {"left", "return", 20}, {"right", "take", 30}}
	for _, tt := range []struct {
		story                string
		seen                 []Event
		right, wrong, missed int
	}{
		{"all seen", truth, 4, 0, 0},
		{"nothing seen", nil, 0, 0, 4},
		{"seen twice", append(truth[:4:4], Event{"right", "take", 30.1}), 4, 1, 0},
		{"both takes seen late", []Event{{"left", "take", 11.4}, {"left", "take", 12.4}}, 2, 0, 2},
		{"one detection between two events", []Event{{"left", "take", 10.5}}, 1, 0, 3},
		{"wrong slot", []Event{{"right", "take", 10}}, 0, 1, 4},
		{"wrong action", []Event{{"left", "take", 20}}, 0, 1, 4},
		{"too late", []Event{{"right", "take", 31.51}}, 0, 1, 4},
		{"just in time", []Event{{"right", "take", 31.5}}, 1, 0, 3},
	} {
		r := Compare(truth, tt.seen, 1.5)
		if r.Right != tt.right || r.False != tt.wrong || r.Missed != tt.missed {
			t.Errorf("%s: Compare() = %d right, %d false, %d missed, want %d, %d, %d",
				tt.story, r.Right, r.False, r.Missed, tt.right, tt.wrong, tt.missed)
		}
		if missed, wrong := Unpaired(truth, tt.seen, 1.5); len(missed) != tt.missed || len(wrong) != tt.wrong {
			t.Errorf("%s: Unpaired() = %v, %v, want %d missed, %d false", tt.story, missed, wrong, tt.missed, tt.wrong)
		}
	}
}

func TestSharesOfSeveralClips(t *testing.T) {
	r := Result{Right: 6, False: 0, Missed: 1}.Add(Result{Right: 2, False: 2, Missed: 1, Errors: []float64{-0.5, 0.25, 0.3}})
	if got, want := r.Precision(), 0.8; got != want {
		t.Errorf("Precision() = %v, want %v", got, want)
	}
	if got, want := r.Recall(), 0.8; got != want {
		t.Errorf("Recall() = %v, want %v", got, want)
	}
	if got, want := r.F1(), 0.8; got != want {
		t.Errorf("F1() = %v, want %v", got, want)
	}
	if m, l := r.MedianError(); m != 0.25 || l != 0.5 {
		t.Errorf("MedianError() = %v, %v, want 0.25, 0.5", m, l)
	}
	if none := (Result{}); none.Precision() != 1 || none.Recall() != 1 || none.F1() != 1 {
		t.Errorf("nothing happened, nothing seen: %v, %v, %v, want 1", none.Precision(), none.Recall(), none.F1())
	}
}

func TestTruthAndDetectionsAreRead(t *testing.T) {
	got, err := Read(strings.NewReader(`{"event": "put", "slot": "left", "frame": 154, "t": 5.162, "sku": "x"}

{"t": 6, "slot": "left", "action": "take", "items": [], "confidence": 0.9}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Event{{"left", "return", 5.162}, {"left", "take", 6}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("Read() = %v, want %v", got, want)
	}
	for text, want := range map[string]error{
		"take left 5":                           ErrFormat,
		`{"event": "take", "slot": "left"}`:     ErrFormat,
		`{"event": "take", "t": 5}`:             ErrFormat,
		`{"event": "eat", "slot": "a", "t": 5}`: ErrEvent,
	} {
		if _, err := Read(strings.NewReader(text)); !errors.Is(err, want) {
			t.Errorf("Read(%s) = %v, want %v", text, err, want)
		}
	}
}
