// Package mount says how a camera that looks for persons hangs in the shop:
// which pixels of its picture are which places on the floor.
//
// The one idea: an installer measures marks on the floor with a tape and
// reads where each is in the picture; the floor's homography follows from
// four or more. If they also measure where the camera hangs, everything above
// the floor follows too: with the camera's centre C = (X, Y, Z) the column of
// the projection that belongs to height is fixed by P (C, 1) = 0, so that how
// tall and wide a person is at any place of the picture is known. No lens is
// calibrated for that; a lens that bends straight lines visibly does not fit.
//
// The file is JSON:
//
//	{"size": [640, 360],
//	 "points": [{"picture": [412, 260], "floor": [0.4, 0.4]}, ...],
//	 "hangs": [1.65, 2.9, 2.6],
//	 "above": false}
//
// Floor and hangs are metres in the shop's plan, the same for all its
// cameras, z up. above says that the camera looks straight down, so that the
// middle of a person counts and not the feet; it needs hangs.
//
// # Invariants
//
//   - What contradicts itself is refused with what does not fit: points on a
//     line, one point that lies elsewhere than the others put it, a camera that
//     cannot hang where it is said to.
//
// The package looks at no picture.
package mount
