package lens

import (
	"math"
	"slices"
)

// A sensor that stands still behind an encoder of constant bit rate gives ever
// new pictures: the encoder spends its bits on its own faults. But those come out
// the smaller the longer nothing changes, while a sensor's noise stays what it is.
// So pictures are held against the noise that this camera usually has where
// nothing moves. Where that is too little to tell, or is not known yet, nothing
// is claimed.
const (
	// tilesX and tilesY part the picture; the median tile is not one in which
	// somebody walks. step is the distance of the pixels that are asked.
	tilesX, tilesY, step = 8, 6, 4
	// overSeconds is over how many seconds noise is judged, learnSeconds how many
	// are needed to know what is usual, and pastSeconds those that count.
	overSeconds, learnSeconds, pastSeconds = 5, 60, 600
	// leastNoise in steps of 256 is the least usual noise that coding can be told
	// from: encoders that take all noise away leave a tenth of one.
	leastNoise = 0.2
	// frozenNoise of the usual noise is no sensor's, usualNoise of it is.
	frozenNoise, usualNoise = 1.0 / 3, 0.5
	// moving is the difference, in steps of 256, of a tile in which something
	// moves. The largest that an encoder's whole pictures made is 6.5.
	moving = 12
	// otherLight is the difference of most tiles, in steps of 256, from lightSeconds
	// ago, that makes the noise of before another camera's: lamps go out, or it
	// goes over to the night. A sensor that stands still keeps its light.
	otherLight, lightSeconds = 12, 12
	// fewLooks is how many new pictures a second must have to be judged.
	fewLooks = 3
)

// still knows how much the pictures of a camera usually differ where nothing
// moves.
type still struct {
	last   []byte // of the last picture
	light  [tilesX * tilesY]float64
	lights [][tilesX * tilesY]float64 // of the last seconds
	looks  int                        // of this second
	diffs  []float64                  // of the new pictures in it
	levels []float64                  // of the last seconds, overSeconds at most
	past   []float64                  // means over levels that were usual, pastSeconds at most
	calm   int                        // seconds since one of them was
	frozen bool
}

// usual is the least noise of the past; 0 while it is not known. The last seconds
// may be of a sensor that has stopped.
func (s *still) usual() float64 {
	if len(s.past) < learnSeconds {
		return 0
	}
	return slices.Min(s.past[:len(s.past)-overSeconds])
}

// see takes a picture of which so many come in a second. It reports whether the
// sensor is believed to stand still.
func (s *still) see(bgr []byte, w, h, rate int) bool {
	diff, most, fresh := s.compare(bgr, w, h)
	if fresh {
		s.diffs = append(s.diffs, diff)
	}
	if most > moving && s.frozen { // a sensor that stands still shows nobody
		s.forget()
	}
	if s.looks++; s.looks >= rate {
		if len(s.diffs) >= fewLooks {
			s.second()
		}
		s.looks, s.diffs = 0, s.diffs[:0]
	}
	return s.frozen
}

// forget begins to learn anew.
func (s *still) forget() { *s = still{last: s.last, light: s.light} }

// relit reports whether most of the picture is lit otherwise than it was.
func (s *still) relit() bool {
	s.lights = append(s.lights, s.light)
	s.lights = s.lights[max(0, len(s.lights)-lightSeconds):]
	var off [tilesX * tilesY]float64
	for i, v := range s.lights[0] {
		off[i] = math.Abs(v - s.light[i])
	}
	slices.Sort(off[:])
	return off[len(off)/2] > otherLight
}

// second judges the second that is over. Its second least difference is taken:
// whole pictures and flicker stand out upwards.
func (s *still) second() {
	relit := s.relit()
	slices.Sort(s.diffs)
	s.levels = append(s.levels, s.diffs[1])
	if len(s.levels) < overSeconds {
		return
	}
	s.levels = s.levels[len(s.levels)-overSeconds:]
	mean := 0.0
	for _, l := range s.levels {
		mean += l / overSeconds
	}
	usual := s.usual()
	switch {
	case s.frozen:
		// Two seconds: an encoder short of bits makes much of one whole picture.
		if min(s.levels[overSeconds-1], s.levels[overSeconds-2]) >= usualNoise*usual {
			s.frozen, s.levels = false, s.levels[:0]
		}
		return
	case relit && mean < usualNoise*usual:
		s.forget()
		return
	case usual >= leastNoise && mean < frozenNoise*usual:
		s.frozen = true
		return
	case usual > 0 && mean < usualNoise*usual:
		// Neither; if it stays so, it is another camera's noise now.
		if s.calm++; s.calm > pastSeconds {
			s.past, s.calm = nil, 0
		}
		return
	}
	s.calm = 0
	s.past = append(s.past, mean)
	s.past = s.past[max(0, len(s.past)-pastSeconds):]
}

// compare returns how much the median tile and the most different one differ
// from the last picture, and whether it is a new one at all.
func (s *still) compare(bgr []byte, w, h int) (median, most float64, fresh bool) {
	across, down := w/step, h/step
	if len(s.last) != across*down {
		s.last = make([]byte, across*down)
	}
	var sums, counts, lit [tilesX * tilesY]int
	for y := range down {
		row, last := bgr[y*step*w*3+1:], s.last[y*across:][:across] // green
		for k := range tilesX {
			from, until := k*across/tilesX, (k+1)*across/tilesX
			sum, light := 0, 0
			for x := from; x < until; x++ {
				v := row[x*step*3]
				sum += abs(int(v) - int(last[x]))
				light += int(v)
				last[x] = v
			}
			tile := y*tilesY/down*tilesX + k
			sums[tile], lit[tile], counts[tile] = sums[tile]+sum, lit[tile]+light, counts[tile]+until-from
		}
	}
	var means [tilesX * tilesY]float64
	for i := range means {
		means[i] = float64(sums[i]) / float64(max(1, counts[i]))
		s.light[i] = float64(lit[i]) / float64(max(1, counts[i]))
	}
	slices.Sort(means[:])
	return means[len(means)/2], means[len(means)-1], means[len(means)-1] > 0
}
