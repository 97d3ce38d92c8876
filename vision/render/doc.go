// Package render draws a shop: a shelf from which hands take things and to
// which they bring them back, and a phone held before a gate.
//
// The pictures come with the truth about them, so what watches a shelf can be
// measured anywhere, without a camera and without anybody's face. Light
// drifts, exposure follows what is in the picture, arms throw shadows, people
// walk in front, things come back turned and elsewhere, and the sensor is
// noisy: what makes it hard on real shelves.
//
// # Invariants
//
//   - The same scenario gives the same frames, to the byte, on the same kind
//     of processor, in whatever order they are asked for.
//   - The truth is read off the same schedule as the pictures: in the frame of
//     a take the thing stands clear of the shelf for the first time, in the
//     frame of a put it rests there for the first time.
//   - No clock and no randomness but the scenario's seed.
//
// The package writes no video and knows nothing of what watches it.
package render
