package palm

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/vouchledger/vouch/ledger"
)

// A Standing is a template that counts: its consent stands in the log.
type Standing struct {
	Shopper ledger.ShopperID
	Consent ledger.ID
	Sealed  ledger.Digest // of the template that was recorded
}

// A Book holds the templates of a vault in memory, each opened once, so that a
// palm is held against ten thousand without opening ten thousand. It may be used
// by many goroutines.
//
// # Invariants
//
//   - A template is in memory from the first palm that is held against it until
//     [Book.Drop] or [Book.Close], and is written over then.
//   - Nobody is known by a template whose key was destroyed, by whatever process,
//     also while it is in memory.
type Book struct {
	vault  *Vault
	broken func(consent ledger.ID, err error)

	opening sync.Mutex // one gate opens what is missing, the others wait for it
	mu      sync.RWMutex
	pages   map[ledger.ID]page
	dropped map[ledger.ID]bool // whatever was being opened meanwhile stays out
}

// A page is an open template.
type page struct {
	sealed ledger.Digest
	codes  []packed
}

// NewBook returns a book in which nothing is open yet. broken is told of each
// template that does not open; it keeps nobody else out.
func NewBook(v *Vault, broken func(consent ledger.ID, err error)) *Book {
	return &Book{vault: v, broken: broken, pages: map[ledger.ID]page{}, dropped: map[ledger.ID]bool{}}
}

// Identify returns whose palm it is among those that stand: the nearest one, if it
// is near enough and nobody else is about as near. Otherwise it is an [ErrUnknown].
func (b *Book) Identify(all []Standing, c Code) (ledger.ShopperID, error) {
	b.open(all)
	p := newProbe(c)
	var best nearest
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, s := range all {
		pg, ok := b.pages[s.Consent]
		if !ok || pg.sealed != s.Sealed {
			continue
		}
		d := p.nearest(pg.codes)
		if d <= Same+Clear && b.vault.Destroyed(s.Consent) {
			continue // the log hears of it later
		}
		best.see(s.Shopper, d)
	}
	who, _, err := best.known()
	return who, err
}

// open opens the templates that are not in memory.
func (b *Book) open(all []Standing) {
	b.opening.Lock()
	defer b.opening.Unlock()
	var missing []Standing
	b.mu.RLock()
	for _, s := range all {
		if pg, ok := b.pages[s.Consent]; (!ok || pg.sealed != s.Sealed) && !b.dropped[s.Consent] {
			missing = append(missing, s)
		}
	}
	b.mu.RUnlock()
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range missing {
		group.Go(func() error {
			t, err := b.vault.Open(s.Consent, s.Sealed)
			if err != nil {
				b.broken(s.Consent, err)
				return nil
			}
			pg := page{s.Sealed, packAll(t.Codes)}
			clear(t.Codes)
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.dropped[s.Consent] {
				clear(pg.codes)
				return nil
			}
			clear(b.pages[s.Consent].codes) // of an earlier enrolment
			b.pages[s.Consent] = pg
			return nil
		})
	}
	_ = group.Wait() // each has told its own
}

// Drop lets go of what is open under a consent that was taken back, and opens
// nothing under it any more.
func (b *Book) Drop(consent ledger.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropped[consent] = true
	clear(b.pages[consent].codes)
	delete(b.pages, consent)
}

// Held returns how many templates are in memory.
func (b *Book) Held() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.pages)
}

// Close lets go of all. The book may be used again, and opens what it needs.
func (b *Book) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, pg := range b.pages {
		clear(pg.codes)
	}
	clear(b.pages)
}

// nearest is the nearest person and how far the next one is.
type nearest struct {
	who           ledger.ShopperID
	first, second float64
	any           bool
}

func (n *nearest) see(who ledger.ShopperID, d float64) {
	if !n.any {
		n.first, n.second, n.any = math.Inf(1), math.Inf(1), true
	}
	switch {
	case d < n.first:
		n.first, n.second, n.who = d, n.first, who
	case d < n.second:
		n.second = d
	}
}

// known returns whose palm it is, and how far the nearest one is.
func (n *nearest) known() (ledger.ShopperID, float64, error) {
	switch {
	case !n.any || n.first > Same:
		return "", n.first, fmt.Errorf("%w: nobody is near enough", ErrUnknown)
	case n.second-n.first < Clear:
		return "", n.first, fmt.Errorf("%w: two are as near", ErrUnknown)
	}
	return n.who, n.first, nil
}
