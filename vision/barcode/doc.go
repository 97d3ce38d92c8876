// Package barcode reads the codes on goods (EAN-13, UPC-A, EAN-8) out of
// camera pictures and draws them.
//
// A bar code carries one check digit and no error correction, so a misread one
// in ten passes it. A code therefore counts only when two frames in a row of
// tries say the same ([Watcher]); a single picture is never believed by itself
// where money follows.
//
// # Invariants
//
//   - What is returned has a right check digit (GS1 General Specifications,
//     section 7.9), by package ledger's own rule and not by the decoder's.
//   - The same pictures give the same codes.
//
// The package knows no products and is pure Go.
package barcode
