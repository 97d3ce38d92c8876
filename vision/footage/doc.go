// Package footage makes the evidence of one detection from the frames of a camera.
//
// A detection gets the frames before, at and after it, the seconds around it as a
// clip, what was seen in the frames as data, what a scale read if there is one, and
// a thumbnail. Of each picture and of the clip there is a copy in which faces are
// hidden, which names what it is a copy of: a shopper is shown nothing else.
//
// # Invariants
//
//   - Pictures and clips are stored as they were seen: nothing is drawn on them.
//   - There is a blurred copy of every picture and clip, or the detection fails: a
//     shopper is never shown an original for want of one.
//   - A copy that hid nothing is the original itself, by the same digest.
//
// The package does not decide what happened, and does not store: a [Keeper] does.
package footage
