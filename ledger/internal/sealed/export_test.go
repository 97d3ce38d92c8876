package sealed

import (
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/words"
)

// MaxShared is how many dictionaries are kept in memory.
const MaxShared = maxShared

// Ordinal returns the event of an ordinal.
func (u *Unpacked) Ordinal(o uint32) frame.Frame { return u.frames[o] }

// Dictionary returns the dictionary that p shares with others, nil if it has none.
func (p *Part) Dictionary() *words.Dictionary { return p.dict.Load() }

// First returns what has the dictionary of the segment that was begun last.
func (s *Scanner) First() *words.Walker { return s.first }
