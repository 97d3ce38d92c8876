package main

import (
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cart/device"
	"github.com/vouchledger/vouch/vision/cart/moments"
	"github.com/vouchledger/vouch/vision/cv"
	visionedge "github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/footage"
	"github.com/vouchledger/vouch/vision/line"
)

// open reads a recorded trip; of a live cart there is none.
func (f *cartFlags) open() (r device.Recording, c io.Closer, err error) {
	c = io.NopCloser(nil)
	if f.live() {
		return r, c, nil
	}
	if f.scale != "" {
		b, err := os.ReadFile(f.scale)
		if err != nil {
			return r, c, err
		}
		if r.Scale, err = device.ReadScale(b); err != nil {
			return r, c, fmt.Errorf("%s: %w", f.scale, err)
		}
	}
	if f.touches != "" {
		b, err := os.ReadFile(f.touches)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return r, c, err
		}
		if r.Fingers, err = device.ReadFingers(b); err != nil {
			return r, c, fmt.Errorf("%s: %w", f.touches, err)
		}
	}
	if f.pictures != "" {
		p, err := device.OpenPictures(f.pictures)
		if err != nil {
			return r, c, err
		}
		r.Frames = p
		return r, c, nil
	}
	film, err := openFilm(f.video)
	if err != nil {
		return r, c, err
	}
	r.Frames = film
	return r, film, nil
}

// settings returns what the flags say of a live cart; the server may say
// otherwise.
func (f *cartFlags) settings() visionedge.Cart {
	return visionedge.Cart{Camera: f.video, Scale: f.scale, Speed: f.scaleSpeed, Capacity: f.capacity, Scanner: f.scanner}
}

// cartDevices opens what settings name.
func cartDevices(c visionedge.Cart) device.Devices {
	speed := c.Speed
	if speed == 0 {
		speed = 9600
	}
	d := device.Devices{Capacity: c.Capacity}
	if c.Camera != "" {
		d.Camera = func() (device.Camera, error) {
			source, err := visionedge.Camera{Source: c.Camera}.Address(os.Getenv)
			if err != nil {
				return nil, err
			}
			return openFilm(source)
		}
	}
	if c.Scale != "" {
		d.Scale = func() (io.ReadWriteCloser, error) { return line.Open(c.Scale, speed) }
	}
	if c.Scanner != "" {
		d.Scanner = func() (io.ReadWriteCloser, error) { return line.Open(c.Scanner, speed) }
	}
	return d
}

// cartFilm is a video or a camera as the cart looks at it.
type cartFilm struct {
	*cv.Reader
	n int
}

func openFilm(source string) (*cartFilm, error) {
	r, err := cv.Open(source)
	if err != nil {
		return nil, err
	}
	return &cartFilm{Reader: r}, nil
}

// Next returns the next frame.
func (f *cartFilm) Next() (device.Frame, error) {
	frame, err := f.Reader.Next()
	if err != nil {
		return device.Frame{}, err
	}
	at := time.Duration(f.Rate().Seconds(f.n) * float64(time.Second))
	f.n++
	g := &image.Gray{Pix: frame.Gray(), Stride: frame.Width(), Rect: image.Rect(0, 0, frame.Width(), frame.Height())}
	return device.Frame{At: at, Gray: g, Colour: frame}, nil
}

// cartMemory is a memory with the network that it hides faces by.
type cartMemory struct {
	*moments.Memory
	faces *cv.Faces
}

func (w *cartMemory) close() {
	if w == nil {
		return
	}
	w.Close()
	if w.faces != nil {
		_ = w.faces.Close() // only read
	}
}

// memory returns what makes evidence, or nil where pictures are looked at
// without OpenCV.
func (f *cartFlags) memory() (*cartMemory, error) {
	w := &cartMemory{}
	var m footage.Maker
	if f.faces != (cv.FaceModel{}) {
		var err error
		if w.faces, err = cv.NewFaces(f.faces); err != nil {
			return nil, err
		}
		m.Faces = w.faces
	}
	if probe, err := cv.NewFrame(1, 1, make([]byte, 3)); err == nil {
		probe.Close()
	} else if f.pictures != "" {
		slog.Warn("what is told has no evidence", slog.Any("error", err))
		return nil, nil
	}
	w.Memory = moments.New(ledger.DeviceID(f.id), "cart "+version, m)
	return w, nil
}
