// Package ticket makes and checks the codes that shoppers show at a gate or
// on a smart cart's reader.
//
// A ticket says "this shopper may enter this shop until then" and is signed by
// the server with Ed25519, so a gate can be sure of it without asking anybody.
// It is short-lived and may be used once: its id becomes the id of the visit,
// and the ledger refuses to begin a visit twice.
//
// # Code format, version 1
//
// The code is "VT1-" and the base32 (RFC 4648, upper case, no padding) of
//
//	key id      4 bytes   first bytes of SHA-256 of the public key
//	issued      4 bytes   seconds since 1970, big endian
//	life        2 bytes   seconds the ticket lives
//	ticket id  16 bytes   UUIDv7
//	store       1 byte n, n bytes of text; n is 0 for any shop
//	shopper     1 byte n, n bytes of text; or 0xff and 16 bytes of a UUID
//	signature  64 bytes   Ed25519 over "vouch ticket 1", a zero byte, and all before
//
// Base32 stays within the alphanumeric mode of QR codes, so a usual ticket is
// 195 characters and none is above QR version 8 (49 modules) at level M.
// Base45 would be six per cent shorter but holds spaces and signs that do not
// survive a shell, a URL or a chat; base64 needs the byte mode and a larger
// code. There is one code for each signed ticket: anything a lenient decoder
// would forgive is refused.
//
// # Code format, version 2: changes while it is shown
//
// A ticket that is bound to a device has "VT2-", the base32 of the fields above
// with the device's key (33 bytes, a compressed point of P-256) before the
// signature, which is over "vouch ticket 2"; then "-" and the base32 of
//
//	step        1 byte    low byte of the number of 15 s steps since 1970
//	mac         6 bytes   HMAC-SHA-256 over "vouch step 1", a zero byte, the
//	                      ticket id, and the step in 8 bytes, big endian
//
// The HMAC's key is what the device's key and the shops' rotation key agree on
// by Diffie-Hellman, so nothing secret is ever sent: the device makes its key
// itself and, in a browser, cannot read it. A code counts in its step and those
// beside it. Who takes a picture of it has at most 30 s, and who takes the
// ticket without the device has nothing. Usual codes are QR version 9 (53
// modules) and none is above version 10.
//
// Who holds the rotation key, as gates do that work without a line, can make
// the changing part and still no ticket.
//
// The package does not remember which tickets were used, and does not know
// who a shopper is.
package ticket
