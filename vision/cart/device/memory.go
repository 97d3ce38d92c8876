package device

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/cart"
	"github.com/vouchledger/vouch/vision/outbox"
)

// A Memory remembers the last seconds and makes evidence of them; package
// moments has one. Each method returns nothing if there is nothing to show.
type Memory interface {
	// Saw takes a picture over.
	Saw(f Frame) error
	// Read takes a reading of the scale.
	Read(r cart.Reading)
	// Label shows the label that was just read, with clip also the seconds before.
	Label(ctx context.Context, clip bool) ([]Evidence, error)
	// Moved shows how the weight came about that just came to rest.
	Moved(ctx context.Context, before int) ([]Evidence, error)
	// Now shows what lies in the cart.
	Now(ctx context.Context) ([]Evidence, error)
}

// Evidence is a piece of evidence with its bytes.
type Evidence struct {
	Ref   ledger.EvidenceRef
	Bytes []byte
}

// show has the memory make evidence and puts it into the outbox, so that it is
// there before anything names it. Without a memory, on a full disk, or when it
// cannot be made, there is none: the event goes on without.
func (c *Cart) show(make func(Memory) ([]Evidence, error)) []ledger.EvidenceRef {
	phase, visit, _ := c.Trip()
	if c.cfg.Memory == nil || phase != cart.PhaseShopping {
		return nil // of whoever has no visit nothing is kept
	}
	shown, err := make(c.cfg.Memory)
	if err == nil {
		err = c.upload(shown, visit)
	}
	if err != nil {
		c.cfg.Logger.Warn("evidence is not kept", slog.Any("error", err))
		return nil
	}
	var refs []ledger.EvidenceRef
	for _, s := range shown {
		refs = append(refs, s.Ref)
	}
	return refs
}

// upload puts each piece into the outbox that the visit has not sent yet.
func (c *Cart) upload(shown []Evidence, visit ledger.VisitID) error {
	bytes := map[ledger.Digest][]byte{}
	var refs []ledger.EvidenceRef
	for _, s := range shown {
		bytes[s.Ref.Digest] = s.Bytes
		refs = append(refs, s.Ref)
	}
	for _, ref := range vision.Uploads(refs) {
		it := outbox.Item{
			ID: "evidence-" + string(ref.Digest), Method: http.MethodPut, Resume: true,
			Path: vision.UploadPath(ref, visit), ContentType: ref.MediaType, Body: bytes[ref.Digest],
		}
		if c.uploaded(it.Path) {
			continue
		}
		if err := c.box.Put(it); err != nil {
			return err
		}
		c.mu.Lock()
		c.sent[it.Path] = true
		c.mu.Unlock()
	}
	return nil
}

func (c *Cart) uploaded(path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent[path]
}
