package relay

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
)

const (
	// Full is how many bytes a file has when it is begun anew: some five thousand
	// decisions of a gate, or fifteen thousand crossings.
	Full = 1 << 20
	// Before is what the name of the file before ends with.
	Before = ".1"
)

// A Writer appends lines to a file. Make it with [Open]; it is used by one goroutine.
type Writer struct {
	path  string
	mode  fs.FileMode
	full  int64
	f     *os.File
	size  int64
	torn  bool // the file ends in the middle of a line
	turns bool // it is a file: of a pipe or a terminal nothing stays
	stuck bool // it could not be begun anew, and that was said
}

// Open opens a file to append to, and makes it if it is not there.
func Open(path string, mode fs.FileMode) (*Writer, error) {
	w := &Writer{path: path, mode: mode, full: Full}
	return w, w.open()
}

func (w *Writer) open() error {
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, w.mode)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if w.f != nil {
		_ = w.f.Close() // each line was written
	}
	w.f, w.size, w.turns, w.torn = f, st.Size(), st.Mode().IsRegular(), false
	if w.turns && w.size > 0 {
		w.torn, err = endsTorn(w.path, w.size)
	}
	return err
}

// endsTorn reports whether a file ends in the middle of a line: the power was cut.
func endsTorn(path string, size int64) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	last := make([]byte, 1)
	_, err = f.ReadAt(last, size-1)
	return last[0] != '\n', err
}

// Write appends whole lines, each with its end.
func (w *Writer) Write(lines []byte) (int, error) {
	if w.turns && w.size > 0 && w.size+int64(len(lines)) > w.full {
		w.turn()
	}
	b := lines
	if w.torn {
		b = append([]byte("\n"), lines...)
	}
	n, err := w.f.Write(b)
	w.size += int64(n)
	if n > 0 {
		w.torn = b[n-1] != '\n'
	}
	if err != nil {
		return max(0, n-(len(b)-len(lines))), err
	}
	return len(lines), nil
}

// turn begins the file anew. Where that cannot be it goes on in the one it has and
// tries again with the next line: a door that stays shut would be worse than a file
// that is too long.
func (w *Writer) turn() {
	err := os.Rename(w.path, w.path+Before)
	if err == nil || errors.Is(err, fs.ErrNotExist) { // it was moved, and could not be begun
		err = w.open()
	}
	if err != nil && !w.stuck {
		slog.Warn("a file is too long and cannot be begun anew", slog.String("file", w.path), slog.String("why", err.Error()))
	}
	w.stuck = err != nil
}

// Close closes the file.
func (w *Writer) Close() error { return w.f.Close() }
