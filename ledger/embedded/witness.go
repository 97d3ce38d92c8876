package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/vouchledger/vouch/ledger/internal/disk"
)

// Layout of the witness: the file "acknowledged", two pages of 4096 bytes, each
// holding in its first 40 bytes
//
//	 0  8  "VOUCHACK"
//	 8  8  position of the last event that was durable when this was written
//	16 16  id of the log
//	32  4  1 if the log was closed in order after that, 0 if not
//	36  4  CRC32C of the bytes 0 to 35
//
// and zeros behind. The first page is written after every commit's sync, before
// its appends are acknowledged, and not synced; the kernel brings it to the
// disk within half a minute, and it outlives the process at once. The second is
// written and synced at each opening, at each new segment and on closing, when
// the first has just been synced. So at every moment at most one of the two can
// be torn by a power cut.
const (
	witnessName   = "acknowledged"
	witnessMagic  = "VOUCHACK"
	witnessFields = 40
	witnessPage   = 4096

	stillOpen     = 0
	closedInOrder = 1
)

// A witness says how far the log was acknowledged. It is what tells an
// acknowledged commit that has rotted from one that never was whole.
type witness struct {
	file disk.File
	id   logID
	buf  [witnessFields]byte
}

func (w *witness) encode(position uint64, closed uint32) []byte {
	copy(w.buf[:], witnessMagic)
	binary.LittleEndian.PutUint64(w.buf[8:], position)
	copy(w.buf[16:], w.id[:])
	binary.LittleEndian.PutUint32(w.buf[32:], closed)
	binary.LittleEndian.PutUint32(w.buf[36:], checksum(0, w.buf[:36]))
	return w.buf[:]
}

// note records that everything up to position is durable. It does not wait.
func (w *witness) note(position uint64) error {
	_, err := w.file.WriteAt(w.encode(position, stillOpen), 0)
	return err
}

// settle records it on both pages and waits until they are durable, one after
// the other.
func (w *witness) settle(position uint64, closed uint32) error {
	for page := int64(0); page < 2; page++ {
		if _, err := w.file.WriteAt(w.encode(position, closed), page*witnessPage); err != nil {
			return err
		}
		if err := w.file.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// makeWitness makes the witness of an empty log.
func makeWitness(files disk.Folder, id logID) (*witness, error) {
	f, err := files.Open(witnessName, disk.Create)
	if err != nil {
		return nil, fmt.Errorf("make witness: %w", err)
	}
	w := &witness{file: f, id: id}
	if _, err = f.WriteAt(zeros[:2*witnessPage], 0); err == nil {
		err = w.settle(0, stillOpen)
	}
	if err == nil {
		err = files.Sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make witness: %w", err), f.Close())
	}
	return w, nil
}

// An ack is what the witness says.
type ack struct {
	found    bool // there is a witness of this log
	id       logID
	position uint64
	closed   bool // in order: the end of the log is on the disk as it is seen
}

// readWitness reads what the witness says. A missing or empty one says nothing;
// one of which no page holds is damage.
func readWitness(files disk.Folder) (ack, error) {
	f, err := files.Open(witnessName, disk.Read)
	if errors.Is(err, fs.ErrNotExist) {
		return ack{}, nil
	}
	if err != nil {
		return ack{}, err
	}
	b := make([]byte, 2*witnessPage)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return ack{}, errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return ack{}, err
	}
	if firstNonZero(b[:n]) < 0 {
		return ack{}, nil // its making was cut short, before the first segment
	}
	var best ack
	for _, page := range [][]byte{b[:witnessPage], b[witnessPage:]} {
		a, ok := parseWitness(page)
		switch {
		case !ok:
		case !best.found || a.position > best.position:
			best = a
		case a.position == best.position:
			best.closed = best.closed && a.closed
		}
	}
	if !best.found {
		return ack{}, &DamageError{File: witnessName, Reason: "neither page holds"}
	}
	return best, nil
}

func parseWitness(b []byte) (ack, bool) {
	if string(b[:8]) != witnessMagic || checksum(0, b[:36]) != binary.LittleEndian.Uint32(b[36:]) {
		return ack{}, false
	}
	return ack{
		found: true, id: logID(b[16:32]), position: binary.LittleEndian.Uint64(b[8:]),
		closed: binary.LittleEndian.Uint32(b[32:]) == closedInOrder,
	}, true
}
