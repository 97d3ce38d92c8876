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
//   - Who everybody is, is a set of stories, each with its probability: for
//     each stay (a track between two moments in which it may have become
//     somebody else's) one of those whom a gate let in ([Tracker.Bind]), or a
//     stranger. A meeting splits every story by whether the two were exchanged;
//     somebody who appears in mid-shop, or comes back into sight, by who it may
//     be. What each looks like afterwards, where everybody else is, and what they
//     do ([Tracker.Did]) makes stories more or less probable, also long after;
//     the best are kept. Those are the k best hypotheses of Reid, "An Algorithm
//     for Tracking Multiple Targets", IEEE Transactions on Automatic Control 24
//     (1979), over identities alone; where persons are is one story.
//
// # Invariants
//
//   - A belief never sums to more than 1; what is missing is an unknown person.
//   - An exchange invents nothing: what two tracks together believe of a visit
//     does not change by it.
//   - The same frames give the same tracks.
//
// The package decodes no picture and keeps none; faces play no part in it.
package track
