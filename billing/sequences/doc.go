// Package sequences holds the proof that nobody is charged twice and nobody is
// forgotten: forty courses of events that have cost shops or shoppers money
// elsewhere, each played against the whole of billing, and a property test of
// visits to which anything may happen.
//
// The one idea: a world in one process. Engine, desk, watcher, books and the
// real adapter for Stripe are ours; the money is at package stripesim, which
// says afterwards, from its own objects, what really moved. A test drives the
// one clock, injects faults between the two, kills the process at a named
// place and starts it again on the log that is left. After every event the
// books are folded and must sum to zero; at the end they must equal the
// provider's own balance, visit by visit and to the cent.
//
// There is no code here but tests.
package sequences
