// Package books keeps the books of all shops: a double-entry journal as a fold
// of the whole log, the days that were closed, and what counts against a
// shopper. docs/books.md has the accounts and what each event posts.
//
// The one idea: a posting is what an event means in money, and nothing else
// makes one. What cannot be refused because it happened is booked as it
// happened, and noted in [Journal.Odd].
//
// # Invariants
//
//   - After every event all accounts sum to zero in each currency.
//   - An entry is never changed: the books as known at a position are the
//     entries up to it.
//   - The fold reads no clock and no time zone. Which day an entry is of, a
//     [Calendar] says, with zones that are handed in.
//
// That what moved fits the receipts is a fact about the world: a breach is
// noted as odd. Comparing with the provider and the bank is reconciliation's.
package books
