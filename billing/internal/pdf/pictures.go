package pdf

import (
	"bytes"
	"encoding/gob"
	"fmt"

	"codeberg.org/go-pdf/fpdf"
)

// A Picture is a JPEG with its size in pixels and what stands under it.
type Picture struct {
	JPEG          []byte
	Width, Height int
	Caption       string
	Detail        string // in small type
}

// Pictures sets pictures, two beside each other.
func (d *Doc) Pictures(pictures []Picture) {
	const gap, captions = 6.0, 15.0
	width := (Width - gap) / 2
	for i := 0; i < len(pictures); i += 2 {
		row := pictures[i:min(i+2, len(pictures))]
		tallest := 0.0
		for _, p := range row {
			tallest = max(tallest, boxed(p, width))
		}
		d.Room(tallest + captions)
		top := d.f.GetY()
		for n, p := range row {
			d.picture(p, Margin+float64(n)*(width+gap), top, width, tallest)
		}
		d.f.SetXY(Margin, top+tallest+captions)
	}
}

// tallestPicture keeps an upright picture from filling the page.
const tallestPicture = 62.0

// boxed returns how tall a picture stands in so much width.
func boxed(p Picture, width float64) float64 {
	return min(tallestPicture, width*float64(p.Height)/float64(max(1, p.Width)))
}

func (d *Doc) picture(p Picture, x, top, width, tallest float64) {
	d.images++
	name := fmt.Sprintf("picture-%d", d.images)
	options := fpdf.ImageOptions{ImageType: "JPG"}
	info := d.f.RegisterImageOptionsReader(name, options, bytes.NewReader(p.JPEG))
	if err := ordered(info, d.images); err != nil {
		d.f.SetError(err)
		return
	}
	h := boxed(p, width)
	w := h * float64(p.Width) / float64(max(1, p.Height))
	d.f.ImageOptions(name, x, top, w, h, false, options, 0, "")
	d.f.SetDrawColor(190, 190, 190)
	d.f.SetLineWidth(0.2)
	d.f.Rect(x, top, w, h, "D")
	d.f.SetXY(x, top+tallest+1)
	d.face(sans, "", Small+0.5, 0)
	d.f.MultiCell(width, 3.6, p.Caption, "", "L", false)
	d.f.SetX(x)
	d.face(mono, "", Small-1.5, 90)
	d.f.MultiCell(width, 3.2, p.Detail, "", "L", false)
}

// ordered gives an image its place among others. The library writes images in
// the order of their widths, and those of the same width in that of a map,
// which is another one each time. So each is made wider by a millionth of a
// pixel, which is written nowhere; the library's own stored form of an image
// is the way to its width.
func ordered(info *fpdf.ImageInfoType, place int) error {
	if info == nil {
		return nil // the library has noted why
	}
	stored, err := info.GobEncode()
	if err != nil {
		return fmt.Errorf("picture %d: %w", place, err)
	}
	var (
		data, smask, palette      []byte
		number, bits              int
		width, height, scale, dpi float64
		space, filter, decode     string
		mask                      []int
		in                        = gob.NewDecoder(bytes.NewReader(stored))
		out                       bytes.Buffer
		enc                       = gob.NewEncoder(&out)
	)
	for _, field := range []any{
		&data, &smask, &number, &width, &height, &space, &palette, &bits, &filter, &decode, &mask, &scale, &dpi,
	} {
		if err := in.Decode(field); err != nil {
			return fmt.Errorf("picture %d: %w", place, err)
		}
		if field == any(&width) {
			width += float64(place) * 1e-6
		}
		if err := enc.Encode(field); err != nil {
			return fmt.Errorf("picture %d: %w", place, err)
		}
	}
	return info.GobDecode(out.Bytes())
}
