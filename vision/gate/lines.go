package gate

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxLines bounds a file of lines when it is read: far above what a gate keeps,
// below what would fill its memory.
const maxLines = 100_000

// readLines gives take the lines of a file of JSON, in their order; there need be no
// file. A line that was cut off is left out.
func readLines[T any](path string, take func(T)) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 0; lines.Scan(); n++ {
		if n == maxLines {
			return fmt.Errorf("%s has more than %d lines", filepath.Base(path), maxLines)
		}
		var l T
		if json.Unmarshal(lines.Bytes(), &l) == nil {
			take(l)
		}
	}
	return lines.Err()
}

// rewriteLines replaces a file by these lines and opens it to be added to.
func rewriteLines[T any](path string, lines []T) (*os.File, error) {
	var b []byte
	for _, l := range lines {
		line, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		b = append(append(b, line...), '\n')
	}
	if err := replace(path, b); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
}

// appendLine puts a line on disk.
func appendLine(f *os.File, l any) error {
	line, err := json.Marshal(l)
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return fmt.Errorf("gate alone: %w", err)
	}
	return nil
}

// replace writes a file whole or not at all.
func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
