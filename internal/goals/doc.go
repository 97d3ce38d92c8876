// Package goals is what the benchmarks of both programs report: for each piece
// of work what was measured, its goal, and whether it is met. A report is
// printed, written as JSON and put between two marks of a page of the
// documentation.
//
// What cannot be measured on a machine is a row that says why; such a row meets
// no goal.
//
// The package measures nothing itself but the machine: it knows processors,
// memory and load, and not what was run on them.
package goals
