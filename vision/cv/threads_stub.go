//go:build !opencv

package cv

// Threads does nothing.
func Threads(int) {}
