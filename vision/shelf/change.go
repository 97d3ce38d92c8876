package shelf

import "image"

// Action is what happened to an item.
type Action string

// The actions a shelf camera can tell apart.
const (
	Take   Action = "take"
	Return Action = "return"
)

// Change is one item taken from or returned to a slot.
type Change struct {
	Slot     string
	SKU      string
	Action   Action
	Quantity int
	// Frame is the frame in which it happened, Before the last frame that
	// showed the slot at rest before it, Decided the frame in which it became
	// certain.
	Frame, Before, Decided int
	// Item and Act are how sure the monitor is what it was and what was done
	// with it, 0 to 1. Who did it a shelf camera cannot know.
	Item, Act float64
	// Unseen says that it happened while the camera was blind, at some time
	// from Before to Frame.
	Unseen bool
	// Place is where the item stands or stood, in pixels of the planogram.
	Place image.Rectangle
}
