package stripesim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/vouchledger/vouch/billing/stripesim/account"
)

// journal is the file of records, one JSON line each.
type journal struct {
	file *os.File // nil: nothing is kept
}

// openJournal reads the file into acc and opens it for appending. A last line
// without its newline was never acknowledged and is cut; any other line that
// does not parse is ErrCorrupt.
func openJournal(path string, acc *account.Account) (*journal, error) {
	if path == "" {
		return &journal{}, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	end, err := replay(f, acc)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), f.Close())
	}
	return &journal{file: f}, nil
}

// replay applies every whole line and returns where the last one ends.
func replay(r io.Reader, acc *account.Account) (int64, error) {
	lines, end := bufio.NewReader(r), int64(0)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return 0, fmt.Errorf("line %d: %w", n, err)
		}
		var rec account.Record
		if err := json.Unmarshal(line, &rec); err != nil {
			return 0, fmt.Errorf("line %d at byte %d: %w: %w", n, end, ErrCorrupt, err)
		}
		acc.Apply(rec)
		end += int64(len(line))
	}
}

// append writes a record.
func (j *journal) append(rec account.Record) error {
	if j.file == nil {
		return nil
	}
	line, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	return nil
}

// sync waits until all that was written is on disk.
func (j *journal) sync() error {
	if j.file == nil {
		return nil
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	return nil
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
