// Package torture ill-treats the embedded log and looks whether it kept its
// word.
//
// The one idea: note every event that was acknowledged or read, and never let
// go of it. [Simulate] does so on a simulated disk that loses, tears and refuses
// writes; [Kill] on a real one with a real process that is killed under load.
// Both run short in the tests and long with the environment variable
// VOUCH_TORTURE set to a duration (make torture). Segments are so short that both
// seal, merge and use files again all the time, and are struck while they do;
// [Counts] says how often.
//
// It does not test the contract of a log: package ledgertest does.
package torture
