package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"golang.org/x/mod/sumdb/note"

	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/tree/witness"
)

// A busyShop is a server with a witness, a visit that is settled, and a program that
// goes on writing.
type busyShop struct {
	data, port, policy string
	visitor            *visitor
	till, otto         *esdb.Client
	receipt            string
}

func openBusyShop(t *testing.T) (s *busyShop, stop func()) {
	t.Helper()
	data := t.TempDir()
	s = &busyShop{data: data, port: peer.Address(t), policy: filepath.Join(data, "policy"), visitor: &visitor{t: t}}
	shop := filepath.Join(data, "shop.json")
	if err := os.WriteFile(shop, []byte(corner), 0o600); err != nil {
		t.Fatal(err)
	}
	s.visitor.makeKeys(data)
	text := func(role, name string) string {
		return strings.TrimSpace(vouch(t, "keys", "create", "--data", data, "--role", role, "--name", name))
	}
	till, otto := text("program", "till"), text("auditor", "otto")
	vouch(t, "shop", "apply", shop, "--data", data)
	bank, stopBank := startStripesim(t)
	t.Cleanup(stopBank)
	const secret = "sk_test_beside"
	vouch(t, "shopper", "enrol", "anna", "--payment-method", "pm_card_visa", "--data", data, "--stripe-url", bank, "--stripe-key", secret)
	vouch(t, "tlog", "publish", "--data", data, "--tlog-origin", "s1.example/ledger") // the witness must know the key
	key, err := note.NewVerifier(strings.TrimSpace(vouch(t, "tlog", "key", "--data", data)))
	if err != nil {
		t.Fatal(err)
	}
	w := peer.OpenWitness(t, key, 1)
	if err := os.WriteFile(s.policy, fmt.Appendf(nil, "witness anna %s %s\nquorum anna\n", w.Key(), w.URL()), 0o600); err != nil {
		t.Fatal(err)
	}
	cert, certKey, pool := certificateFiles(t)
	stopServer := startServe(t, s.visitor, "--data", data, "--stripe-url", bank, "--stripe-key", secret, "--tlog-policy", s.policy,
		"--tlog-interval", "20ms", "--eventstore-listen", s.port, "--eventstore-tls-cert", cert, "--eventstore-tls-key", certKey)
	visit := s.visitor.enter()
	s.visitor.take()
	s.visitor.leave(visit)
	s.receipt = s.visitor.settled(visit)
	s.till, s.otto = program(t, s.port, "till", till, pool), program(t, s.port, "otto", otto, pool)
	busy, finish := make(chan struct{}), make(chan struct{})
	var written sync.WaitGroup
	written.Go(func() { writeBeside(t, s.till, busy, finish) })
	<-busy
	return s, func() { close(finish); written.Wait(); stopServer() }
}

// TestToolsRunBesideTheServer looks into a shop while its server runs and a program
// writes: every tool that only reads does its work, one that writes is told who has
// the log, and what the witness has cosigned is served, proven and verified.
func TestToolsRunBesideTheServer(t *testing.T) {
	s, stop := openBusyShop(t)
	defer stop()
	key, file, copied := filepath.Join(s.data, "signer", "key.pub"), filepath.Join(t.TempDir(), "receipt.vouch-proof"), filepath.Join(t.TempDir(), "backup")
	s.proven(t, key, file)
	for _, c := range []struct {
		says string
		args []string
	}{
		{"every receipt equals its replay", []string{"verify", "--data", s.data}},
		{"leaves cosigned by witnesses", []string{"verify", "--data", s.data}},
		{"Cola", []string{"replay", s.receipt, "--data", s.data}},
		{"Income:Sales:drinks,-167,EUR", []string{"export", "csv", "--data", s.data}},
		{"c2sp.org/tlog-proof@v1", []string{"proof", s.receipt, "--tlog-proof", "--data", s.data}},
		{"cosigned  by anna", []string{"verify", file, "--key", key, "--policy", s.policy}},
		{"backup is whole and was read back", []string{"backup", "--data", s.data, "--to", copied}},
		{"leaves cosigned by witnesses", []string{"verify", "--data", copied}},
	} {
		if out := vouch(t, c.args...); !strings.Contains(out, c.says) {
			t.Errorf("vouch %s = %s, want %q", strings.Join(c.args, " "), out, c.says)
		}
	}
	root := newRootCommand()
	root.SetArgs([]string{"shop", "apply", filepath.Join(s.data, "shop.json"), "--data", s.data})
	root.SetOut(io.Discard)
	root.SetErr(io.Discard)
	if err := root.ExecuteContext(t.Context()); !errors.Is(err, embedded.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on", os.Getpid())) {
		t.Errorf("a second writer = %v, want ErrLocked with the process", err)
	}
	// An auditor reads everything through the port, and changes nothing.
	if e, err := firstEvent(t, s.otto, "store-s1"); err != nil || !strings.Contains(string(e.UserMetadata), `"vouch"`) {
		t.Errorf("the auditor reads the shop: %v, %v, want an event with its envelope", e, err)
	}
	e := esdb.EventData{EventType: "note", ContentType: esdb.ContentTypeJson, Data: []byte(`{}`)}
	if _, err := s.otto.AppendToStream(t.Context(), "notes", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e); !denied(err) {
		t.Errorf("the auditor writes: %v, want denied", err)
	}
}

// proven waits until a proof of the receipt holds under what the witness has cosigned,
// and requires that the served checkpoint carries a cosignature.
func (s *busyShop) proven(t *testing.T, key, file string) {
	t.Helper()
	for range 500 {
		_ = os.Remove(file)
		vouch(t, "proof", s.receipt, "--data", s.data, "-o", file)
		if code, _ := verified(t, file, "--key", key, "--policy", s.policy); code == exitOK {
			break
		}
		time.Sleep(20 * time.Millisecond) // the witness is asked behind the log
	}
	res, err := http.Get(s.visitor.url + "/tlog/checkpoint") //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile(s.policy)
	if err != nil {
		t.Fatal(err)
	}
	p, err := witness.ParsePolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(text); err != nil {
		t.Errorf("the served checkpoint: %v\n%s", err, text)
	}
}
