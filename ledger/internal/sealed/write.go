package sealed

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/words"
)

// Content is what a sealed segment is made of.
type Content struct {
	Log    frame.LogID
	First  uint64        // position of the first event
	Frames []frame.Frame // whole and checked, by position without gaps
	Commit uint32        // header checksum of the last commit

	// Words, if set, is what the segments before were packed with.
	Words *Words

	// Pause, if set, is called after each block, for a writer that must not
	// take the machine for itself. An error gives the sealing up.
	Pause func() error
}

// Words is a dictionary that is learnt from a segment and kept for the next ones
// while it suits them: learning is a fifth of the work of sealing, and a reader who
// has read one of the segments has the words of all of them at hand. Each file has
// them all the same. Its zero value is ready; it is for one goroutine.
type Words struct{ packer *words.Packer }

// packerOf returns what frames are packed with.
func (w *Words) packerOf(frames []frame.Frame) *words.Packer {
	if w == nil {
		return words.Learn(frames)
	}
	if w.packer == nil || !w.packer.Suits(frames) {
		w.packer = words.Learn(frames)
	}
	return w.packer
}

// Write makes the sealed file of c, durable under its final name once the
// caller has synced the folder. After an error nothing is there.
func Write(files disk.Folder, c Content) error {
	if n := len(c.Frames); n == 0 || n > maxEvents {
		panic(fmt.Sprintf("sealed: segment of %d events", n))
	}
	name := Name(c.First)
	temp := name + ".tmp"
	f, err := files.Open(temp, disk.Create)
	if err != nil {
		return fmt.Errorf("seal %s: %w", name, err)
	}
	w := &writer{content: c, sum: sha256.New(), file: f}
	w.out = bufio.NewWriterSize(w, 256<<10)
	err = w.write()
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = files.Rename(temp, name)
	}
	if err != nil {
		return fmt.Errorf("seal %s: %w", name, errors.Join(err, disk.Discard(files, temp)))
	}
	return nil
}

// encoders are shared by all sealings; each makes one block at a time.
var encoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic("sealed: " + err.Error()) // the options are constants
	}
	return e
}}

// A writer is one file in the making.
type writer struct {
	content Content
	file    disk.File
	at      int64 // flushed to the file
	out     *bufio.Writer
	written int64 // given to out
	sum     hash.Hash
	trailer trailer

	cluster []uint32 // indexes of frames in the order of ordinals
	blocks  []byte
	extents []hashed // in the order of ordinals
	names   []byte
	words   []byte
	forms   []byte
}

// Write takes what the buffer flushes to the file.
func (w *writer) Write(b []byte) (int, error) {
	n, err := w.file.WriteAt(b, w.at)
	w.at += int64(n)
	w.sum.Write(b[:n])
	return n, err
}

func (w *writer) put(b []byte) error {
	n, err := w.out.Write(b)
	w.written += int64(n)
	return err
}

// pad writes zeros up to a multiple of n.
func (w *writer) pad(n int64) error {
	var zeros [footerAlign]byte
	return w.put(zeros[:-w.written&(n-1)])
}

func (w *writer) write() error {
	c := w.content
	w.arrange()
	if err := w.put(encodeHead(c.Log, c.First, uint64(len(c.Frames)))); err != nil {
		return err
	}
	if err := w.writeBlocks(); err != nil {
		return err
	}
	if err := w.pad(footerAlign); err != nil {
		return err
	}
	for i, b := range [sections][]byte{w.blocks, w.streams(w.blocks), w.packedNames(), w.kinds(), w.order(), w.words, w.forms} {
		if err := w.pad(8); err != nil {
			return err
		}
		w.trailer.sections[i] = section{offset: w.written, length: len(b), crc: frame.Checksum(0, b)}
		if err := w.put(b); err != nil {
			return err
		}
	}
	if err := w.pad(8); err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	w.trailer.commitCRC, w.trailer.recorded = c.Commit, c.Frames[len(c.Frames)-1].Recorded()
	copy(w.trailer.digest[:], w.sum.Sum(nil))
	_, err := w.file.WriteAt(w.trailer.encode(c.Log.Seed()), w.at)
	return err
}

// arrange puts the events in the order of ordinals and lists the streams.
func (w *writer) arrange() {
	frames := w.content.Frames
	byStream := make(map[string][]uint32)
	for i, f := range frames {
		s := byStream[string(f.Stream())]
		byStream[string(f.Stream())] = append(s, uint32(i)) //nolint:gosec // at most maxEvents
	}
	w.cluster = make([]uint32, 0, len(frames))
	for _, name := range slices.Sorted(maps.Keys(byStream)) {
		events := byStream[name]
		w.extents = append(w.extents, hashed{
			hash: frame.Hash(w.content.Log, name),
			Extent: Extent{
				Revision: frames[events[0]].Revision(),
				Ordinal:  uint32(len(w.cluster)), Count: uint32(len(events)), //nolint:gosec // at most maxEvents
			},
		})
		w.names = binary.LittleEndian.AppendUint16(w.names, uint16(len(name))) //nolint:gosec // at most MaxStreamBytes
		w.names = append(w.names, name...)
		w.cluster = append(w.cluster, events...)
	}
}

// streams returns the section streams of events that lie in the blocks of that section.
func (w *writer) streams(blocks []byte) []byte {
	extents, at := slices.Clone(w.extents), 0
	for i := range extents {
		for (at+1)*blockEntry < len(blocks) && firstOf(blocks, at+1) <= extents[i].Ordinal {
			at++
		}
		extents[i].Block = uint32(at) //nolint:gosec // a block has an event
	}
	slices.SortFunc(extents, hashed.compare)
	b := make([]byte, 0, streamEntry*len(extents))
	for _, e := range extents {
		b = e.append(b)
	}
	return b
}

// packedNames returns the section names.
func (w *writer) packedNames() []byte {
	encoder := encoders.Get().(*zstd.Encoder) //nolint:forcetypeassert // nothing else is put there
	defer encoders.Put(encoder)
	return encoder.EncodeAll(w.names, binary.LittleEndian.AppendUint32(nil, uint32(len(w.names)))) //nolint:gosec // names
}

// writeBlocks writes the events, packed by what they have in common.
func (w *writer) writeBlocks() error {
	b := blockWriter{writer: w, packer: w.content.Words.packerOf(w.content.Frames)}
	w.words, w.forms = b.packer.Tables()
	size := 0
	for k, i := range w.cluster {
		f := w.content.Frames[i]
		b.frames, size = append(b.frames, f), size+len(f)
		if k+1 < len(w.cluster) {
			next := w.content.Frames[w.cluster[k+1]]
			enough := size >= visitBytes && string(next.Stream()) != string(f.Stream())
			if !enough && size+len(next) <= blockBytes {
				continue
			}
		}
		if err := b.write(k+1-len(b.frames), size); err != nil {
			return err
		}
		b.frames, size = b.frames[:0], 0
		if w.content.Pause != nil {
			if err := w.content.Pause(); err != nil {
				return err
			}
		}
	}
	return nil
}

// A blockWriter makes one block after the other.
type blockWriter struct {
	*writer
	packer         *words.Packer
	frames         []frame.Frame
	packed, zipped []byte
}

// write writes the block of frames, which have that size together and start with
// an ordinal.
func (b *blockWriter) write(first, size int) error {
	var plain int
	b.packed, plain = b.packer.Pack(append(b.packed[:0], keptPacked), b.frames)
	kept := b.packed
	if plain > len(b.packed)/2 { // bodies of others, which our dictionary does not know
		b.zip()
		if len(b.zipped) < len(b.packed) {
			kept = b.zipped
		}
	}
	le := binary.LittleEndian
	b.blocks = le.AppendUint64(b.blocks, uint64(b.written)) //nolint:gosec // positive
	b.blocks = le.AppendUint32(b.blocks, uint32(len(kept))) //nolint:gosec // a block
	b.blocks = le.AppendUint32(b.blocks, uint32(size))      //nolint:gosec // a block
	b.blocks = le.AppendUint32(b.blocks, uint32(first))     //nolint:gosec // at most maxEvents
	b.blocks = le.AppendUint32(b.blocks, frame.Checksum(b.content.Log.Seed(), kept))
	b.trailer.maxBlock, b.trailer.raw = max(b.trailer.maxBlock, size), b.trailer.raw+int64(size)
	return b.put(kept)
}

// zip makes zipped of packed.
func (b *blockWriter) zip() {
	encoder := encoders.Get().(*zstd.Encoder) //nolint:forcetypeassert // nothing else is put there
	defer encoders.Put(encoder)
	b.zipped = binary.LittleEndian.AppendUint32(append(b.zipped[:0], keptZstd), uint32(len(b.packed)-1)) //nolint:gosec // a block
	b.zipped = encoder.EncodeAll(b.packed[1:], b.zipped)
}

// kinds lists the kinds with how many events each has.
func (w *writer) kinds() []byte {
	counts := make(map[string]uint32)
	for _, f := range w.content.Frames {
		counts[string(f.Kind())]++
	}
	var b []byte
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(k))) //nolint:gosec // at most MaxKindBytes
		b = binary.LittleEndian.AppendUint32(b, counts[k])
		b = append(b, k...)
	}
	return b
}

// order lists the ordinals by position.
func (w *writer) order() []byte {
	n := uint64(len(w.cluster))
	b, width := make([]byte, orderBytes(n)), orderBits(n)
	for ordinal, i := range w.cluster {
		putOrder(b, width, uint64(i), uint32(ordinal)) //nolint:gosec // at most maxEvents
	}
	return b
}
