package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/api/palms"
	"github.com/vouchledger/vouch/vision/evidence/retention"
)

// A serveConfig is everything `vouch serve` can be told, by a YAML file, by
// VOUCH_* variables and by flags; a later source wins over an earlier one.
type serveConfig struct {
	Data          string        `koanf:"data"`
	Listen        string        `koanf:"listen"`
	StripeKey     string        `koanf:"stripe-key"`
	StripeURL     string        `koanf:"stripe-url"`
	WebhookSecret string        `koanf:"webhook-secret"`
	LogLevel      string        `koanf:"log-level"`
	Deadline      time.Duration `koanf:"payment-timeout"`

	Fiscal    string        `koanf:"fiscal-device"`
	Reconcile time.Duration `koanf:"reconcile-every"`
	Rules     string        `koanf:"reconcile-rules"`
	CloseDays time.Duration `koanf:"close-days-after"`

	Evidence          string `koanf:"evidence"`
	EvidenceKeys      string `koanf:"evidence-keys"`
	EvidenceRetention string `koanf:"evidence-retention"`

	PalmKeys   string `koanf:"palm-keys"`
	PalmPeople int    `koanf:"palm-people"`

	Tlog tlogConfig `koanf:",squash"`

	Eventstore eventstoreConfig `koanf:",squash"`

	Ledger          string `koanf:"ledger"`
	LedgerNamespace string `koanf:"ledger-namespace"`
}

func addServeFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String("config", "", "YAML file with the same names as these flags")
	f.String("data", "vouch-data", "folder for ledger, evidence, keys and read models")
	f.String("ledger", "", "keep the ledger in an EventStoreDB or KurrentDB cluster, esdb://…; prefer VOUCH_LEDGER, it may hold a password")
	f.String("ledger-namespace", "", "what the names of the cluster's streams begin with, if several ledgers share it")
	f.String("evidence", "", "where evidence is kept: a folder (default DATA/evidence), or s3://BUCKET?endpoint=URL&region=NAME; the key of the account goes into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	f.String("evidence-keys", "", "folder of the keys of evidence, outside of it (default DATA/evidence-keys)")
	f.String("evidence-retention", retention.Default().String(), "days that each class of evidence is kept")
	f.Int("palm-people", palms.DefaultPeople, "how many people of a jurisdiction may be known by a palm: raise it when you have counted false accepts for so many")
	f.String("palm-keys", "", "folder of the keys of palms, on something that keeps nothing that was deleted (default DATA/palm-keys)")
	f.String("listen", "127.0.0.1:8080", "address of API and pages")
	f.String("stripe-key", "", "secret key of the Stripe account; prefer VOUCH_STRIPE_KEY")
	f.String("stripe-url", "", "address of another server that speaks Stripe's protocol, such as vouch stripesim")
	f.String("webhook-secret", "", "signing secret of Stripe's webhook, two with a comma between while it is changed; prefer VOUCH_WEBHOOK_SECRET")
	f.String("fiscal-device", "", "signing device for sellers who need one; simulator keeps one without hardware, for trials, in the data folder")
	f.Duration("reconcile-every", time.Hour, "how often our books are compared with the provider's balance and payouts")
	f.Duration("close-days-after", 24*time.Hour, "close a shop's day when it has been over for so long, the books were compared since and no exception is open; 0 leaves it to people")
	f.String("reconcile-rules", "", "JSON file with the provider's fees and the times to wait (docs/reference/reconciliation.md)")
	f.String("log-level", "info", "debug, info, warn or error")
	addEventstoreFlags(f, &eventstoreConfig{}, "eventstore-", "")
	f.Duration("payment-timeout", 20*time.Second, "how long one call to Stripe may take")
	addTlogFlags(cmd)
}

// loadServeConfig merges file, environment and flags.
func loadServeConfig(cmd *cobra.Command) (serveConfig, error) {
	k := koanf.New(".")
	if path, _ := cmd.Flags().GetString("config"); path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return serveConfig{}, fmt.Errorf("configuration %s: %w", path, err)
		}
	}
	inFile := k.Exists("webhook-secret")
	if unknown := unknownKeys(cmd, k.Keys()); len(unknown) > 0 {
		return serveConfig{}, fmt.Errorf("%w: unknown settings in the configuration file: %s", errUsage, strings.Join(unknown, ", "))
	}
	vars := env.Provider(".", env.Opt{
		Prefix: "VOUCH_",
		TransformFunc: func(key, value string) (string, any) {
			return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(key, "VOUCH_")), "_", "-"), value
		},
	})
	if err := k.Load(vars, nil); err != nil {
		return serveConfig{}, fmt.Errorf("configuration from the environment: %w", err)
	}
	if err := k.Load(posflag.Provider(cmd.Flags(), ".", k), nil); err != nil {
		return serveConfig{}, fmt.Errorf("configuration from flags: %w", err)
	}
	// A variable or a line that is there and empty is a mistake, and anybody
	// could sign with nothing. Without any, webhooks are not believed.
	if given := k.Exists("webhook-secret"); given && strings.TrimSpace(k.String("webhook-secret")) == "" {
		if _, set := os.LookupEnv("VOUCH_WEBHOOK_SECRET"); set || cmd.Flags().Changed("webhook-secret") || inFile {
			return serveConfig{}, fmt.Errorf("%w: the webhook secret is empty; take it away, or give the one that Stripe shows (whsec_…)", errUsage)
		}
	}
	var c serveConfig
	if err := k.Unmarshal("", &c); err != nil {
		return serveConfig{}, fmt.Errorf("configuration: %w", err)
	}
	if c.StripeKey == "" {
		return serveConfig{}, fmt.Errorf("%w: no Stripe key: set VOUCH_STRIPE_KEY to sk_test_… or sk_live_…, "+
			"or run vouch stripesim and point --stripe-url at it with any sk_test_ key", errUsage)
	}
	if c.Ledger != "" && c.Eventstore.Listen != "" {
		return serveConfig{}, fmt.Errorf("%w: --eventstore-listen serves the embedded ledger; with --ledger the cluster itself is what programs connect to", errUsage)
	}
	return c, nil
}

func unknownKeys(cmd *cobra.Command, keys []string) []string {
	var unknown []string
	for _, key := range keys {
		if cmd.Flags().Lookup(key) == nil {
			unknown = append(unknown, key)
		}
	}
	return unknown
}

// newLogger returns a JSON logger to standard error.
func newLogger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("%w: log level %q: use debug, info, warn or error", errUsage, level)
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
}

// webhookSecrets returns the secrets that webhooks may be signed with.
func (c serveConfig) webhookSecrets() []string {
	if strings.TrimSpace(c.WebhookSecret) == "" {
		return nil
	}
	return strings.Split(c.WebhookSecret, ",") // an empty one among them is refused
}
