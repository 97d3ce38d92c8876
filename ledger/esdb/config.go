package esdb

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/vouchledger/vouch/ledger"
)

// Config says how to use a cluster. The zero value is a whole cluster of our
// own.
type Config struct {
	// Timeout bounds one call, with all its attempts, and how long a reading
	// may stand still, before it is ErrUnavailable. 0 means the connection
	// string's defaultDeadline, or ten seconds. Subscriptions wait for ever.
	Timeout time.Duration

	// Namespace is put before the name of every stream, so that several
	// ledgers share a cluster. Streams of others are not seen.
	Namespace string

	// Since, if above 0, is the position of an event, and nothing at or before
	// it is looked at. It spares a young namespace the reading of an old
	// cluster. It is not for hiding events: it must be before the first of ours.
	Since uint64

	// Snapshot is a file that keeps the index between two runs, so that opening
	// reads only what is new. It is a cache: delete it at will. Empty keeps
	// none.
	Snapshot string

	// Logger gets what goes wrong and is mended. nil means nobody.
	Logger *slog.Logger

	// Progress, if set, is called now and then while the log is opened, with
	// the position that was read and the one at the end.
	Progress func(done, total int64)
}

const defaultTimeout = 10 * time.Second

// settings are the parameters of a connection string, and the least value of
// those that are numbers.
var settings = map[string]int{
	"tls": text, "tlsverifycert": text, "tlscafile": text, "usercertfile": text, "userkeyfile": text, "nodepreference": text,
	"discoveryinterval": 1, "gossiptimeout": 1, "maxdiscoverattempts": 1,
	"keepaliveinterval": 1, "keepalivetimeout": 1, "defaultdeadline": 1,
}

const text = -1

// parse reads a connection string. It is stricter than the client, which takes
// what it does not know or cannot use for nothing; errors never hold the
// password.
func parse(address string) (*esdb.Configuration, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || scheme != "esdb" && scheme != "esdb+discover" {
		return nil, refuse("it begins with %q; want esdb://HOST:2113 or esdb+discover://HOST:2113 (a KurrentDB cluster speaks it too)", scheme)
	}
	rest, query, _ := strings.Cut(rest, "?")
	if err := checkHosts(rest); err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, refuse("its parameters cannot be read")
	}
	if err := checkSettings(values); err != nil {
		return nil, err
	}
	cfg, err := esdb.ParseConnectionString(address)
	if err != nil {
		var parsing *url.Error
		if errors.As(err, &parsing) {
			err = parsing.Err // without the string and its password
		}
		return nil, refuse("%w", err)
	}
	if cfg.DisableTLS && cfg.Username != "" {
		return nil, refuse("tls=false and a user: the client sends no password without TLS; take out one of them")
	}
	if cfg.Username != "" && cfg.Password == "" {
		return nil, refuse("user %q has no password, and the client would go in as nobody", cfg.Username)
	}
	if cfg.NodePreference == esdb.NodePreferenceReadOnlyReplica {
		return nil, refuse("nodePreference=readOnlyReplica: such a node takes no appends; use leader")
	}
	if err := cfg.Validate(); err != nil {
		return nil, refuse("%w", err)
	}
	if cfg.UserCertFile != "" {
		if _, err := tls.LoadX509KeyPair(cfg.UserCertFile, cfg.UserKeyFile); err != nil {
			return nil, refuse("userCertFile and userKeyFile: %w", err)
		}
	}
	if len(cfg.GossipSeeds) > 0 {
		cfg.DnsDiscover = false // with both the client would ask the seed "" alone
	}
	return cfg, nil
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("connection string: %w: %w", ledger.ErrInvalid, fmt.Errorf(format, args...))
}

// checkHosts refuses hosts and ports that the client would cut or mistake.
func checkHosts(rest string) error {
	hosts := rest[strings.LastIndex(rest, "@")+1:]
	for _, h := range strings.Split(strings.TrimSuffix(hosts, "/"), ",") {
		name, port, hasPort := strings.Cut(h, ":")
		if name == "" {
			return refuse("a host is missing in %q", hosts)
		}
		if strings.ContainsAny(h, "[]/") || strings.Contains(port, ":") {
			return refuse("host %q: want HOST:PORT (the client takes no IPv6 address; give it a name)", h)
		}
		if n, err := strconv.ParseUint(port, 10, 16); hasPort && (err != nil || n == 0) {
			return refuse("host %q: the port is no number from 1 to 65535", h)
		}
	}
	return nil
}

func checkSettings(values url.Values) error {
	seen := map[string]bool{}
	for key, vs := range values {
		name := strings.ToLower(key)
		least, ok := settings[name]
		if !ok {
			names := make([]string, 0, len(settings))
			for n := range settings {
				names = append(names, n)
			}
			slices.Sort(names)
			return refuse("unknown parameter %q; known are %s", key, strings.Join(names, ", "))
		}
		if len(vs) != 1 || seen[name] {
			return refuse("parameter %q is there twice", key)
		}
		seen[name] = true
		if least == text {
			continue
		}
		if n, err := strconv.Atoi(vs[0]); err != nil || n < least {
			return refuse("parameter %s=%s: want a whole number from %d (without keep-alive a hung connection is never noticed)", key, vs[0], least)
		}
	}
	return nil
}
