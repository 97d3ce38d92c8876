// Package evidencetest holds what every store of evidence must do, whatever it
// stands on.
package evidencetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

// maxBytes is more than one part of a multipart upload and more than one step
// of reading.
const maxBytes = 12 << 20

// A shop is a store with its keys.
type shop struct {
	*evidence.Store
	blobs evidence.Blobs
	keys  *evidence.Keys
}

// Run runs the suite. open returns blobs that hold nothing; the suite closes
// them.
func Run(t *testing.T, open func(t *testing.T) evidence.Blobs) {
	for name, test := range map[string]func(t *testing.T, s shop){
		"a frame is kept once for its visit":              keptOnce,
		"what is refused leaves nothing":                  refused,
		"an upload that broke off is not there":           brokeOff,
		"one picture sent by many at once is one object":  sentByMany,
		"what was never sent is missing":                  missing,
		"what was altered or removed is found and named":  altered,
		"a clip is read from any place":                   anyPlace,
		"a destroyed key makes its visit's unreadable":    shredded,
		"a loose frame goes to the visits that name it":   adopted,
		"an upload goes on where it was cut":              resumed,
		"originals have a key of their own":               originals,
		"a store opened with other keys says so":          otherKeys,
		"nobody reads a frame where the objects are kept": sealed,
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := evidence.OpenKeys(filepath.Join(t.TempDir(), "keys"))
			if err != nil {
				t.Fatal(err)
			}
			blobs := open(t)
			s := shop{evidence.New(blobs, evidence.Config{MaxBytes: maxBytes, Keys: keys}), blobs, keys}
			t.Cleanup(func() {
				if err := errors.Join(s.Close(), keys.Close()); err != nil {
					t.Error(err)
				}
			})
			test(t, s)
		})
	}
}

// put stores b for a visit.
func (s shop) put(t *testing.T, v ledger.VisitID, b []byte) ledger.Digest {
	t.Helper()
	d := ledger.DigestOf(b)
	if _, err := s.PutFor(t.Context(), v, bytes.NewReader(b), d); err != nil {
		t.Fatalf("PutFor(%s) = %v", v, err)
	}
	return d
}

// names lists what lies in the store.
func (s shop) names(t *testing.T) []string {
	t.Helper()
	var names []string
	for e, err := range s.blobs.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name)
	}
	return names
}

func (s shop) wantObjects(t *testing.T, want int) {
	t.Helper()
	if got := s.names(t); len(got) != want {
		t.Errorf("the store holds %v, want %d objects", got, want)
	}
}

// nameOf returns where the only object of a digest lies.
func (s shop) nameOf(t *testing.T, d ledger.Digest) string {
	t.Helper()
	hex := strings.TrimPrefix(string(d), "sha256:")
	var found []string
	for _, n := range s.names(t) {
		if strings.Contains(n, hex) {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		t.Fatalf("objects of %s = %v, want one", d, found)
	}
	return found[0]
}

// raw returns the bytes that lie under a name.
func (s shop) raw(t *testing.T, name string) []byte {
	t.Helper()
	b, err := s.blobs.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close() //nolint:errcheck // was only read
	all, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// replace puts other bytes under a name, as who has access to the disk could.
func (s shop) replace(t *testing.T, name string, b []byte) {
	t.Helper()
	err := s.blobs.Remove(t.Context(), name)
	if err == nil {
		err = s.blobs.Create(t.Context(), name, func(w io.Writer) error {
			_, err := w.Write(b)
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func keptOnce(t *testing.T, s shop) {
	frame := []byte("the shelf after the hand left")
	d := s.put(t, "v1", frame)
	again, err := s.PutFor(t.Context(), "v1", iotest.OneByteReader(bytes.NewReader(frame)), d)
	want := evidence.Info{Digest: d, Bytes: int64(len(frame)), Existed: true}
	if diff := cmp.Diff(want, again); diff != "" || err != nil {
		t.Errorf("second PutFor (-want +got), %v:\n%s", err, diff)
	}
	s.wantObjects(t, 1)
	if info, err := s.PutBytes(t.Context(), frame); err != nil || !info.Existed {
		t.Errorf("Put of what a visit has = %+v, %v, want Existed", info, err)
	}
	s.wantObjects(t, 1)
	s.put(t, "v2", frame) // another visit, another key
	s.wantObjects(t, 2)
	if b, err := s.Read(t.Context(), d); err != nil || !bytes.Equal(b, frame) {
		t.Errorf("Read = %q, %v, want %q", b, err, frame)
	}
	if info, err := s.Stat(t.Context(), d); err != nil || info.Bytes != int64(len(frame)) {
		t.Errorf("Stat = %+v, %v, want the bytes before encryption", info, err)
	}
}

func refused(t *testing.T, s shop) {
	good := []byte("what the camera saw")
	s.put(t, "v1", good)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	big := make([]byte, maxBytes+1)
	for _, tt := range []struct {
		story string
		ctx   context.Context
		visit ledger.VisitID
		r     io.Reader
		as    ledger.Digest
		want  error
	}{
		{"another picture", t.Context(), "v1", strings.NewReader("something else"), ledger.DigestOf([]byte("x")), evidence.ErrMismatch},
		{"another for one we have", t.Context(), "v1", strings.NewReader("no"), ledger.DigestOf(good), evidence.ErrMismatch},
		{"too long", t.Context(), "", bytes.NewReader(big), ledger.DigestOf(big), evidence.ErrTooLarge},
		{"empty", t.Context(), "", strings.NewReader(""), ledger.DigestOf(nil), evidence.ErrEmpty},
		{"no digest", t.Context(), "", strings.NewReader("a"), "sha256:../../etc/passwd", ledger.ErrInvalid},
		{"no visit", t.Context(), "../v1", strings.NewReader("a"), ledger.DigestOf([]byte("a")), ledger.ErrInvalid},
		{"given up", stopped, "v1", strings.NewReader("z"), ledger.DigestOf([]byte("z")), context.Canceled},
	} {
		if _, err := s.PutFor(tt.ctx, tt.visit, tt.r, tt.as); !errors.Is(err, tt.want) {
			t.Errorf("%s: PutFor = %v, want %v", tt.story, err, tt.want)
		}
	}
	s.wantObjects(t, 1)
}

// brokeOff sends most of a clip, in which a bucket has begun to store parts, and
// then all of it.
func brokeOff(t *testing.T, s shop) {
	clip := bytes.Repeat([]byte("frame after frame, "), maxBytes/20)
	d := ledger.DigestOf(clip)
	lost := errors.New("the line is gone")
	half := io.MultiReader(bytes.NewReader(clip[:len(clip)-7]), iotest.ErrReader(lost))
	if _, err := s.PutFor(t.Context(), "v1", half, d); !errors.Is(err, lost) {
		t.Fatalf("PutFor over a lost line = %v, want it said", err)
	}
	s.wantObjects(t, 0)
	if _, err := s.Get(t.Context(), d); !errors.Is(err, evidence.ErrMissing) {
		t.Errorf("Get of half a clip = %v, want ErrMissing", err)
	}
	s.put(t, "v1", clip)
	if b, err := s.Read(t.Context(), d); err != nil || !bytes.Equal(b, clip) {
		t.Errorf("Read of the clip sent again = %d bytes, %v, want %d", len(b), err, len(clip))
	}
}

func sentByMany(t *testing.T, s shop) {
	b := bytes.Repeat([]byte("frame"), 10_000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.PutFor(t.Context(), "v1", bytes.NewReader(b), ledger.DigestOf(b)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.wantObjects(t, 1)
	if got, err := s.Read(t.Context(), ledger.DigestOf(b)); err != nil || !bytes.Equal(got, b) {
		t.Errorf("Read = %d bytes, %v, want %d", len(got), err, len(b))
	}
}

func missing(t *testing.T, s shop) {
	d := ledger.DigestOf([]byte("never sent"))
	if s.Has(t.Context(), d) {
		t.Error("Has(never sent) = true, want false")
	}
	if _, err := s.Get(t.Context(), d); !errors.Is(err, evidence.ErrMissing) {
		t.Errorf("Get = %v, want ErrMissing", err)
	}
	if err := s.Adopt(t.Context(), d, evidence.Owner{Visit: "v1"}); !errors.Is(err, evidence.ErrMissing) {
		t.Errorf("Adopt = %v, want ErrMissing", err)
	}
	if err := errors.Join(s.Remove(t.Context(), d), s.RemoveFor(t.Context(), "v1", d)); err != nil {
		t.Errorf("Remove = %v, want nil", err)
	}
}

func altered(t *testing.T, s shop) {
	var named []ledger.Digest
	for _, text := range []string{"before", "after", "clip", "cut"} {
		named = append(named, s.put(t, "v1", []byte(text)))
	}
	clean, err := s.Verify(t.Context(), slices.Values(named))
	if err != nil || !clean.OK() || clean.Objects != 4 || clean.Named != 4 {
		t.Fatalf("Verify before the harm = %+v, %v", clean, err)
	}
	flipped, cut := s.nameOf(t, named[0]), s.nameOf(t, named[3])
	bits := s.raw(t, flipped)
	bits[len(bits)-3] ^= 4
	s.replace(t, flipped, bits)
	s.replace(t, cut, s.raw(t, cut)[:60])
	if err := s.Remove(t.Context(), named[1]); err != nil {
		t.Fatal(err)
	}
	s.replace(t, "sha256/note.txt", []byte("hi"))
	report, err := s.Verify(t.Context(), slices.Values(append(named, named...)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[ledger.Digest]evidence.Fault{}
	for _, p := range report.Problems {
		got[p.Digest] = p.Fault
	}
	want := map[ledger.Digest]evidence.Fault{
		named[0]: evidence.FaultAltered, named[3]: evidence.FaultAltered, named[1]: evidence.FaultMissing, "": evidence.FaultStray,
	}
	if diff := cmp.Diff(want, got); diff != "" || len(report.Problems) != 4 || report.Objects != 1 {
		t.Errorf("Verify (-want +got):\n%s\n%+v", diff, report)
	}
	if _, err := s.Read(t.Context(), named[0]); !errors.Is(err, evidence.ErrAltered) || !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("Read(altered) = %v, want ErrAltered", err)
	}
}

func anyPlace(t *testing.T, s shop) {
	clip := make([]byte, 3<<20+17)
	for i := range clip {
		clip[i] = byte(i * i >> 7)
	}
	o, err := s.Get(t.Context(), s.put(t, "v1", clip))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close() //nolint:errcheck // was only read
	if o.Size() != int64(len(clip)) {
		t.Errorf("Size = %d, want %d", o.Size(), len(clip))
	}
	for _, at := range []int{0, 1<<20 - 5, 2_000_000, 64<<10 - 1, len(clip) - 10} {
		part := make([]byte, 10)
		if n, err := o.ReadAt(part, int64(at)); n != len(part) || err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(part, clip[at:at+10]) {
			t.Errorf("ReadAt(%d) = %v, %v, want %v", at, part, err, clip[at:at+10])
		}
	}
	if n, err := o.ReadAt(make([]byte, 20), int64(len(clip)-10)); n != 10 || !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt over the end = %d, %v, want 10 and io.EOF", n, err)
	}
}

// shredded destroys a key while a copy of the store is elsewhere.
func shredded(t *testing.T, s shop) {
	hers, both := []byte("her hand"), []byte("the shelf with two hands")
	d := s.put(t, "v1", hers)
	shared := s.put(t, "v1", both)
	s.put(t, "v2", both)
	name := s.nameOf(t, d)
	stolen := s.raw(t, name)
	if err := s.Destroy("v1"); err != nil {
		t.Fatal(err)
	}
	s.replace(t, name, stolen)
	if _, err := s.Get(t.Context(), d); !errors.Is(err, evidence.ErrExpired) {
		t.Errorf("Get after the key is gone = %v, want ErrExpired", err)
	}
	if b, err := s.Read(t.Context(), shared); err != nil || !bytes.Equal(b, both) {
		t.Errorf("Read of the other visit's = %q, %v, want it", b, err)
	}
	if _, err := s.PutFor(t.Context(), "v1", bytes.NewReader([]byte("late")), ledger.DigestOf([]byte("late"))); !errors.Is(err, evidence.ErrExpired) {
		t.Errorf("PutFor that comes late = %v, want ErrExpired", err)
	}
	report, err := s.Verify(t.Context(), slices.Values([]ledger.Digest{d, shared}))
	if err != nil || !report.OK() || report.Expired != 2 || report.Objects != 1 {
		t.Errorf("Verify = %+v, %v, want two expired, and no fault", report, err)
	}
}

func adopted(t *testing.T, s shop) {
	frame := []byte("a hand of somebody")
	d := s.put(t, "", frame)
	if got := s.nameOf(t, d); !strings.HasSuffix(got, ".loose") {
		t.Errorf("it lies at %s, want it loose", got)
	}
	if err := s.Destroy("gone"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a crash between the two steps is repaired by doing it again
		if err := s.Adopt(t.Context(), d, evidence.Owner{Visit: "v1"}, evidence.Owner{Visit: "v2"}, evidence.Owner{Visit: "gone"}); err != nil {
			t.Fatal(err)
		}
	}
	s.wantObjects(t, 2)
	if err := s.Destroy("v1"); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Read(t.Context(), d); err != nil || !bytes.Equal(b, frame) {
		t.Errorf("Read with v2's key = %q, %v, want %q", b, err, frame)
	}
	if err := s.Destroy("v2"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), d); !errors.Is(err, evidence.ErrExpired) {
		t.Errorf("Read with no key left = %v, want ErrExpired", err)
	}
	if s.put(t, "", frame); !s.Has(t.Context(), d) { // of another moment that looks the same
		t.Error("a loose frame that is sent again is not there")
	}
}

func otherKeys(t *testing.T, s shop) {
	d := s.put(t, "v1", []byte("frame"))
	keys, err := evidence.OpenKeys(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close() //nolint:errcheck // nothing was written
	for name, k := range map[string]*evidence.Keys{"other keys": keys, "no keys": nil} {
		other := evidence.New(s.blobs, evidence.Config{Keys: k})
		if _, err := other.Get(t.Context(), d); !errors.Is(err, evidence.ErrNoKey) || !errors.Is(err, ledger.ErrCorrupt) {
			t.Errorf("%s: Get = %v, want ErrNoKey", name, err)
		}
		r, err := other.Verify(t.Context(), nil)
		if err != nil || len(r.Problems) != 1 || r.Problems[0].Fault != evidence.FaultNoKey {
			t.Errorf("%s: Verify = %+v, %v, want the key missed", name, r, err)
		}
	}
}

func sealed(t *testing.T, s shop) {
	frame := bytes.Repeat([]byte("a face in plain sight. "), 10_000)
	for _, v := range []ledger.VisitID{"", "v1"} {
		s.put(t, v, frame)
	}
	for _, name := range s.names(t) {
		if bytes.Contains(s.raw(t, name), []byte("plain sight")) {
			t.Errorf("%s can be read without a key", name)
		}
	}
}
