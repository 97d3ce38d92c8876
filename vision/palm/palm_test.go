package palm

import (
	"encoding/json"
	"errors"
	"image"
	_ "image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/ledger"
)

// load returns the picture by its strongest colour: skin is never dark in all.
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
	g := image.NewGray(image.Rect(0, 0, m.Bounds().Dx(), m.Bounds().Dy()))
	for y := range g.Rect.Dy() {
		for x := range g.Rect.Dx() {
			g.Set(x, y, m.At(m.Bounds().Min.X+x, m.Bounds().Min.Y+y))
		}
	}
	return g
}

// A score holds the distances of probes to their own templates and to others'.
type score struct {
	same, other []float64
	failed, all int
}

// rates returns the share of own hands that are refused and of others that are
// taken at a threshold.
func (s score) rates(at float64) (frr, far float64) {
	for _, d := range s.same {
		if d > at {
			frr++
		}
	}
	for _, d := range s.other {
		if d <= at {
			far++
		}
	}
	return frr / float64(len(s.same)), far / float64(len(s.other))
}

// eer returns where both rates are nearest to each other, and their mean there.
func (s score) eer() (at, rate float64) {
	gap := 2.0
	for _, d := range slices.Concat(s.same, s.other) {
		frr, far := s.rates(d)
		if g := max(frr-far, far-frr); g < gap {
			gap, at, rate = g, d, (frr+far)/2
		}
	}
	return at, rate
}

func (s *score) add(enrolled, probes map[string][]Code) {
	for who, codes := range probes {
		for _, c := range codes {
			for person, template := range enrolled {
				d := Template{template}.Distance(c)
				if who == person {
					s.same = append(s.same, d)
				} else {
					s.other = append(s.other, d)
				}
			}
		}
	}
}

// given reads the given drawn hands: two captures of each to enrol, two to
// probe.
func givenHands(t testing.TB) (enrolled, probes map[string][]Code, s score) {
	t.Helper()
	b, err := os.ReadFile(given.File(t, "palm/labels.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	enrolled, probes = map[string][]Code{}, map[string][]Code{}
	for line := range strings.Lines(string(b)) {
		var l struct{ File, Person, Role string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		s.all++
		c, err := Read(load(t, given.File(t, "palm/"+l.File)))
		switch {
		case errors.Is(err, ErrNoHand):
			s.failed++
		case err != nil:
			t.Fatal(err)
		case l.Role == "enrol":
			enrolled[l.Person] = append(enrolled[l.Person], c)
		default:
			probes[l.Person] = append(probes[l.Person], c)
		}
	}
	s.add(enrolled, probes)
	return enrolled, probes, s
}

func TestGivenHandsAreTheirOwn(t *testing.T) {
	enrolled, probes, s := givenHands(t)
	frr, far := s.rates(Same)
	at, eer := s.eer()
	t.Logf("%d of %d captures have no palm; at %.2f: refused %.1f %% of %d own, taken %.1f %% of %d others; EER %.1f %% at %.3f",
		s.failed, s.all, Same, 100*frr, len(s.same), 100*far, len(s.other), 100*eer, at)
	if s.failed > 1 || frr > 0.05 || far > 0 {
		t.Errorf("%d failed, FRR %.3f, FAR %.3f: want at most 1, 0.05 and 0", s.failed, frr, far)
	}
	var known []Known
	for who, codes := range enrolled {
		if tm, err := NewTemplate(codes); err == nil {
			known = append(known, Known{ledger.ShopperID(who), tm})
		}
	}
	wrong, right := 0, 0
	for who, codes := range probes {
		for _, c := range codes {
			got, _, err := Identify(known, c)
			switch {
			case err == nil && string(got) == who:
				right++
			case err == nil:
				wrong++
			case !errors.Is(err, ErrUnknown):
				t.Errorf("Identify = %v, want ErrUnknown", err)
			}
		}
	}
	t.Logf("of %d enrolled, %d probes are right, %d wrong", len(known), right, wrong)
	if wrong > 0 || right < 24 {
		t.Errorf("Identify is right %d and wrong %d times, want at least 24 and never", right, wrong)
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

func TestEnrolmentNeedsConsentAndOneLivingHand(t *testing.T) {
	v := openVault(t, t.TempDir())
	agreed := Consent{Text: "I want to be known by my palm.", How: "terminal-1, by touch"}
	hand := drawn(1, 3)
	for story, tt := range map[string]struct {
		consent  Consent
		captures []Code
		want     error
	}{
		"nobody agreed":      {Consent{}, hand, ErrConsent},
		"one capture":        {agreed, hand[:1], ErrCaptures},
		"two hands":          {agreed, []Code{hand[0], hand[1], drawn(2, 1)[0]}, ErrCaptures},
		"a picture of hers":  {agreed, []Code{hand[0], hand[1], hand[1]}, ErrNoHand},
		"more than it holds": {agreed, drawn(3, MaxCaptures+1), ErrCaptures},
	} {
		if _, err := v.Enrol("anna", tt.consent, tt.captures); !errors.Is(err, tt.want) {
			t.Errorf("%s: Enrol = %v, want %v", story, err, tt.want)
		}
	}
	if _, err := v.Open("anna"); !errors.Is(err, ErrUnknown) {
		t.Errorf("Open after refusals = %v, want ErrUnknown", err)
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
	agreed := Consent{Text: "I want to be known by my palm.", How: "terminal-1, by touch"}
	hand := drawn(1, 3)
	made, err := v.Enrol("anna", agreed, hand)
	if err != nil {
		t.Fatal(err)
	}
	made.Store, made.Jurisdiction = "s1", "DE"
	if err := made.Validate(); err != nil {
		t.Errorf("the event of the enrolment: %v", err)
	}
	got, err := v.Open("anna")
	if err != nil || got.Distance(hand[2]) != 0 {
		t.Fatalf("Open = %v, %v, want the template", got.Distance(hand[2]), err)
	}
	// A backup of the templates, and no word of the person in any file.
	backup := map[string][]byte{}
	files, err := filepath.Glob(filepath.Join(dir, "palms", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files = %v, %v, want one", files, err)
	}
	for _, f := range files {
		if backup[f], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(f, "anna") || strings.Contains(string(backup[f]), "anna") {
			t.Errorf("%s names the shopper", f)
		}
		if ledger.DigestOf(backup[f]) != made.Template {
			t.Errorf("the event says %s of other bytes", made.Template)
		}
	}
	revoked, err := v.Revoke("anna", "shopper:anna", "asked for it")
	if err != nil || revoked.Sealed != made.Template {
		t.Fatalf("Revoke = %+v, %v, want the digest of the enrolment", revoked, err)
	}
	if err := revoked.Validate(); err != nil {
		t.Errorf("the event of the revocation: %v", err)
	}
	for f, b := range backup { // somebody brings the backup back
		if err := os.WriteFile(f, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Open("anna"); !errors.Is(err, ErrRevoked) {
		t.Errorf("Open after a revocation and a restored backup = %v, want ErrRevoked", err)
	}
	if _, err := v.Enrol("anna", agreed, hand); !errors.Is(err, ErrRevoked) {
		t.Errorf("Enrol after a revocation = %v, want ErrRevoked", err)
	}
	if _, err := v.Revoke("ben", "shopper:ben", "asked"); !errors.Is(err, ErrUnknown) {
		t.Errorf("Revoke of nobody = %v, want ErrUnknown", err)
	}
}

func TestAnAlteredTemplateIsRefused(t *testing.T) {
	dir := t.TempDir()
	v := openVault(t, dir)
	if _, err := v.Enrol("anna", Consent{"yes", "touch"}, drawn(1, 2)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "palms", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-5] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Open("anna"); !errors.Is(err, ErrTemplate) {
		t.Errorf("Open of altered bytes = %v, want ErrTemplate", err)
	}
	if _, err := OpenVault(dir, dir); !errors.Is(err, ErrTemplate) {
		t.Errorf("OpenVault with keys beside templates = %v, want ErrTemplate", err)
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
