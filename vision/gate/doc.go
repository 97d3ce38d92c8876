// Package gate is the part of a gate that is not a camera: it notices a code
// in a run of pictures once, and asks the server whether its bearer may enter.
//
// An entry needs an answer while a person waits, so it is asked again with
// the same id until the server answers or the time is up; a gate that gets
// no answer stays shut and says so. An exit needs no answer and goes through
// package outbox.
//
// The package opens no camera and no door, and does not check signatures: the
// server does, because only the ledger knows which codes were used.
package gate
