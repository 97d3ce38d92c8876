package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/tree"
	"github.com/vouchledger/vouch/ledger/tree/signer"
	"github.com/vouchledger/vouch/ledger/tree/witness"
)

// The folders of the tree in a data directory.
const (
	tlogDir   = "tlog"
	signerDir = "signer"
)

// A tlogConfig says how the tree is published.
type tlogConfig struct {
	Origin   string        `koanf:"tlog-origin"`
	Signer   string        `koanf:"tlog-signer"`
	Policy   string        `koanf:"tlog-policy"`
	Interval time.Duration `koanf:"tlog-interval"`
}

func addTlogFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String("tlog-origin", "", "name under which checkpoints are signed, like shop.example/ledger; set once, before the first start (default HOST/FOLDER)")
	f.String("tlog-signer", "", "folder of the signing key and of the last signed checkpoint, best on another disk than the data (default DATA/signer)")
	f.String("tlog-policy", "", "file of witnesses and their quorum (C2SP tlog-policy); without one there are none")
	f.Duration("tlog-interval", time.Second/2, "time between checkpoints while events come in")
}

// signerFolder returns the signer's folder, which may lie elsewhere.
func signerFolder(data, elsewhere string) string {
	return cmp.Or(elsewhere, filepath.Join(data, signerDir))
}

// A treeServer keeps a ledger's tree.
type treeServer struct {
	*tree.Publisher
	signer *signer.Signer
}

// openTree opens the tree of log. Close the signer when it has ended.
func openTree(data string, cfg tlogConfig, log ledger.Log, metrics *prometheus.Registry, logger *slog.Logger) (*treeServer, error) {
	dir := signerFolder(data, cfg.Signer)
	origin := cfg.Origin
	if _, err := os.Stat(filepath.Join(dir, signer.KeyFile)); errors.Is(err, fs.ErrNotExist) && origin == "" {
		origin = defaultOrigin(data)
	}
	witnesses, err := openWitnesses(cfg.Policy, logger)
	if err != nil {
		return nil, err
	}
	s, err := signer.Open(dir, origin, rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &treeServer{signer: s}
	t.Publisher = tree.New(log, tree.NewDir(filepath.Join(data, tlogDir)), s, tree.Config{
		Interval: cfg.Interval, Witnesses: witnesses, Now: time.Now, Logger: logger,
	})
	t.measure(metrics)
	return t, nil
}

// defaultOrigin names a log after the machine and the data folder. It is asked
// once: the key keeps it.
func defaultOrigin(data string) string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	path, err := filepath.Abs(data)
	if err != nil {
		path = data
	}
	name := host + "/" + filepath.Base(path)
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '+' {
			return '-'
		}
		return r
	}, name)
}

func openWitnesses(policy string, logger *slog.Logger) (tree.Witnesses, error) {
	if policy == "" {
		return nil, nil //nolint:nilnil // no witnesses is what the publisher wants to hear
	}
	p, err := readPolicy(policy)
	if err != nil {
		return nil, err
	}
	return witness.NewClient(p, &http.Client{}, logger)
}

func readPolicy(file string) (*witness.Policy, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("policy of witnesses: %w", err)
	}
	p, err := witness.ParsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

// measure registers the figures of the tree.
func (t *treeServer) measure(r *prometheus.Registry) {
	for name, g := range map[string]struct {
		help  string
		value func(tree.Status) float64
	}{
		"leaves":    {"Events in the tree.", func(s tree.Status) float64 { return float64(s.Leaves) }},
		"signed":    {"Events under the last signed checkpoint.", func(s tree.Status) float64 { return float64(s.Signed) }},
		"published": {"Events under the published checkpoint.", func(s tree.Status) float64 { return float64(s.Published) }},
		"cosigned":  {"Events under the last checkpoint with a quorum of witnesses.", func(s tree.Status) float64 { return float64(s.Cosigned) }},
		"failures":  {"Times that the tree began again after an error.", func(s tree.Status) float64 { return float64(s.Failures) }},
		"refused": {"1 if nothing is signed, because the ledger contradicts what was signed before.", func(s tree.Status) float64 {
			if s.Refused != nil {
				return 1
			}
			return 0
		}},
		"published_time_seconds": {"When the published checkpoint was published.", func(s tree.Status) float64 {
			if s.At.IsZero() {
				return 0
			}
			return float64(s.At.UnixMilli()) / 1000
		}},
	} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "vouch_tree_" + name, Help: g.help},
			func() float64 { return g.value(t.Status()) }))
	}
}

// newTlogCommand returns `vouch tlog`: what auditors need of the tree.
func newTlogCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tlog",
		Short: "The tree of the ledger: its key for auditors, and a checkpoint without a server",
	}
	cmd.AddCommand(newTlogKeyCommand(), newTlogPublishCommand())
	return cmd
}

func newTlogKeyCommand() *cobra.Command {
	key := &cobra.Command{
		Use:   "key",
		Short: "Print the verifier key of the tree's checkpoints",
		Long: `Prints the key that checkpoints are checked with, in the form of C2SP signed-note. It is
public; hand it to auditors by a way that they trust. The file is key.pub in the signer's
folder.`,
		Args: cobra.NoArgs,
	}
	data := addDataFlag(key)
	elsewhere := key.Flags().String("tlog-signer", "", "folder of the signing key (default DATA/signer)")
	key.RunE = func(cmd *cobra.Command, _ []string) error {
		vkey, _, err := signer.Key(signerFolder(*data, *elsewhere))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), vkey)
		return err
	}
	return key
}

// newTlogPublishCommand returns `vouch tlog publish`: what a server does
// again and again, once.
func newTlogPublishCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Make one checkpoint of a ledger whose server is not running",
		Long: `Computes the tree of all events, signs it and asks the witnesses, as vouch serve does all
the time. It refuses what contradicts a checkpoint that was signed before. A server that is
running does this by itself, and its signing key cannot be used beside it.`,
		Args: cobra.NoArgs,
	}
	from := addSourceFlags(cmd)
	addTlogFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f := cmd.Flags()
		origin, _ := f.GetString("tlog-origin") // flags of our own: they are there
		elsewhere, _ := f.GetString("tlog-signer")
		policy, _ := f.GetString("tlog-policy")
		logger, err := newLogger("warn")
		if err != nil {
			return err
		}
		log, err := from.open(cmd.Context())
		if err != nil {
			return err
		}
		defer log.Close() //nolint:errcheck // only read
		cfg := tlogConfig{Origin: origin, Signer: elsewhere, Policy: policy}
		t, err := openTree(from.data, cfg, log, prometheus.NewRegistry(), logger)
		if err != nil {
			return err
		}
		defer t.signer.Close() //nolint:errcheck // only a lock
		if err := t.Once(cmd.Context()); err != nil {
			return err
		}
		text, err := t.Folder().Checkpoint()
		if err != nil {
			return err
		}
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return cmd
}
