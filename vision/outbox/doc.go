// Package outbox keeps what an edge has to tell the server until the server
// has said that it has it.
//
// A shop's line to the server fails. The cameras go on, so each message is
// first made durable in a folder and then sent, one after the other, in the
// order it was put: evidence therefore goes before the event that names it.
// Messages keep their own ids and times, so what arrives late says when it
// happened, and what arrives twice is recognised.
//
// # Layout
//
//	DIR/lock             held by the one process that uses the folder
//	DIR/queue/N.item     a message: one line of JSON about it, then its body
//	DIR/dead/N.item      a message the server refused for good
//	DIR/dead/N.json      what the server said
//	DIR/tmp/             what is being written; emptied on opening
//
// # Invariants
//
//   - When Put returns nil the message survives a crash.
//   - A message leaves the queue only after the server took it, or refused it
//     for good; then it lies under dead with the answer. It is never dropped.
//   - No message is sent before an earlier one was answered.
//   - With a key nothing of a message can be read in the folder without it.
//   - Of a large body that is sent in parts a lost line costs one part at most.
//   - A crash between the answer and the note of it sends the message again
//     with the same id.
//
// The package does not read what it carries, and does not batch.
package outbox
