// Package fuse joins what shelf scales, RFID readers and cameras say about one
// moment at one shelf into one detection: item, action, quantity and person,
// each with a confidence that holds what it says.
//
// # The formula
//
// A hypothesis h says what moved: nothing, or one or two moves of a quantity
// of a SKU out of or into a slot. In a long unrest of a scale it says so of each
// of its jumps ([Jump]), as a thing weighs down or leaves within a fifth of a
// second and a hand more slowly; of a scale that tells only by how much its weight
// changed, it is up to four moves, if cameras told each of them. Given what really happened, the sensors err
// independently of each other, so their likelihoods multiply, and logarithms
// add:
//
//	log P(h | z) = log P(h) + log N(w; m(h), s²(h)) + Σ log P(c | h) + Σ log P(r | h) + log Σ P(v) P(h | v) − log Z
//	               prior      weight                  cameras           tags             persons
//
// This is Bayes' rule with conditionally independent sources, the independent
// likelihood pool: Challa and Koks, "Bayesian and Dempster-Shafer fusion",
// Sadhana 29 (2), 2004, pp. 145-174. Its terms:
//
//   - prior: takes are more frequent than returns, one move than two, a
//     product in its own slot than elsewhere ([Prior]).
//   - weight: the step w of the scale is normal around the sum of what the
//     moves weigh, with the scale's variance and that of each piece, and so is
//     each jump around its own moves, with that of a hand. What hands do right
//     before and after without a jump may be part of it. A hand may rest there
//     only before or only after, and a share of steps is anything.
//   - cameras: each slot that a camera watches either has a claim or not; a
//     camera finds most moves, claims few that are none, and its own
//     confidences say which SKU, raised to a power below 1 because they share
//     the planogram with the prior.
//   - tags: a tag on the shelf answers at its own rate, one that is not there
//     at the rate of strays; answers are Poisson. A hypothesis moves as many
//     tags of its SKU as it moves pieces, whichever: the mean over all ways.
//   - persons: who stood there (package track); for a return, who had such a
//     thing to return; and staff rather puts, and where it belongs, where
//     shoppers rather take.
//
// The marginals of P(h | z) are the raw confidences. [Calibration] maps them
// to what proved right on shops with known truth.
//
// # Invariants
//
//   - A reading that comes twice counts once; one that comes late or out of
//     order counts as if it had come in time, until its moment was decided.
//   - The same readings give the same detections.
//   - What moved is decided from the readings of one scale or camera and
//     moment; a detection once given is not taken back. What comes after that
//     is counted as late, and a weight step never is lost: it is a moment of
//     its own.
//
// The package reads no sensor and no clock.
package fuse
