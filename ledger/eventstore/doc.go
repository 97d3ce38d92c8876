// Package eventstore serves the EventStoreDB gRPC protocol from a
// [ledger.Log], so that the official clients of any language can read, append
// and subscribe.
//
// The one idea: the log is the database. Positions and revisions are the log's
// own; stream metadata, soft deletes, tombstones and access lists are ordinary
// events in it ("$$stream" holds a stream's metadata, a "$streamDeleted" event
// ends a stream), looked up when they are needed. The server keeps no state that
// a restart could lose and no index of its own.
//
// # Two kinds of streams
//
// Vouch's own streams ([ledger.StreamID.Own]) hold money. They are append-only
// through this door too: no deletion, no truncation, and only payloads that
// Vouch knows, in stored form, with the envelope of package envelope as
// metadata. Every other stream is foreign: what a client sends is kept byte by
// byte and nothing of Vouch's looks at it.
//
// # Invariants
//
//   - A position p of the log is commit and prepare position p of the protocol.
//   - What hides events (deletion, $maxCount, $maxAge, $tb) hides them from
//     readers of that stream, never from $all, and never in an own stream.
//   - A subscription loses and repeats nothing at the hand-over from catching up
//     to live, and a slow reader holds nobody up: each one pulls from the log.
//   - Who may not read a stream gets access-denied, for links too.
//   - An answer is an EventStoreDB answer: status, "exception" trailer and the
//     trailers beside it are those that the clients look at.
//
// # What services need (for those who add one)
//
// A service lives in files of its own, is made in [New] and listed in
// Server.services. It may use:
//
//   - requester(ctx): who asks ([User]), already authenticated.
//   - s.allowed(ctx, user, stream, action): nil or an access-denied refusal.
//   - s.stillIn(ctx): asks once a minute whether the caller of a long call may
//     still sign in.
//   - s.state(ctx, stream): what is visible of a stream (missing, deleted,
//     tombstoned, first and next revision, metadata).
//   - s.readable(ctx, stream, from): the visible records of a stream forwards.
//   - s.resolve(ctx, user, record, links): the record with its link's target, an
//     [event] that toRead turns into the message of Streams.Read.
//   - s.appendSystem(ctx, stream, expect, drafts...): an append without any
//     check, for the service's own system streams.
//   - s.last(ctx, stream): the last record of a stream.
//   - s.logger, s.now and s.newID() for ids of events the server makes.
//   - newFilter(options): which records of $all a filter wants.
//   - the refusals in errors.go; refuse(code, exception, message, trailers…) for
//     others. Handlers return refusals and ledger errors as they are: the
//     interceptors set status and trailers, and log what nobody foresaw.
//
// The package opens no files and reads no clock: log, time, randomness and who
// may sign in are handed in. It does not serve projections, user management or
// cluster operations; docs/eventstore.md has the table.
package eventstore
