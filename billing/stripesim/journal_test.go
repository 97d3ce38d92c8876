package stripesim

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What was answered survives a crash: the journal alone gives the same
// account, keys and clock included.
func TestJournalSurvives(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stripe.jsonl")
	a := openSim(t, Config{Data: file, Seed: 3})
	a.advance(time.Hour)
	first := a.post("/v1/payment_intents", "h", hold)
	a.post("/v1/payment_intents/"+first.id()+"/capture", "c", "amount_to_capture=1290")
	a.fault(Fault{Op: "refunds.create", Kind: DropAfter})
	if _, err := a.try(http.MethodPost, "/v1/refunds", "r", "payment_intent="+first.id()+"&amount=310"); err == nil {
		t.Fatal("refund was answered, want a dropped connection")
	}
	truth := a.sim.Audit().Visits
	// The copy is what SIGKILL would leave: nothing is closed, and a line that
	// was being written is torn.
	left, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.jsonl")
	if err := os.WriteFile(copied, append(left, `{"intents":[{"id":"pi_to`...), 0o600); err != nil {
		t.Fatal(err)
	}
	b := openSim(t, Config{Data: copied, Seed: 3})
	if got := b.sim.Audit().Visits; !reflect.DeepEqual(got, truth) {
		t.Errorf("after the crash = %+v, want %+v", got, truth)
	}
	if again := b.post("/v1/payment_intents", "h", hold); again.raw != first.raw {
		t.Errorf("replay after the crash = %s, want %s", again.raw, first.raw)
	}
	b.post("/v1/refunds", "r", "payment_intent="+first.id()+"&amount=310")
	if v := b.sim.Audit().Visits["v1"]; v.Refunds != 1 || !b.sim.Now().Equal(noon.Add(time.Hour)) {
		t.Errorf("refunds = %d at %s, want 1 an hour later", v.Refunds, b.sim.Now())
	}
	b.close()
	bad := bytes.Replace(left, []byte(`{"`), []byte(`["`), 1)
	if err := os.WriteFile(copied, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Now: clock, Data: copied}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Open of a damaged journal = %v, want %v", err, ErrCorrupt)
	}
}

// childEnv names the journal of a simulator that is to be killed.
const childEnv = "VOUCH_TEST_STRIPESIM"

// child serves until somebody kills it.
func child(file string) {
	sim, err := Open(Config{Now: clock, Data: file})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(sim)
	fmt.Println(server.URL) // the parent reads it
	select {}
}

// Killed at any moment, the simulator remembers every hold it answered for,
// and a hold that was not answered happens once when it is sent again.
func TestSIGKILL(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stripe.jsonl")
	answered := map[string]string{}
	for round := range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+file)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		a := &client{
			TB: t, url: strings.TrimSpace(line), c: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		}
		for n := 0; ; n++ {
			if n == 1 {
				time.AfterFunc(time.Duration(20+20*round)*time.Millisecond, func() { _ = cmd.Process.Kill() })
			}
			key := fmt.Sprint("k", n)
			r, err := a.try(http.MethodPost, "/v1/payment_intents", key, strings.Replace(hold, "op1", key, 1))
			if err != nil {
				break // it is dead
			}
			if was, ok := answered[key]; ok && was != r.raw {
				t.Fatalf("round %d: hold %s = %s, was %s", round, key, r.raw, was)
			}
			answered[key] = r.raw
		}
		_ = cmd.Wait() // it was killed
	}
	sim, err := Open(Config{Now: clock, Data: file})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	a := sim.Audit()
	if n := a.Visits["v1"].Holds; n < len(answered) || n > len(answered)+1 || len(a.Doubled) > 0 || n == 0 {
		t.Errorf("%d holds, doubled %v, want the %d answered and at most one more", n, a.Doubled, len(answered))
	}
	t.Logf("%d holds over 3 kills", len(answered))
}

// When the journal cannot be written, nothing happened and nobody is told
// otherwise.
func TestJournalFull(t *testing.T) {
	a := openSim(t, Config{Data: filepath.Join(t.TempDir(), "stripe.jsonl")})
	file := a.sim.journal.file
	closed, err := os.Create(filepath.Join(t.TempDir(), "closed"))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	a.sim.journal.file = closed
	if r := a.post("/v1/payment_intents", "h", hold); r.status != 500 {
		t.Errorf("hold = %d, want 500", r.status)
	}
	a.sim.journal.file = file
	if v := a.sim.Audit().Visits; len(v) != 0 {
		t.Errorf("Audit = %+v, want nothing", v)
	}
}

// flexible asks for holds that can be raised, and captured in part and beyond.
const flexible = "&payment_method_options[card][request_incremental_authorization]=if_available" +
	"&payment_method_options[card][request_multicapture]=if_available" +
	"&payment_method_options[card][request_overcapture]=if_available"

// TestMoneyLaws checks that no order of requests captures more than was held
// or refunds more than was captured, and that the journal gives the same.
func TestMoneyLaws(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		file := filepath.Join(dir, fmt.Sprint(n))
		sim, err := Open(Config{Now: clock, Data: file, Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		a := &client{TB: nil, sim: sim, url: "http://sim", c: &http.Client{Transport: sim.Transport()}}
		pi := ""
		for step := range rapid.IntRange(1, 25).Draw(t, "steps") {
			key := fmt.Sprint("k", rapid.IntRange(0, step).Draw(t, "key"))
			amount := rapid.IntRange(1, 6000).Draw(t, "amount")
			path, form := "/v1/payment_intents", hold+flexible
			switch rapid.IntRange(0, 8).Draw(t, "what") {
			case 1:
				path, form = "/v1/payment_intents/"+pi+"/capture", url.Values{"amount_to_capture": {fmt.Sprint(amount)}}.Encode()
			case 2:
				path, form = "/v1/payment_intents/"+pi+"/cancel", ""
			case 5:
				path = "/v1/payment_intents/" + pi + "/increment_authorization"
				form = url.Values{"amount": {fmt.Sprint(amount)}}.Encode()
			case 6:
				path, form = "/v1/payment_intents/"+pi+"/capture", fmt.Sprint("final_capture=false&amount_to_capture=", amount)
			case 7:
				_, _ = sim.Dispute(pi, Dispute{}) // refused where nothing is captured
				continue
			case 8:
				if err := sim.Advance(time.Duration(amount) * time.Minute); err != nil {
					t.Fatal(err)
				}
				continue
			case 3, 4:
				path, form = "/v1/refunds", url.Values{"payment_intent": {pi}, "amount": {fmt.Sprint(amount)}}.Encode()
			}
			r, err := a.try(http.MethodPost, path, key, form)
			if err != nil {
				t.Fatal(err)
			}
			if path == "/v1/payment_intents" && r.status == 200 {
				pi = r.id()
			}
		}
		truth := sim.Audit().Visits
		v := truth["v1"]
		held := int64(0)
		for _, p := range sim.Look("payment_intents", 100) {
			if c, ok := p["latest_charge"].(map[string]any); ok && c["status"] == "succeeded" {
				details := c["payment_method_details"].(map[string]any)["card"].(map[string]any)
				held += details["overcapture"].(map[string]any)["maximum_amount_capturable"].(int64)
			}
		}
		if v.Captured > held || v.Refunded > v.Captured || v.Captures+v.Releases+v.Lapses > v.Holds {
			t.Fatalf("Audit = %+v breaks the laws of money", v)
		}
		if err := sim.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := Open(Config{Now: clock, Data: file, Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		if got := again.Audit().Visits; !reflect.DeepEqual(got, truth) {
			t.Fatalf("reopened = %+v, want %+v", got, truth)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
