package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/models"
	"github.com/vouchledger/vouch/vision/recognise"
	"github.com/vouchledger/vouch/vision/recognise/network"
)

func newTrainCommand() *cobra.Command {
	var catalogue, out string
	var networks []string
	set := recognise.Settings{}
	cmd := &cobra.Command{
		Use:   "train --catalogue FOLDER --out FILE --name NAME --version VERSION --licence TEXT",
		Short: "Learn to tell the products of a catalogue apart from pictures",
		Long: `Learns from a folder of pictures for each product, named by its SKU, and writes one model file. It needs no
network; each --network (a model manifest, see docs/vision-what.md) adds what its inner layers see, and its files go
into the model.

The same pictures give the same file. Each picture is asked about as if nothing of its occasion had been learned, and once as
if its whole product had not, to find out how sure an answer must be; below that the model answers that it does not know.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if catalogue == "" || out == "" || set.Name == "" || set.Licence == "" {
				return fmt.Errorf("%w: --catalogue, --out, --name and --licence are needed", errUsage)
			}
			samples, err := recognise.ReadCatalogue(catalogue)
			if err != nil {
				return err
			}
			for _, path := range networks {
				release, err := network.Add(&set, path)
				if err != nil {
					return err
				}
				defer release()
			}
			set.Progress = func(done, all int) {
				if done%250 == 0 {
					slog.InfoContext(cmd.Context(), "looking at pictures", slog.Int("done", done), slog.Int("of", all))
				}
			}
			m, err := recognise.Train(cmd.Context(), samples, set)
			if err != nil {
				return err
			}
			b, err := m.Encode()
			if err != nil {
				return err
			}
			if err := os.WriteFile(out, b, 0o600); err != nil {
				return err
			}
			of := func(n, all int) float64 { return float64(n) / float64(max(1, all)) }
			_, err = fmt.Fprintf(cmd.OutOrStdout(), `%s
%d products, %d pictures, %d bytes, unknown below %.3f
of pictures held out: right %.3f, answered %.3f, of those right %.3f; of products left out answered %.3f
`, m.Label(), len(m.Labels), m.Pictures, len(b), m.Doubt.Least, of(m.Held.Right, m.Held.Pictures), of(m.Held.Given, m.Held.Pictures),
				of(m.Held.GivenOK, m.Held.Given), 1-of(m.Held.Refused, m.Held.Strangers))
			return err
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&catalogue, "catalogue", "", "folder with a folder of pictures for each product, named by its SKU")
	fl.StringVar(&out, "out", "", "model file to write")
	fl.StringVar(&set.Name, "name", "", "what the model is called, one word")
	fl.StringVar(&set.Version, "version", "1", "its version, one word")
	fl.StringVar(&set.Licence, "licence", "", "under what the model and its pictures may be used")
	fl.StringSliceVar(&networks, "network", nil, "manifest of a network to look through; may be given again")
	return cmd
}

func newModelsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "models FILE...",
		Short: "Check model files: their digest, licence and what they know",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, path := range args {
				said, err := describeModel(path)
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), said); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// describeModel reads a manifest or a recogniser's model, whichever it is.
func describeModel(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if len(b) > 0 && b[0] == '{' {
		m, err := models.Load(path)
		return fmt.Sprintf("%s\n  %s, licence: %s, from %s", m.Label(), m.Format, m.Licence, m.Source), err
	}
	m, err := recognise.Parse(b)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	said := fmt.Sprintf("%s\n  recogniser, licence: %s, %d products", m.Label(), m.Licence, len(m.Labels))
	for _, n := range m.Networks {
		said += fmt.Sprintf("\n  looks through %s@%s, licence: %s", n.Name, n.Version, n.Licence)
	}
	return said, nil
}

func newRecogniseCommand() *cobra.Command {
	var model, planned string
	var trust float64
	cmd := &cobra.Command{
		Use:   "recognise --model FILE PICTURE...",
		Short: "Say which product each picture shows",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if model == "" {
				return fmt.Errorf("%w: --model is needed", errUsage)
			}
			r, err := network.Open(model)
			if err != nil {
				return err
			}
			defer r.Close()
			for _, path := range args {
				p, err := recognise.Sample{Path: path}.Read()
				if err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				a, err := r.Recognise(p)
				if err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				if planned != "" {
					a = a.Given(planned, trust)
				}
				said := "unknown, resembles " + a.Readings[0].SKU
				if a.Known {
					said = a.Readings[0].SKU
				}
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\t%.3f\n", path, said, a.Readings[0].Confidence); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&model, "model", "", "model file that `vouch-edge train` wrote")
	cmd.Flags().StringVar(&planned, "planned", "", "SKU that the planogram has there")
	cmd.Flags().Float64Var(&trust, "trust", recognise.PlanTrust, "how likely what is planned stands there")
	return cmd
}
