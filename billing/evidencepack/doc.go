// Package evidencepack makes the file that answers a chargeback: what was
// sold, how the shopper was let in, what the sensors saw, who looked at it and
// what was given back, each with the place in the ledger that proves it.
//
// The one idea: the pack is a function of events. [Collect] folds the records
// of one visit into a [Pack] and [Pack.PDF] sets it; the same records give the
// same bytes, so the digest that the ledger keeps of a pack can be checked by
// making it again.
//
// What a bank reads has limits, and the pack keeps them by leaving out the
// least: no video, at most [MaxPages] pages and [MaxBytes] bytes, at most
// [MaxFrames] pictures, texts of at most [MaxText] characters. What was left
// out is said.
//
// The package reads no clock and no file: pictures are handed in.
package evidencepack
