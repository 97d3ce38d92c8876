// Package ledgerbench measures durable appends to the embedded log against the
// least that they can cost on the same disk at the same time, and against other
// stores.
//
// The one idea: a rate by itself says more about the disk than about the log.
// All targets take the same events from the same writers in short turns one
// after the other, in an order that changes with every round, and what counts
// is the median of the ratios within a round.
//
// The limit is the bare file ([OpenBare]): the same group commit and as many
// bytes, written into a file that is zeroed beforehand and used again and again
// and made durable with one fdatasync for each batch. It checks nothing,
// indexes nothing, and can be read by nobody. The other stores are in
// subpackages: only they import their drivers.
package ledgerbench
