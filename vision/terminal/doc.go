// Package terminal makes events of what a card reader says, so that a shop without
// cameras at the door works: a card or a badge is tapped, and who bears it enters
// or leaves.
//
// The number on a card or chip leaves this package as a [Tap] only: a token, the
// HMAC-SHA-256 of the number under a key that the terminals of a shop share. Who has
// the tokens and not the key cannot try all numbers, of which a chip has four bytes.
//
// # What a reader may say
//
// One line a tap, as readers say it that are a keyboard, and those on a serial line:
//
//	04A3B2C1, 04:a3:b2:c1, 04 A3 B2 C1     a chip's UID of 4, 7 or 10 bytes (ISO/IEC 14443-3)
//	UID: 04A3B2C1                          the same with the name of it
//	04A3B2C19000                           the answer to GET DATA (PC/SC part 3, 3.2.2.1.3)
//	0017382211, emp-0417                   any other text: what an older badge has
//	6300                                   the reader's word for no card: nothing
//
// # Invariants
//
//   - Nothing that may be the number of a payment card becomes a tap: not alone, not
//     in a track of its magnetic stripe. No error holds any part of a line.
//   - One chip is one token, however the reader writes it.
//
// The package opens no device and asks no server.
package terminal
