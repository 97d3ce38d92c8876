// Package host runs what package edge decides: it opens cameras, watches
// them, asks the server for its time and for settings, and puts reports into
// the outbox. Beside that it shows on this machine how everything does.
//
// The one idea: one loop owns the supervisor. Everything else runs beside it
// and sends it what happened; nobody waits for anybody's network or decoder.
//
// Invariants: a sighting counts as kept only when the outbox has it on disk;
// settings are on disk before they are followed; a run that ended has closed
// its camera.
package host
