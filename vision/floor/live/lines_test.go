package live

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/relay"
	"github.com/vouchledger/vouch/vision/track"
)

// told waits for what is told of a part.
type told struct {
	mu  sync.Mutex
	say chan string
}

func (t *told) tell(_ context.Context, part string, state ledger.DeviceState, _ string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.say <- part + " " + string(state)
}

func (t *told) until(tb testing.TB, want string) {
	tb.Helper()
	late := time.After(2 * time.Minute)
	for {
		select {
		case got := <-t.say:
			if got == want {
				return
			}
		case <-late:
			tb.Fatalf("was not told: %s", want)
		}
	}
}

func TestAScaleAtAnAddressIsHeardAndMissed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := shopFile()
	c.Scales[0].Source = "tcp://" + l.Addr().String()
	k := open(t, c)
	said := &told{say: make(chan string, 64)}
	k.o.Tell, k.o.Now = said.tell, time.Now
	if err := k.Configure(cameras); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { k.Run(ctx); close(done) }()
	for round := range 2 { // it is lost and comes back
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "noise\n{\"grams\": %d}\n{\"grams\": 3000, \"overload\": true}\n", 3000+round); err != nil {
			t.Fatal(err)
		}
		said.until(t, "scale-a well")
		_ = conn.Close()
		said.until(t, "scale-a unreachable")
	}
	if w := k.Weight("a1", time.Now()); w == nil || len(w.Points) != 2 || w.Points[1][1] != 3001 {
		t.Errorf("readings %+v, want the two that were weights", w)
	}
	stop()
	<-done
}

func TestARecordingOfAScaleIsPlayedToItsEnd(t *testing.T) {
	k := open(t, shopFile())
	lines := `{"t": 0.01, "scale": "scale-a", "grams": 3000.25}
{"t": 0.02, "scale": "scale-b", "grams": 1}
{"t": 0.03, "scale": "scale-a", "grams": 2645}
`
	if err := os.WriteFile(filepath.Join(k.dir, "scale.jsonl"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	said := &told{say: make(chan string, 64)}
	k.o.Tell, k.o.Now = said.tell, time.Now
	if err := k.Configure(cameras); err != nil {
		t.Fatal(err)
	}
	k.listen(t.Context(), "scale-a", "scale.jsonl", func(at time.Time, line []byte) error { return k.weighed(k.o.Config.Scales[0], at, line) })
	said.until(t, "scale-a ended")
	if w := k.Weight("a2", k.since()); w == nil || len(w.Points) != 2 || w.Change() != -355 {
		t.Errorf("readings %+v, want the two of scale-a", w)
	}
	if err := k.weighed(k.o.Config.Scales[0], time.Now(), []byte(`{"grams": 1e9}`)); err == nil {
		t.Error("a thousand tons are believed")
	}
	if err := k.read(Sensor{Name: "r"}, time.Now(), []byte(`{"reader": "r"}`)); err == nil {
		t.Error("a read of no tag is believed")
	}
}

func TestAFileOfAGateThatIsBegunAnewIsReadOn(t *testing.T) {
	k := open(t, shopFile())
	path := filepath.Join(k.dir, "gate.jsonl")
	heard := make(chan string, 16)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { k.follow(ctx, path, func(line []byte) { heard <- string(line) }); close(done) }()
	write := func(flag int, text string) {
		f, err := os.OpenFile(path, flag|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	next := func(want string) {
		t.Helper()
		select {
		case got := <-heard:
			if got != want {
				t.Errorf("heard %q, want %q", got, want)
			}
		case <-time.After(2 * time.Minute):
			t.Fatalf("%q was not heard", want)
		}
	}
	write(os.O_APPEND, "one\ntw")
	next("one")
	write(os.O_APPEND, "o\n")
	next("two")
	write(os.O_TRUNC, "new\n")
	next("new")
	stop()
	<-done
}

// TestAGatesFileThatIsFullIsReadOn: the gate begins it anew while it lets people in,
// and nobody is missed.
func TestAGatesFileThatIsFullIsReadOn(t *testing.T) {
	k := open(t, shopFile())
	path := filepath.Join(k.dir, "gate.jsonl")
	w, err := relay.Open(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const each = 1000 // bytes a line
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		heard := 0
		go func() {
			k.follow(ctx, path, func(line []byte) {
				if want := fmt.Sprintf("%0*d", each-1, heard); string(line) != want {
					t.Errorf("heard %.80q, want line %d", line, heard)
				}
				heard++
			})
			close(done)
		}()
		said := 0
		for range 10 { // looks, in each of which a third of a file is written
			for range relay.Full / each / 3 {
				if _, err := fmt.Fprintf(w, "%0*d\n", each-1, said); err != nil {
					t.Fatal(err)
				}
				said++
			}
			time.Sleep(2 * look)
			synctest.Wait()
		}
		if heard != said {
			t.Errorf("heard %d lines of %d", heard, said)
		}
		stop()
		<-done
	})
	if _, err := os.Stat(path + relay.Before); err != nil {
		t.Errorf("it was never begun anew, and nothing was tried: %v", err)
	}
}

// TestWhoCrossesIsReadByTheGatesOwnProgram lets so many cross that the file is begun
// anew, while the gate looks now and then. All are heard of, and the disk is not filled.
func TestWhoCrossesIsReadByTheGatesOwnProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.jsonl")
	file, err := relay.Open(path, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d := &door{file: file}
	reads := gate.Follow(path, opens.Add(-5*time.Second))
	defer reads.Close()
	var got []gate.Crossing
	const many = 40_000
	for n := range many {
		if err := d.write(trackCrossing(n)); err != nil {
			t.Fatal(err)
		}
		if n%5000 == 4999 {
			all, err := reads.Next()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, all...)
		}
	}
	if len(got) != many {
		t.Fatalf("the gate heard of %d who crossed, want all %d", len(got), many)
	}
	for n, x := range got {
		if want := (gate.Crossing{Track: n, At: 5 * time.Second, Out: n%2 == 1}); x != want {
			t.Fatalf("crossing %d is read as %+v, want %+v", n, x, want)
		}
	}
	for _, name := range []string{path, path + relay.Before} {
		if st, err := os.Stat(name); err != nil || st.Size() > relay.Full {
			t.Errorf("%s: %v, %v, want a file that is not too long", name, st, err)
		}
	}
}

func trackCrossing(n int) track.Crossing {
	return track.Crossing{Track: n, Gate: "gate-1", At: opens, In: n%2 == 0}
}
