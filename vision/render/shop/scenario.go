package shop

// An Act is what a person in a shop sets out to do.
type Act string

// The acts. Staff restocks and tidies; everybody else does the others.
const (
	Take     Act = "take"     // one piece leaves its slot and goes into the bag
	Return   Act = "return"   // a piece goes back from the bag into a slot where it belongs
	Misplace Act = "misplace" // a piece goes back from the bag into another product's slot
	Touch    Act = "touch"    // a hand goes to a thing and leaves it
	Look     Act = "look"     // a person stands before a slot with the hands down
	Restock  Act = "restock"  // staff fills a slot, piece by piece
	Tidy     Act = "tidy"     // staff sets things straight and puts misplaced ones where they belong
)

// A Wish is one thing that somebody sets out to do.
type Wish struct {
	Act Act
	// Slot is where; empty lets the dice choose one where it is possible, and
	// the wish is dropped if there is none.
	Slot string
	// SKU says which piece comes out of the bag for Return and Misplace; empty
	// is the one that went in last.
	SKU string
	// After is how many seconds the person looks around, on arrival, before
	// the hand moves.
	After float64
}

// A Person walks in at a moment, does what they wish in order, and leaves.
type Person struct {
	Name   string
	Enters float64 // seconds
	Wishes []Wish
	// Look tells persons apart; 0 lets the dice choose. The same number is the
	// same clothes, whoever wears them.
	Look int
}

// A Party is who shops on one payer. The first person pays.
type Party struct {
	Visit   string
	Persons []Person
	Staff   bool // works here, and pays for nothing
}

// A Trouble changes the pictures and is nobody's doing.
type Trouble struct {
	What string // lights or shake
	At   float64
	For  float64 // of a shake; lights stay changed
}

// The troubles.
const (
	Lights = "lights" // the shop's light changes for good
	Shake  = "shake"  // all cameras tremble by a pixel or two
)

// A Scenario says what happens in a shop and what looks on. Begin with
// [Convenience], or with [Crowd] for one that the dice fill.
type Scenario struct {
	Seed uint64
	// Seconds is the length; 0 is until the last person has left.
	Seconds float64
	FPS     int
	// AtOnce bounds how many shoppers are inside; the others wait at the door,
	// and who comes after them waits behind them. 0 is no bound.
	AtOnce   int
	Shelves  []Shelf
	Cameras  []Camera
	Parties  []Party
	Troubles []Trouble

	Noise float64 // spread of the cameras' noise in grey levels
	Drift float64 // how far light and exposure wander, as a fraction

	ScaleHz    float64 // readings of each scale a second
	ScaleNoise float64 // spread of one reading in grams
	ScaleDrift float64 // how far a scale's zero wanders in grams
	RFIDMiss   float64 // share of rounds in which a tag does not answer
}

// A Shelf is one open shelf of a row of slots, with a board on which things
// stand one behind the other.
type Shelf struct {
	Name string
	// X and Y are the middle of its front edge on the floor plan in metres, and
	// Facing where one stands before it, in radians: 0 is along x.
	X, Y, Facing float64
	Width        float64
	Slots        []Slot
	// Scales weigh the slots: one for the whole shelf, or one under each slot
	// if PerSlot is set.
	PerSlot bool
}

// A Slot is a place on a shelf, as wide as its neighbours.
type Slot struct {
	Name    string
	SKU     string
	Facings int // side by side
	Depth   int // one behind the other
	Initial int // pieces at the start
}

// Capacity is how many pieces fit.
func (s Slot) Capacity() int { return s.Facings * s.Depth }
