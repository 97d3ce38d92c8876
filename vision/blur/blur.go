// Package blur makes faces unrecognisable in pictures that somebody else is
// shown.
//
// It is pure: pictures are packed blue-green-red bytes. What finds faces and
// persons is elsewhere; [Heads] and [Moving] say what to hide where a face is too
// small to be found, or nothing looks for faces. [Hide] leaves so few colours of a
// region that no face can be won back from them, also not from many pictures of
// a clip: it does not smooth, from which there is a way back.
package blur

import (
	"image"
	"slices"
)

const (
	// margin is what is hidden around a face, as a share of its size: a box ends
	// at the chin and at the hair.
	margin = 0.3
	// across is into how many fields a region is divided.
	across = 4
	// coarse is the step of the values that are left.
	coarse = 32
	// headShare is which upper part of a person is hidden.
	headShare = 0.35
)

// Around grows the box of a face to what is hidden.
func Around(face image.Rectangle) image.Rectangle {
	return face.Inset(-int(margin*float64(max(face.Dx(), face.Dy()))) - 1)
}

// Heads returns the upper parts of persons in which no face was found.
func Heads(persons, faces []image.Rectangle) []image.Rectangle {
	var all []image.Rectangle
	for _, p := range persons {
		head := upper(p)
		if !slices.ContainsFunc(faces, func(f image.Rectangle) bool { return centre(f).In(head) }) {
			all = append(all, head)
		}
	}
	return all
}

func upper(r image.Rectangle) image.Rectangle {
	r.Max.Y = r.Min.Y + int(headShare*float64(r.Dy())+0.5)
	return r
}

func centre(r image.Rectangle) image.Point { return r.Min.Add(r.Max).Div(2) }

// Hide takes everything from the regions by which somebody could be recognised.
// It changes the picture and says whether there was anything to hide.
func Hide(bgr []byte, w, h int, regions []image.Rectangle) bool {
	hidden := false
	for _, r := range regions {
		if r = r.Intersect(image.Rect(0, 0, w, h)); r.Empty() {
			continue
		}
		hidden = true
		field := max(1, (max(r.Dx(), r.Dy())+across-1)/across)
		for y := r.Min.Y; y < r.Max.Y; y += field {
			for x := r.Min.X; x < r.Max.X; x += field {
				flatten(bgr, w, image.Rect(x, y, x+field, y+field).Intersect(r))
			}
		}
	}
	return hidden
}

// flatten gives a field the coarse mean of its colours.
func flatten(bgr []byte, w int, r image.Rectangle) {
	var sum [3]int
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for i := (y*w + r.Min.X) * 3; i < (y*w+r.Max.X)*3; i += 3 {
			sum[0] += int(bgr[i])
			sum[1] += int(bgr[i+1])
			sum[2] += int(bgr[i+2])
		}
	}
	var mean [3]byte
	for c := range sum {
		mean[c] = byte(sum[c]/(r.Dx()*r.Dy())/coarse*coarse + coarse/2)
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for i := (y*w + r.Min.X) * 3; i < (y*w+r.Max.X)*3; i += 3 {
			copy(bgr[i:i+3], mean[:])
		}
	}
}
