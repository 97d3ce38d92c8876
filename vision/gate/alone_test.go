package gate_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/ticket"
)

var eight = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

// issuer makes tickets, and the keys that gates get.
type issuer struct {
	t   *testing.T
	key *ticket.Key
	rot *ticket.Rotation
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ticket.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rot, err := ticket.NewRotation(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{t, key, rot}
}

func (i *issuer) keys() []byte {
	i.t.Helper()
	b, err := json.Marshal(map[string]any{"tickets": []ed25519.PublicKey{i.key.Public()}, "rotation": i.rot.Secret()})
	if err != nil {
		i.t.Fatal(err)
	}
	return b
}

// code returns a code as a phone shows it at a time.
func (i *issuer) code(at time.Time) string {
	i.t.Helper()
	d, err := ticket.NewDevice(rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	id, err := ledger.NewID(at, rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	device, err := ticket.ParseDeviceKey(d.Public())
	if err != nil {
		i.t.Fatal(err)
	}
	minted, err := ticket.Mint(i.key, ticket.Claims{
		Ticket: id, Shopper: "anna", Store: "s1", IssuedAt: at, ExpiresAt: at.Add(time.Hour), Device: device,
	})
	if err != nil {
		i.t.Fatal(err)
	}
	code, err := d.Code(minted, id, i.rot.Public(), at)
	if err != nil {
		i.t.Fatal(err)
	}
	return code
}

func openAlone(t *testing.T, dir string, now time.Time) *gate.Alone {
	t.Helper()
	a, err := gate.OpenAlone(dir, "s1", now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() }) // a second time is no matter
	return a
}

// restart ends a gate's process and begins the next.
func restart(t *testing.T, a *gate.Alone, dir string, now time.Time) *gate.Alone {
	t.Helper()
	if _, err := gate.OpenAlone(dir, "s1", now); !errors.Is(err, gate.ErrInUse) {
		t.Errorf("OpenAlone of a folder in use = %v, want ErrInUse", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return openAlone(t, dir, now)
}

// TestACutOffGateLetsInOnceAndRemembers: also when its plug was pulled between
// two showings of a code.
func TestACutOffGateLetsInOnceAndRemembers(t *testing.T) {
	dir, shop := t.TempDir(), newIssuer(t)
	a := openAlone(t, dir, eight)
	code := shop.code(eight)
	if _, err := a.Admit(eight, code); !errors.Is(err, gate.ErrCap) {
		t.Errorf("Admit without keys = %v, want ErrCap", err)
	}
	if err := a.Learn(shop.keys()); err != nil {
		t.Fatal(err)
	}
	if c, err := a.Admit(eight, code); err != nil || c.Shopper != "anna" {
		t.Fatalf("Admit = %+v, %v, want anna", c, err)
	}
	// The plug is pulled while it writes: half a line is left.
	f, err := os.OpenFile(filepath.Join(dir, "used.jsonl"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"ticket":"0193`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"the same process", "the next"} {
		g := a
		if name == "the next" {
			g = restart(t, a, dir, eight)
		}
		_, err := g.Admit(eight.Add(5*time.Second), code)
		var refused *ticket.RefusalError
		if !errors.As(err, &refused) || refused.Reason != ledger.RefusedReplayed {
			t.Errorf("%s: Admit of a used code = %v, want replayed", name, err)
		}
		if n, _ := g.Left(eight); n != gate.MaxAlone-1 {
			t.Errorf("%s: %d entries are left, want %d", name, n, gate.MaxAlone-1)
		}
		if _, err := g.Admit(eight.Add(time.Minute), code); !errors.Is(err, ticket.ErrRefused) {
			t.Errorf("%s: Admit of a picture of a code = %v, want a refusal", name, err)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, "keys.json")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("keys.json is %v, %v, want for its owner alone", st.Mode(), err)
	}
}

// TestACutOffGateStopsAtItsCap: after so many, or so long, also over a restart.
func TestACutOffGateStopsAtItsCap(t *testing.T) {
	dir, shop := t.TempDir(), newIssuer(t)
	a := openAlone(t, dir, eight)
	if err := a.Learn(shop.keys()); err != nil {
		t.Fatal(err)
	}
	first := shop.code(eight)
	if _, err := a.Admit(eight, first); err != nil {
		t.Fatal(err)
	}
	late := eight.Add(gate.MaxTime)
	a = restart(t, a, dir, late)
	if _, err := a.Admit(late, shop.code(late)); !errors.Is(err, gate.ErrCap) {
		t.Errorf("Admit after half an hour = %v, want ErrCap", err)
	}
	if err := a.Back(late); err != nil {
		t.Fatal(err)
	}
	for n := range gate.MaxAlone {
		if _, err := a.Admit(late, shop.code(late)); err != nil {
			t.Fatalf("Admit %d after the server was back = %v, want entry", n+1, err)
		}
	}
	for range 2 {
		a = restart(t, a, dir, late)
		if _, err := a.Admit(late, shop.code(late)); !errors.Is(err, gate.ErrCap) {
			t.Errorf("Admit above the cap = %v, want ErrCap", err)
		}
	}
	// What was let in before the server was back stays used.
	if err := a.Back(late); err != nil {
		t.Fatal(err)
	}
	a = restart(t, a, dir, late)
	if n, _ := a.Left(late); n != gate.MaxAlone {
		t.Errorf("%d entries are left after the server was back, want all", n)
	}
	again := shop.code(late)
	if _, err := a.Admit(late, again); err != nil {
		t.Fatal(err)
	}
	if err := a.Back(late); err != nil {
		t.Fatal(err)
	}
	if _, err := restart(t, a, dir, late).Admit(late, again); !errors.Is(err, ticket.ErrRefused) {
		t.Errorf("Admit of a code used before the server was back = %v, want a refusal", err)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	a := openAlone(t, t.TempDir(), eight)
	for _, keys := range []string{"", "{", `{"tickets":["AAAA"]}`, `{"tickets":[],"rotation":"AAAA"}`} {
		if err := a.Learn([]byte(keys)); !errors.Is(err, ticket.ErrKey) {
			t.Errorf("Learn(%q) = %v, want ErrKey", keys, err)
		}
	}
}

// TestTailgatesAreCounted tells stories of who walked in when.
func TestTailgatesAreCounted(t *testing.T) {
	type in = gate.Admission
	type x = gate.Crossing
	s := time.Second
	for story, c := range map[string]struct {
		entries   []in
		crossings []x
		want      map[ledger.VisitID]int
		alone     int
	}{
		"one on one code":            {[]in{{"a", 1, 10 * s}}, []x{{11 * s, 1, false}}, nil, 0},
		"two on one code":            {[]in{{"a", 1, 10 * s}}, []x{{11 * s, 1, false}, {12 * s, 2, false}}, map[ledger.VisitID]int{"a": 2}, 0},
		"a party of two":             {[]in{{"a", 2, 10 * s}}, []x{{11 * s, 1, false}, {15 * s, 2, false}}, nil, 0},
		"three on a party of two":    {[]in{{"a", 2, 10 * s}}, []x{{11 * s, 1, false}, {12 * s, 2, false}, {13 * s, 3, false}}, map[ledger.VisitID]int{"a": 3}, 0},
		"two codes, two persons":     {[]in{{"a", 1, 10 * s}, {"b", 1, 12 * s}}, []x{{12 * s, 1, false}, {13 * s, 2, false}}, nil, 0},
		"two codes, three persons":   {[]in{{"a", 1, 10 * s}, {"b", 1, 12 * s}}, []x{{11 * s, 1, false}, {13 * s, 2, false}, {14 * s, 3, false}}, map[ledger.VisitID]int{"b": 2}, 0},
		"the next code is nearer":    {[]in{{"a", 1, 10 * s}, {"b", 1, 11700 * time.Millisecond}}, []x{{11100 * time.Millisecond, 1, false}, {14500 * time.Millisecond, 2, false}, {15400 * time.Millisecond, 3, false}}, map[ledger.VisitID]int{"b": 2}, 0},
		"one looks in and goes back": {[]in{{"a", 1, 10 * s}}, []x{{11 * s, 1, false}, {12 * s, 2, false}, {13 * s, 2, true}}, nil, 0},
		"nobody came in":             {[]in{{"a", 1, 10 * s}}, nil, nil, 0},
		"somebody without any code":  {nil, []x{{11 * s, 1, false}}, nil, 1},
		"long after the last entry":  {[]in{{"a", 1, 10 * s}}, []x{{11 * s, 1, false}, {20 * s, 2, false}}, nil, 1},
	} {
		var g gate.Counter
		for _, x := range c.crossings {
			g.Cross(x)
		}
		for _, e := range c.entries {
			g.Enter(e)
		}
		if early, _ := g.Settle(10 * s); len(early) > 0 {
			t.Errorf("%s: Settle before the time is over = %+v, want none", story, early)
		}
		tails, alone := g.Settle(60 * s)
		got := map[ledger.VisitID]int{}
		for _, tail := range tails {
			got[tail.Visit] = tail.Persons
		}
		if len(got) != len(c.want) || alone != c.alone {
			t.Errorf("%s: Settle = %v and %d alone, want %v and %d", story, got, alone, c.want, c.alone)
		}
		for v, n := range c.want {
			if got[v] != n {
				t.Errorf("%s: %s has %d persons, want %d", story, v, got[v], n)
			}
		}
		if tails, alone := g.Settle(90 * s); len(tails) > 0 || alone > 0 {
			t.Errorf("%s: settled twice: %v, %d", story, tails, alone)
		}
	}
}
