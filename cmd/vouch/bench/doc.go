// Package bench is what `vouch bench ledger` runs: the table of goals that the
// ledger has to meet, measured in one run on the machine it runs on.
//
// Appends are measured by package ledgerbench, in turns with the bare file,
// PostgreSQL and JetStream. Everything else happens on one large log of made-up
// visits ([projections/crowd]): it is opened, replayed and folded, single visits
// are read out of it in turns with PostgreSQL holding the same events, its files
// are weighed, and a tree is made of its beginning. Opening and replaying happen
// in processes of their own, so that memory and processor time are theirs.
//
// `vouch bench billing` measures what a shop waits for: receipts priced, visits
// settled from gate to capture, and the time from the exit to the receipt, with
// the real engine, adapter and embedded log, and stripesim in the process.
//
// Whatever cannot be measured here is a row that says why; the run goes on.
package bench
