package planogram

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/vision/lens"
)

const shelf = `{"video": "a.mp4", "fps": "30/1", "size": [640, 360],
 "initial": {"left": 1, "right": 2},
 "slots": {"right": [[300, 90], [600, 90], [600, 320], [300, 320]],
           "left": [[30, 90], [300, 90], [300, 320], [30, 320]]},
 "sku": "water", "capacity": 1,
 "products": {"right": {"sku": "juice", "capacity": 4, "facings": 2}}}`

func TestSeveralProductsAndFacings(t *testing.T) {
	p, err := Parse([]byte(shelf))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Slots) != 2 || p.Slots[0].Name != "left" {
		t.Fatalf("Slots = %+v, want left, right", p.Slots)
	}
	left, right := p.Slots[0], p.Slots[1]
	if left.SKU != "water" || left.Capacity != 1 || left.Facings != 1 || left.Initial != 1 {
		t.Errorf("left = %+v, want one water", left)
	}
	if right.SKU != "juice" || right.Capacity != 4 || right.Facings != 2 || right.Initial != 2 {
		t.Errorf("right = %+v, want 2 of 4 juices, two side by side", right)
	}
}

func TestGivenPlanogramIsValid(t *testing.T) {
	p, err := Load(given.File(t, "video/planogram.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Slots) != 3 || p.Slots[1].Name != "middle" || p.Slots[1].SKU != "bottle-blue-cap" {
		t.Errorf("Load(planogram.json) = %+v, want three slots of bottle-blue-cap", p)
	}
}

func TestPlanogramsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, tt := range []struct {
		story, json string
		want        error
	}{
		{"not JSON", `slots: left`, ErrFormat},
		{"no size", `{"slots": {"a": [[0,0],[50,0],[50,50]]}, "sku": "x"}`, ErrFormat},
		{"no slots", `{"size": [640, 360], "sku": "x"}`, ErrNoSlots},
		{"empty polygon", `{"size": [640, 360], "sku": "x", "slots": {"a": []}}`, ErrPolygon},
		{"a line", `{"size": [640, 360], "sku": "x", "slots": {"a": [[0,0],[50,50],[100,100]]}}`, ErrPolygon},
		{"outside", `{"size": [640, 360], "sku": "x", "slots": {"a": [[600,0],[700,0],[700,90]]}}`, ErrOutside},
		{"no SKU", `{"size": [640, 360], "slots": {"a": [[0,0],[50,0],[50,50]]}}`, ErrNoSKU},
		{"overlap", `{"size": [640, 360], "sku": "x", "slots":
			{"a": [[0,0],[50,0],[50,50],[0,50]], "b": [[40,10],[90,10],[90,40],[40,40]]}}`, ErrOverlap},
		{"one inside the other", `{"size": [640, 360], "sku": "x", "slots":
			{"a": [[0,0],[90,0],[90,90],[0,90]], "b": [[20,20],[60,20],[60,60],[20,60]]}}`, ErrOverlap},
		{"more than fit", `{"size": [640, 360], "sku": "x", "capacity": 1, "initial": {"a": 2},
			"slots": {"a": [[0,0],[50,0],[50,50]]}}`, ErrCount},
		{"fewer than none", `{"size": [640, 360], "sku": "x", "initial": {"a": -1},
			"slots": {"a": [[0,0],[50,0],[50,50]]}}`, ErrCount},
		{"negative capacity", `{"size": [640, 360], "sku": "x", "capacity": -1,
			"slots": {"a": [[0,0],[50,0],[50,50]]}}`, ErrCount},
		{"more facings than items", `{"size": [640, 360], "sku": "x", "products": {"a": {"capacity": 2, "facings": 3}},
			"slots": {"a": [[0,0],[50,0],[50,50]]}}`, ErrCount},
		{"count of another slot", `{"size": [640, 360], "sku": "x", "initial": {"b": 1},
			"slots": {"a": [[0,0],[50,0],[50,50]]}}`, ErrUnknownSlot},
		{"product of another slot", `{"size": [640, 360], "sku": "x", "products": {"b": {}},
			"slots": {"a": [[0,0],[50,0],[50,50]]}}`, ErrUnknownSlot},
	} {
		if p, err := Parse([]byte(tt.json)); !errors.Is(err, tt.want) {
			t.Errorf("%s: Parse() = %+v, %v, want %v", tt.story, p, err, tt.want)
		}
	}
}

func TestALookIsKeptBesideEverythingElse(t *testing.T) {
	look := lens.Look{W: 80, H: 45, Luma: make([]byte, 80*45)}
	look.Luma[7] = 200
	b, err := WithLook([]byte(strings.Replace(shelf, `"sku": "water"`, `"note": "left of the door", "sku": "water"`, 1)), look)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Parse([]byte(shelf))
	if err != nil {
		t.Fatal(err)
	}
	want.Look = &look
	got, err := Parse(b)
	if err != nil || !strings.Contains(string(b), "left of the door") {
		t.Fatalf("Parse() = %v, of %s", err, b)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with a look (-want +got)\n%s", diff)
	}
	if _, err := WithLook([]byte(shelf), lens.Look{W: 80, H: 45, Luma: make([]byte, 7)}); !errors.Is(err, ErrFormat) {
		t.Errorf("WithLook of too few bytes = %v, want ErrFormat", err)
	}
	if _, err := WithLook([]byte("slots: left"), look); !errors.Is(err, ErrFormat) {
		t.Errorf("WithLook of no planogram = %v, want ErrFormat", err)
	}
}

func TestTouchingSlotsAreNoOverlap(t *testing.T) {
	_, err := Parse([]byte(`{"size": [640, 360], "sku": "x", "slots":
		{"a": [[0,0],[50,0],[50,50],[0,50]], "b": [[50,0],[90,0],[90,50],[50,50]]}}`))
	if err != nil {
		t.Errorf("Parse(slots side by side) = %v, want none", err)
	}
}

func TestAnotherCameraAndAnotherCatalogueAreRefused(t *testing.T) {
	p, err := Parse([]byte(shelf))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckSize(640, 360); err != nil {
		t.Errorf("CheckSize(640, 360) = %v, want none", err)
	}
	if err := p.CheckSize(1280, 720); !errors.Is(err, ErrSize) {
		t.Errorf("CheckSize(1280, 720) = %v, want ErrSize", err)
	}
	if err := p.CheckSKUs([]string{"water", "juice"}); err != nil {
		t.Errorf("CheckSKUs(both) = %v, want none", err)
	}
	if err := p.CheckSKUs([]string{"water"}); !errors.Is(err, ErrUnknownSKU) {
		t.Errorf("CheckSKUs(water) = %v, want ErrUnknownSKU", err)
	}
}

func TestCountsFromTheCommandLine(t *testing.T) {
	p, err := Parse([]byte(shelf))
	if err != nil {
		t.Fatal(err)
	}
	counts, err := ParseInitial("left=0, right=4")
	if err != nil {
		t.Fatal(err)
	}
	other, err := p.WithInitial(counts)
	if err != nil {
		t.Fatal(err)
	}
	if other.Slots[0].Initial != 0 || other.Slots[1].Initial != 4 || p.Slots[0].Initial != 1 {
		t.Errorf("WithInitial(%v) = %+v, the first stays %+v", counts, other.Slots, p.Slots)
	}
	for _, bad := range []string{"left", "left=one", "=,"} {
		if _, err := ParseInitial(bad); !errors.Is(err, ErrCount) {
			t.Errorf("ParseInitial(%q) = %v, want ErrCount", bad, err)
		}
	}
	if _, err := p.WithInitial(map[string]int{"left": 2}); !errors.Is(err, ErrCount) {
		t.Errorf("WithInitial(left=2) = %v, want ErrCount", err)
	}
	if _, err := p.WithInitial(map[string]int{"top": 1}); !errors.Is(err, ErrUnknownSlot) {
		t.Errorf("WithInitial(top=1) = %v, want ErrUnknownSlot", err)
	}
}

func TestMaskFollowsThePolygon(t *testing.T) {
	m := Mask([]Point{{0, 0}, {20, 0}, {20, 20}, {0, 20}}, 40, 40, 20, 20)
	n := 0
	for i, in := range m {
		if in {
			n++
			if i%20 >= 10 || i/20 >= 10 {
				t.Errorf("Mask covers %d, %d outside the square", i%20, i/20)
			}
		}
	}
	if n != 100 {
		t.Errorf("Mask covers %d pixels, want 100", n)
	}
}
