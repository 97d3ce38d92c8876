//go:build opencv

package clip

/*
#cgo pkg-config: libavcodec libavformat libavutil libswscale
#include <stdlib.h>
#include "encoder.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// reasonRoom is the space for libav's own words.
const reasonRoom = 256

// A Writer encodes one clip. Close gives its memory back.
type Writer struct {
	c    *C.vouch_clip
	w, h int
	n    int
}

// New returns a writer of a clip of this size and rate. Width and height must be
// even, which H.264 needs.
func New(w, h int, rate float64) (*Writer, error) {
	if w <= 0 || h <= 0 || w%2 != 0 || h%2 != 0 || !(rate > 0) {
		return nil, fmt.Errorf("%w: %dx%d at %v frames a second; H.264 needs even sizes", ErrShape, w, h, rate)
	}
	text := (*C.char)(C.calloc(reasonRoom, 1))
	defer C.free(unsafe.Pointer(text))
	c := C.vouch_clip_open(C.int(w), C.int(h), C.double(rate), text, reasonRoom)
	if c == nil {
		return nil, fmt.Errorf("%w: %s", ErrCannotEncode, C.GoString(text))
	}
	return &Writer{c: c, w: w, h: h}, nil
}

// Add appends a frame of packed blue-green-red bytes.
func (w *Writer) Add(bgr []byte) error {
	if len(bgr) != 3*w.w*w.h {
		return fmt.Errorf("%w: %d bytes for %dx%d", ErrShape, len(bgr), w.w, w.h)
	}
	w.n++
	return reason(C.vouch_clip_add(w.c, (*C.uchar)(unsafe.Pointer(&bgr[0]))))
}

// End returns the MP4 file. Nothing can be added to it afterwards.
func (w *Writer) End() ([]byte, error) {
	if w.n == 0 {
		return nil, fmt.Errorf("%w: no frames", ErrShape)
	}
	var bytes *C.uchar
	var size C.int
	if err := reason(C.vouch_clip_end(w.c, &bytes, &size)); err != nil {
		return nil, err
	}
	return C.GoBytes(unsafe.Pointer(bytes), size), nil
}

// Close gives the memory back, also of a clip that was not ended.
func (w *Writer) Close() {
	if w.c != nil {
		C.vouch_clip_free(w.c)
		w.c = nil
	}
}

func reason(code C.int) error {
	if code >= 0 {
		return nil
	}
	text := (*C.char)(C.calloc(reasonRoom, 1))
	defer C.free(unsafe.Pointer(text))
	C.vouch_clip_reason(code, text, reasonRoom)
	return fmt.Errorf("%w: %s", ErrCannotEncode, C.GoString(text))
}
