// Package floor is the shop floor as its sensors know it: it joins persons
// seen by cameras, gates that opened, scales, RFID reads and what shelf
// cameras claim into detections.
//
// The one idea: each sensor says what it has to say when it can, and the
// floor puts it in the order in which it happened. Persons are followed a
// little behind the time, so that a camera that is slow is no camera that is
// wrong; a move is judged (package fuse) when everything about it must have
// come, and by then it is known who stood where (package track).
//
// # Invariants
//
//   - Only [Floor.Tick] moves time. No clock is read, and a sensor whose clock
//     runs ahead is refused and moves nobody else's.
//   - A frame, an opening, a reading or a claim that comes twice counts once.
//   - The same input in whatever order, as long as it is not later than
//     Config.Late, gives the same tracks.
//   - What comes too late changes nothing and is counted.
//
// It decodes no picture, names no event and sends nothing: a detection's
// Recorded says what the ledger would keep.
package floor
