package planogram

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchledger/vouch/vision/lens"
)

// Point is a corner in pixels: x to the right, y down.
type Point [2]int

// Slot is one place on the shelf.
type Slot struct {
	Name    string
	Polygon []Point
	SKU     string
	// Capacity is how many items fit, Facings how many of them stand side by
	// side at the front, where a camera sees them.
	Capacity int
	Facings  int
	Initial  int
	// Back is where the rearmost items are seen once nothing stands before
	// them: Polygon, further back. Without it, or where nothing stands behind
	// anything, a camera can count only the front.
	Back []Point
}

// Depth is how many items stand behind each other in a facing.
func (s Slot) Depth() int { return (s.Capacity + s.Facings - 1) / s.Facings }

// Items is how many of n items stand in facing k: as many as in the others, or
// one more, from the left.
func (s Slot) Items(k, n int) int {
	if k < n%s.Facings {
		return n/s.Facings + 1
	}
	return n / s.Facings
}

// Planogram is what one camera looks at.
type Planogram struct {
	Video  string
	FPS    string
	Width  int
	Height int
	Slots  []Slot
	// Look is how the place looked when the slots were drawn, so that a camera
	// that looks elsewhere is noticed; nil if nobody kept it.
	Look *lens.Look
}

// file is the stored shape. Capacity and sku at the top hold for every slot
// that products does not name.
type file struct {
	Video    string             `json:"video"`
	FPS      string             `json:"fps"`
	Size     [2]int             `json:"size"`
	Initial  map[string]int     `json:"initial"`
	Slots    map[string][]Point `json:"slots"`
	SKU      string             `json:"sku"`
	Capacity int                `json:"capacity"`
	Products map[string]product `json:"products"`
	Look     *lens.Look         `json:"look"`
}

type product struct {
	SKU      string  `json:"sku"`
	Capacity int     `json:"capacity"`
	Facings  int     `json:"facings"`
	Back     []Point `json:"back"`
}

// Load reads and checks a planogram file.
func Load(path string) (Planogram, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Planogram{}, fmt.Errorf("planogram: %w", err)
	}
	p, err := Parse(b)
	if err != nil {
		return Planogram{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// Parse checks the bytes of a planogram file and returns what they say.
func Parse(b []byte) (Planogram, error) {
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return Planogram{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if f.Size[0] <= 0 || f.Size[1] <= 0 {
		return Planogram{}, fmt.Errorf("%w: size is %v, want [width, height] of the video", ErrFormat, f.Size)
	}
	if len(f.Slots) == 0 {
		return Planogram{}, ErrNoSlots
	}
	p := Planogram{Video: f.Video, FPS: f.FPS, Width: f.Size[0], Height: f.Size[1], Look: f.Look}
	if f.Look != nil && !f.Look.Valid() {
		return Planogram{}, fmt.Errorf("%w: look is %dx%d with %d bytes", ErrFormat, f.Look.W, f.Look.H, len(f.Look.Luma))
	}
	for name := range f.Products {
		if _, ok := f.Slots[name]; !ok {
			return Planogram{}, fmt.Errorf("%w: products names %q", ErrUnknownSlot, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Slots)) {
		p.Slots = append(p.Slots, f.slot(name))
	}
	p, err := p.WithInitial(f.Initial)
	if err != nil {
		return Planogram{}, err
	}
	return p, p.check()
}

// WithLook returns the bytes of a planogram file with a look in it, and
// everything else as it was.
func WithLook(b []byte, look lens.Look) ([]byte, error) {
	var f map[string]json.RawMessage
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	var err error
	if f["look"], err = json.Marshal(look); err != nil {
		return nil, fmt.Errorf("planogram: %w", err)
	}
	if b, err = json.MarshalIndent(f, "", " "); err != nil {
		return nil, fmt.Errorf("planogram: %w", err)
	}
	_, err = Parse(b)
	return append(b, '\n'), err
}

// slot puts one slot together; a missing capacity or facing means one.
func (f file) slot(name string) Slot {
	s := Slot{Name: name, Polygon: f.Slots[name], SKU: f.SKU, Capacity: f.Capacity}
	if own, ok := f.Products[name]; ok {
		s.SKU, s.Facings, s.Back = own.SKU, own.Facings, own.Back
		if own.SKU == "" {
			s.SKU = f.SKU
		}
		if own.Capacity != 0 {
			s.Capacity = own.Capacity
		}
	}
	if s.Capacity == 0 {
		s.Capacity = max(1, s.Facings)
	}
	if s.Facings == 0 {
		s.Facings = 1
	}
	return s
}

// WithInitial returns the planogram with other counts at the start; slots
// that are not named keep theirs.
func (p Planogram) WithInitial(counts map[string]int) (Planogram, error) {
	p.Slots = slices.Clone(p.Slots)
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		i := slices.IndexFunc(p.Slots, func(s Slot) bool { return s.Name == name })
		if i < 0 {
			return Planogram{}, fmt.Errorf("%w: initial names %q, the slots are %s",
				ErrUnknownSlot, name, strings.Join(p.names(), ", "))
		}
		p.Slots[i].Initial = counts[name]
		if err := p.Slots[i].checkCounts(); err != nil {
			return Planogram{}, err
		}
	}
	return p, nil
}

func (p Planogram) names() []string {
	var names []string
	for _, s := range p.Slots {
		names = append(names, s.Name)
	}
	return names
}

// ParseInitial reads counts as they are given on a command line:
// "left=0,middle=1".
func ParseInitial(s string) (map[string]int, error) {
	counts := map[string]int{}
	if s == "" {
		return counts, nil
	}
	for part := range strings.SplitSeq(s, ",") {
		name, number, ok := strings.Cut(part, "=")
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if !ok || err != nil {
			return nil, fmt.Errorf("%w: %q, want slot=count,slot=count", ErrCount, part)
		}
		counts[strings.TrimSpace(name)] = n
	}
	return counts, nil
}

// CheckSKUs refuses products the catalogue does not list.
func (p Planogram) CheckSKUs(catalogue []string) error {
	for _, s := range p.Slots {
		if !slices.Contains(catalogue, s.SKU) {
			return fmt.Errorf("%w: slot %q holds %q", ErrUnknownSKU, s.Name, s.SKU)
		}
	}
	return nil
}

// CheckSize refuses a video of another size: its slots would lie elsewhere.
func (p Planogram) CheckSize(w, h int) error {
	if w != p.Width || h != p.Height {
		return fmt.Errorf("%w: the video is %dx%d, the planogram was drawn on %dx%d",
			ErrSize, w, h, p.Width, p.Height)
	}
	return nil
}
