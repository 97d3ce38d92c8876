package gate

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/edge"
)

// Compare asks for the server's time once, so that what the gate tells can say how
// wrong its clock was.
func (c *Client) Compare(ctx context.Context, now func() time.Time) (edge.Round, error) {
	sent := now()
	b, err := c.send(ctx, http.MethodGet, vision.PathTime, nil)
	if err != nil {
		return edge.Round{}, fmt.Errorf("time of the server: %w", err)
	}
	return edge.ReadRound(b, sent, now())
}
