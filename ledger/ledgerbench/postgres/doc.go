// Package postgres measures PostgreSQL as an event store: a table of events
// with a position, a unique (stream, revision), and group commit in front of
// it, the fastest way to make single events durable in PostgreSQL.
//
// [Start] runs a server of its own in a new folder, with durability as Debian
// ships it (fsync, synchronous_commit and full_page_writes on) and more memory
// and log space than Debian gives it, and [Server.Close] ends that process and
// no other. A given URL is used as it is.
//
// It knows nothing that an event store must know beside that: no check of event
// ids, no subscriptions.
package postgres
