// Package trial puts the shop's judgement on trial: it stages a shop whose
// truth is known (package render/shop), lets its sensors speak with the noise
// that sensors have, and counts what tracking and fusion make of it.
//
// The one idea: what comes in is what a shop's edge would get, in the order in
// which it arrives, late, twice and out of order; nothing of the truth is
// used but for counting afterwards.
//
// What is real and what is not: scales and RFID readers are the staged shop's
// own signals, reading by reading. Cameras are modelled at the level of what
// detectors say: boxes of persons with misses, false ones and trembling edges,
// and claims of shelf cameras that miss, mistake twins and come late
// ([Eyes]). No pixel is looked at.
package trial
