// Package esdb keeps a ledger in an EventStoreDB or KurrentDB cluster, through
// the official client.
//
// The one idea: the cluster keeps the events, and everything that the contract
// of [ledger.Log] asks beyond what the cluster gives (ids that are known for
// ever, a position for each revision, a recorded time that never falls) is a
// fold of the cluster's own order, so that each server that follows it says the
// same. The fold is the [index]; it lives in memory and follows $all.
//
// An event of ours is an event of theirs with the same id. Its type is the
// kind, its data the stored body, its metadata the envelope in the form of
// package envelope. Its position is the commit position plus one.
//
// # Invariants
//
//   - Every append names an exact revision. What the cluster does with any
//     other expectation is best effort.
//   - An append returns when the index has seen it, and a record is handed out
//     when the index has seen it: who has read an event will have its id
//     recognised.
//   - Within a stream an id is stored once, however many servers write. Across
//     streams it is once for each server: see [Double].
//   - Nothing that the client does ends or hangs the caller: each call runs in
//     a goroutine of ours that catches panics, under a deadline that is watched
//     from outside, and a client that hung or lost its server is replaced by a
//     new one. Messages at which it ends the process are refused before it sees
//     them: see wire. One hazard is left, in the client's own goroutine: the file
//     of its certificate vanishes in the midst of a discovery.
//   - Trouble is [ledger.ErrUnavailable] and a refusal is a refusal. A stream
//     that money depends on and that is cut, deleted or written by others is
//     [ledger.ErrCorrupt].
//
// What it does not do: it makes no users, no access lists and no projections,
// and it never deletes.
package esdb
