// Package cart is what a smart cart thinks: who pushes it, what was scanned,
// what the scale says to that, and what is still to be asked.
//
// The one idea: a trip is a fold of inputs. A code that was shown, a weight
// that came to rest and a finger on the screen are inputs; each is written to
// the cart's journal before it counts, and [Trip.Apply] turns it into messages
// for the server whose ids follow from the input's. A cart that is switched
// off in the middle reads its journal, has the same trip again, and what it
// sends a second time is recognised by its id.
//
// The scale decides nothing about money. It compares: what lies in the cart
// beside what was scanned ([Trip.Excess]). Where the two differ the shopper is
// asked, and if nobody answers the server is told the weight, which makes it a
// question for staff.
//
// # Invariants
//
//   - The same inputs give the same trip and the same messages, to the byte.
//   - A piece that was scanned is told to the server once, and its removal at
//     most once, whatever was asked meanwhile.
//   - A piece is taken off only by a shopper's word, never by weight alone.
//   - After a trip was left nothing is added to it.
//
// The package reads no clock, no file and no network; package device does.
package cart
