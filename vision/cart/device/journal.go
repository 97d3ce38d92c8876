package device

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/vision/cart"
)

// A journal is the file of one trip.
type journal struct {
	path string
	file *os.File
}

// openJournal reads what is there, cuts off what was being written when the
// cart was switched off, and opens the file for more.
func openJournal(dir string) (*journal, []cart.Line, error) {
	j := &journal{path: filepath.Join(dir, "trip.journal")}
	b, err := os.ReadFile(j.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	lines, whole, err := cart.ReadJournal(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", j.path, err)
	}
	if j.file, err = os.OpenFile(j.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, nil, err
	}
	if err := j.file.Truncate(int64(whole)); err != nil {
		return nil, nil, errors.Join(err, j.file.Close())
	}
	return j, lines, syncDir(dir)
}

// write appends a line, and makes it durable if it must be.
func (j *journal) write(l cart.Line, durable bool) error {
	b, err := l.Encode()
	if err != nil {
		return err
	}
	if _, err := j.file.Write(b); err != nil {
		return err
	}
	if !durable {
		return nil
	}
	return j.file.Sync()
}

// begin replaces the journal by one that holds these lines: all or none.
func (j *journal) begin(lines ...cart.Line) error {
	fresh, err := os.OpenFile(j.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	n := &journal{path: j.path, file: fresh}
	for _, l := range lines {
		if err := n.write(l, false); err != nil {
			return errors.Join(err, fresh.Close())
		}
	}
	if err := errors.Join(fresh.Sync(), os.Rename(j.path+".new", j.path)); err != nil {
		return errors.Join(err, fresh.Close())
	}
	err = j.file.Close()
	j.file = fresh
	return errors.Join(err, syncDir(filepath.Dir(j.path)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeFile replaces a file, all or nothing.
func writeFile(path string, b []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
