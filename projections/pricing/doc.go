// Package pricing says what a basket costs, line by line and in words.
//
// The one idea: everything that a price hangs on was written into the visit's
// stream when it was known (prices at the picks, lower ones at the exit,
// promotions, coupons), so what is due is a pure function of that, and comes
// out the same whenever and wherever it is computed. docs/pricing.md has the
// rules and the reasons.
//
// # Invariants
//
//   - The lines of a basket sum to its totals; net + tax = gross on each.
//   - Discounts are not below zero and not above the list price.
//   - A further offer never makes a basket dearer, and the order in which a
//     basket's items are told does not change what it costs.
//   - Tax that is rounded for the whole receipt is shared out to the cent.
//   - What is left of a line is never computed again: [Keep] takes the pieces
//     that are gone off the stored amounts.
//
// The package knows no visit and no catalogue: package projections makes the
// baskets, package billing/engine writes down what they are made of.
package pricing
