package score

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// A Detection is what a shop's machine says happened, with whose visit it was
// and how sure it is of each.
type Detection struct {
	T        float64 `json:"t"`
	Shelf    string  `json:"shelf"` // empty: the shelf of Slot
	Slot     string  `json:"slot"`
	Action   string  `json:"action"` // take, return, or move: put where it does not belong
	SKU      string  `json:"sku"`    // empty: the first of Items
	Quantity int     `json:"quantity"`
	// Items and Persons are hypotheses; the surest is what the machine says.
	Items   []Item   `json:"items"`
	Persons []Person `json:"persons"`
	// Confidences are in 0 to 1. A person's that is missing is that of the
	// surest hypothesis, and 0 without one.
	Confidences struct {
		Item   float64  `json:"item"`
		Action float64  `json:"action"`
		Person *float64 `json:"person"`
	} `json:"confidences"`
}

// An Item is one reading of what it was.
type Item struct {
	SKU        string  `json:"sku"`
	Confidence float64 `json:"confidence"`
}

// A Person is one reading of whose visit it was.
type Person struct {
	Visit      string  `json:"visit"`
	Confidence float64 `json:"confidence"`
}

// ReadDetections reads detections, one JSON object a line.
func ReadDetections(r io.Reader) ([]Detection, error) {
	var all []Detection
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		d := struct {
			Detection
			T *float64 `json:"t"`
		}{Detection: Detection{Quantity: 1}}
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrFormat, n, err)
		}
		if d.T == nil || d.Slot == "" && d.Shelf == "" {
			return nil, fmt.Errorf("%w: line %d has no t, or neither slot nor shelf", ErrFormat, n)
		}
		if d.Quantity < 1 {
			return nil, fmt.Errorf("%w: line %d has a quantity of %d", ErrFormat, n, d.Quantity)
		}
		switch d.Action {
		case "take", "return", "move":
		case "put":
			d.Action = "return"
		default:
			return nil, fmt.Errorf("%w: line %d says %q", ErrEvent, n, d.Action)
		}
		d.Detection.T = *d.T
		all = append(all, d.Detection)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return all, nil
}

// item is the product the detection names, and how sure it is.
func (d Detection) item() (sku string, sure float64) {
	sku, sure = d.SKU, d.Confidences.Item
	if sku == "" && len(d.Items) > 0 {
		sku = slices.MaxFunc(d.Items, func(a, b Item) int { return compare(a.Confidence, b.Confidence) }).SKU
	}
	return sku, sure
}

// visit is whose visit it was, and how sure the detection is; empty if it
// names nobody.
func (d Detection) visit() (visit string, sure float64) {
	if len(d.Persons) > 0 {
		p := slices.MaxFunc(d.Persons, func(a, b Person) int { return compare(a.Confidence, b.Confidence) })
		visit, sure = p.Visit, p.Confidence
	}
	if d.Confidences.Person != nil {
		sure = *d.Confidences.Person
	}
	return visit, sure
}

// compare orders numbers so that of two equal ones the earlier is the surer.
func compare(a, b float64) int {
	if a > b {
		return 1
	}
	return -1
}
