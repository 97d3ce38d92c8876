package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
)

// A cardReader is a terminal's process and the pipe on which its reader speaks.
type cardReader struct {
	s     *cartShop
	cmd   *exec.Cmd
	pipe  *os.File
	state string

	mu   sync.Mutex
	out  bytes.Buffer
	said int // lines that were looked at
}

func (r *cardReader) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(b)
}

// reader begins a terminal that keeps what it knows in a folder.
func (s *cartShop) reader(state, gate string, more ...string) *cardReader {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "reader")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		s.t.Fatal(err)
	}
	pipe, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	r := &cardReader{s: s, pipe: pipe, state: state}
	r.cmd = exec.Command(self, append([]string{
		"terminal", "--reader", path, "--server", s.url, "--key", s.keys[keys.Device], "--store", "shop-1", "--gate", gate,
		"--state", state, "--card-key", filepath.Join(s.data, "cards.key"), "--badges", "0B", "--json",
	}, more...)...)
	r.cmd.Env = append(os.Environ(), "VOUCH_EDGE_CHILD=1")
	r.cmd.Stdout, r.cmd.Stderr = r, r
	if err := r.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		r.end(os.Kill)
		_ = pipe.Close()
		if s.t.Failed() {
			s.t.Logf("terminal %s said:\n%s", gate, r.out.Bytes())
		}
	})
	return r
}

func (r *cardReader) end(how os.Signal) {
	_ = r.cmd.Process.Signal(how) // it may have ended
	_ = r.cmd.Wait()
}

// tap holds a card to the reader and returns what the terminal decides.
func (r *cardReader) tap(number string) gateEvent {
	r.s.t.Helper()
	if _, err := r.pipe.WriteString(number + "\r\n"); err != nil {
		r.s.t.Fatal(err)
	}
	return r.next("the terminal's word about " + number)
}

func (r *cardReader) next(what string) (ev gateEvent) {
	r.s.t.Helper()
	r.s.eventually(what, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		lines := slices.DeleteFunc(strings.Split(r.out.String(), "\n"), func(l string) bool { return !strings.HasPrefix(l, "{") })
		if len(lines) <= r.said || !strings.HasSuffix(r.out.String(), "\n") {
			return false
		}
		if err := json.Unmarshal([]byte(lines[r.said]), &ev); err != nil {
			r.s.t.Fatalf("%s: %v", lines[r.said], err)
		}
		r.said++
		return true
	})
	return ev
}

// token asks the program for the token of a card and says in the shop whose it is.
func (s *cartShop) token(kind, number, who string) {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "tap")
	if err := os.WriteFile(path, []byte(number+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	out, err := runEdge(s.t, "terminal", "token", "--reader", path, "--card-key", filepath.Join(s.data, "cards.key"))
	if err != nil || !strings.HasPrefix(out, "t1-") {
		s.t.Fatalf("vouch-edge terminal token = %s, %v", out, err)
	}
	s.call("shopper", "token", who, kind, strings.TrimSpace(out), "--data", s.data)
}

// TestAShopWithTerminalsAtTheDoor: no camera hangs at the door of this shop. Lea taps
// a card on the way in and on the way out, Cleo her badge; the number of a payment
// card and a stranger's card open nothing. Then the line is cut: who was here before
// is let in once, also by a terminal whose plug was pulled meanwhile, and whoever
// leaves is let out. When the line is back the server hears of all of it, once.
func TestAShopWithTerminalsAtTheDoor(t *testing.T) {
	s := openCartShop(t)
	s.call("shopper", "staff", "cleo", "--data", s.data)
	const card, badge, stranger, payment = "04A3B2C1", "0B17C0DE", "04FFFFFF", "4242424242424242"
	s.token("--card", "04:a3:b2:c1", "lea")
	s.token("--badge", badge, "cleo")
	dir := t.TempDir()
	inside, outside := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	in, out := s.reader(inside, "door-in", "--alone"), s.reader(outside, "door-out", "--exit")

	lea := in.tap(card)
	if lea.Decision != string(vision.Entered) || lea.Visit == "" || lea.Staff {
		t.Fatalf("the card is answered %+v, want entered", lea)
	}
	if ev := in.tap(badge); ev.Decision != string(vision.Entered) || !ev.Staff {
		t.Errorf("the badge is answered %+v, want entered as staff", ev)
	}
	if ev := in.tap(stranger); ev.Decision != string(vision.Refused) || ev.Reason != ledger.RefusedStranger {
		t.Errorf("a stranger's card is answered %+v, want refused", ev)
	}
	if ev := in.tap(payment); ev.Decision != "unread" || strings.Contains(ev.Detail, "4242") {
		t.Errorf("the number of a payment card is answered %+v, want unread", ev)
	}
	if ev := out.tap(card); ev.Decision != "exit" {
		t.Errorf("at the exit the card is answered %+v, want exit", ev)
	}
	if ev := out.next("the server to know who left"); ev.Decision != string(vision.Left) || ev.Visit != lea.Visit {
		t.Errorf("of who left the server says %+v, want %s", ev, lea.Visit)
	}
	s.wantTerminals()

	s.cut.Store(true)
	alone := in.tap(card)
	if alone.Decision != string(vision.Entered) || alone.Visit == lea.Visit || !strings.Contains(alone.Detail, "199 more may") {
		t.Errorf("cut off the card is answered %+v, want entered without the server", alone)
	}
	in.end(os.Kill)
	in = s.reader(inside, "door-in", "--alone", "--timeout", "1s")
	if ev := in.tap(card); ev.Reason != ledger.RefusedReplayed {
		t.Errorf("after its plug was pulled the terminal answers the card %+v, want replayed", ev)
	}
	if ev := in.tap(stranger); ev.Reason != ledger.RefusedStranger {
		t.Errorf("cut off a stranger's card is answered %+v, want refused", ev)
	}
	if ev := out.tap(card); ev.Decision != "exit" {
		t.Errorf("cut off the exit answers %+v, want exit", ev)
	}
	s.wantSealed(filepath.Join(inside, "outbox", "queue"))
	s.wantNowhere(dir, payment, card, "04a3b2c1", badge)

	s.cut.Store(false)
	if ev := out.next("the server to know of the second visit"); ev.Decision != string(vision.Left) || ev.Visit != alone.Visit {
		t.Errorf("of who left the server says %+v, want %s", ev, alone.Visit)
	}
	for _, visit := range []ledger.VisitID{lea.Visit, alone.Visit} {
		s.eventually("visit "+string(visit)+" to be settled", func() bool {
			var v struct{ Shopper, Settled string }
			s.ask(keys.Operator, "GET", "/v1/visits/"+string(visit), nil, &v)
			return v.Shopper == "lea" && v.Settled == string(ledger.SettledNothing)
		})
	}
	in.end(os.Interrupt)
	out.end(os.Interrupt)
	for _, state := range []string{inside, outside} {
		// A report of its own may wait for the next start.
		if dead, err := filepath.Glob(filepath.Join(state, "outbox", "dead", "*")); len(dead) > 0 || err != nil {
			t.Errorf("of %s the server refused %v, %v; want nothing", state, dead, err)
		}
	}
}

// wantTerminals requires that operators see both and how their readers do.
func (s *cartShop) wantTerminals() {
	s.t.Helper()
	s.eventually("both terminals to report their readers", func() bool {
		var l struct {
			Items []struct {
				Device string
				Parts  []ledger.PartState
			}
		}
		s.ask(keys.Operator, "GET", "/v1/devices", nil, &l)
		well := 0
		for _, d := range l.Items {
			if slices.ContainsFunc(d.Parts, func(p ledger.PartState) bool { return p.Part == partReader && p.State == ledger.DeviceWell }) {
				well++
			}
		}
		return well == 2
	})
}

// wantNowhere requires that no file under a folder holds a text.
func (s *cartShop) wantNowhere(dir string, texts ...string) {
	s.t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(b, []byte(text)) {
				s.t.Errorf("%s holds %s", path, text)
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) || files < 4 {
		s.t.Errorf("looked at %d files of %s, %v", files, dir, err)
	}
}

// TestATerminalSaysWhatIsWrongWithItsCall also plays a reader that is a file: what it
// says is typed, and what it ends with is the outcome.
func TestATerminalSaysWhatIsWrongWithItsCall(t *testing.T) {
	dir := t.TempDir()
	taps := filepath.Join(dir, "taps")
	if err := os.WriteFile(taps, []byte("4242424242424242\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	shop := []string{"--server", "http://127.0.0.1:1", "--store", "s", "--state", filepath.Join(dir, "state"), "--timeout", "10ms"}
	for _, tt := range []struct {
		story string
		args  []string
		want  string
	}{
		{"no server", []string{"--reader", "-"}, "needs --server and --store"},
		{"no reader", shop, "which --reader?"},
		{"a palm", append(shop, "--reader", "-", "--as", "palm"), "use card or staff"},
		{"no key", append(shop, "--reader", "-", "--card-key", taps), "no key of cards"},
		{"nobody taps", []string{"token", "--reader", taps, "--state", filepath.Join(dir, "state")}, "no card was tapped"},
	} {
		if out, err := runEdge(t, append([]string{"terminal"}, tt.args...)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: vouch-edge terminal = %s, %v, want %q", tt.story, out, err, tt.want)
		}
	}
	out, err := runEdge(t, append([]string{"terminal", "--reader", taps}, shop...)...)
	if err != nil || !strings.Contains(out, "number of a payment card") || strings.Contains(out, "4242") {
		t.Errorf("a payment card = %s, %v; want its number refused and not shown", out, err)
	}
	if err := os.WriteFile(taps, []byte("04A3B2C1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = runEdge(t, append([]string{"terminal", "--reader", taps}, shop...)...)
	if err == nil || !strings.Contains(out, "stays shut") || !strings.Contains(err.Error(), "1 taps") {
		t.Errorf("without a server and --alone = %s, %v; want shut", out, err)
	}
}
