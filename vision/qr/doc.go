// Package qr reads QR codes out of camera pictures and draws them.
//
// A code held before a gate's camera is blurred, glared, dark or shown in
// white on black. Decoding is therefore tried on the picture as it is and then
// on versions of it that undo one of these. A code carries its own error
// correction, so a try either gives the text that was encoded or nothing;
// package ticket's signature would refuse anything else.
//
// The package does not know what the text means. It is pure Go: OpenCV as
// Debian builds it finds QR codes but decodes none.
package qr
