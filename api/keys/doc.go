// Package keys keeps the keys that people and devices sign in with.
//
// A key reads vouch_<id>_<secret>. The secret is shown once, when the key is
// made; only its SHA-256 is kept. The secret has 256 random bits, so a plain
// hash is enough: there is nothing to guess. The file keys.json in the data
// folder holds all keys; it is readable by its owner alone, replaced in one
// step, and read again when it changes, so a key made beside a running server
// works at once.
//
// # Invariants
//
//   - A secret is never written anywhere.
//   - A device's key is bound to one shop, a shopper's key to one shopper;
//     no other key is bound to anything.
//   - A revoked key stays in the file and never works again.
//
// The package decides who somebody is. What they may do is package api's.
package keys
