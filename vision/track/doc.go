// Package track follows persons through a shop: from the gate, across
// cameras, behind each other's backs, to the door. And it says, for a moment
// and a place, whose hand it probably was.
//
// The one idea: persons are followed on the floor, not in pictures. Each
// camera has a homography from its picture to the shop's floor plan, and
// what any of them sees updates the same tracks. Handing over from one camera
// to the next is then no case of its own: it is the next measurement, after a
// gap that is as long as the walk.
//
// # Shape
//
//   - A box's foot becomes a point on the floor with the uncertainty that its
//     pixels mean there ([Homography]).
//   - A Kalman filter with constant velocity predicts each track; boxes and
//     tracks are joined at the least total cost: how far off the prediction,
//     how different in appearance, against the cost of not being joined.
//   - A track is tentative until it was seen a few times, lost while nobody
//     sees it, and ends at the door or after a long absence.
//   - Each track carries a belief: how probable it is that this is a person
//     of that visit. It starts at the gate ([Tracker.Bind]). When two tracks
//     were so near that they may have been exchanged, their beliefs are mixed
//     by the probability of the exchange, which falls with how well each looks
//     like itself afterwards. A track that was out of sight loses belief to
//     whoever else may have come out there. This is identity management with
//     a marginal belief matrix: Shin, Guibas and Zhao, "A Distributed
//     Algorithm for Managing Multi-Target Identities in Wireless Ad-hoc Sensor
//     Networks", IPSN 2003; Balakrishnan, Hwang and Tomlin, "Polynomial
//     Approximation Algorithms for Belief Matrix Maintenance in Identity
//     Management", CDC 2004.
//
// # Invariants
//
//   - A belief never sums to more than 1; what is missing is an unknown person.
//   - Mixing invents nothing: what all tracks together believe of a visit does
//     not grow by it.
//   - The same frames give the same tracks.
//
// The package decodes no picture and keeps none; faces play no part in it.
package track
