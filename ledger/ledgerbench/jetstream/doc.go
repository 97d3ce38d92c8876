// Package jetstream measures NATS JetStream as an event store: one file-backed
// stream, one message an event, the revision held by the expected last sequence
// of the event's subject, and `sync_interval: always`, without which JetStream
// acknowledges what is not on the disk yet.
//
// [Start] runs a server of its own in a new folder, and [Server.Close] ends
// that process and no other.
package jetstream
