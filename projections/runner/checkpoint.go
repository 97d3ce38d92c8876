package runner

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/ledger"
)

const (
	magic      = "VOUCHCPT"
	version    = 1
	headerSize = len(magic) + 4 + 8 + sha256.Size + 8
)

// A checkpoint is a fold's state after the event at position.
type checkpoint struct {
	position uint64
	record   [sha256.Size]byte
	state    []byte
}

// digest ties a record to its place and content.
func digest(r ledger.Record) [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%s\n%d\n%s\n%s\n%d\n", r.Position, r.Stream, r.Revision, r.ID, r.Kind, len(r.Body))
	h.Write(r.Body)
	return [sha256.Size]byte(h.Sum(nil))
}

func (c checkpoint) encode() []byte {
	b := make([]byte, 0, headerSize+len(c.state)+sha256.Size)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(b, version)
	b = binary.BigEndian.AppendUint64(b, c.position)
	b = append(b, c.record[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(c.state)))
	b = append(b, c.state...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func decode(b []byte) (c checkpoint, err error) {
	if len(b) < headerSize+sha256.Size {
		return c, fmt.Errorf("%w: cut after %d bytes", errDiscard, len(b))
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(want[:], sum) {
		return c, fmt.Errorf("%w: its checksum does not match", errDiscard)
	}
	rest, ok := bytes.CutPrefix(body, []byte(magic))
	if v := binary.BigEndian.Uint32(rest); !ok || v != version {
		return c, fmt.Errorf("%w: not a checkpoint of version %d", errDiscard, version)
	}
	rest = rest[4:]
	c.position = binary.BigEndian.Uint64(rest)
	c.record = [sha256.Size]byte(rest[8:])
	n := binary.BigEndian.Uint64(rest[8+sha256.Size:])
	c.state = rest[8+sha256.Size+8:]
	if n != uint64(len(c.state)) {
		return c, fmt.Errorf("%w: %d bytes of state where %d are due", errDiscard, len(c.state), n)
	}
	return c, nil
}

// read returns the checkpoint at path. One that was never written is
// fs.ErrNotExist, one that is damaged errDiscard.
func read(path string) (checkpoint, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return checkpoint{}, err
	}
	return decode(b)
}

// meets returns the record that c was made after, or errDiscard if c is not of
// this log.
func (c checkpoint) meets(ctx context.Context, log ledger.Log) (ledger.Record, error) {
	head, err := log.Head(ctx)
	if err != nil {
		return ledger.Record{}, err
	}
	if c.position > head {
		return ledger.Record{}, fmt.Errorf("%w: it is at position %d, ahead of the log at %d", errDiscard, c.position, head)
	}
	for r, err := range log.Read(ctx, ledger.Query{From: c.position, Limit: 1}) {
		if err != nil {
			return ledger.Record{}, err
		}
		if r.Position == c.position && digest(r) == c.record {
			return r, nil
		}
	}
	return ledger.Record{}, fmt.Errorf("%w: it is of another log", errDiscard)
}

// write makes the checkpoint at path durable.
func write(path string, c checkpoint) error {
	if err := writeTemp(path, c); err != nil {
		return err
	}
	return publish(path)
}

func tempName(path string) string { return path + ".tmp" }

// writeTemp writes and syncs the temporary file. A crash after it leaves the
// checkpoint before.
func writeTemp(path string, c checkpoint) (err error) {
	f, err := os.OpenFile(tempName(path), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(c.encode()); err != nil {
		return err
	}
	return f.Sync()
}

// publish renames the temporary file and syncs its directory.
func publish(path string) (err error) {
	if err := os.Rename(tempName(path), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	return dir.Sync()
}

// remove drops what is left of a checkpoint at path.
func remove(path string) error {
	for _, p := range []string{path, tempName(path)} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
