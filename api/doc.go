// Package api is Vouch over HTTP: the endpoints under /v1, the pages, and the
// webhook of the payment provider.
//
// The one idea: the package decides nothing about a shop. It finds out who
// asks ([keys]), refuses what is malformed (openapi.yaml), hands the rest to
// the desk of package billing/engine or to a fold, and writes the answer.
// What is shown about one visit is folded from its stream while the request
// waits, so it is never behind; lists come from the read models.
//
// # Invariants
//
//   - Closed by default: a route without roles in the table of routes.go is
//     open to nobody, and who may not see a thing gets, to the byte, the
//     answer of a thing that does not exist.
//   - Every route is in openapi.yaml and every path of openapi.yaml is a
//     route; a request that the document does not allow reaches no handler.
//   - Every error is a problem document (RFC 9457) from one table; what is
//     not in the table says nothing but that it is our fault.
//   - A request repeated under its Idempotency-Key, or an event repeated under
//     its id, changes nothing and gets the first answer.
//
// Echo appears in this package alone.
package api
