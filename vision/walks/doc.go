// Package walks makes more clips out of the few real ones there are: the same
// film shaken, lit otherwise, noisy or mirrored, and new ones made by going over
// the frames of a real one forwards and back. A take seen backwards is a return;
// a hand that turns back before anything leaves its place only touches.
//
// The one idea: what is made keeps an exact truth, because the truth moves
// with the frames.
//
// Invariants: the same clip, trouble and seed give the same frames; a trouble
// changes no event's slot, action or frame; a walk of touches turns back
// before anything leaves its place, so its truth is empty.
//
// It judges nothing; package watch does and package score compares.
package walks
