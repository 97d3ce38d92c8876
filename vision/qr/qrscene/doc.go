// Package qrscene draws codes as a gate's camera sees them, in sixteen
// conditions: blurred, dark, small, leaning, half covered. It is what the
// decoder of package qr is measured with.
//
// A picture is decided by its condition and number alone, so that two
// measurements see the same pictures. They are drawn, not filmed: a rate in a
// condition ranks decoders and promises nothing of a camera.
package qrscene
