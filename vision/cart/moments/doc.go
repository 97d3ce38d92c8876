// Package moments remembers the last seconds of a cart's camera and scale, and
// makes of them what shows how something came about: the frame in which a label
// was read, a hand that lays something in, what the scale read meanwhile.
//
// The one idea: a moment is shown by what was remembered when it became certain.
// A weight is certain when it rests, and by then the hand is out: so the frame
// after it is there too, and nothing has to wait.
//
// # Invariants
//
//   - Of every picture and clip there is a copy in which faces are hidden, or
//     none of them is given.
//   - What is remembered is bounded, whatever the camera sends.
//
// The package stores nothing and sends nothing; package device does.
package moments
