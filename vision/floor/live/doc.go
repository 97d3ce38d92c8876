// Package live joins the sensors of a running machine on one floor: cameras
// that look for persons, shelf cameras, scales, tag readers and gates.
//
// The one idea: a shelf camera's sighting is not yet whose it is. It is put
// aside, on the disk, until everything about its moment must have come
// (package floor); what is sent then names the visits with their
// probabilities, has weighed with the scale, and carries the sighting's
// evidence and id. What the plug cuts off is sent at the next start as the
// camera saw it, naming nobody.
//
// # Shape
//
//   - A [Config] is the part `floor` of a shop's file: gates, places, products,
//     scales, readers.
//   - Scales, readers and gates say JSON lines: in a file, on a device, or at a
//     TCP address. A line of a recording has its seconds, "t", and is waited for.
//   - Who crosses a gate's line is written for the gate's own program, and the
//     server is told of an entry that let in more than it was for.
//
// # Invariants
//
//   - A sighting that was put aside is sent or is judged to be nothing; it is
//     not lost.
//   - Evidence is stored before the detection that names it is sent.
//
// The package opens no camera.
package live
