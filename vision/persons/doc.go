// Package persons finds the persons in a fixed camera's pictures, for package
// track to follow.
//
// The one idea: the camera does not move, so what differs from the empty shop
// and is as large as a person where it stands is one. Where it is known how
// the camera hangs (package mount), what differs is explained by persons of
// usual height who stand somewhere on the floor, the best first, until nothing
// person-sized is left: so two who cover each other are two, and feet behind a
// shelf are where they must be. That is a greedy form, for one camera, of
// Fleuret, Berclaz, Lengagne and Fua, "Multi-Camera People Tracking with a
// Probabilistic Occupancy Map", PAMI 30 (2008). Without a mount, connected
// regions of a person's shape count.
//
// # Shape
//
//   - [Moving] is that, in Go alone: a model of the empty picture that knows
//     light, exposure and shadows (the colour model of Horprasert, Harwood and
//     Davis, "A Statistical Approach for Real-time Robust Background
//     Subtraction", 1999), and the explanation.
//   - [Shaped] is what knows a person's shape in a single picture: OpenCV's HOG
//     detector, or a network. [Joined] is both: who has stood there since the
//     camera was switched on is no difference from the empty shop.
//   - Each box has its look ([track.Colours]), taken where the person is.
//
// # Invariants
//
//   - The same pictures give the same boxes.
//   - A picture of another size than the first is refused.
//
// What nobody is explained by (a basket put down, a gap in a shelf) becomes part
// of the empty shop after seconds; a person who stands still only after a
// minute and a half.
package persons
