// Package reconcile compares what we booked with what the provider and the
// bank say of the same money.
//
// The one idea: three records of one movement (ours, the provider's balance
// transaction, the bank's line) are folded from events, and an exception is a
// difference between them at some instant. The matcher is a function of that
// fold: run twice it finds the same, and what it opened it closes by itself
// when what was missing came.
package reconcile
