// Package palm knows a shopper by the lines of a palm: one credential beside
// codes and cards, and one that can be taken away and replaced by those.
//
// A hand held open before a plain dark ground is cut out (Otsu 1979), the three
// valleys between its four fingers are found as the deepest defects of its
// convex hull, and a square of the palm below them is turned upright and made
// 128 pixels wide. Its [Code] is ordinal (Sun, Tan, Wang and Li, "Ordinal
// palmprint representation for personal identification", CVPR 2005): at 32 by 32
// places and in three directions, one bit that says whether a stripe along the
// direction is brighter than the stripe across it. Two codes are compared by
// their share of unequal bits, at the best of the small shifts that a hand's
// place leaves open. A [Template] holds the codes of several captures.
//
// # What it does not show
//
// All hands that its tests know are drawn by a program. They check the
// pipeline, its thresholds and refusals. They say nothing of false accepts and
// false rejects among people, of skin tones, ages, injuries or dirt, nor that
// palms differ from each other as much as drawn ones do. Before a shop lets
// anybody in by palm these rates must be measured there, with consent: [Trial]
// counts them with their bounds.
//
// One camera without depth or near infrared cannot tell a hand from a good
// picture of one. A [Session] asks for movements by lot and refuses the same
// picture twice, a stiff sheet, dots, shine and edges of what a hand is shown on.
// A film that fits the lot passes, and so does a print that is fine, matt, large,
// moved and bent. A palm is therefore a convenience beside an open visit's limit,
// and no proof of identity.
//
// # Rules
//
// Palms are off unless a shop's policy names the jurisdiction in which its
// operator may use them. Enrolment needs consent to a text first; the event of the
// consent names key and template. Templates are encrypted each with a key of its
// own, outside the ledger; the ledger has digests. Revoking destroys key and
// template. No picture is kept.
package palm
