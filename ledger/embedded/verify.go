package embedded

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
)

// A Report says what [Verify] has checked.
type Report struct {
	Segments int                 `json:"segments"`
	Commits  int                 `json:"commits"`
	Events   uint64              `json:"events"` // also the last position
	Streams  int                 `json:"streams"`
	Kinds    map[ledger.Kind]int `json:"kinds"`
	Unknown  int                 `json:"unknown"` // events of kinds that this program does not know; bodies not checked
	Bytes    int64               `json:"bytes"`   // of the frames together
	SHA256   ledger.Digest       `json:"sha256"`  // over all frames in order
	Torn     int64               `json:"torn"`    // bytes of an incomplete commit at the end, never acknowledged
}

// Verify reads the log in dir from the first byte to the last and checks
// frames, positions, revisions, ids and, for the kinds it knows, that each body
// is in stored form. It changes nothing and may be run beside a writer; then it
// ends with what was durable when it began. Damage is a [DamageError].
func Verify(ctx context.Context, dir string, progress func(done, total int64)) (Report, error) {
	files := disk.Dir(dir)
	r, err := verify(ctx, files, progress, func() (bool, error) { return files.Locked(lockName) })
	if err != nil {
		return Report{}, fmt.Errorf("verify log %s: %w", dir, err)
	}
	return r, nil
}

// VerifyFolder is [Verify] on any file layer.
func VerifyFolder(ctx context.Context, files disk.Folder) (Report, error) {
	return verify(ctx, files, nil, func() (bool, error) { return false, nil })
}

func verify(
	ctx context.Context, files disk.Folder, progress func(done, total int64), live func() (bool, error),
) (Report, error) {
	var r Report
	var sum hash.Hash
	begin := func() func(frame) error {
		r, sum = Report{Kinds: make(map[ledger.Kind]int)}, sha256.New()
		return func(f frame) error {
			sum.Write(f)
			r.Bytes += int64(len(f))
			return r.event(f.record())
		}
	}
	l, err := openReadOnly(ctx, files, Config{ReadOnly: true, Progress: progress}, live, begin)
	if err != nil {
		return Report{}, err
	}
	r.Segments, r.Commits, r.Events, r.Streams = len(l.segments), l.commits, l.idx.head(), len(l.idx.streams)
	r.SHA256, r.Torn = ledger.Digest(fmt.Sprintf("sha256:%x", sum.Sum(nil))), l.torn
	return r, l.Close()
}

// event counts rec and checks its body if its kind is known.
func (r *Report) event(rec ledger.Record) error {
	r.Kinds[rec.Kind]++
	_, err := ledger.Decode(rec)
	if errors.Is(err, ledger.ErrUnknownKind) {
		r.Unknown++
		return nil
	}
	return err
}
