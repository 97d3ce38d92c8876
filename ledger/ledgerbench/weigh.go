package ledgerbench

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
)

// A Weight is what the sealed part of a log takes.
type Weight struct {
	Events uint64 // sealed
	Bodies int64  // bytes of their JSON
	Files  int64  // bytes of all files but the segments that are not sealed yet
}

// Weigh weighs the closed log in dir.
func Weigh(ctx context.Context, dir string) (w Weight, err error) {
	log, err := embedded.Open(ctx, dir, embedded.Config{ReadOnly: true})
	if err != nil {
		return w, err
	}
	defer func() { _ = log.Close() }() // it was only read
	head, err := log.Head(ctx)
	if err != nil {
		return w, err
	}
	var open uint64 // first position that is not sealed
	if w.Files, open, err = weighFiles(dir, head); err != nil {
		return w, err
	}
	for r, err := range log.Read(ctx, ledger.Query{Limit: int(open - 1)}) { //nolint:gosec // not so many
		if err != nil || open == 1 {
			return w, err
		}
		w.Events++
		w.Bodies += int64(len(r.Body))
	}
	return w, nil
}

// weighFiles adds up what is sealed, what finds it and what else lies there, and
// finds the first open position. Segments and those kept to be used again are
// not counted.
func weighFiles(dir string, head uint64) (bytes int64, open uint64, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0, 0, err
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	open = head + 1
	for _, name := range names {
		base := strings.TrimSuffix(name, filepath.Ext(name))
		switch filepath.Ext(name) {
		case ".spare":
			continue
		case ".seg":
			first, err := strconv.ParseUint(base, 10, 64)
			if err == nil && !slices.Contains(names, base+".sealed") {
				open = min(open, first)
			}
			continue
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return 0, 0, err
		}
		bytes += info.Size()
	}
	return bytes, open, nil
}
