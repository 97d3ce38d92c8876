// Package watch compares what a payment provider has with what the ledger
// says of it, and writes down what the ledger lacks.
//
// The one idea: nothing the provider tells us is believed, and everything it
// has is looked at. A webhook, an entry of the provider's event list and a
// sweep over its objects all end in the same place: [Watcher.Look] fetches the
// object, reads the payment's stream afterwards, and appends the difference at
// the revision it saw. Because an intention is always written before its
// effect, whatever is fetched and has no intention in the stream that is read
// later was done by somebody else, or by an order that was lost.
//
// # Invariants
//
//   - A difference is written down once, however often and by however many
//     servers it is seen.
//   - What belongs to an order that is open is left to the engine, except in
//     the sweep after a restore, which is over before the engine sends.
//   - The provider's list is read again from where everything was seen, so a
//     notice that was lost is found.
//   - Evidence for a claim is submitted once, after its intention was read
//     back ([chargeback.Case.Next]).
//
// The clock, the provider and the store of evidence are handed in. The
// methods are steps without goroutines; [Watcher.Run] is the only loop.
package watch
