package palm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// anyPalm returns a code that has nothing to do with any other, and again a code
// of the same palm of which so many bits are otherwise.
func anyPalm(r *rand.Rand) (c Code) {
	for k := range c {
		for y := range c[k] {
			c[k][y] = r.Uint32()
		}
	}
	return c
}

func again(r *rand.Rand, c Code, bits int) Code {
	for range bits {
		c[r.IntN(ways)][r.IntN(grid)] ^= 1 << r.IntN(32)
	}
	return c
}

// A crowd is people who are enrolled in a vault.
type crowd struct {
	r     *rand.Rand
	vault *Vault
	all   []Standing
	palms []Code
}

func enrolled(t testing.TB, people int) *crowd {
	t.Helper()
	dir := t.TempDir()
	v, err := OpenVault(filepath.Join(dir, "palms"), filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	c := &crowd{r: rand.New(rand.NewPCG(11, 7)), vault: v}
	for n := range people {
		c.palms = append(c.palms, anyPalm(c.r))
		c.all = append(c.all, Standing{Shopper: ledger.ShopperID(fmt.Sprint("p", n))})
		c.enrol(t, n)
	}
	return c
}

func (c *crowd) enrol(t testing.TB, n int) {
	t.Helper()
	id, err := ledger.NewID(time.UnixMilli(int64(n)), &noise{c.r})
	if err != nil {
		t.Fatal(err)
	}
	var captures []Code
	for range 3 {
		captures = append(captures, again(c.r, c.palms[n], 300))
	}
	c.all[n].Consent = id
	if c.all[n].Sealed, err = c.vault.Enrol(id, captures); err != nil {
		t.Fatal(err)
	}
}

// noise makes ids that come again.
type noise struct{ r *rand.Rand }

func (n *noise) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(n.r.Uint32())
	}
	return len(b), nil
}

// TestABookForgetsWithTheVault: a person is known while their template is in memory,
// and from the moment their key is destroyed by whatever process they are not, also
// not as the one who is about as near as another. What is dropped is written over
// and is not opened again.
func TestABookForgetsWithTheVault(t *testing.T) {
	c := enrolled(t, 5)
	c.palms[4] = again(c.r, c.palms[3], 100) // twins
	c.enrol(t, 4)
	var broken []ledger.ID
	b := NewBook(c.vault, func(consent ledger.ID, _ error) { broken = append(broken, consent) })
	want := func(n int, who string) {
		t.Helper()
		got, err := b.Identify(c.all, again(c.r, c.palms[n], 300))
		if string(got) != who || (err == nil) == (who == "") || err != nil && !errors.Is(err, ErrUnknown) {
			t.Errorf("the palm of p%d is %q, %v; want %q", n, got, err, who)
		}
	}
	want(0, "p0")
	want(1, "p1")
	want(3, "") // two are as near
	if b.Held() != 5 || len(broken) > 0 {
		t.Errorf("%d templates are open and %v broken, want 5 and none", b.Held(), broken)
	}
	for _, n := range []int{1, 4} {
		if _, err := c.vault.Destroy(c.all[n].Consent); err != nil {
			t.Fatal(err)
		}
	}
	want(1, "")
	want(3, "p3")
	codes := b.pages[c.all[0].Consent].codes
	b.Drop(c.all[0].Consent)
	for _, code := range codes {
		if code != (packed{}) {
			t.Error("what was dropped is still in memory")
		}
	}
	want(0, "")
	want(2, "p2")
	b.Close()
	if want(2, "p2"); b.Held() != 2 || len(broken) != 2 { // p2 and p3; p1 and p4 have no key any more
		t.Errorf("opened anew %d templates are held and %d do not open, want 2 and 2", b.Held(), len(broken))
	}
	c.palms[2] = anyPalm(c.r)
	c.enrol(t, 2)
	want(2, "p2") // enrolled again, by another hand
	if _, err := NewBook(c.vault, nil).Identify(nil, c.palms[2]); !errors.Is(err, ErrUnknown) {
		t.Errorf("a palm among nobody = %v, want ErrUnknown", err)
	}
}

// BenchmarkIdentify says how long who shows a palm waits, with so many enrolled: the
// first after a start, for whom all templates are opened, and any later one.
func BenchmarkIdentify(b *testing.B) {
	for _, people := range []int{1_000, 10_000} {
		c := sync.OnceValue(func() *crowd { return enrolled(b, people) })
		for _, first := range []bool{true, false} {
			b.Run(fmt.Sprintf("of %d, first %t", people, first), func(b *testing.B) {
				book := NewBook(c().vault, func(_ ledger.ID, err error) { b.Error(err) })
				if _, err := book.Identify(c().all, c().palms[7]); err != nil {
					b.Fatal(err)
				}
				before := used(b)
				for b.Loop() {
					if first {
						book.Close()
					}
					if _, err := book.Identify(c().all, again(c().r, c().palms[7], 300)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64((used(b)-before).Milliseconds())/float64(b.N), "cpu-ms/op")
			})
		}
	}
}

// used returns the time on processors: a machine may be busy with other things.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
