package footage

import (
	"image"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/blur"
	"github.com/vouchledger/vouch/vision/clip"
	"github.com/vouchledger/vouch/vision/cv"
)

// A developed clip is encoded beside everything else that is made of a scene: it
// takes as long as all of that together.
type developed struct {
	done chan struct{}
	file []byte
	err  error
}

// develop begins to encode the clip of a scene as it was seen.
func develop(s Scene) *developed {
	d := &developed{done: make(chan struct{})}
	go func() {
		defer close(d.done)
		if len(s.Clip) > 0 {
			d.file, d.err = encode(s, func(i int) []byte { return s.Clip[i].BGR() })
		}
	}()
	return d
}

// wait waits until the frames are not used any more.
func (d *developed) wait() { <-d.done }

// clip stores the clip and its blurred copy.
func (t *taking) clip(s Scene) error {
	if len(s.Clip) == 0 {
		return nil
	}
	each := make([][]image.Rectangle, len(s.Clip))
	touched := false
	for i, f := range s.Clip {
		persons := t.Persons
		if i%stride != 0 {
			persons = nil
		}
		var err error
		if each[i], _, err = t.hidden(f, f.BGR(), persons); err != nil {
			return err
		}
		touched = touched || len(each[i]) > 0
	}
	var copied []byte
	if touched {
		each = around(each)
		var err error
		copied, err = encode(s, func(i int) []byte {
			f := s.Clip[i]
			bgr := f.BGR()
			blur.Hide(bgr, f.Width(), f.Height(), each[i])
			return bgr
		})
		if err != nil {
			return err
		}
	}
	t.film.wait()
	if t.film.err != nil {
		return t.film.err
	}
	d, err := t.keep(ledger.RoleClip, mp4, t.film.file, "")
	if err != nil {
		return err
	}
	if !touched {
		copied = t.film.file
	}
	_, err = t.keep(ledger.RoleBlurred, mp4, copied, d)
	return err
}

// mp4 is the media type of clips.
const mp4 = "video/mp4"

// encode makes an MP4 file of a scene's clip, of the bytes that picture gives for
// each frame. A wider camera is shrunk.
func encode(s Scene, picture func(i int) []byte) ([]byte, error) {
	w, h := cv.EvenSize(s.Clip[0].Width(), s.Clip[0].Height(), clipWidth)
	out, err := clip.New(w, h, s.Rate)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	for i, f := range s.Clip {
		bgr, err := sized(picture(i), f.Width(), f.Height(), w, h)
		if err != nil {
			return nil, err
		}
		if err := out.Add(bgr); err != nil {
			return nil, err
		}
	}
	return out.End()
}

// sized returns a picture in another size.
func sized(bgr []byte, width, height, w, h int) ([]byte, error) {
	if width == w && height == h {
		return bgr, nil
	}
	whole, err := cv.NewFrame(width, height, bgr)
	if err != nil {
		return nil, err
	}
	defer whole.Close()
	small := whole.Resize(w, h)
	defer small.Close()
	return small.BGR(), nil
}
