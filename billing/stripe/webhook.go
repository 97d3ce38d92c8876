package stripe

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/vouchledger/vouch/billing/provider"
)

// How far the time of a signature may be from ours. Stripe's SDK looks only
// at the past; a signature made for next year is no better than an old one.
const (
	maxAge   = 300 * time.Second
	maxAhead = 60 * time.Second
)

// A Notice is what a webhook is good for.
type Notice = provider.Notice

// Webhooks checks and reads the webhooks of one endpoint.
type Webhooks struct {
	live    bool
	now     func() time.Time
	secrets []string
}

// NewWebhooks returns a reader of webhooks signed with any of secrets; there
// are two while a secret is being changed. It refuses an empty secret, with
// which anybody could sign.
func NewWebhooks(livemode bool, now func() time.Time, secrets ...string) (*Webhooks, error) {
	if len(secrets) == 0 || now == nil {
		return nil, fmt.Errorf("%w: webhooks need a secret and a clock", ErrConfig)
	}
	for _, s := range secrets {
		if strings.TrimSpace(s) == "" {
			return nil, fmt.Errorf("%w: the webhook secret is empty", ErrConfig)
		}
	}
	return &Webhooks{live: livemode, now: now, secrets: secrets}, nil
}

// ParseWebhook checks a webhook's signature, time, mode and version, in this
// order, and reads it. With an error that is ErrVersion or ErrLivemode the
// notice is whole, so that it can be kept aside; with any other it is empty.
func (w *Webhooks) ParseWebhook(body []byte, header string) (Notice, error) {
	event, err := w.verify(body, header)
	if err != nil {
		return Notice{}, err
	}
	if err := w.fresh(header); err != nil {
		return Notice{}, err
	}
	n := Notice{
		EventID: event.ID, Type: string(event.Type), Livemode: event.Livemode,
		Created: time.Unix(event.Created, 0).UTC(),
	}
	if event.Data != nil {
		n.Object, n.Intent = subject(event.Data.Raw)
		n.Visit = visitOf(event.Data.Raw)
	}
	if n.EventID == "" || n.Type == "" {
		return Notice{}, fmt.Errorf("webhook: %w: it is no event", ErrSignature)
	}
	if event.Livemode != w.live {
		return n, fmt.Errorf("webhook %s: %w", event.ID, ErrLivemode)
	}
	if event.APIVersion != stripego.APIVersion {
		return n, &VersionError{Event: event.ID, Want: stripego.APIVersion, Got: event.APIVersion}
	}
	return n, nil
}

// verify tries the secrets. The SDK's own check of the time reads a clock that
// tests cannot set, and its check of the version loses the kind of the error.
func (w *Webhooks) verify(body []byte, header string) (stripego.Event, error) {
	var err error
	for _, secret := range w.secrets {
		var e stripego.Event
		e, err = webhook.ConstructEventWithOptions(body, header, secret, webhook.ConstructEventOptions{
			IgnoreTolerance: true, IgnoreAPIVersionMismatch: true,
		})
		if err == nil {
			return e, nil
		}
	}
	return stripego.Event{}, fmt.Errorf("webhook: %w: %w", ErrSignature, err)
}

// fresh checks the time that was signed. The last t counts, as for the SDK's
// computation of the signature.
func (w *Webhooks) fresh(header string) error {
	at := time.Time{}
	for _, pair := range strings.Split(header, ",") {
		if v, ok := strings.CutPrefix(pair, "t="); ok {
			seconds, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return fmt.Errorf("webhook: %w: %w", ErrTimestamp, err)
			}
			at = time.Unix(seconds, 0)
		}
	}
	if age := w.now().Sub(at); age > maxAge || age < -maxAhead {
		return fmt.Errorf("webhook: %w: %s ago", ErrTimestamp, age.Round(time.Second))
	}
	return nil
}

// subject reads the ids in an event's object.
func subject(raw json.RawMessage) (object, intent string) {
	var o struct {
		ID     string          `json:"id"`
		Object string          `json:"object"`
		Intent json.RawMessage `json:"payment_intent"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return "", "" // an event without an object is still an event
	}
	if o.Object == "payment_intent" {
		return o.ID, o.ID
	}
	var id string
	var whole struct {
		ID string `json:"id"`
	}
	switch {
	case json.Unmarshal(o.Intent, &id) == nil:
		return o.ID, id
	case json.Unmarshal(o.Intent, &whole) == nil:
		return o.ID, whole.ID
	}
	return o.ID, ""
}

// visitOf reads our metadata in an event's object.
func visitOf(raw json.RawMessage) string {
	var o struct {
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return "" // it is ours only if it says so
	}
	return o.Metadata[metaVisit]
}
