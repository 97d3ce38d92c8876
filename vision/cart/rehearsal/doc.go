// Package rehearsal draws trips with a smart cart that nobody made: what the
// cart's camera sees (labels and codes that are held before it, hands that
// reach in), what its scale says, and which touches come when.
//
// A scenario is a text of acts, separated by commas or lines:
//
//	show ticket@2s              # a QR code: ticket, coupon, or what the texts name
//	put cola@6s                 # the label is shown, then the thing is laid in
//	scan cola@6s, lay cola@8s   # the same in two acts
//	key 4131@12s, lay 4131 760@14s   # fruit of 760 g
//	lay wine@20s                # laid in and never scanned
//	out cola@30s                # taken out
//	torn cola@35s               # a label that cannot be read
//	remove cola@40s, take_out@41s, help@42s, leave@50s   # touches
//	lean 900@44s for 2s         # a weight that nobody reached in with
//	overload@46s for 3s, silent@50s for 5s, stuck@55s for 60s
//	tare -80, drift 10, noise 4, seconds 70
//
// # Invariants
//
//   - The same seed and scenario give the same frames and readings to the byte.
//
// The package draws for tests and demonstrations; nothing that runs in a shop
// imports it.
package rehearsal
