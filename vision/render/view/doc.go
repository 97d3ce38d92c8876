// Package view draws what the cameras of a staged shop see.
//
// The one idea: every camera draws the same room in metres, with a depth for
// each pixel, so that who hides whom, and what a hand covers, agrees between
// cameras and with the truth. What rests is drawn once and kept; a frame costs
// only what moves in it.
//
// # Invariants
//
//   - The same stage and camera give the same frames, to the byte, on the same
//     kind of processor, in whatever order they are asked for.
//   - No clock and no randomness but the scenario's seed.
//
// The package decides nothing that happens: see package shop.
package view
