package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// maxPart bounds a line that is not ended.
const maxPart = 64 << 10

// A Follower reads the crossings that another program writes into a file, as it
// grows. The file may not be there yet, and may be begun anew.
type Follower struct {
	path  string
	start time.Time // of the gate's first frame
	read  int64     // bytes that were taken in
	file  os.FileInfo
	part  []byte // of a line that is still being written
}

// Follow begins to follow a file; start is the time of the gate's first frame.
func Follow(path string, start time.Time) *Follower { return &Follower{path: path, start: start} }

// Next returns the crossings that were written since the last time. Lines that say
// no crossing are left out and are an [ErrLine], beside those that do.
func (f *Follower) Next() (found []Crossing, err error) {
	in, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		f.read, f.file, f.part = 0, nil, nil
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("crossings: %w", err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, fmt.Errorf("crossings: %w", err)
	}
	if f.file != nil && (!os.SameFile(f.file, info) || info.Size() < f.read) {
		f.read, f.part = 0, nil // begun anew
	}
	f.file = info
	b, err := io.ReadAll(io.NewSectionReader(in, f.read, info.Size()-f.read))
	if err != nil {
		return nil, fmt.Errorf("crossings: %w", err)
	}
	f.read += int64(len(b))
	b = append(f.part, b...)
	var bad error
	for {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if !whole {
			break
		}
		b = rest
		c, err := ReadLine(line, f.start)
		if err != nil {
			bad = err
			continue
		}
		found = append(found, c)
	}
	if len(b) > maxPart {
		bad, b = ErrLine, nil
	}
	f.part = bytes.Clone(b)
	return found, bad
}
