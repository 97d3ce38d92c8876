// Package shelf notices what is taken from and returned to a shelf that one
// fixed camera looks at. It is pure: small pictures in, changes out.
//
// The one idea: judge a slot only when it is at rest and nobody is near, and
// compare it with how it looked when it was last at rest. What happens in
// between (hands, arms, shadows, items in the air) is waited out; when it
// happened is found afterwards by walking back through a trace.
//
// Invariants: a touch that leaves the item where it was is no change; a slot
// never holds fewer items than none or more than fit; what was taken in a stay
// of somebody comes back to who took it; the same pictures give the same
// changes.
//
// It does not know who reached in. Of a facing it sees the front item; how many
// stand behind follows from where that one stands and is told with its doubt.
package shelf
