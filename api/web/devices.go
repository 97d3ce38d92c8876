package web

// A DevicesPage shows how the devices of the shops do.
type DevicesPage struct {
	Frame
	Items []DeviceItem
}

// A ShelvesPage shows what stands on the shelves and what was done there.
type ShelvesPage struct {
	Frame
	Items []ShelfItem
}

// A ShelfItem is one slot.
type ShelfItem struct {
	Shop, Sensor, Slot, Product string
	Left                        string // how many, and how sure that is
	State                       Chip
	Stray                       string // what does not belong there
	Last, At                    string // what was done there last that was no shopping
}

// A DeviceItem is one device.
type DeviceItem struct {
	Shop, Device, Program string
	Status                Chip
	Heard                 string // when it was last heard of
	Clock                 string // how its clock goes
	Settings              string // which it follows
	Refused               string // why it follows no newer ones
	Parts                 []DevicePart
}

// A DevicePart is a camera, or something else a device rests on.
type DevicePart struct {
	Part, Since, Detail string
	State               Chip
}
