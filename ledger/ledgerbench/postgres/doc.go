// Package postgres measures PostgreSQL as an event store: a table that keeps
// the promises of a ledger (position without gaps, unique stream and revision,
// unique event id), and group commit in front of it, the fastest way to make
// single events durable in PostgreSQL.
//
// [Start] runs a server of its own in a new folder, with durability as Debian
// ships it (fsync, synchronous_commit and full_page_writes on) and more memory
// and log space than Debian gives it, and [Server.Close] ends that process and
// no other. A given URL is used as it is.
//
// Bodies are bytea, which costs less than jsonb and keeps the bytes as they are;
// the connection is a Unix socket, which costs less than TCP. There are no
// subscriptions, no functions and no triggers.
package postgres
