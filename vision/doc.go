// Package vision holds what a shop's edge and the server say to each other:
// the JSON shapes of entries and exits at a gate, of reports and of prices.
//
// Everything that sees is in the packages below. Those that need OpenCV are
// package cv and its users, and only vouch-edge is built with them. Package
// evidence, ticket and outbox are pure Go and used on both sides.
//
// Every message carries an id that its device made, and the time at which the
// device saw what it tells. A message may arrive late, twice or out of order;
// the id says whether it is new, the time when it happened.
package vision
