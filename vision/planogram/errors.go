package planogram

import "errors"

var (
	// ErrFormat is returned for a file that is not JSON of the planogram's
	// shape; docs/vision.md shows the shape.
	ErrFormat = errors.New("not a planogram")
	// ErrNoSlots is returned for a planogram without slots; draw at least
	// one polygon.
	ErrNoSlots = errors.New("planogram has no slots")
	// ErrPolygon is returned for a slot with fewer than three corners or
	// almost no area; draw it around the place of the item.
	ErrPolygon = errors.New("slot has no area")
	// ErrOutside is returned for a slot that leaves the picture; move its
	// corners inside, or correct size.
	ErrOutside = errors.New("slot leaves the picture")
	// ErrOverlap is returned for two slots that share pixels; an item there
	// would be counted twice, so draw a border between them.
	ErrOverlap = errors.New("slots overlap")
	// ErrCount is returned for impossible capacities, facings and initial
	// counts; correct the number named.
	ErrCount = errors.New("impossible count")
	// ErrNoSKU is returned for a slot without a product; set sku or
	// products.
	ErrNoSKU = errors.New("slot has no SKU")
	// ErrUnknownSKU is returned for a product the catalogue does not have;
	// add it to the catalogue or correct the planogram.
	ErrUnknownSKU = errors.New("SKU is not in the catalogue")
	// ErrUnknownSlot is returned where a count or a product names a slot
	// that is not drawn; correct the name.
	ErrUnknownSlot = errors.New("no slot of that name")
	// ErrSize is returned when the video's size is not the planogram's;
	// use the planogram of this camera, or draw it anew.
	ErrSize = errors.New("video and planogram differ in size")
)
