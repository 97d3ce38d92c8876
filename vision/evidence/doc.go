// Package evidence keeps the bytes that show what a sensor saw, each under
// the SHA-256 of its content.
//
// A detection names its evidence by digest, so the name of an object is also
// its seal: whoever holds the event can tell whether the picture is still the
// one that was taken. A store stands on [Blobs]: a folder here, a bucket in
// package bucket. It is used by the shop's edge and by the server alike.
//
// # Layout
//
//	sha256/ab/ab12…ef          an object as it is: on the edge, where there are no keys
//	sha256/ab/ab12…ef.VISIT    the same, encrypted to the key of a visit (age-encryption.org/v1)
//	sha256/ab/ab12…ef.VISIT-original    … to the key of the visit's originals, see [Owner]
//	sha256/ab/ab12…ef.loose    the same, encrypted to a key of its own until a visit names it
//	parts/ab/ab12…ef.OWNER/N-M  part of an upload that has not ended: M bytes from N on
//	tmp/…                      in a folder: what is being written; never read
//
// A folder of [Keys], which is never in the store, holds one key for each visit.
// Destroying it makes the visit's evidence unreadable wherever a copy of the
// store is.
//
// # Invariants
//
//   - What is under a digest had that digest when it was put: bytes that do
//     not match are refused and leave nothing behind. The digest is of the bytes
//     before encryption.
//   - When Put returns nil the object, and before it its key, survive a crash.
//   - Objects are never changed. Putting one again changes nothing. Within a
//     visit each is there once.
//   - A key that was destroyed is never made again.
//   - Nothing outside the folders is ever touched, whatever a digest says.
//
// The package does not know who may see an object, does not blur faces, and
// does not forget: package retention decides that.
package evidence
