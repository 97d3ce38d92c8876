// Package stripesim is a stateful simulator of the part of Stripe's wire
// protocol that a walk-out shop uses: cards set up and authenticated, holds
// with manual capture, increments and all that is "if_available", refunds,
// disputes with evidence, fraud warnings, balance transactions, payouts, events
// and signed webhooks, as of API version 2023-10-16.
//
// The one idea: it keeps the truth about money that a client under test could
// get wrong. An unmodified Stripe client talks to it over HTTP (or through
// [Sim.Transport] without a socket), faults are injected between the two, and
// [Sim.Audit] says afterwards, from the objects and not from what anybody was
// told, how often each visit was held, captured and refunded.
//
// # Invariants
//
//   - A request changes everything it changes or nothing, together with the
//     answer stored under its idempotency key.
//   - With a journal file, an answer is sent only after the change is on disk:
//     what a client was told survives SIGKILL.
//   - A key replays its first answer for 24 hours of the simulator's clock,
//     refuses other parameters, and refuses a second request while the first
//     is under way.
//   - Captured never exceeds held, refunded never exceeds captured.
//   - Ids follow from the seed and the idempotency key, so the same story has
//     the same ids whatever the scheduling of its goroutines.
//
// Money rules run on the simulator's clock, which a test may advance: holds
// lapse, shoppers leave, refunds fail, disputes are lost, payouts arrive, each
// at its own time and in one order. What belongs to the network (delays, the
// first retries of webhooks, their signature time) runs in real time.
//
// What shoppers, banks and card networks do is done by methods ([Sim.Dispute],
// [Sim.Authenticate], [Sim.FailRefund], …) or by the same under /sim/.
//
// What the account does is in package account, a state machine without a clock
// or a lock; what goes wrong is in package fault, the cards are in package
// testcard, and the page for people is package page. None of them imports what is tested or a
// Stripe client, so that no mistake can be shared. It does not model Connect or
// search; unknown paths and parameters are refused, never ignored.
package stripesim
