package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/lookup"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// A gathering opens the sealed part of a log: its segments, and the lookups
// that cover them.
type gathering struct {
	files    disk.Folder
	readOnly bool
	progress func(done, total int64)

	parts   []*sealed.Part
	runs    []*lookup.Run
	rebuilt int
	stale   []string // lookups that nobody needs
	broken  error    // what is wrong with one that was made anew
}

// gather opens what the names promise. After an error nothing is open.
func (g *gathering) gather(ctx context.Context, names []string) (*set, error) {
	err := g.openParts(names)
	if err == nil {
		err = disk.Guard(func() error { return g.openRuns(ctx, names) })
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	var log frame.LogID
	if len(g.parts) > 0 {
		log = g.parts[0].Log
	}
	return newSet(log, g.parts, g.runs), nil
}

func (g *gathering) close() error {
	var err error
	for _, p := range g.parts {
		err = errors.Join(err, p.Close())
	}
	for _, r := range g.runs {
		err = errors.Join(err, r.Close())
	}
	return err
}

// openParts opens the sealed segments, which must follow each other from
// position 1.
func (g *gathering) openParts(names []string) error {
	due := uint64(1)
	for _, name := range names {
		first, ok := sealed.ParseName(name)
		if !ok {
			continue
		}
		if first != due {
			return &DamageError{File: name, Position: due, Reason: fmt.Sprintf(
				"events %d to %d are missing: the file before it is missing", due, first-1)}
		}
		p, err := sealed.Open(g.files, name)
		if err != nil {
			return err
		}
		g.parts = append(g.parts, p)
		if p.Log != g.parts[0].Log {
			return &DamageError{File: name, Position: first, Reason: "segment of another log"}
		}
		due = p.Last() + 1
	}
	return nil
}

// openRuns opens lookups that cover the segments, the longest there is for each
// stretch, and makes those that are missing or do not fit.
func (g *gathering) openRuns(ctx context.Context, names []string) error {
	longest := make(map[uint64][]string) // by first position, the longest first
	for _, name := range slices.Backward(names) {
		if first, _, ok := lookup.ParseName(name); ok {
			longest[first] = append(longest[first], name)
		}
	}
	total := int64(0)
	for _, p := range g.parts {
		total += p.RawBytes()
	}
	done, used := int64(0), make(map[string]bool)
	for i := 0; i < len(g.parts); {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := g.fitting(longest[g.parts[i].First], i)
		if err != nil {
			return err
		}
		if r == nil {
			if r, err = g.rebuild(i); err != nil {
				return err
			}
			done += g.parts[i].RawBytes()
			if g.progress != nil {
				g.progress(done, total)
			}
		}
		g.runs, used[r.Name()] = append(g.runs, r), true
		i += r.Parts
	}
	for _, name := range names {
		if _, _, ok := lookup.ParseName(name); ok && !used[name] {
			g.stale = append(g.stale, name)
		}
	}
	return nil
}

// fitting opens the first of the lookups that was made of the segments from i
// on. One that does not hold is made again: it is derived.
func (g *gathering) fitting(names []string, i int) (*lookup.Run, error) {
	for _, name := range names {
		r, err := lookup.Open(g.files, g.parts[i].Log, name)
		if g.readOnly && isNotExist(err) {
			return nil, err // a writer has just merged it: there is a longer one
		}
		if err != nil {
			if errors.Is(err, ledger.ErrCorrupt) && g.broken == nil {
				g.broken = err
			}
			continue
		}
		if n := r.Parts; n > 0 && i+n <= len(g.parts) && span(g.parts[i:i+n]) == r.Span {
			return r, nil
		}
		if err := r.Close(); err != nil {
			return nil, err
		}
	}
	return nil, nil //nolint:nilnil // none fits
}

// rebuild makes the lookup of segment i anew, in memory if the folder must not
// be changed or has no room.
func (g *gathering) rebuild(i int) (*lookup.Run, error) {
	p := g.parts[i]
	var u sealed.Unpacked
	if err := p.Unpack(&u); err != nil {
		return nil, err
	}
	t, err := tables(p, &u)
	if err != nil {
		return nil, err
	}
	g.rebuilt++
	sp := span(g.parts[i : i+1])
	if !g.readOnly {
		err = lookup.Write(g.files, p.Log, sp, t)
	}
	if g.readOnly || isFull(err) {
		return lookup.InMemory(sp, t)
	}
	if err != nil {
		return nil, err
	}
	return lookup.Open(g.files, p.Log, sp.Name())
}
