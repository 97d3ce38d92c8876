// Package story tells what happened in a shop, in a line for each event, as
// the tests of the folds need it.
//
//	present
//	enter
//	take water 2 as=w
//	return water
//	exit
//	price
//	issue
//
// A [Shop] turns each line into an event of the ledger, in stored form, with
// ids, times, revisions and positions that are the same every time. It plays
// the rest of the program as simply as can be: prices come from a list of six
// products, receipts from projections.BuildDocument.
//
// It is for tests. It refuses a line it does not understand, and never one
// that is unlikely: the folds must bear any history.
package story
