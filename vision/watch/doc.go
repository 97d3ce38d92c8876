// Package watch follows one shelf through one camera or video: it decodes,
// lets the monitor of package shelf judge, asks a detector where one is
// configured, and keeps what was seen as evidence.
//
// The one idea: a frame that may become evidence is kept in memory until it
// is too old to matter, so that the moment before a change can still be shown
// when the change has become certain.
//
// Invariants: the evidence of a sighting is stored before the sighting is
// handed out; sightings come in the order in which they became certain; a
// detector that disagrees lowers the confidence and never adds or removes a
// sighting.
//
// It does not know where sightings go and whose visit they belong to.
package watch
