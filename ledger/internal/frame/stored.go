package frame

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// ErrFormat means that a file of the log is of another version of its format.
// That is no damage: the program that wrote it reads it.
var ErrFormat = errors.New("the log has another format")

// FileName returns the name of a file of the log that starts with a position.
// Names sort as positions do.
func FileName(first uint64, suffix string) string { return fmt.Sprintf("%020d%s", first, suffix) }

// ParseFileName returns the position that such a name promises.
func ParseFileName(name, suffix string) (first uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 10, 64)
	return first, err == nil
}

// Hash returns xxHash64 of a log's id and a key. The id is random, so nobody
// who does not know it can choose keys that meet.
func Hash[K ~[]byte | ~string](log LogID, key K) uint64 {
	var room [96]byte
	return xxhash.Sum64(append(append(room[:0], log[:]...), key...))
}

// zeros is compared with; never change it.
var zeros [64 << 10]byte

// FirstNonZero returns the offset of the first byte of b that is not zero, or
// -1.
func FirstNonZero(b []byte) int {
	for at := 0; at < len(b); {
		n := min(len(b)-at, len(zeros))
		if !bytes.Equal(b[at:at+n], zeros[:n]) {
			for i, c := range b[at : at+n] {
				if c != 0 {
					return at + i
				}
			}
		}
		at += n
	}
	return -1
}
