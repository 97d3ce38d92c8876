package render

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// An Event is one line of the truth: a thing was taken or put. Frames count
// from 0.
type Event struct {
	ID           int            `json:"id"`
	Video        string         `json:"video"`
	Event        string         `json:"event"` // take or put
	Slot         string         `json:"slot"`
	SKU          string         `json:"sku"`
	Frame        int            `json:"frame"`
	T            float64        `json:"t"`
	FrameTol     int            `json:"frame_tol"`
	Meaning      string         `json:"meaning"`
	HandInFrame  int            `json:"hand_in_frame"`
	HandOutFrame int            `json:"hand_out_frame"`
	HandInT      float64        `json:"hand_in_t"`
	HandOutT     float64        `json:"hand_out_t"`
	ReleaseFrame *int           `json:"release_frame"` // of a put: the hand lets go
	Hands        int            `json:"hands"`
	OnShelfAfter map[string]int `json:"on_shelf_after"`
	Hidden       bool           `json:"hidden,omitempty"` // somebody stood in front
}

// note writes down what an actor does to the shelf.
func (s *Shop) note(a *actor) {
	e := Event{
		ID: len(s.truth) + 1, Slot: a.slot.Name, Frame: a.n, T: s.time(a.n), Hands: 1,
		HandInFrame: a.from, HandOutFrame: min(a.to, s.frames-1),
		HandInT: s.time(a.from), HandOutT: s.time(min(a.to, s.frames-1)),
		OnShelfAfter: s.Stock(a.n), Hidden: a.move.Act == Hidden,
	}
	switch a.move.Act {
	case Take, Hidden:
		e.Event, e.Meaning = "take", "first frame the base is clear of the shelf"
	case Return, Misplace:
		e.Event, e.Meaning = "put", "first frame the base rests on the shelf"
		e.ReleaseFrame = &a.until
	case Touch, Rest, Pass, Lights:
		return
	}
	e.SKU = a.item.product.sku
	s.truth = append(s.truth, e)
}

func (s *Shop) time(n int) float64 { return math.Round(float64(n)/s.fps*1000) / 1000 }

// Truth returns what happens on the shelf, in order.
func (s *Shop) Truth() []Event { return s.truth }

// WriteTruth writes the truth as JSON lines; video is the name of the file
// that the frames went to.
func (s *Shop) WriteTruth(w io.Writer, video string) error {
	enc := json.NewEncoder(w)
	for _, e := range s.truth {
		e.Video = video
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("truth: %w", err)
		}
	}
	return nil
}

// planogramFile is the file that tells a shelf's camera where slots are.
type planogramFile struct {
	Video    string              `json:"video"`
	FPS      string              `json:"fps"`
	Size     [2]int              `json:"size"`
	Initial  map[string]int      `json:"initial"`
	Slots    map[string][][2]int `json:"slots"`
	SKU      string              `json:"sku"`
	Capacity int                 `json:"capacity"`
	Products map[string]facing   `json:"products"`
}

type facing struct {
	SKU      string `json:"sku"`
	Capacity int    `json:"capacity"`
	Facings  int    `json:"facings"`
}

// Planogram returns the planogram file of the shelf as it is at the start.
func (s *Shop) Planogram(video string) ([]byte, error) {
	p := planogramFile{
		Video: video, FPS: fmt.Sprintf("%d/1", s.FPS), Size: [2]int{s.Width, s.Height}, Initial: s.Stock(0),
		Slots: map[string][][2]int{}, SKU: s.slots[0].SKU, Capacity: 1, Products: map[string]facing{},
	}
	pitch := 640 / float64(len(s.slots))
	for _, sl := range s.slots {
		half := min(pitch/2-4, sl.product.width/2+22)
		x0, x1 := s.px(sl.x-half), s.px(sl.x+half)
		y0, y1 := s.px(footY-sl.product.height-14), s.px(footY+8)
		p.Slots[sl.Name] = [][2]int{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}
		p.Products[sl.Name] = facing{SKU: sl.SKU, Capacity: 1, Facings: 1}
	}
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return nil, fmt.Errorf("planogram: %w", err)
	}
	return append(b, '\n'), nil
}
