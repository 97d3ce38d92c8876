package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/vision/recognise"
	"github.com/vouchledger/vouch/vision/recognise/network"
)

// recognised is what `vouch-edge score --catalogue --json` prints.
type recognised struct {
	Model       string  `json:"model"`
	Pictures    int     `json:"pictures"`
	Fine        float64 `json:"fine"`        // the best reading is the product
	Coarse      float64 `json:"coarse"`      // it is of the product's group
	TopFive     float64 `json:"top_five"`    // one of five readings is the product
	Answered    float64 `json:"answered"`    // not "unknown"
	AnsweredOK  float64 `json:"answered_ok"` // right of those
	Calibration float64 `json:"calibration"` // expected error of the confidence
	Strangers   int     `json:"strangers"`   // pictures of products the model does not know
	Refused     float64 `json:"refused"`     // of those, "unknown"
	LeastGiven  float64 `json:"least_given"` // confidence from which on an answer is given
	Products    int     `json:"products"`    // the model knows
	Networks    int     `json:"networks"`    // it looks through
}

// scoreCatalogue asks a model about a catalogue's pictures.
func scoreCatalogue(cmd *cobra.Command, catalogue, model string, asJSON bool) error {
	if model == "" {
		return fmt.Errorf("%w: --catalogue needs --recogniser", errUsage)
	}
	samples, err := recognise.ReadCatalogue(catalogue)
	if err != nil {
		return err
	}
	r, err := network.Open(model)
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := recognise.Measure(cmd.Context(), r.Recogniser, samples)
	if err != nil {
		return err
	}
	of := func(n, all int) float64 { return float64(n) / float64(max(1, all)) }
	out := recognised{
		Model: r.Label(), Pictures: s.Pictures, Fine: of(s.Right, s.Pictures), Coarse: of(s.InGroup, s.Pictures),
		TopFive: of(s.AmongTop, s.Pictures), Answered: of(s.Given, s.Pictures), AnsweredOK: of(s.GivenOK, s.Given),
		Calibration: s.Calibration, Strangers: s.Strangers, Refused: of(s.Refused, s.Strangers),
		LeastGiven: r.Model().Doubt.Least, Products: len(r.Model().Labels), Networks: len(r.Model().Networks),
	}
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(out)
	}
	name, _, _ := strings.Cut(out.Model, " ")
	_, err = fmt.Fprintf(cmd.OutOrStdout(), `%s, %d products, %d networks, %d pictures
fine %.3f  coarse %.3f  top five %.3f
answered %.3f, of those right %.3f (from a confidence of %.3f); calibration error %.3f
strangers %d, answered by unknown %.3f
`, name, out.Products, out.Networks, out.Pictures, out.Fine, out.Coarse, out.TopFive, out.Answered, out.AnsweredOK,
		out.LeastGiven, out.Calibration, out.Strangers, out.Refused)
	return err
}
