// Package packed keeps what carts are made of in few bytes without a pointer in
// them, so that a million carts are little memory and no work for the collector.
//
// The one idea: a chain of shops says the same few hundred things again and again.
// A [Book] holds each of them once, a name, a tax rule, a seller, and bytes say its
// number; what differs from visit to visit is numbers, times and ids.
//
// # Invariants
//
//   - What is unpacked equals what was packed, nil lists and empty ones told apart;
//     it shares nothing with the bytes, and lists share no room to grow.
//   - What cannot be kept so is told by [Codec.Odd], never kept otherwise.
//
// The bytes are for this process: they mean nothing without their book, and are
// trusted.
package packed
