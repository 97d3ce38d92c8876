package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/eventstore"
)

// A cluster is a server of the EventStoreDB protocol whose plug can be pulled.
type cluster struct {
	t       *testing.T
	log     *embedded.Log
	address string
	pull    func()
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	log, err := embedded.Open(t.Context(), t.TempDir(), embedded.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, log: log, address: "127.0.0.1:0"}
	t.Cleanup(func() { c.pull(); log.Close() })
	c.plugIn()
	return c
}

// plugIn serves, on the same address as before.
func (c *cluster) plugIn() {
	c.t.Helper()
	listener, err := net.Listen("tcp", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- eventstore.New(c.log, eventstore.Config{Now: time.Now, Insecure: true}).Serve(ctx, listener)
	}()
	c.pull = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			c.t.Errorf("the cluster ended with %v", err)
		}
	})
}

// vouch runs a command and returns what it printed.
func vouch(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("vouch %s = %v\n%s", strings.Join(args, " "), err, out.Bytes())
	}
	return out.String()
}

// A visitor talks to the server as the people and things of one shop.
type visitor struct {
	t    *testing.T
	url  string
	keys map[keys.Role]string
}

func (v *visitor) makeKeys(data string) {
	v.t.Helper()
	ring, err := keys.Open(data)
	if err != nil {
		v.t.Fatal(err)
	}
	v.keys = map[keys.Role]string{}
	for _, spec := range []keys.Spec{
		{Role: keys.Device, Store: "s1", Name: "cam-1"},
		{Role: keys.Shopper, Shopper: "anna", Name: "anna"},
		{Role: keys.Operator, Name: "olga"},
	} {
		if _, v.keys[spec.Role], err = ring.Create(spec, time.Now(), rand.Reader); err != nil {
			v.t.Fatal(err)
		}
	}
}

// send makes a request until the server answers it, and decodes the answer. A
// server that cannot reach its log says so, and is asked again.
func (v *visitor) send(who keys.Role, method, path string, in, out any) {
	v.t.Helper()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			v.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(v.t.Context(), 2*time.Minute)
	defer cancel()
	for pause := time.NewTicker(20 * time.Millisecond); ; <-pause.C {
		req, err := http.NewRequestWithContext(ctx, method, v.url+path, bytes.NewReader(body))
		if err != nil {
			v.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+v.keys[who])
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			if ctx.Err() != nil {
				v.t.Fatalf("%s %s: %v", method, path, err)
			}
			continue // not up yet
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests {
			continue
		}
		if res.StatusCode >= 300 {
			v.t.Fatalf("%s %s = %d %s", method, path, res.StatusCode, answer)
		}
		if out != nil {
			if err := json.Unmarshal(answer, out); err != nil {
				v.t.Fatalf("%s %s = %s: %v", method, path, answer, err)
			}
		}
		return
	}
}

func (v *visitor) id() ledger.ID {
	id, err := ledger.NewID(time.Now(), rand.Reader)
	if err != nil {
		v.t.Fatal(err)
	}
	return id
}

func (v *visitor) enter() (visit string) {
	var ticket struct{ Ticket, Code string }
	v.send(keys.Shopper, "POST", "/v1/tickets", map[string]any{"store": "s1"}, &ticket)
	var answer struct{ Decision, Visit string }
	v.send(keys.Device, "POST", "/v1/gate/entries", map[string]any{
		"id": v.id(), "occurred_at": time.Now().UTC(), "store": "s1", "gate": "gate-1", "place": "gate", "code": ticket.Code, "party": 1,
	}, &answer)
	if answer.Decision != "entered" {
		v.t.Fatalf("the gate answered %+v, want entered", answer)
	}
	return answer.Visit
}

func (v *visitor) take() {
	v.send(keys.Device, "POST", "/v1/detections", map[string]any{
		"id": v.id(), "occurred_at": time.Now().UTC(),
		"detection": map[string]any{
			"store": "s1", "sensor": "cam-1", "source": "camera", "slot": "left",
			"items":   []any{map[string]any{"sku": "cola", "confidence": 990}},
			"actions": []any{map[string]any{"action": "take", "confidence": 990}},
			"persons": []any{}, "quantity": 1, "grams": 0, "model": "slots 1.0", "evidence": []any{},
		},
	}, nil)
}

func (v *visitor) leave(visit string) {
	v.send(keys.Device, "POST", "/v1/gate/exits", map[string]any{
		"id": v.id(), "occurred_at": time.Now().UTC(), "gate": "gate-1", "visit": visit,
	}, nil)
}

// settled waits for the receipt and returns its number.
func (v *visitor) settled(visit string) string {
	v.t.Helper()
	var got struct {
		Status   string
		Receipts []struct{ Document struct{ Number string } }
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		v.send(keys.Operator, "GET", "/v1/visits/"+visit, nil, &got)
		if got.Status == "settled" && len(got.Receipts) == 1 {
			return got.Receipts[0].Document.Number
		}
	}
	v.t.Fatalf("visit %s = %+v, want settled with a receipt", visit, got)
	return ""
}

const corner = `{"store": "s1", "catalogue": "corner", "valid_from": "2025-11-01T00:00:00Z",
 "seller": {"name": "Corner", "address": "1 Main St", "tax_id": "1", "currency": "EUR", "timezone": "Europe/Berlin"},
 "policy": {"hold": "50.00", "item_min": 800, "action_min": 800, "person_min": 900, "review_seconds": 3600,
  "on_deadline": "for_shopper", "grace_ms": 0, "gate_seconds": 20, "dispute_days": 60},
 "taxes": [{"category": "drinks", "jurisdiction": "DE", "rate": "0.19", "inclusive": true, "rounding": "half_up"}],
 "products": [{"sku": "cola", "gtin": "4006381333931", "name": "Cola", "category": "drinks", "tax_category": "drinks", "price": "1.99"}],
 "planograms": [{"sensor": "cam-1", "digest": "sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
  "slots": [{"slot": "left", "sku": "cola", "capacity": 9, "initial": 9}]}]}`

// TestAVisitOnACluster plays two visits from the gate to the receipt on a ledger
// that lives in another process's place; during the second one the cluster goes
// away and comes back. Afterwards the tools read the same cluster.
func TestAVisitOnACluster(t *testing.T) {
	data := t.TempDir()
	c := startCluster(t)
	address := "esdb://" + c.address + "?tls=false&maxDiscoverAttempts=1&gossipTimeout=1&defaultDeadline=2000"
	shop := filepath.Join(data, "shop.json")
	if err := os.WriteFile(shop, []byte(corner), 0o600); err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t}
	v.makeKeys(data)
	for _, want := range []string{"6 events", "0 events"} {
		if out := vouch(t, "shop", "apply", shop, "--ledger", address); !strings.Contains(out, want) {
			t.Errorf("vouch shop apply = %q, want %s", out, want)
		}
	}
	bank, stopBank := startStripesim(t)
	defer stopBank()
	const secret = "sk_test_cluster"
	vouch(t, "shopper", "enrol", "anna", "--payment-method", "pm_card_visa", "--data", data, "--stripe-url", bank, "--stripe-key", secret)

	serve := func() (stop func()) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listen := listener.Addr().String()
		listener.Close()
		v.url = "http://" + listen
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() {
			root := newRootCommand()
			root.SetArgs([]string{
				"serve", "--data", data, "--ledger", address, "--listen", listen,
				"--stripe-url", bank, "--stripe-key", secret, "--log-level", "error",
			})
			ended <- root.ExecuteContext(ctx)
		}()
		return sync.OnceFunc(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("vouch serve = %v", err)
			}
		})
	}
	stop := serve()
	defer func() { stop() }()

	first := v.enter()
	v.take()
	v.leave(first)
	number := v.settled(first)

	second := v.enter()
	v.take()
	c.pull()
	back := make(chan struct{})
	time.AfterFunc(300*time.Millisecond, func() { defer close(back); c.plugIn() })
	v.leave(second)
	<-back
	if other := v.settled(second); other == number {
		t.Errorf("both visits have receipt %s", number)
	}
	stop()
	stop = serve() // and the index of the cluster is read from its file
	if again := v.settled(first); again != number {
		t.Errorf("after a restart the receipt is %s, want %s", again, number)
	}
	if _, err := os.Stat(filepath.Join(data, ledgerDir)); !os.IsNotExist(err) {
		t.Errorf("a ledger was made in the data folder: %v", err)
	}

	if out := vouch(t, "replay", number, "--data", data, "--ledger", address); !strings.Contains(out, "Cola") {
		t.Errorf("vouch replay = %s, want the cola", out)
	}
	out := vouch(t, "verify", "--data", data, "--ledger", address)
	for _, want := range []string{"every receipt equals its replay", "2, of these 2 settled", "in a cluster", "bundles, signed by"} {
		if !strings.Contains(out, want) {
			t.Errorf("vouch verify = %s, want %q", out, want)
		}
	}
	if out := vouch(t, "export", "csv", "--ledger", address); strings.Count(out, fmt.Sprint(first)) == 0 {
		t.Errorf("vouch export = %s, want visit %s", out, first)
	}
	stop()
	wantSameTree(t, data, address)
}

// wantSameTree throws the tree of a ledger in a cluster away, has it computed again,
// and requires the same bytes.
func wantSameTree(t *testing.T, data, address string) {
	t.Helper()
	was := filepath.Join(t.TempDir(), "tlog")
	if err := os.Rename(filepath.Join(data, tlogDir), was); err != nil {
		t.Fatal(err)
	}
	vouch(t, "tlog", "publish", "--data", data, "--ledger", address)
	files := 0
	again := os.DirFS(filepath.Join(data, tlogDir))
	err := fs.WalkDir(again, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		got, err := fs.ReadFile(again, name)
		if err != nil {
			return err
		}
		if want, err := os.ReadFile(filepath.Join(was, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s of the tree that was computed again is not the same: %v", name, err)
		}
		return nil
	})
	if err != nil || files < 3 {
		t.Errorf("the tree has %d files, %v, want a checkpoint, a tile and a bundle", files, err)
	}
}
