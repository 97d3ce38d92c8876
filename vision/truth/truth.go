// Package truth holds what really happened in a shop: who took what from
// where, when, and in which frame of which camera.
//
// A drawn shop (package render/shop) writes it beside what its sensors
// measure; a person writes it beside a real video; package score compares it
// with what a machine says. It is kept as JSON lines, each with its kind.
//
// # Invariants
//
//   - Times are seconds since the first frame, frames count from 0, pictures'
//     coordinates grow to the right and down, weights are grams.
//   - What a sensor measures ([Weight], [Read]) is no truth and lies in files
//     of its own.
//
// The package draws nothing and judges nothing.
package truth

// A Kind says what a line of truth is about.
type Kind string

// The kinds. A line without one is an interaction.
const (
	KindInteraction Kind = "interaction"
	KindVisit       Kind = "visit"
	KindBox         Kind = "box"
	KindTrouble     Kind = "trouble"
	KindTag         Kind = "tag"
)

// An Event is what a hand did.
type Event string

// The events. Take and Put change what stands in a slot, the others do not.
const (
	Take  Event = "take"  // a thing leaves its slot
	Put   Event = "put"   // a thing is put into a slot, whoever does it
	Touch Event = "touch" // a hand goes there, and everything stays
	Tidy  Event = "tidy"  // things are set straight, none comes or goes
)

// An Interaction is one thing that one hand did at one slot.
type Interaction struct {
	Kind     Kind    `json:"kind"`
	ID       int     `json:"id"`
	T        float64 `json:"t"` // clear of the shelf, at rest on it, or nearest to it
	Event    Event   `json:"event"`
	Shelf    string  `json:"shelf"`
	Slot     string  `json:"slot"`
	SKU      string  `json:"sku"` // of what was moved or touched
	Quantity int     `json:"quantity"`

	Person string `json:"person"`
	Visit  string `json:"visit,omitempty"` // empty for staff
	Staff  bool   `json:"staff,omitempty"`

	// Belongs is the slot where the SKU belongs, if that is another one: the
	// thing was misplaced, or a misplaced thing was taken.
	Belongs string `json:"belongs,omitempty"`

	Scale string  `json:"scale,omitempty"`
	Grams float64 `json:"grams"` // change of what lies on the scale
	Tag   string  `json:"tag,omitempty"`

	// From and Until bound the time a hand is at or on its way to the slot.
	From  float64 `json:"from"`
	Until float64 `json:"until"`
	// Frames holds, for each camera that looks at the place, the frame of T.
	Frames map[string]int `json:"frames"`
	// Hidden names the cameras of Frames that cannot see the place at T
	// because somebody stands before it.
	Hidden []string `json:"hidden,omitempty"`
	// Beside names who else has a hand at the same shelf within 3 seconds.
	Beside []string `json:"beside,omitempty"`
}

// A Visit is what one payer's group did in the shop, or one of its staff.
type Visit struct {
	Kind    Kind           `json:"kind"`
	Visit   string         `json:"visit"`
	Persons []string       `json:"persons"` // the payer first
	Staff   bool           `json:"staff,omitempty"`
	Entered []float64      `json:"entered"` // of each person, through the door
	Left    []float64      `json:"left"`    // -1 who is still inside at the end
	Kept    map[string]int `json:"kept"`    // SKU to pieces carried out
}

// A Box is where one person is in one frame of one camera.
type Box struct {
	Kind   Kind    `json:"kind"`
	Camera string  `json:"camera"`
	Frame  int     `json:"frame"`
	T      float64 `json:"t"`
	Person string  `json:"person"`
	Visit  string  `json:"visit,omitempty"`
	Box    [4]int  `json:"box"` // left, top, right, bottom; cut at the edges
	// Seen is the share of the whole box that lies inside the picture and is
	// not covered by the box of somebody nearer.
	Seen float64 `json:"seen"`
	// Floor is where the person stands, in metres in the shop's own plan.
	Floor [2]float64 `json:"floor"`
}

// A Trouble is something that changes pictures and is nobody's doing.
type Trouble struct {
	Kind  Kind    `json:"kind"`
	What  string  `json:"what"` // lights, shake
	T     float64 `json:"t"`
	Until float64 `json:"until"`
}

// A Tag says which thing carries an RFID tag.
type Tag struct {
	Kind Kind   `json:"kind"`
	Tag  string `json:"tag"`
	SKU  string `json:"sku"`
}

// A Weight is one reading of a scale.
type Weight struct {
	T     float64 `json:"t"`
	Scale string  `json:"scale"`
	Grams float64 `json:"grams"`
}

// A Read is one answer of an RFID tag to a reader.
type Read struct {
	T      float64 `json:"t"`
	Reader string  `json:"reader"`
	Tag    string  `json:"tag"`
	RSSI   float64 `json:"rssi"` // dBm
}

// A Shop is all the truth of one run.
type Shop struct {
	Interactions []Interaction
	Visits       []Visit
	Boxes        []Box
	Troubles     []Trouble
	Tags         []Tag
}
