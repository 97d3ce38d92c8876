//go:build !linux

package disk

// Sync makes the content durable with the heavier call that every system has.
func (f *osFile) Sync() error { return f.File.Sync() }
