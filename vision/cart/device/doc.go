// Package device is a smart cart's computer: it keeps the journal and the
// outbox of the trip, asks the server who may push the cart, keeps prices for
// when the line is cut, and serves the cart's screen.
//
// What the cart thinks is package cart's; this package hands it inputs and
// carries out what follows. An input is first written to the journal, then it
// counts, then its messages go into the outbox. Whichever moment the power
// goes, what was acknowledged on the screen is in the journal, and what the
// outbox may not have is put there again under the same id.
//
// # Layout
//
//	DIR/trip.journal   the inputs of this trip
//	DIR/prices.json    the last price list
//	DIR/outbox/        see package outbox
//
// # Invariants
//
//   - An input that Feed took survives a kill (TestTheCartIsKilledAtAnyMoment).
//   - Messages go out in the order of their inputs.
package device
