// Package billing turns what a shopper took into what a shopper owes, and
// decides which money must move.
//
// The one idea: deciding and doing are apart. Everything in this package is
// pure: a catalogue that folds prices and tax rates, a pricer, and a decider
// that looks at the folds of a visit and its payment and says what must
// happen next. What must happen is first appended to the ledger as an
// intention with a frozen idempotency key; only then does the runner of
// package billing/engine send it through a [Gateway], and what the provider
// answers is appended as an observation.
//
// # Invariants
//
//   - No money moves without a durable intention, and an intention is sent
//     again only with its own key.
//   - What is captured never exceeds the receipt, and what is refunded never
//     exceeds what was captured.
//   - A visit that left the shop ends charged, with nothing owed, owing, or in
//     review with a deadline; it is never forgotten and never charged twice.
//
// The package reads no clock, no file and no network.
package billing
