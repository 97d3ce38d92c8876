package web

// A DevicesPage shows how the devices of the shops do.
type DevicesPage struct {
	Frame
	Items []DeviceItem
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
