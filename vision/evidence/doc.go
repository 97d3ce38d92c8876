// Package evidence keeps the bytes that show what a sensor saw, each under
// the SHA-256 of its content.
//
// A detection names its evidence by digest, so the name of an object is also
// its seal: whoever holds the event can tell whether the picture is still the
// one that was taken. The store is a folder and is used by the shop's edge
// and by the server alike.
//
// # Layout
//
//	DIR/sha256/ab/ab12…ef   the objects, 256 folders by the first two digits
//	DIR/tmp/…               what is being written; never read
//
// # Invariants
//
//   - What is under a digest had that digest when it was put: bytes that do
//     not match are refused and leave nothing behind.
//   - When Put returns nil the object survives a crash: the file and the
//     folder that names it are synced.
//   - Objects are never changed. Putting one again changes nothing.
//   - Nothing outside DIR is ever touched, whatever a digest says.
//
// The package does not know who may see an object, does not blur faces, and
// does not forget: retention is another package's decision through Remove.
package evidence
