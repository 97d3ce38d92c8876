package embedded

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/disk"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/sealed"
)

func newSum() hash.Hash { return sha256.New() }

// readOpen returns the durable events of an open segment, checked.
func readOpen(seg *segment) ([]frame.Frame, error) {
	if len(seg.offsets) == 0 {
		return nil, nil
	}
	b := make([]byte, seg.end)
	if err := seg.readAt(b, 0); err != nil {
		return nil, err
	}
	return framesOf(seg, b)
}

// part sees to it that a sealed segment is in the folder: as an earlier backup
// has copied it, as one that was cut short has, or copied now.
func (b *backup) part(ctx context.Context, p *sealed.Part) (backupFile, error) {
	name, staged := p.Name(), p.Name()+stagedSuffix
	if f, ok := b.had.file(name); ok && f.Sealed == fmt.Sprintf("%x", p.Digest()) {
		held, err := b.holds(ctx, f)
		if err != nil {
			return f, err
		}
		if held {
			b.at[name] = name
			b.report.Reused += f.Bytes
			b.tell(f.Bytes)
			return f, nil
		}
		b.report.Healed = append(b.report.Healed, name)
	}
	if slices.Contains(b.names, staged) {
		f, err := examine(ctx, b.target, name, staged)
		if err == nil && f.Sealed == fmt.Sprintf("%x", p.Digest()) {
			b.at[name] = staged
			b.report.Resumed++
			b.report.Reused += f.Bytes
			b.tell(f.Bytes)
			return f, nil
		}
		if ctx.Err() != nil {
			return f, ctx.Err()
		}
	}
	sum, err := copyFile(ctx, b.source, name, b.target, staged, b.tell)
	if err != nil {
		return backupFile{}, err
	}
	f, err := examine(ctx, b.target, name, staged)
	if err == nil && (f.Sealed != fmt.Sprintf("%x", p.Digest()) || f.SHA256 != sum) {
		err = fmt.Errorf("%s has digest %s, %s was written", staged, f.SHA256, sum)
	}
	if err == nil {
		b.at[name] = staged
		b.report.Copied += f.Bytes
		return f, nil
	}
	if ctx.Err() != nil {
		return f, ctx.Err()
	}
	// Which of the two is it? A copy of what is damaged is no backup.
	if damage := p.Check(new(sealed.Unpacked)); damage != nil {
		err = damage
	} else {
		err = fmt.Errorf("copy of %s does not read back as it was written; mistrust the disk of the backup: %w", name, err)
	}
	return f, errors.Join(err, b.target.Remove(staged))
}

// holds reports whether a sealed segment of the earlier backup is still as it
// was.
func (b *backup) holds(ctx context.Context, f backupFile) (bool, error) {
	if !b.cfg.Quick {
		return f.holds(ctx, b.target, f.Name)
	}
	p, err := sealed.Open(b.target, f.Name)
	if errors.Is(err, ledger.ErrCorrupt) || isNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return p.Bytes() == f.Bytes && fmt.Sprintf("%x", p.Digest()) == f.Sealed, p.Close()
}

// examine reads a sealed segment that lies under another name from the first
// byte to the last and describes it.
func examine(ctx context.Context, files disk.Folder, name, at string) (f backupFile, err error) {
	p, err := sealed.Open(backupView{files, map[string]string{name: at}}, name)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	return describe(ctx, files, p, at)
}

func describe(ctx context.Context, files disk.Folder, p *sealed.Part, at string) (backupFile, error) {
	f := backupFile{
		Name: p.Name(), First: p.First, Last: p.Last(), Recorded: p.Recorded(), Sealed: fmt.Sprintf("%x", p.Digest()),
	}
	var u sealed.Unpacked
	if err := p.Check(&u); err != nil {
		return f, err
	}
	sum := newSum()
	for position := p.First; position <= p.Last(); position++ {
		e, err := u.Frame(position)
		if err != nil {
			return f, err
		}
		sumFrame(sum, e)
	}
	f.Events = digestOf(sum)
	var err error
	f.Bytes, f.SHA256, err = sumOf(ctx, files, at)
	return f, err
}

// copyFile copies a file and makes the copy durable under its name, once the
// caller has synced the folder. It returns the digest of what was read. After an
// error there is no copy; and what has the name, whenever it is seen, was synced
// before it got it.
func copyFile(
	ctx context.Context, from disk.Folder, name string, to disk.Folder, as string, tell func(int64),
) (ledger.Digest, error) {
	in, err := from.Open(name, disk.Read)
	if err != nil {
		return "", err
	}
	temp := as + tempSuffix
	out, err := to.Open(temp, disk.Create)
	if err != nil {
		return "", errors.Join(err, in.Close())
	}
	digest, err := copyBytesOf(ctx, in, out, tell)
	if err == nil {
		err = out.Sync()
	}
	forget(out)
	if err = errors.Join(err, out.Close(), in.Close()); err == nil {
		err = to.Rename(temp, as)
	}
	if err != nil {
		return "", fmt.Errorf("copy %s: %w", name, errors.Join(err, disk.Discard(to, temp)))
	}
	return digest, nil
}

// forget lets go of the kernel's memory of a file that was synced, where that
// can be done: reading it back reads the disk then.
func forget(f disk.File) {
	if f, ok := f.(interface{ Forget() }); ok {
		f.Forget()
	}
}

func copyBytesOf(ctx context.Context, in, out disk.File, tell func(int64)) (ledger.Digest, error) {
	size, err := in.Size()
	if err != nil {
		return "", err
	}
	sum, b := sha256.New(), make([]byte, min(size, copyBytes))
	for at := int64(0); at < size; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n := min(size-at, copyBytes)
		if _, err := in.ReadAt(b[:n], at); err != nil {
			return "", err
		}
		if _, err := out.WriteAt(b[:n], at); err != nil {
			return "", err
		}
		sum.Write(b[:n])
		at += n
		tell(n)
	}
	return digestOf(sum), nil
}

// lookups makes the lookups of the next backup.
func (b *backup) lookups(ctx context.Context) (err error) {
	var parts []*sealed.Part
	defer func() {
		for _, p := range parts {
			err = errors.Join(err, p.Close())
		}
	}()
	for _, p := range b.set.parts {
		copied, err := sealed.Open(backupView{b.target, b.at}, p.Name())
		if err != nil {
			return err
		}
		parts = append(parts, copied)
	}
	return writeLookups(ctx, b.target, parts)
}
