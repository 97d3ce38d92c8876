package host

import (
	"context"
	"fmt"
	"sync"
	"syscall"

	"github.com/vouchledger/vouch/ledger"
)

// maxMemory bounds the evidence of one camera that is not in the outbox yet.
// Above it sightings go without, as on a full disk.
const maxMemory = 32 << 20

// Evidence reads what shows a sighting.
type Evidence interface {
	// Read returns the bytes of a digest that the sighting names.
	Read(ctx context.Context, d ledger.Digest) ([]byte, error)
}

// memory holds evidence between the camera and the outbox. On disk it would
// be written twice, and what was seen in the last second before the plug is
// pulled is lost either way.
type memory struct {
	mu   sync.Mutex
	all  map[ledger.Digest]*piece
	size int
}

// piece is held until everybody who kept it has forgotten it: two sightings that
// became certain in one moment name the same picture of it.
type piece struct {
	bytes []byte
	kept  int
}

// Keep implements watch.Keeper.
func (m *memory) Keep(_ context.Context, b []byte) (ledger.Digest, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := ledger.DigestOf(b)
	if p := m.all[d]; p != nil {
		p.kept++
		return d, nil
	}
	if m.size+len(b) > maxMemory {
		return "", fmt.Errorf("evidence waits for the outbox: %w", syscall.ENOSPC)
	}
	if m.all == nil {
		m.all = map[ledger.Digest]*piece{}
	}
	m.all[d] = &piece{bytes: b, kept: 1}
	m.size += len(b)
	return d, nil
}

// Read implements Evidence.
func (m *memory) Read(_ context.Context, d ledger.Digest) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.all[d]
	if p == nil {
		return nil, fmt.Errorf("evidence %s is not in memory any more", d)
	}
	return p.bytes, nil
}

// Drop implements [footage.Dropper]: on the way to a full memory pieces of evidence
// are kept that no sighting names.
func (m *memory) Drop(refs []ledger.EvidenceRef) { m.forget(refs) }

// forget gives back what the outbox has, once for each time it was kept.
func (m *memory) forget(refs []ledger.EvidenceRef) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range refs {
		p := m.all[r.Digest]
		if p == nil {
			continue
		}
		if p.kept--; p.kept == 0 {
			m.size -= len(p.bytes)
			delete(m.all, r.Digest)
		}
	}
}
