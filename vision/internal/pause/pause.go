// Package pause waits, and ends the wait when nobody wants it any more.
package pause

import (
	"context"
	"time"
)

// For waits, or returns false when ctx ends before.
func For(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
