package host

import (
	"cmp"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/planogram"
	"github.com/vouchledger/vouch/vision/watch"
)

// A View is what a person on this machine is shown.
type View struct {
	Store   ledger.StoreID     `json:"store"`
	Device  ledger.DeviceID    `json:"device"`
	Program string             `json:"program"`
	Now     time.Time          `json:"now"`
	Version int                `json:"settings"`
	Offset  *int               `json:"clock_offset_ms"` // null while it is not known
	Parts   []ledger.PartState `json:"parts"`
	Cameras []CameraView       `json:"cameras"`
	Outbox  OutboxView         `json:"outbox"`
	Floor   *edge.FloorView    `json:"floor"` // null where nothing is joined
}

// An OutboxView says what waits for the server.
type OutboxView struct {
	Waiting int        `json:"waiting"`
	Bytes   int64      `json:"bytes"`
	Oldest  *time.Time `json:"oldest"`
	Refused int        `json:"refused"`
	Error   string     `json:"error"`
}

// A CameraView is a camera that is open.
type CameraView struct {
	Name    string     `json:"name"`
	Width   int        `json:"width"`
	Height  int        `json:"height"`
	Rate    float64    `json:"rate"`
	Frames  int        `json:"frames"`
	Dropped int        `json:"dropped"`
	Slots   []SlotView `json:"slots"`
	Seen    []Seen     `json:"seen"`
	Persons [][4]int   `json:"persons"` // x, y, width, height
}

// A SlotView is a place on the shelf, in pixels of the camera.
type SlotView struct {
	Name    string            `json:"name"`
	SKU     string            `json:"sku"`
	Count   int               `json:"count"`
	Polygon []planogram.Point `json:"polygon"`
}

// A Seen is a sighting, with the box of the item.
type Seen struct {
	At       time.Time `json:"at"`
	Slot     string    `json:"slot"`
	SKU      string    `json:"sku"`
	Action   string    `json:"action"`
	Quantity int       `json:"quantity"`
	Surety   float64   `json:"confidence"`
	Box      [4]int    `json:"box"` // x, y, width, height
}

func seenOf(s watch.Sighting) Seen {
	return Seen{
		At: s.At.UTC(), Slot: s.Slot, SKU: s.SKU, Action: string(s.Action), Quantity: s.Quantity, Surety: s.Confidence(),
		Box: [4]int{s.Place.Min.X, s.Place.Min.Y, s.Place.Dx(), s.Place.Dy()},
	}
}

// View returns how everything does now.
func (h *Host) View() View {
	var on *edge.FloorView
	if h.cfg.Floor != nil {
		f := h.cfg.Floor() // before h is held: the floor asks h for the offset
		on = &f
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.view
	v.Floor = on
	v.Store, v.Device, v.Program, v.Now = h.cfg.Store, h.cfg.Device, h.cfg.Program, h.cfg.Now().UTC()
	v.Parts, v.Cameras = append([]ledger.PartState{}, v.Parts...), []CameraView{}
	if h.offsets {
		ms := int(h.offset.Milliseconds())
		v.Offset = &ms
	}
	for _, r := range h.runs {
		if c, ok := r.view(); ok {
			v.Cameras = append(v.Cameras, c)
		}
	}
	slices.SortFunc(v.Cameras, func(a, b CameraView) int { return cmp.Compare(a.Name, b.Name) })
	if h.cfg.Box != nil {
		s := h.cfg.Box.Status()
		v.Outbox = OutboxView{Waiting: s.Depth, Bytes: s.Bytes, Refused: s.Dead, Error: s.Error}
		if !s.Oldest.IsZero() {
			oldest := s.Oldest.UTC()
			v.Outbox.Oldest = &oldest
		}
	}
	return v
}

func (r *run) view() (CameraView, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.feed == nil {
		return CameraView{}, false
	}
	v := CameraView{
		Name: r.camera.Name, Rate: r.feed.Rate().Float(), Dropped: r.feed.dropped(), Slots: []SlotView{}, Seen: append([]Seen{}, r.seen...),
		Persons: [][4]int{},
	}
	for _, b := range r.there {
		v.Persons = append(v.Persons, [4]int{b.Min.X, b.Min.Y, b.Dx(), b.Dy()})
	}
	v.Width, v.Height = r.feed.Size()
	r.feed.mu.Lock()
	v.Frames = r.feed.frames
	r.feed.mu.Unlock()
	for _, s := range r.plan.Slots {
		v.Slots = append(v.Slots, SlotView{Name: s.Name, SKU: s.SKU, Count: r.counts[s.Name], Polygon: s.Polygon})
	}
	return v, true
}

// Picture returns the last picture of a camera as JPEG, or nothing.
func (h *Host) Picture(camera string) []byte {
	h.mu.Lock()
	var f *feed
	for _, r := range h.runs {
		r.mu.Lock()
		if r.camera.Name == camera && r.feed != nil {
			f = r.feed
		}
		r.mu.Unlock()
	}
	h.mu.Unlock()
	if f == nil {
		return nil
	}
	return f.shot()
}
