package embedded

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/lookup"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

// The files of a backup: those of a log, and the list that says which of them
// are the backup. A file with the suffix is not in force before a list names it.
const (
	manifestName   = "backup.json"
	manifestFormat = 1
	stagedSuffix   = ".new"
)

// A manifest is the list of a backup. INVARIANT: every file it names is durable,
// under its name or under its name with the suffix, as the list describes it.
// Whoever renames the list into place makes the backup, in one step.
type manifest struct {
	Format   int           `json:"format"`
	Log      string        `json:"log"`
	Made     time.Time     `json:"made"`
	Position uint64        `json:"position"` // of the last event
	Recorded time.Time     `json:"recorded"` // when the log took that
	Files    []backupFile  `json:"files"`    // sealed segments, open ones, the witness
	Replaces []string      `json:"replaces,omitempty"`
	Check    ledger.Digest `json:"check"` // of all this with an empty check
}

// A backupFile describes one file of a backup.
type backupFile struct {
	Name     string        `json:"name"`
	Bytes    int64         `json:"bytes"`
	SHA256   ledger.Digest `json:"sha256"` // of the file
	First    uint64        `json:"first,omitempty"`
	Last     uint64        `json:"last,omitempty"`
	Recorded int64         `json:"recorded,omitempty"` // of the last event, microseconds
	Events   ledger.Digest `json:"events,omitempty"`   // SHA-256 of the frames without their checksums
	Sealed   string        `json:"sealed,omitempty"`   // digest of a sealed segment, as its trailer says
}

func (f backupFile) sealed() bool { return f.Sealed != "" }

// encode returns the bytes of the list.
func (m *manifest) encode() []byte {
	unchecked := *m
	unchecked.Check = ""
	m.Check = ledger.DigestOf(unchecked.marshal())
	return m.marshal()
}

func (m *manifest) marshal() []byte {
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		panic("embedded: list of a backup: " + err.Error()) // strings, numbers and times
	}
	return append(b, '\n')
}

// parseManifest reads a list, which must be byte for byte what encode gives.
func parseManifest(b []byte) (*manifest, error) {
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	if m.Format != manifestFormat {
		return nil, fmt.Errorf("%w: list of a backup in format %d, this program reads %d", ErrFormat, m.Format, manifestFormat)
	}
	if again := m; !bytes.Equal(again.encode(), b) {
		return nil, fmt.Errorf("the digest of the list is %s, the list says %s", again.Check, m.Check)
	}
	return &m, nil
}

// readManifest returns the list of the backup in a folder; nil if there is none.
func readManifest(files disk.Folder) (*manifest, []byte, error) {
	b, err := readWhole(files, manifestName)
	if isNotExist(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := parseManifest(b)
	if errors.Is(err, ErrFormat) {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, &DamageError{File: manifestName, Reason: err.Error() +
			" (vouch verify tells whether the log beside it holds; make the next backup in another folder)"}
	}
	return m, b, nil
}

func readWhole(files disk.Folder, name string) ([]byte, error) {
	f, err := files.Open(name, disk.Read)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("read %s: %w", name, err), f.Close())
	}
	return b, f.Close()
}

// file returns what the list says of a name.
func (m *manifest) file(name string) (backupFile, bool) {
	if m == nil {
		return backupFile{}, false
	}
	i := slices.IndexFunc(m.Files, func(f backupFile) bool { return f.Name == name })
	if i < 0 {
		return backupFile{}, false
	}
	return m.Files[i], true
}

func (m *manifest) id() (frame.LogID, error) {
	b, err := hex.DecodeString(m.Log)
	if err != nil || len(b) != len(frame.LogID{}) {
		return frame.LogID{}, &DamageError{File: manifestName, Reason: fmt.Sprintf("log id %q", m.Log)}
	}
	return frame.LogID(b), nil
}

// isLogFile reports whether a file of that name is part of a log and no index.
func isLogFile(name string) bool {
	_, open := parseSegmentName(name)
	_, full := sealed.ParseName(name)
	return open || full || name == witnessName
}

// sumOf returns length and SHA-256 of a file.
func sumOf(ctx context.Context, files disk.Folder, name string) (int64, ledger.Digest, error) {
	f, err := files.Open(name, disk.Read)
	if err != nil {
		return 0, "", err
	}
	size, sum, err := sumFile(ctx, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, "", fmt.Errorf("read %s: %w", name, err)
	}
	return size, sum, nil
}

func sumFile(ctx context.Context, f disk.File) (int64, ledger.Digest, error) {
	size, err := f.Size()
	if err != nil {
		return 0, "", err
	}
	sum, b := sha256.New(), make([]byte, min(size, copyBytes))
	for at := int64(0); at < size; {
		if err := ctx.Err(); err != nil {
			return 0, "", err
		}
		n := min(size-at, copyBytes)
		if _, err := f.ReadAt(b[:n], at); err != nil && !errors.Is(err, io.EOF) {
			return 0, "", err
		}
		sum.Write(b[:n])
		at += n
	}
	return size, digestOf(sum), nil
}

func digestOf(sum hash.Hash) ledger.Digest {
	return ledger.Digest(fmt.Sprintf("sha256:%x", sum.Sum(nil)))
}

// sumFrame adds an event to a sum, without its checksum: inside sealed segments
// events have none of their own.
func sumFrame(sum hash.Hash, f frame.Frame) {
	sum.Write(f[:4])
	sum.Write(f[8:])
}

// holds reports whether the file at a name is the one described. That it is
// missing is no error.
func (f backupFile) holds(ctx context.Context, files disk.Folder, at string) (bool, error) {
	size, sum, err := sumOf(ctx, files, at)
	if isNotExist(err) {
		return false, nil
	}
	return err == nil && size == f.Bytes && sum == f.SHA256, err
}

// locate says under which name a file of the backup lies: its own, or the one
// it was made under if the renaming was cut short.
func (f backupFile) locate(ctx context.Context, files disk.Folder, names []string) (string, error) {
	staged := f.Name + stagedSuffix
	if !slices.Contains(names, staged) {
		return f.Name, nil
	}
	if !slices.Contains(names, f.Name) {
		return staged, nil
	}
	ok, err := f.holds(ctx, files, f.Name)
	if ok || err != nil {
		return f.Name, err
	}
	if ok, err = f.holds(ctx, files, staged); ok {
		return staged, err
	}
	return f.Name, err
}

// A backupView shows files of a folder under other names, to be read: a backup as the
// log that it is, whether its files are renamed yet or not.
type backupView struct {
	disk.Folder

	at map[string]string // where a file lies, by the name it is shown under
}

// Open implements [disk.Folder].
func (v backupView) Open(name string, mode disk.Mode) (disk.File, error) {
	if at, ok := v.at[name]; ok {
		f, err := v.Folder.Open(at, mode)
		if at == name || !isNotExist(err) {
			return f, err
		}
	}
	return v.Folder.Open(name, mode)
}

// List implements [disk.Folder]. It names the files shown, and all indexes.
func (v backupView) List() ([]string, error) {
	names, err := v.Folder.List()
	if err != nil {
		return nil, err
	}
	shown := slices.Collect(maps.Keys(v.at))
	for _, name := range names {
		if _, _, ok := lookup.ParseName(name); ok {
			shown = append(shown, name)
		}
	}
	slices.Sort(shown)
	return shown, nil
}
