package palm

import (
	"encoding/json"
	"errors"
	"image"
	_ "image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/ledger"
)

func load(t testing.TB, path string) *image.Gray {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return Grey(m)
}

// givenHands reads the given drawn hands: two captures of each to enrol, two to
// probe.
func givenHands(t testing.TB) Figures {
	t.Helper()
	b, err := os.ReadFile(given.File(t, "palm/labels.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var trial Trial
	for line := range strings.Lines(string(b)) {
		var l struct{ File, Person, Role string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		c, err := Read(load(t, given.File(t, "palm/"+l.File)))
		switch {
		case errors.Is(err, ErrNoHand):
			trial.Unseen()
		case err != nil:
			t.Fatal(err)
		default:
			trial.Add(l.Person, l.Role == "enrol", c)
		}
	}
	return trial.Figures()
}

func TestGivenHandsAreTheirOwn(t *testing.T) {
	f := givenHands(t)
	told(t, f)
	if f.Unseen.Wrong > 1 || f.Refused.Share() > 0.05 || f.Taken.Wrong > 0 {
		t.Errorf("%d captures without a palm, false rejects %.3f, %d false accepts: want at most 1, 0.05 and none",
			f.Unseen.Wrong, f.Refused.Share(), f.Taken.Wrong)
	}
	if right := f.Unknown.Of - f.Unknown.Wrong; f.Wrong.Wrong > 0 || right < 24 {
		t.Errorf("Identify is right %d and wrong %d times, want at least 24 and never", right, f.Wrong.Wrong)
	}
}

// told writes figures down as docs/gate.md has them.
func told(t testing.TB, f Figures) {
	t.Helper()
	t.Logf("%d people, %d enrolled, %d of %d captures without a palm; EER %.1f %% at %.3f", f.People, f.Enrolled, f.Unseen.Wrong,
		f.Unseen.Of, 100*f.Equal, f.At)
	for what, r := range map[string]Rate{"refused": f.Refused, "taken": f.Taken, "wrong person": f.Wrong, "nobody": f.Unknown} {
		t.Logf("%s: %d of %d, below %.2f %% with 95 %% confidence", what, r.Wrong, r.Of, 100*r.Bound())
	}
}

// TestBoundsAreThoseOfTheTables: of none in n it is the rule of three, and of a few
// what tables of the binomial distribution have.
func TestBoundsAreThoseOfTheTables(t *testing.T) {
	for r, want := range map[Rate]float64{
		{0, 100}: 0.0295, {0, 945}: 0.00317, {1, 20}: 0.2161, {5, 50}: 0.1987, {3, 3}: 1, {0, 0}: 1,
	} {
		if got := r.Bound(); math.Abs(got-want) > 0.0002 {
			t.Errorf("Bound(%d of %d) = %.4f, want %.4f", r.Wrong, r.Of, got, want)
		}
	}
}

// drawn returns codes that a rapid test or a vault can do with: any bits.
func drawn(seed uint64, n int) []Code {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var first Code
	for k := range first {
		for y := range first[k] {
			first[k][y] = rnd.Uint32()
		}
	}
	out := make([]Code, n)
	for i := range out {
		out[i] = first
		for range 150 { // of 3,072 bits
			out[i][rnd.IntN(ways)][rnd.IntN(grid)] ^= 1 << rnd.IntN(grid)
		}
	}
	return out
}

func TestWhatIsNoHandIsRefused(t *testing.T) {
	white := image.NewGray(image.Rect(0, 0, 640, 480))
	for i := range white.Pix {
		white.Pix[i] = 200
	}
	box := image.NewGray(white.Rect)
	for y := 100; y < 400; y++ {
		for x := 200; x < 420; x++ {
			box.Pix[y*640+x] = 200
		}
	}
	speck := image.NewGray(white.Rect)
	speck.Pix[1000] = 255
	for story, g := range map[string]*image.Gray{
		"a white wall": white, "the dark": image.NewGray(white.Rect), "a box": box, "a speck": speck,
		"no picture": image.NewGray(image.Rect(0, 0, 0, 0)),
	} {
		if _, err := Read(g); !errors.Is(err, ErrNoHand) {
			t.Errorf("%s: Read = %v, want ErrNoHand", story, err)
		}
	}
}

func TestDistanceIsTheSameBothWaysAndNoneToItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawn(rapid.Uint64().Draw(t, "a"), 1)[0], drawn(rapid.Uint64().Draw(t, "b"), 1)[0]
		if d := Distance(a, a); d != 0 {
			t.Fatalf("Distance(a, a) = %v, want 0", d)
		}
		if ab, ba := Distance(a, b), Distance(b, a); ab != ba {
			t.Fatalf("Distance = %v one way and %v the other", ab, ba)
		}
	})
}

// agreed is the event of a consent.
var agreed = ledger.ID{15: 1}

func TestEnrolmentNeedsConsentAndOneLivingHand(t *testing.T) {
	v := openVault(t, t.TempDir())
	hand := drawn(1, 3)
	for story, tt := range map[string]struct {
		consent  ledger.ID
		captures []Code
		want     error
	}{
		"nobody agreed":      {ledger.ID{}, hand, ErrConsent},
		"one capture":        {agreed, hand[:1], ErrCaptures},
		"two hands":          {agreed, []Code{hand[0], hand[1], drawn(2, 1)[0]}, ErrCaptures},
		"a picture of hers":  {agreed, []Code{hand[0], hand[1], hand[1]}, ErrNotAlive},
		"more than it holds": {agreed, drawn(3, MaxCaptures+1), ErrCaptures},
	} {
		if _, err := v.Enrol(tt.consent, tt.captures); !errors.Is(err, tt.want) {
			t.Errorf("%s: Enrol = %v, want %v", story, err, tt.want)
		}
	}
	if _, err := v.Open(agreed, ""); !errors.Is(err, ErrUnknown) || v.Holds(agreed) {
		t.Errorf("Open after refusals = %v, want ErrUnknown and nothing kept", err)
	}
}

func openVault(t *testing.T, dir string) *Vault {
	t.Helper()
	v, err := OpenVault(filepath.Join(dir, "palms"), filepath.Join(dir, "palm-keys"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// TestARevokedPalmIsGone: with every copy of its template, and for good.
func TestARevokedPalmIsGone(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir)
	hand := drawn(1, 3)
	made, err := v.Enrol(agreed, hand)
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.Open(agreed, made)
	if err != nil || got.Distance(hand[2]) != 0 {
		t.Fatalf("Open = %v, %v, want the template", got.Distance(hand[2]), err)
	}
	if err := v.Remove(agreed); !errors.Is(err, ErrTemplate) || !v.Holds(agreed) {
		t.Errorf("Remove while the key is there = %v, want it refused", err)
	}
	path := filepath.Join(dir, "palms", agreed.String()+".age")
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if ledger.DigestOf(backup) != made {
		t.Errorf("Enrol gives %s, of other bytes", made)
	}
	key := keyBytes(t, dir)
	sealed, err := v.Destroy(agreed)
	if err != nil || sealed != made {
		t.Fatalf("Destroy = %s, %v, want the digest of the enrolment", sealed, err)
	}
	if again, err := v.Destroy(agreed); err != nil || again != made {
		t.Errorf("Destroy after a crash = %s, %v, want the same", again, err)
	}
	if err := v.Remove(agreed); err != nil || v.Holds(agreed) {
		t.Errorf("Remove = %v, want the template away", err)
	}
	if now := keyBytes(t, dir); strings.Contains(now, "AGE-SECRET-KEY") || now == key {
		t.Error("the file of the key still holds one")
	}
	if err := os.WriteFile(path, backup, 0o600); err != nil { // somebody brings the backup back
		t.Fatal(err)
	}
	if _, err := v.Open(agreed, made); !errors.Is(err, ErrRevoked) || !v.Destroyed(agreed) {
		t.Errorf("Open after a revocation and a restored backup = %v, want ErrRevoked", err)
	}
	if _, err := v.Enrol(agreed, hand); !errors.Is(err, ErrRevoked) {
		t.Errorf("Enrol that comes late = %v, want ErrRevoked", err)
	}
	if again, err := v.Enrol(ledger.ID{15: 2}, hand); err != nil || again == made {
		t.Errorf("Enrol under a new consent = %s, %v, want another template", again, err)
	}
}

// keyBytes returns what the folder of keys holds.
func keyBytes(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "palm-keys", "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnAlteredTemplateIsRefused(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir)
	made, err := v.Enrol(agreed, drawn(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "palms", agreed.String()+".age")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-5] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for story, want := range map[string]ledger.Digest{"recorded": made, "of the altered bytes": ledger.DigestOf(b)} {
		if _, err := v.Open(agreed, want); !errors.Is(err, ErrTemplate) {
			t.Errorf("Open of altered bytes by the digest %s = %v, want ErrTemplate", story, err)
		}
	}
	if _, err := OpenVault(dir, dir); !errors.Is(err, ErrTemplate) {
		t.Errorf("OpenVault with keys beside templates = %v, want ErrTemplate", err)
	}
}

func TestACodeComesBackFromItsBytes(t *testing.T) {
	c := drawn(4, 1)[0]
	if got, err := ParseCode(c.Bytes()); err != nil || got != c {
		t.Errorf("ParseCode = %v, want the same code", err)
	}
	if _, err := ParseCode(c.Bytes()[1:]); !errors.Is(err, ErrTemplate) {
		t.Errorf("ParseCode of too few bytes = %v, want ErrTemplate", err)
	}
}

func FuzzTemplate(f *testing.F) {
	tm, err := NewTemplate(drawn(1, 2))
	if err != nil {
		f.Fatal(err)
	}
	b, err := tm.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		var tm Template
		if err := tm.UnmarshalBinary(b); err != nil {
			return
		}
		again, err := tm.MarshalBinary()
		if err != nil || string(again) != string(b) {
			t.Errorf("read and written = %d bytes, %v, want the same", len(again), err)
		}
	})
}
