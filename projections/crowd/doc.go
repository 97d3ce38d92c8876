// Package crowd makes up the events of busy shops, as many as are wanted, for
// benchmarks and for tests that need a large log.
//
// A [Shop] is always full: when a shopper leaves, the next one comes in, and
// what happens to all of them is woven together as the sensors of a shop would
// report it. A visit has about 40 events in its own stream and four or six in
// its payment stream: the credential, the hold, the gate, takes and returns
// with their prices, doubtful takes with question and answer, the exit, the
// receipt, the capture. Bodies average about 350 bytes.
//
// Everything is in the form the product writes: payloads go through
// [ledger.NewDraft], receipts come from the same fold that checks them
// ([projections.BuildDocument]), sensors' ids are UUIDv7 and the engine's are
// derived, and evidence is named by random digests, which no compression makes
// smaller.
//
// INVARIANT: the same seed, number and size give the same events; every stream
// folds without an oddity and every receipt equals its replay.
//
// It decides nothing and asks nobody: what a shop would never see (a vendor's
// nonsense, a declined card) is left to billing/simulate.
package crowd
