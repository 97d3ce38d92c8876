package esdb

import "context"

// End returns the position of the cluster's last event, whoever's it is.
func (l *Log) End(ctx context.Context) (uint64, error) { return l.end(ctx) }
