package eventstore_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// certificate returns a certificate for 127.0.0.1 and who trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, pool
}

// users are who may sign in to the secured shop; everybody's password is "open".
var users = map[string]eventstore.User{
	"olga":    {Name: "olga", Groups: []string{eventstore.GroupAdmins}},
	"otto":    {Name: "otto", ReadAll: true, ReadOnly: true},
	"till":    {Name: "till"},
	"scale":   {Name: "scale", Groups: []string{"devices"}},
	"$admins": {Name: "$admins"},
}

// A secured is a server with TLS and users.
type secured struct {
	t       *testing.T
	log     ledger.Log
	address string
	pool    *x509.CertPool
}

func openSecured(t *testing.T) *secured {
	t.Helper()
	config, pool := certificate(t)
	log := memlog.New(time.Now)
	s := &secured{t: t, log: log, pool: pool}
	s.address = serve(t, log, eventstore.Config{
		Now: time.Now, TLS: config,
		Authenticate: func(_ context.Context, name, password string) (eventstore.User, error) {
			if u, ok := users[name]; ok && password == "open" {
				return u, nil
			}
			return eventstore.User{}, errors.New("no such user")
		},
	})
	return s
}

// as returns the client as somebody: "name:password", or "" for nobody.
func (s *secured) as(who string) *till {
	s.t.Helper()
	if who != "" {
		who += "@"
	}
	cfg, err := esdb.ParseConnectionString("esdb://" + who + s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	cfg.RootCAs, cfg.Logger = s.pool, esdb.NoopLogging()
	c, err := esdb.NewClient(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return &till{Client: c, t: s.t, log: s.log, address: s.address}
}

// outcome names how a call ended, in one word.
func outcome(err error) string {
	var e *esdb.Error
	if errors.As(err, &e) {
		switch e.Code() {
		case esdb.ErrorCodeAccessDenied:
			return "denied"
		case esdb.ErrorCodeUnauthenticated:
			return "who?"
		case esdb.ErrorCodeResourceNotFound:
			return "yes" // it was looked for
		}
	}
	for ; err != nil; err = errors.Unwrap(err) { // Delete wraps the status
		switch s, _ := status.FromError(err); s.Code() {
		case codes.PermissionDenied:
			return "denied"
		case codes.Unauthenticated:
			return "who?"
		case codes.OK, codes.Unknown:
		default:
			return s.Code().String()
		}
		if errors.Unwrap(err) == nil {
			return err.Error()
		}
	}
	return "yes"
}

// TestWhoMayDoWhat asks each kind of stream as everybody: who is nobody is
// denied, who is wrong is asked who they are, and own streams, system streams
// and $all are for administrators and auditors.
func TestWhoMayDoWhat(t *testing.T) {
	s := openSecured(t)
	olga := s.as("olga:open")
	olga.setMetadata("drawer", `{"$acl":{"$r":["devices"],"$w":"till","$mr":[],"$mw":["till"]}}`)
	olga.appended("drawer", esdb.Any{}, sale(1))
	olga.appended("shared", esdb.Any{}, sale(2))
	n := 100
	read := func(stream string) func(*till) error {
		return func(c *till) error { _, err := c.forwards(stream); return err }
	}
	write := func(stream string) func(*till) error {
		return func(c *till) error {
			n++
			e := sale(n)
			if strings.HasPrefix(stream, "$$") {
				e.EventType, e.Data = "$metadata", []byte(`{"$acl":{"$r":["devices"],"$w":"till","$mr":[],"$mw":["till"]}}`)
			}
			_, err := c.AppendToStream(c.t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e)
			return err
		}
	}
	everything := func(c *till) error {
		r, err := c.ReadAll(c.t.Context(), esdb.ReadAllOptions{}, 1)
		_, err = readAll(c.t, r, err)
		return err
	}
	remove := func(c *till) error {
		_, err := c.DeleteStream(c.t.Context(), "gone", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}})
		return err
	}
	everybody := []string{"olga:open", "otto:open", "till:open", "scale:open", "", "till:shut", "ghost:open", "$admins:open"}
	for _, c := range []struct {
		what string
		do   func(*till) error
		want string // in the order of everybody
	}{
		{"read a shared stream", read("shared"), "yes yes yes yes denied who? who? who?"},
		{"write to it", write("shared"), "yes denied yes yes denied who? who? who?"},
		{"delete one", remove, "yes denied yes yes denied who? who? who?"},
		{"read a listed stream", read("drawer"), "yes yes denied yes denied who? who? who?"},
		{"write to it", write("drawer"), "yes denied yes denied denied who? who? who?"},
		{"read its list", read("$$drawer"), "yes yes denied denied denied who? who? who?"},
		{"write its list", write("$$drawer"), "yes denied yes denied denied who? who? who?"},
		{"read a visit", read("visit-1"), "yes yes denied denied denied who? who? who?"},
		{"read what a visit's list would be", read("$$visit-1"), "yes yes denied denied denied who? who? who?"},
		{"read a system stream", read("$users"), "yes yes denied denied denied who? who? who?"},
		{"write to a system stream", write("$users"), "yes denied denied denied denied who? who? who?"},
		{"read everything", everything, "yes yes denied denied denied who? who? who?"},
	} {
		var got []string
		for _, who := range everybody {
			got = append(got, outcome(c.do(s.as(who))))
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s:\n got %s\nwant %s\n for %q", c.what, g, c.want, everybody)
		}
	}
}

// TestSettings checks that $settings gives the access lists of streams without
// one, and opens no stream that money depends on.
func TestSettings(t *testing.T) {
	s := openSecured(t)
	olga, tilly := s.as("olga:open"), s.as("till:open")
	olga.appended("shared", esdb.Any{}, sale(1))
	olga.appended("$settings", esdb.Any{}, esdb.EventData{
		EventType: "update-default-acl", ContentType: esdb.ContentTypeJson,
		Data: []byte(`{"$userStreamAcl":{"$r":"till","$w":"$admins"},"$systemStreamAcl":{"$r":["till"]}}`),
	})
	for stream, want := range map[string]string{"shared": "yes", "$users": "yes", "visit-1": "denied"} {
		if _, err := tilly.forwards(stream); outcome(err) != want {
			t.Errorf("reading %s: %v, want %s", stream, err, want)
		}
	}
	_, err := tilly.AppendToStream(t.Context(), "shared", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, sale(2))
	if outcome(err) != "denied" {
		t.Errorf("writing to shared: %v, want denied", err)
	}
}

// TestALinkOpensNothing checks that who may not read a stream does not get its
// events through a link of their own.
func TestALinkOpensNothing(t *testing.T) {
	s := openSecured(t)
	olga, tilly := s.as("olga:open"), s.as("till:open")
	olga.setMetadata("drawer", `{"$acl":{"$r":"$admins"}}`)
	olga.appended("drawer", esdb.Any{}, sale(1))
	link := sale(2)
	link.EventType, link.Data = "$>", []byte("0@drawer")
	tilly.appended("mine", esdb.Any{}, link)
	for c, want := range map[*till]bool{olga: true, tilly: false} {
		r, err := c.ReadStream(t.Context(), "mine", esdb.ReadStreamOptions{ResolveLinkTos: true}, 1)
		events, err := readAll(t, r, err)
		if err != nil || len(events) != 1 || (events[0].Event != nil) != want {
			t.Errorf("reading through the link = %+v, %v, want the event: %v", events, err, want)
		}
	}
}

// TestPasswordsNeedTLS checks that a server without a certificate serves only
// when it is told that it is to be insecure.
func TestPasswordsNeedTLS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	err = eventstore.New(memlog.New(time.Now), eventstore.Config{Now: time.Now}).Serve(t.Context(), l)
	if err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("Serve without TLS = %v, want a refusal", err)
	}
}

// TestDiscovery checks that a client that looks for a cluster finds this server
// at the address that it came by, and at the advertised one.
func TestDiscovery(t *testing.T) {
	config, pool := certificate(t)
	log := memlog.New(time.Now)
	for _, advertise := range []string{"", "advertised"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c := eventstore.Config{Now: time.Now, TLS: config, Authenticate: func(context.Context, string, string) (eventstore.User, error) {
			return users["olga"], nil
		}}
		seed := l.Addr().String()
		if advertise != "" { // another server; the first is only the way to it
			c.Advertise = serve(t, log, c)
			c.Authenticate = nil
		}
		serveOn(t, log, c, l)
		cfg, err := esdb.ParseConnectionString(fmt.Sprintf("esdb+discover://olga:open@%s?nodePreference=leader", seed))
		if err != nil {
			t.Fatal(err)
		}
		cfg.RootCAs, cfg.Logger = pool, esdb.NoopLogging()
		client, err := esdb.NewClient(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s := &till{Client: client, t: t}
		s.appended("till"+advertise, esdb.NoStream{}, sale(len(advertise)))
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestARevokedKeyHearsNoMore checks that a subscription and a batch call, which
// last for months, end for somebody whose key was revoked meanwhile.
func TestARevokedKeyHearsNoMore(t *testing.T) {
	config, pool := certificate(t)
	var revoked atomic.Bool
	var late atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	log := memlog.New(clock)
	s := &secured{t: t, log: log, pool: pool}
	s.address = serve(t, log, eventstore.Config{
		Now: clock, TLS: config,
		Authenticate: func(_ context.Context, name, _ string) (eventstore.User, error) {
			if name == "till" && revoked.Load() {
				return eventstore.User{}, errors.New("revoked")
			}
			return users[name], nil
		},
	})
	till, olga := s.as("till:open"), s.as("olga:open")
	sub, err := till.SubscribeToStream(t.Context(), "till-4", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	got := heard(t, sub, err, func(out []string) bool {
		switch out[len(out)-1] {
		case "caught up":
			olga.appended("till-4", esdb.Any{}, sale(0))
		case "till-4/0":
			revoked.Store(true)
			olga.appended("till-4", esdb.Any{}, sale(1)) // still trusted
		case "till-4/1":
			late.Store(int64(2 * time.Minute))
			olga.appended("till-4", esdb.Any{}, sale(2))
		}
		return out[len(out)-1] == "dropped"
	})
	same(t, "what was heard", got, []string{"caught up", "till-4/0", "till-4/1", "dropped"})
}
