// Package shelf notices what is taken from and returned to a shelf that one
// fixed camera looks at. It is pure: small pictures in, changes out.
//
// The one idea: judge a slot only when it is at rest and nobody is near, and
// compare it with how it looked when it was last at rest. What happens in
// between (hands, arms, shadows, items in the air) is waited out; when it
// happened is found afterwards by walking back through a trace.
//
// Invariants: a touch that leaves the item where it was is no change; a slot
// never holds fewer items than none or more than its facings; the same
// pictures give the same changes.
//
// It does not know who reached in, and sees one item in each facing: what
// stands behind the front one is not counted.
package shelf
