package evidence

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
)

func open(t *testing.T, cfg Config) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "evidence")
	s, err := Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, dir
}

// files lists every regular file below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestFrameIsKeptUnderItsDigest(t *testing.T) {
	s, dir := open(t, Config{})
	frame := []byte("the shelf after the hand left")
	info, err := s.PutBytes(t.Context(), frame)
	if err != nil {
		t.Fatal(err)
	}
	want := Info{Digest: ledger.DigestOf(frame), Bytes: int64(len(frame))}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Errorf("PutBytes (-want +got):\n%s", diff)
	}
	if got, err := s.Read(t.Context(), info.Digest); err != nil || !bytes.Equal(got, frame) {
		t.Errorf("Read = %q, %v, want %q", got, err, frame)
	}
	again, err := s.Put(t.Context(), iotest.OneByteReader(bytes.NewReader(frame)), info.Digest)
	if err != nil || !again.Existed {
		t.Errorf("second Put = %+v, %v, want Existed", again, err)
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files = %v, want one", got)
	}
	f, err := s.Get(t.Context(), info.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	part := make([]byte, 5)
	if _, err := f.ReadAt(part, 4); err != nil || string(part) != "shelf" {
		t.Errorf("ReadAt = %q, %v, want shelf", part, err)
	}
}

func TestBytesThatDoNotMatchLeaveNothing(t *testing.T) {
	s, dir := open(t, Config{MaxBytes: 100})
	good := []byte("what the camera saw")
	if _, err := s.PutBytes(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		story string
		ctx   context.Context
		r     io.Reader
		as    ledger.Digest
		want  error
	}{
		{"another picture", t.Context(), strings.NewReader("something else"), ledger.DigestOf([]byte("x")), ErrMismatch},
		{"another picture for one we have", t.Context(), strings.NewReader("no"), ledger.DigestOf(good), ErrMismatch},
		{"too long", t.Context(), bytes.NewReader(make([]byte, 101)), ledger.DigestOf(make([]byte, 101)), ErrTooLarge},
		{"empty", t.Context(), strings.NewReader(""), ledger.DigestOf(nil), ErrEmpty},
		{"no digest", t.Context(), strings.NewReader("a"), "sha256:../../etc/passwd", ledger.ErrInvalid},
		{"cut off", t.Context(), iotest.ErrReader(io.ErrUnexpectedEOF), ledger.DigestOf([]byte("y")), io.ErrUnexpectedEOF},
		{"given up", stopped, strings.NewReader("z"), ledger.DigestOf([]byte("z")), context.Canceled},
	} {
		if _, err := s.Put(tt.ctx, tt.r, tt.as); !errors.Is(err, tt.want) {
			t.Errorf("%s: Put = %v, want %v", tt.story, err, tt.want)
		}
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files after refusals = %v, want only the good one", got)
	}
	if _, err := s.PutBytes(t.Context(), make([]byte, 100)); err != nil {
		t.Errorf("Put at the limit = %v, want nil", err)
	}
}

func TestMissingEvidenceIsSaidToBeMissing(t *testing.T) {
	s, _ := open(t, Config{})
	d := ledger.DigestOf([]byte("never sent"))
	if s.Has(t.Context(), d) {
		t.Error("Has(never sent) = true, want false")
	}
	if _, err := s.Get(t.Context(), d); !errors.Is(err, ErrMissing) {
		t.Errorf("Get = %v, want ErrMissing", err)
	}
	if _, err := s.Read(t.Context(), d); !errors.Is(err, ErrMissing) {
		t.Errorf("Read = %v, want ErrMissing", err)
	}
	if err := s.Remove(t.Context(), d); err != nil {
		t.Errorf("Remove = %v, want nil", err)
	}
	if _, err := s.Get(t.Context(), "sha256:"+ledger.Digest(strings.Repeat(".", 64))); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("Get(dots) = %v, want ErrInvalid", err)
	}
}

func TestVerifyNamesWhatIsMissingOrAltered(t *testing.T) {
	s, dir := open(t, Config{})
	var named []ledger.Digest
	for _, text := range []string{"before", "after", "clip"} {
		info, err := s.PutBytes(t.Context(), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		named = append(named, info.Digest)
	}
	clean, err := s.Verify(t.Context(), slices.Values(named))
	if err != nil || !clean.OK() || clean.Objects != 3 || clean.Named != 3 || clean.Bytes != 15 {
		t.Fatalf("Verify before the harm = %+v, %v", clean, err)
	}
	path := func(d ledger.Digest) string { return filepath.Join(dir, file(d)) }
	if err := os.WriteFile(path(named[0]), []byte("Before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path(named[1])); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, objects, "note.txt"), []byte("hi"), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := s.Verify(t.Context(), slices.Values(append(named, named...)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[Fault]ledger.Digest{}
	for _, p := range report.Problems {
		got[p.Fault] = p.Digest
	}
	want := map[Fault]ledger.Digest{FaultAltered: named[0], FaultMissing: named[1], FaultStray: ""}
	if diff := cmp.Diff(want, got); diff != "" || len(report.Problems) != 3 || report.Objects != 1 {
		t.Errorf("Verify (-want +got):\n%s\n%+v", diff, report)
	}
	if _, err := s.Read(t.Context(), named[0]); !errors.Is(err, ErrAltered) || !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Read(altered) = %v, want ErrAltered", err)
	}
}

func TestOnePictureSentByManyIsOneObject(t *testing.T) {
	s, dir := open(t, Config{})
	b := bytes.Repeat([]byte("frame"), 10_000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.PutBytes(t.Context(), b); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files = %v, want one", got)
	}
}

func TestLeftoversOfACrashAreSweptAndNeverServed(t *testing.T) {
	s, dir := open(t, Config{})
	left := filepath.Join(dir, staging, "half")
	if err := os.WriteFile(left, []byte("half a fr"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	if err := os.Chtimes(left, now, now); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(t.Context(), now); n != 0 || err != nil {
		t.Errorf("Sweep of a file in writing = %d, %v, want 0", n, err)
	}
	if n, err := s.Sweep(t.Context(), now.Add(time.Second)); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v, want 1", n, err)
	}
}

func TestALinkOutOfTheFolderIsNotFollowed(t *testing.T) {
	s, dir := open(t, Config{})
	secret := []byte("not ours")
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	d := ledger.DigestOf(secret)
	link := filepath.Join(dir, file(d))
	if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Read(t.Context(), d); err == nil {
		t.Errorf("Read through a link = %q, want an error", b)
	}
}
