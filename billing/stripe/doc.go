// Package stripe moves money at Stripe. It is the only package that imports
// stripe-go, and implements [billing.Gateway] with it.
//
// The one idea: the SDK's conveniences are switched off, because each of them
// can move money twice or hide that it moved. There are no automatic retries
// and no automatic keys; every call carries the order's own idempotency key
// and a deadline that holds; and what comes back is sorted into exactly three:
// it happened, it was refused, or nobody knows.
//
// # Invariants
//
//   - No call that moves money is sent without the order's key, amount and
//     object; an order that lacks one is refused as a bug before it is sent.
//   - An [billing.Outcome] is returned only for a definite answer. Time-outs,
//     lost connections, 409, 429, 5xx and bodies that do not decode are
//     [ErrUnknownOutcome].
//   - Looking up goes through lists and objects, never through Stripe's
//     search, which lags by up to an hour.
//   - A test key only ever accepts test objects, a live key live ones.
//   - No secret and no SDK type leaves the package, errors included.
//   - Evidence is submitted only to a claim that has no submission, and files
//     go to the host for files.
//
// The package keeps no state and decides nothing: whether to ask again is the
// runner's business, what to do about a claim is billing/chargeback's.
package stripe
