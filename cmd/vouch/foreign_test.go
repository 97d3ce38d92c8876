package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/vouchledger/vouch/api/keys"
	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
)

// certificateFiles writes a certificate for 127.0.0.1 and its key, and returns
// their names and who trusts them.
func certificateFiles(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	return cert, key, pool
}

// program returns the official client of EventStoreDB, signed in with a key.
func program(t *testing.T, address, name, text string, pool *x509.CertPool) *esdb.Client {
	t.Helper()
	cfg, err := esdb.ParseConnectionString(fmt.Sprintf("esdb://%s:%s@%s?maxDiscoverAttempts=100&discoveryInterval=50", name, text, address))
	if err != nil {
		t.Fatal(err)
	}
	cfg.RootCAs, cfg.Logger = pool, esdb.NoopLogging()
	c, err := esdb.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// startServe runs vouch serve with these further flags.
func startServe(t *testing.T, v *visitor, args ...string) (stop func()) {
	t.Helper()
	listen := peer.Address(t)
	v.url = "http://" + listen
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		root := newRootCommand()
		root.SetArgs(append([]string{"serve", "--listen", listen, "--log-level", "error"}, args...))
		ended <- root.ExecuteContext(ctx)
	}()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("vouch serve = %v", err)
		}
	})
}

// TestAForeignProgramWritesBesideTheShop plays a visit while a program signed in
// with its own key writes, deletes and ends streams through the EventStoreDB
// port. The receipt says what it says without the program, every proof holds,
// and the program has seen nothing of the shop.
func TestAForeignProgramWritesBesideTheShop(t *testing.T) {
	data := t.TempDir()
	shop := filepath.Join(data, "shop.json")
	if err := os.WriteFile(shop, []byte(corner), 0o600); err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t}
	v.makeKeys(data)
	key := strings.TrimSpace(vouch(t, "keys", "create", "--data", data, "--role", "program", "--name", "till"))
	vouch(t, "shop", "apply", shop, "--data", data)
	bank, stopBank := startStripesim(t)
	defer stopBank()
	const secret = "sk_test_foreign"
	vouch(t, "shopper", "enrol", "anna", "--payment-method", "pm_card_visa", "--data", data, "--stripe-url", bank, "--stripe-key", secret)
	cert, certKey, pool := certificateFiles(t)
	port := peer.Address(t)
	stop := startServe(t, v, "--data", data, "--stripe-url", bank, "--stripe-key", secret,
		"--eventstore-listen", port, "--eventstore-tls-cert", cert, "--eventstore-tls-key", certKey)
	defer stop()

	receipt := func() (lines string) {
		visit := v.enter()
		v.take()
		v.leave(visit)
		var got struct{ Document ledger.ReceiptDocument }
		v.send(keys.Operator, "GET", "/v1/receipts/"+v.settled(visit), nil, &got)
		for _, l := range got.Document.Lines {
			lines += fmt.Sprintln(l.No, l.SKU, l.Quantity, l.Unit, l.Net, l.Tax, l.Gross)
		}
		return lines + fmt.Sprint(got.Document.Net, got.Document.Tax, got.Document.Gross)
	}
	alone := receipt()
	till := program(t, port, "till", key, pool)
	busy, finish := make(chan struct{}), make(chan struct{})
	var written sync.WaitGroup
	written.Go(func() { writeBeside(t, till, busy, finish) })
	<-busy
	beside := receipt()
	close(finish)
	written.Wait()
	if alone != beside || !strings.Contains(alone, "cola") {
		t.Errorf("receipt beside another program = %s, want %s", beside, alone)
	}
	// The program sees its own and nothing of the shop's.
	for _, stream := range []string{"store-s1", "$$store-s1", "$users"} {
		if _, err := firstEvent(t, till, stream); !denied(err) {
			t.Errorf("the program reads %s: %v, want denied", stream, err)
		}
	}
	olga := program(t, port, "olga", v.keys[keys.Operator], pool)
	if e, err := firstEvent(t, olga, "store-s1"); err != nil || !strings.Contains(string(e.UserMetadata), `"vouch"`) {
		t.Errorf("the operator reads the shop: %v, %v, want an event with its envelope", e, err)
	}
	anna := program(t, port, "anna", v.keys[keys.Shopper], pool)
	if _, err := firstEvent(t, anna, "till-4"); err == nil {
		t.Error("a shopper's key opens the EventStoreDB port")
	}
	stop()
	if out := vouch(t, "verify", "--data", data); !strings.Contains(out, "every receipt equals its replay") ||
		!strings.Contains(out, "2, of these 2 settled") {
		t.Errorf("vouch verify = %s, want two visits that hold", out)
	}
}

// writeBeside writes until finish is closed, and says once that it is busy.
func writeBeside(t *testing.T, till *esdb.Client, busy, finish chan struct{}) {
	ctx, anyRev := t.Context(), esdb.Any{}
	for n := 0; ; n++ {
		stream := fmt.Sprintf("till-%d", n%5)
		for _, kind := range []string{"sale", "receipt.issued.v1", "visit.settled.v1"} {
			e := esdb.EventData{EventType: kind, ContentType: esdb.ContentTypeJson, Data: []byte(`{"till":4}`)}
			if _, err := till.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: anyRev}, e); err != nil {
				t.Errorf("the program appends to %s: %v", stream, err)
				return
			}
		}
		if n%5 == 4 {
			if _, err := till.DeleteStream(ctx, stream, esdb.DeleteStreamOptions{ExpectedRevision: anyRev}); err != nil {
				t.Errorf("the program deletes %s: %v", stream, err)
				return
			}
		}
		if n == 0 {
			if _, err := till.TombstoneStream(ctx, "till-gone", esdb.TombstoneStreamOptions{ExpectedRevision: anyRev}); err != nil {
				t.Errorf("the program ends a stream: %v", err)
			}
			close(busy)
		}
		select {
		case <-finish:
			return
		default:
		}
	}
}

func firstEvent(t *testing.T, c *esdb.Client, stream string) (*esdb.RecordedEvent, error) {
	t.Helper()
	r, err := c.ReadStream(t.Context(), stream, esdb.ReadStreamOptions{From: esdb.Start{}}, 1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	e, err := r.Recv()
	if errors.Is(err, io.EOF) || err != nil {
		return nil, err
	}
	return e.Event, nil
}

func denied(err error) bool {
	var e *esdb.Error
	return errors.As(err, &e) && e.Code() == esdb.ErrorCodeAccessDenied
}

// TestVouchEventstoreServesJustTheLog checks the command that serves a ledger
// and nothing else: who waits for a new EventStoreDB sees that it is ready, what
// is written is there after a restart, and the event to wait for is written once.
func TestVouchEventstoreServesJustTheLog(t *testing.T) {
	data := t.TempDir()
	for run := range 2 {
		port := peer.Address(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			root := newRootCommand()
			root.SetArgs([]string{"eventstore", "--data", data, "--listen", port, "--insecure", "--log-level", "error"})
			ended <- root.ExecuteContext(ctx)
		}()
		cfg, err := esdb.ParseConnectionString("esdb://" + port + "?tls=false&maxDiscoverAttempts=100&discoveryInterval=50")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Logger = esdb.NoopLogging()
		c, err := esdb.NewClient(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := firstEvent(t, c, "$users"); err != nil || string(e.Data) != "admin" {
			t.Errorf("run %d: $users = %v, %v, want admin", run, e, err)
		}
		e := esdb.EventData{EventType: "sale", ContentType: esdb.ContentTypeJson, Data: []byte("{}")}
		w, err := c.AppendToStream(t.Context(), "till-4", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e)
		if err != nil || w.NextExpectedVersion != uint64(run) || w.CommitPosition != uint64(run)+2 {
			t.Errorf("run %d: AppendToStream = %+v, %v, want revision %d at position %d", run, w, err, run, run+2)
		}
		_ = c.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run %d: vouch eventstore = %v", run, err)
		}
	}
}
