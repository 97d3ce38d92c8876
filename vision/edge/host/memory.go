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
	all  map[ledger.Digest][]byte
	size int
}

// Keep implements watch.Keeper.
func (m *memory) Keep(_ context.Context, b []byte) (ledger.Digest, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := ledger.DigestOf(b)
	if m.all[d] != nil {
		return d, nil
	}
	if m.size+len(b) > maxMemory {
		return "", fmt.Errorf("evidence waits for the outbox: %w", syscall.ENOSPC)
	}
	if m.all == nil {
		m.all = map[ledger.Digest][]byte{}
	}
	m.all[d] = b
	m.size += len(b)
	return d, nil
}

// Read implements Evidence.
func (m *memory) Read(_ context.Context, d ledger.Digest) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.all[d]
	if !ok {
		return nil, fmt.Errorf("evidence %s is not in memory any more", d)
	}
	return b, nil
}

// forget gives back what the outbox has.
func (m *memory) forget(refs []ledger.EvidenceRef) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range refs {
		m.size -= len(m.all[r.Digest])
		delete(m.all, r.Digest)
	}
}
