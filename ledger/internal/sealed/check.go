package sealed

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// Check reads every byte of the segment and holds the parts against each
// other: digest, checksums, zeros between, streams and kinds as the frames have
// them, and an order that names each event once. It leaves the events in u, in
// which they may then be read by position.
func (p *Part) Check(u *Unpacked) error {
	return disk.Guard(func() error {
		for i := range sections {
			if _, err := p.section(i); err != nil {
				return err
			}
		}
		if err := p.Unpack(u); err != nil {
			return err
		}
		if err := p.checkFrames(u); err != nil {
			return err
		}
		if err := p.checkTables(u); err != nil {
			return err
		}
		if err := p.checkZeros(); err != nil {
			return err
		}
		return p.checkDigest()
	})
}

// checkDigest compares the SHA-256 of the file with what its trailer says.
func (p *Part) checkDigest() error {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(p.file, 0, p.size-trailerBytes)); err != nil {
		return fmt.Errorf("read %s: %w", p.name, err)
	}
	if got := [32]byte(sum.Sum(nil)); got != p.trailer.digest {
		return p.bad(0, p.First, "digest is %x, the trailer says %x", got, p.trailer.digest)
	}
	return nil
}

// checkFrames checks that order and position agree, and gives each event its
// own checksum back.
func (p *Part) checkFrames(u *Unpacked) error {
	seen := make([]bool, p.Count)
	for position := p.First; position <= p.Last(); position++ {
		f, err := u.Frame(position)
		if err != nil {
			return err
		}
		frame.Seal(p.seed, f)
		o, err := p.Ordinal(position)
		if err != nil {
			return err
		}
		if seen[o] {
			return p.bad(p.trailer.sections[secOrder].offset, position, "ordinal %d twice", o)
		}
		seen[o] = true
	}
	return nil
}

// checkTables makes the tables anew from the events and compares.
func (p *Part) checkTables(u *Unpacked) error {
	frames := make([]frame.Frame, p.Count)
	for i := range frames {
		f, err := u.Frame(p.First + uint64(i)) //nolint:gosec // a count
		if err != nil {
			return err
		}
		frames[i] = f
	}
	w := &writer{content: Content{Log: p.Log, First: p.First, Frames: frames}}
	w.arrange()
	blocks, err := p.section(secBlocks)
	if err != nil {
		return err
	}
	for i, want := range map[int][]byte{
		secStreams: w.streams(blocks), secNames: w.names, secKinds: w.kinds(), secOrder: w.order(),
	} {
		got, err := p.section(i)
		if i == secNames {
			got, err = p.names()
		}
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return p.bad(p.trailer.sections[i].offset, p.First, "section %s is not that of the events", sectionNames[i])
		}
	}
	return nil
}

// checkZeros checks that the bytes between the parts are zero.
func (p *Part) checkZeros() error {
	blocks, err := p.section(secBlocks)
	if err != nil {
		return err
	}
	end := int64(headBytes)
	for i := range len(blocks) / blockEntry {
		b, err := p.blockAt(blocks, i)
		if err != nil {
			return err
		}
		if b.offset != end {
			return p.bad(end, p.First, "block %d lies at %d", i, b.offset)
		}
		end += int64(b.packed)
	}
	for i := range sections + 1 {
		next := p.size - trailerBytes
		if i < sections {
			next = p.trailer.sections[i].offset
		}
		if next-end > footerAlign {
			return p.bad(end, p.First, "%d bytes between the sections", next-end)
		}
		gap := make([]byte, next-end)
		if _, err := p.file.ReadAt(gap, end); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: %w", p.name, err)
		}
		if at := frame.FirstNonZero(gap); at >= 0 {
			return p.bad(end+int64(at), p.First, "not zero between the sections")
		}
		if i < sections {
			end = next + int64(p.trailer.sections[i].length)
		}
	}
	var end256 [trailerBytes]byte
	if _, err := p.file.ReadAt(end256[:], p.size-trailerBytes); err != nil {
		return fmt.Errorf("read %s: %w", p.name, err)
	}
	if frame.FirstNonZero(end256[176:252]) >= 0 {
		return p.bad(p.size-trailerBytes, p.First, "the trailer is not zero where it must be")
	}
	return nil
}
