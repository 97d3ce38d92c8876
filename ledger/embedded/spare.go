package embedded

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/vouchledger/vouch/ledger/internal/disk"
)

// A spare is a file that is to become a segment: one that was filled with
// zeros, or one whose events have been sealed. What is in it means nothing.
type spare struct {
	name string
	file disk.File
	size int64
	used bool
}

const (
	spareSuffix = ".spare"

	// maxSpares is how many files are kept to be used again: what a minute's
	// rush takes, and not more than a small shop's disk can do without.
	maxSpares = 4

	// spareSync is how much of a spare is written between two syncs: little, so
	// that a commit does not wait behind a long flush.
	spareSync = 4 << 20
)

func spareName(n int) string { return fmt.Sprintf("%d%s", n, spareSuffix) }

// spares keeps the files that are to become segments. Its methods may be called
// from many goroutines at once.
type spares struct {
	files *folder
	size  int64

	mu     sync.Mutex
	ready  []*spare
	made   int           // names given so far
	making chan struct{} // closed when the one being made is ready or has failed; nil if none
}

// nextName gives a name that no spare has.
func (p *spares) nextName() string {
	p.made++
	return spareName(p.made)
}

// take returns a spare of that size: one that is ready, or being made, or a
// new one.
func (p *spares) take(size int64) (*spare, error) {
	p.mu.Lock()
	for size == p.size && len(p.ready) == 0 && p.making != nil {
		making := p.making
		p.mu.Unlock()
		<-making
		p.mu.Lock()
	}
	if n := len(p.ready); n > 0 && size == p.size {
		s := p.ready[n-1]
		p.ready = p.ready[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	name := p.nextName()
	p.mu.Unlock()
	return makeSpare(p.files, name, size)
}

// prepare starts to make a spare unless one is ready.
func (p *spares) prepare() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ready) > 0 || p.making != nil {
		return
	}
	making, name := make(chan struct{}), p.nextName()
	p.making = making
	go func() {
		s, err := makeSpare(p.files, name, p.size)
		p.mu.Lock()
		defer p.mu.Unlock()
		if err == nil { // otherwise there is none, and the next segment is made when it is needed
			p.ready = append(p.ready, s)
		}
		p.making = nil
		close(making)
	}()
}

// give takes in the file of a sealed segment, if there is room for it. It is
// named anew, and the folder synced: from here on it is no segment, whatever
// happens. Otherwise the file is removed.
func (p *spares) give(name string, file disk.File, size int64) error {
	alone, err := file.Alone()
	p.mu.Lock()
	keep := err == nil && alone && size == p.size && len(p.ready) < maxSpares
	as := p.nextName()
	p.mu.Unlock()
	if !keep {
		return errors.Join(file.Close(), p.files.change(func() error { return p.files.Remove(name) }))
	}
	if err := p.files.change(func() error { return p.files.Rename(name, as) }); err != nil {
		return errors.Join(err, file.Close())
	}
	// What was locked for the renaming is free again under the new name.
	if err := file.Close(); err != nil {
		return err
	}
	if file, err = p.files.Open(as, disk.Write); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = append(p.ready, &spare{name: as, file: file, size: size, used: true})
	return nil
}

// close waits for what is being made and closes all. Spares stay in the folder
// for the next opening.
func (p *spares) close() error {
	p.mu.Lock()
	making := p.making
	p.mu.Unlock()
	if making != nil {
		<-making
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	for _, s := range p.ready {
		err = errors.Join(err, s.file.Close())
	}
	p.ready = nil
	return err
}

// find takes in the spares that an earlier process has left, and removes what
// is no whole file.
func (p *spares) find(names []string) error {
	for _, name := range names {
		if !strings.HasSuffix(name, spareSuffix) {
			continue
		}
		var n int
		if _, err := fmt.Sscanf(name, "%d"+spareSuffix, &n); err == nil {
			p.made = max(p.made, n)
		}
		f, err := p.files.Open(name, disk.Write)
		if err != nil {
			return err
		}
		size, err := f.Size()
		if err != nil {
			return errors.Join(err, f.Close())
		}
		if size == p.size && len(p.ready) < maxSpares {
			p.ready = append(p.ready, &spare{name: name, file: f, size: size, used: true})
			continue
		}
		if err := errors.Join(f.Close(), p.files.Remove(name)); err != nil {
			return err
		}
	}
	return nil
}

// makeSpare returns a file of zeros. Zeros are written and not only reserved: a
// reserved block costs an entry in the file system's journal when it is written
// first, and so a second flush.
func makeSpare(files disk.Folder, name string, size int64) (*spare, error) {
	f, err := files.Open(name, disk.Create)
	if err != nil {
		return nil, fmt.Errorf("make segment: %w", err)
	}
	for at := int64(0); at < size && err == nil; {
		n := min(size-at, int64(len(zeros)))
		_, err = f.WriteAt(zeros[:n], at)
		at += n
		if err == nil && (at%spareSync == 0 || at == size) {
			err = f.Sync()
		}
	}
	if err != nil {
		removed := disk.Discard(files, name)
		return nil, errors.Join(fmt.Errorf("make segment: %w", err), f.Close(), removed)
	}
	return &spare{name: name, file: f, size: size}, nil
}
