package gate

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/palm"
)

// PalmText writes a code as [vision.GateEntry] carries it.
func PalmText(c palm.Code) string { return base64.StdEncoding.EncodeToString(c.Bytes()) }

// PalmOffer asks for the text that a shop's shoppers agree to. Where palms are off
// it is an [ErrRequest] that says so.
func (c *Client) PalmOffer(ctx context.Context, store ledger.StoreID) (vision.PalmOffer, error) {
	var offer vision.PalmOffer
	b, err := c.send(ctx, http.MethodGet, "/v1/shops/"+url.PathEscape(string(store))+"/palm", nil)
	if err != nil {
		return offer, fmt.Errorf("palms of %s: %w", store, err)
	}
	if err := json.Unmarshal(b, &offer); err != nil || offer.Version == "" {
		return offer, fmt.Errorf("palms of %s: %w: the answer is not Vouch's", store, ErrRequest)
	}
	return offer, nil
}

// EnrolPalm sends what was read of a shopper's palm and returns how it stands with
// it then. Sent again with the same id it makes nothing more.
func (c *Client) EnrolPalm(ctx context.Context, id ledger.ID, at time.Time, store ledger.StoreID, s ledger.ShopperID, codes []palm.Code) (state string, err error) {
	req := vision.PalmTemplate{ID: id, OccurredAt: at.UTC(), Store: store, Method: palm.Method}
	for _, code := range codes {
		req.Captures = append(req.Captures, code.Bytes())
	}
	body, err := json.Marshal(req)
	if err != nil {
		return "", fmt.Errorf("palm of %s: %w", s, err)
	}
	b, err := c.send(ctx, http.MethodPost, "/v1/shoppers/"+url.PathEscape(string(s))+"/palm/template", body)
	if err != nil {
		return "", fmt.Errorf("palm of %s: %w", s, err)
	}
	var v struct{ State string }
	if err := json.Unmarshal(b, &v); err != nil || v.State == "" {
		return "", fmt.Errorf("palm of %s: %w: the answer is not Vouch's", s, ErrRequest)
	}
	return v.State, nil
}
