package embedded_test

import (
	"encoding/binary"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// resum makes the checksum of a lookup's first page hold.
func resum(b []byte) []byte {
	binary.LittleEndian.PutUint32(b[4092:], crc32.Checksum(b[:4092], castagnoli))
	return b
}

// resumHeader makes the checksum of a segment's header hold.
func resumHeader(b []byte) {
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
}
