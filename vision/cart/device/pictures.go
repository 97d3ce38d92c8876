package device

import (
	"fmt"
	"image"
	_ "image/jpeg" // of a camera that keeps pictures
	_ "image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/vision/qr"
)

// Pictures are single frames in a folder, each named by its time in
// milliseconds since the first: 12300.jpg. They are a film for who has no
// video, and may leave out what shows nothing.
type Pictures struct {
	names []string
	times []time.Duration
}

// OpenPictures lists the pictures of a folder.
func OpenPictures(dir string) (*Pictures, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	type picture struct {
		name string
		ms   int
	}
	var all []picture
	for _, e := range entries {
		base, ext, _ := strings.Cut(e.Name(), ".")
		if ext != "jpg" && ext != "png" {
			continue
		}
		ms, err := strconv.Atoi(base)
		if err != nil || ms < 0 {
			return nil, fmt.Errorf("picture %s: want its time in milliseconds as its name, like 12300.%s", e.Name(), ext)
		}
		all = append(all, picture{filepath.Join(dir, e.Name()), ms})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no pictures in %s: want 12300.jpg and the like", dir)
	}
	slices.SortFunc(all, func(a, b picture) int { return a.ms - b.ms })
	p := &Pictures{}
	for _, x := range all {
		p.names = append(p.names, x.name)
		p.times = append(p.times, time.Duration(x.ms)*time.Millisecond)
	}
	return p, nil
}

// Next returns the next picture, or io.EOF.
func (p *Pictures) Next() (Frame, error) {
	if len(p.names) == 0 {
		return Frame{}, io.EOF
	}
	name, t := p.names[0], p.times[0]
	p.names, p.times = p.names[1:], p.times[1:]
	f, err := os.Open(name)
	if err != nil {
		return Frame{}, err
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if err != nil {
		return Frame{}, fmt.Errorf("picture %s: %w", name, err)
	}
	return Frame{At: t, Gray: qr.Gray(m)}, nil
}
