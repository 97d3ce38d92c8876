//go:build opencv

package cv

// #include "threads.h"
import "C"

// Threads lets OpenCV use at most n threads for one operation. Where several
// cameras are watched at once, one each is fastest.
func Threads(n int) { C.vouch_threads(C.int(n)) }
