// Package relay is how the programs of a shop tell each other what happened: one
// appends lines to a file, others follow it. So a gate says whom it let in, and the
// cameras' program who crossed the gate's line.
//
// A file is begun anew when it is [Full], and the one before is kept beside it under
// the name with [Before] until the next time. Two files bound what lies on the disk
// for years, and whoever follows reads the one it has open to its end before it goes on
// with the next: a [Reader] that looks now and then misses no line. One that was away
// longer begins with the file before, so it has at least the last [Full] bytes.
//
// Each file has one [Writer]. Any other program may write one too, and begin it anew
// by truncating or replacing it; what was not read by then is lost.
package relay
