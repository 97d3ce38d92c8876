// Package shop decides what happens in a shop that is only drawn: who walks in
// when, what they take, put back, put elsewhere or only touch, what staff
// does meanwhile, and what every camera, scale and RFID reader could know of
// it.
//
// The one idea: everything is worked out in metres, seconds and grams before
// the first picture. Pictures (package view), weights, reads and the truth are
// all read off the same stage, so they agree. Thousands of interactions are
// staged in a moment, because nothing is drawn unless somebody asks for a
// frame.
//
// # Invariants
//
//   - The same scenario gives the same stage, readings and truth.
//   - A slot holds what was put into it less what was taken; nobody takes what
//     is not there, and two hands are never in one slot at once.
//   - A take or put happens in the instant of a frame: in that frame the thing
//     is clear of the shelf for the first time, or rests for the first time.
//   - No clock and no randomness but the scenario's seed.
//
// The package draws nothing and knows nothing of what watches.
package shop
