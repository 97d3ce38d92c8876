package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// Layout of the witness: the file "acknowledged", three pages of 4096 bytes, each
// holding in its first 44 bytes
//
//	 0  8  "VOUCHACK"
//	 8  8  position of the last event that was durable when this was written
//	16 16  id of the log
//	32  4  number of the settling; the page with the highest counts
//	36  4  1 if the log was closed in order after that, 0 if not
//	40  4  CRC32C of the bytes 0 to 39
//
// and zeros behind, but for the first page, which holds a second such place in
// its middle. The places of the first page are written in turns, one after every
// commit's sync, before its appends are acknowledged, and not synced; the kernel
// brings them to the disk within half a minute, and they outlive the process at
// once. They are written as memory, so the death of the process may leave one in
// part; the other then says how far the commit before went. The log is
// settled at each opening, at each new segment and on closing: the second or
// the third page is written, in turns, and synced.
//
// INVARIANT: of the second and the third page at most one is not on the disk as
// it is seen. A settling that was killed, or whose sync failed, leaves a page
// that does not hold or is the newest; the first settling after an opening
// writes that one again, and only when it is durable the other has its turn.
const (
	witnessName   = "acknowledged"
	witnessMagic  = "VOUCHACK"
	witnessFields = 44
	witnessPage   = 4096
	witnessPages  = 3
	witnessSecond = witnessPage / 2 // where the second place of the first page is

	stillOpen     = 0
	closedInOrder = 1
)

// A witness says how far the log was acknowledged. It is what tells an
// acknowledged commit that has rotted from one that never was whole.
type witness struct {
	file    disk.File
	id      frame.LogID
	settled uint32 // number of the last settling
	page    int64  // 1 or 2: what the next settling writes
	place   int64  // in the first page, of the next note
	buf     [witnessFields]byte
}

func (w *witness) encode(position uint64, closed uint32) []byte {
	copy(w.buf[:], witnessMagic)
	binary.LittleEndian.PutUint64(w.buf[8:], position)
	copy(w.buf[16:], w.id[:])
	binary.LittleEndian.PutUint32(w.buf[32:], w.settled)
	binary.LittleEndian.PutUint32(w.buf[36:], closed)
	binary.LittleEndian.PutUint32(w.buf[40:], frame.Checksum(0, w.buf[:40]))
	return w.buf[:]
}

// note records that everything up to position is durable. It does not wait.
func (w *witness) note(position uint64) error {
	_, err := w.file.WriteAt(w.encode(position, stillOpen), w.place)
	w.place = witnessSecond - w.place
	return err
}

// settle records it and waits until that is durable. After an error the witness
// must not be used again.
func (w *witness) settle(position uint64, closed uint32) error {
	w.settled++
	if _, err := w.file.WriteAt(w.encode(position, closed), w.page*witnessPage); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	w.page = 3 - w.page
	return nil
}

// makeWitness makes the witness of an empty log.
func makeWitness(files disk.Folder, id frame.LogID) (*witness, error) {
	err := writeWitness(files, witnessName, id, 0, stillOpen)
	if err == nil {
		err = files.Sync()
	}
	if err != nil {
		return nil, fmt.Errorf("make witness: %w", err)
	}
	return openWitness(files, id, ack{settled: 1, page: 2})
}

// writeWitness writes and syncs a witness that was settled once.
func writeWitness(files disk.Folder, name string, id frame.LogID, position uint64, closed uint32) error {
	f, err := files.Open(name, disk.Create)
	if err != nil {
		return err
	}
	w := &witness{file: f, id: id, page: 1}
	if _, err = f.WriteAt(zeros[:witnessPages*witnessPage], 0); err == nil {
		err = w.settle(position, closed)
	}
	return errors.Join(err, f.Close())
}

// openWitness opens the witness that says what acked does.
func openWitness(files disk.Folder, id frame.LogID, acked ack) (*witness, error) {
	f, err := files.Open(witnessName, disk.Posted)
	if err != nil {
		return nil, err
	}
	return &witness{file: f, id: id, settled: acked.settled, page: acked.page}, nil
}

// An ack is what the witness says.
type ack struct {
	found    bool // there is a witness of this log
	id       frame.LogID
	position uint64
	settled  uint32
	closed   bool  // in order: the end of the log is on the disk as it is seen
	page     int64 // what the next settling has to write
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
	b := make([]byte, witnessPages*witnessPage)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return ack{}, errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return ack{}, err
	}
	if frame.FirstNonZero(b[:n]) < 0 {
		return ack{}, nil // its making was cut short, before the first segment
	}
	var pages [witnessPages]ack
	best := parseWitness(b[witnessSecond:])
	for i := range pages {
		pages[i] = parseWitness(b[i*witnessPage:])
		if pages[i].newer(best) {
			best = pages[i]
		}
	}
	if !best.found {
		return ack{}, &DamageError{File: witnessName, Reason: "no page holds"}
	}
	best.page = 2
	if !pages[1].found || pages[2].found && pages[1].settled > pages[2].settled {
		best.page = 1
	}
	return best, nil
}

// newer reports whether a was written after b.
func (a ack) newer(b ack) bool {
	if !a.found || !b.found || a.settled == b.settled {
		return a.found && (!b.found || a.position > b.position)
	}
	return a.settled > b.settled
}

func parseWitness(b []byte) ack {
	if string(b[:8]) != witnessMagic || frame.Checksum(0, b[:40]) != binary.LittleEndian.Uint32(b[40:]) {
		return ack{}
	}
	return ack{
		found: true, id: frame.LogID(b[16:32]), position: binary.LittleEndian.Uint64(b[8:]),
		settled: binary.LittleEndian.Uint32(b[32:]),
		closed:  binary.LittleEndian.Uint32(b[36:]) == closedInOrder,
	}
}
