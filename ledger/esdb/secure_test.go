package esdb_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/esdb"
	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/ledgertest"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// certificate makes a certificate for 127.0.0.1 that signs itself, and the file
// by which clients trust it.
func certificate(t *testing.T) (cert tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a cluster"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// TestTLS checks that a right certificate and password open a cluster, in every
// form of address, and that a wrong one of either is told for what it is.
func TestTLS(t *testing.T) {
	cert, ca := certificate(t)
	_, otherCA := certificate(t)
	addr, _ := serve(t, memlog.New(ledgertest.JumpingClock()), "127.0.0.1:0", eventstore.Config{
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		Authenticate: func(_ context.Context, name, password string) (eventstore.User, error) {
			if name != "till" || password != "pa:ss@word" {
				return eventstore.User{}, errors.New("nobody")
			}
			return eventstore.User{Name: name, Groups: []string{eventstore.GroupAdmins}}, nil
		},
	})
	const settings = "maxDiscoverAttempts=1&gossipTimeout=2&discoveryInterval=10&tlsCaFile="
	good := "till:pa%3Ass%40word@"
	for i, address := range []string{
		"esdb://" + good + addr + "?" + settings + ca,
		"esdb+discover://" + good + addr + "?" + settings + ca,
		"esdb://" + good + addr + "," + addr + "?" + settings + ca,
		"esdb+discover://" + good + addr + "," + addr + "?" + settings + ca,
		"esdb://" + good + addr + "?tlsVerifyCert=false&" + settings + ca,
	} {
		log := open(t, address, esdb.Config{})
		r := mustAppend(t, log, "visit-anna", uint64(i))
		if r.Revision != uint64(i) {
			t.Errorf("%s: revision %d, want %d", address, r.Revision, i)
		}
	}
	for name, c := range map[string]struct {
		address string
		want    error
		says    string
	}{
		"wrong password":  {"esdb://till:wrong@" + addr + "?" + settings + ca, esdb.ErrDenied, "refuses this user"},
		"unknown user":    {"esdb://thief:pa%3Ass%40word@" + addr + "?" + settings + ca, esdb.ErrDenied, "refuses this user"},
		"nobody":          {"esdb://" + addr + "?" + settings + ca, esdb.ErrDenied, "refuses this user"},
		"another CA":      {"esdb://" + good + addr + "?" + settings + otherCA, ledger.ErrUnavailable, "x509"},
		"no TLS":          {"esdb://" + addr + "?tls=false&maxDiscoverAttempts=1&gossipTimeout=1", ledger.ErrUnavailable, ""},
		"CA file missing": {"esdb://" + good + addr + "?" + settings + ca + ".not", ledger.ErrInvalid, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := esdb.Open(t.Context(), c.address, esdb.Config{Timeout: 2 * time.Second})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Open = %v, want %v and %q", err, c.want, c.says)
			}
			if strings.Contains(err.Error(), "ss@word") || strings.Contains(err.Error(), "ss%40word") {
				t.Errorf("Open = %v, which tells the password", err)
			}
			for _, other := range []error{esdb.ErrDenied, ledger.ErrUnavailable, ledger.ErrInvalid} {
				if !errors.Is(c.want, other) && errors.Is(err, other) {
					t.Errorf("Open = %v is a %v, too", err, other)
				}
			}
		})
	}
}

// TestConnectionStrings checks that a string that the client would misread is
// refused before it sees it, with what is wrong and without the password.
func TestConnectionStrings(t *testing.T) {
	for address, says := range map[string]string{
		"":                         "want esdb://",
		"kurrentdb://h:2113":       "want esdb://",
		"postgres://h/db":          "want esdb://",
		"esdb://":                  "a host is missing",
		"esdb://a:1,,b:2":          "a host is missing",
		"esdb://h:70000":           "no number from 1 to 65535",
		"esdb://h:0":               "no number from 1 to 65535",
		"esdb://h:port":            "no number from 1 to 65535",
		"esdb://[::1]:2113":        "no IPv6",
		"esdb://h/path":            "HOST:PORT",
		"esdb://h?tsl=false":       `unknown parameter "tsl"`,
		"esdb://h?tls=false&TLS=1": "there twice",
		"esdb://h?tls=no":          "true or false",
		"esdb://h?tls=false&defaultDeadline=soon":                   "whole number",
		"esdb://h?keepAliveInterval=-1":                             "keep-alive",
		"esdb://h?maxDiscoverAttempts=0":                            "whole number",
		"esdb://h?gossipTimeout=1.5":                                "whole number",
		"esdb://h?nodePreference=readOnlyReplica":                   "takes no appends",
		"esdb://h?nodePreference=best":                              "best",
		"esdb://till:s3cret@h?tls=false":                            "no password without TLS",
		"esdb://till@h":                                             "has no password",
		"esdb://:s3cret@h":                                          "empty username",
		"esdb://till:s3cret@h?userCertFile=x":                       "both userCertFile and userKeyFile",
		"esdb://till:s3cret@h?userCertFile=/no/x&userKeyFile=/no/y": "no such file",
		"esdb://till:s3cret%zz@h":                                   "escape",
	} {
		log, err := esdb.Open(t.Context(), address, esdb.Config{})
		if !errors.Is(err, ledger.ErrInvalid) || !strings.Contains(err.Error(), says) || log != nil {
			t.Errorf("Open(%s) = %v, want ErrInvalid that says %q", address, err, says)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Open(%s) = %v, which tells the password", address, err)
		}
	}
	for _, ns := range []string{"$shop", strings.Repeat("n", 300)} {
		if _, err := esdb.Open(t.Context(), "esdb://127.0.0.1:1?tls=false", esdb.Config{Namespace: ns}); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("Open with namespace %q = %v, want ErrInvalid", ns, err)
		}
	}
}
