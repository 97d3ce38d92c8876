// Package planogram reads which product stands where on a shelf, as a camera
// sees it: slots as polygons in pixels, what belongs in each, how many fit
// and how many are there at the start.
//
// The one idea: a planogram is checked as a whole when it is read, so that
// nothing later has to ask whether a slot makes sense.
//
// Invariants: every slot of a loaded planogram has a polygon inside the
// picture with an area, overlaps no other, names its SKU, and holds at the
// start no more than fit. Slots are in the order of their names.
//
// It knows no frames and no events.
package planogram
