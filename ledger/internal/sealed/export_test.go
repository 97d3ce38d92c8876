package sealed

import "github.com/vouchledger/vouch/ledger/internal/frame"

// Ordinal returns the event of an ordinal.
func (u *Unpacked) Ordinal(o uint32) frame.Frame { return u.frames[o] }
