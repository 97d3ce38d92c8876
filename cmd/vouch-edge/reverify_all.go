package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision/reverify"
)

// surveyLine is the last line of `vouch-edge reverify --all --json`; before it
// comes one for each visit that the model sees otherwise.
type surveyLine struct {
	Model  string          `json:"model"`
	DryRun bool            `json:"dry_run"`
	Survey reverify.Survey `json:"survey"`
}

// visitLine is one visit of it.
type visitLine struct {
	reverify.Report
	Differs []findingLine `json:"differs"`
}

// surveyVisits compares a model with what was claimed of many visits.
func surveyVisits(cmd *cobra.Command, f reverifyFlags, cfg reverify.Config, client *reverify.Client) error {
	span := reverify.Span{Store: ledger.StoreID(f.store)}
	for _, at := range []struct {
		flag, text string
		to         *time.Time
	}{{"--since", f.since, &span.Since}, {"--until", f.until, &span.Until}} {
		if at.text == "" {
			continue
		}
		var err error
		if *at.to, err = time.Parse(time.RFC3339, at.text); err != nil {
			return fmt.Errorf("%w: %s: %w", errUsage, at.flag, err)
		}
	}
	out := cmd.OutOrStdout()
	survey, err := reverify.All(cmd.Context(), cfg, client, span, func(r reverify.Report) error {
		if len(r.Differs) == 0 && !r.Changed() {
			return nil
		}
		if f.asJSON {
			line := visitLine{Report: r, Differs: []findingLine{}}
			for _, d := range r.Differs {
				line.Differs = append(line.Differs, lineOf(d))
			}
			return json.NewEncoder(out).Encode(line)
		}
		return printReport(out, r)
	})
	if err != nil {
		return err
	}
	if f.asJSON {
		return json.NewEncoder(out).Encode(surveyLine{Model: cfg.Recogniser.Label(), DryRun: cfg.DryRun, Survey: survey})
	}
	return printSurvey(out, cfg, survey)
}

func printReport(w io.Writer, r reverify.Report) error {
	said := "no receipt would have been issued"
	switch a := r.WhatIf; {
	case a == nil:
		said = "nothing was found"
	case a.Open == "" && a.Change.Minor == 0:
		said = "the sum stays"
	case a.Open == "":
		was := money.Zero(a.Would.Currency)
		if a.First != nil {
			was = *a.First
		}
		said = fmt.Sprintf("%s instead of %s", a.Would, was)
	}
	if _, err := fmt.Fprintf(w, "%s  %s  %s\n", r.Visit.ID, r.Visit.Presented.Format(time.RFC3339), said); err != nil {
		return err
	}
	for _, f := range r.Differs {
		l := lineOf(f)
		if _, err := fmt.Fprintf(w, "  %s  slot %s  claimed %s  sees %s (%.1f %%)\n", l.Detection, l.Slot, l.Claimed, f.Items[0].SKU,
			float64(f.Items[0].Confidence)/10); err != nil {
			return err
		}
	}
	return nil
}

func printSurvey(w io.Writer, cfg reverify.Config, s reverify.Survey) error {
	c := s.Count
	_, err := fmt.Fprintf(w, `%s
%d visits, %d detections: agrees %d, differs %d, not sure %d, not looked at %d
%d visits would have been asked for another sum, %d would wait; %d questions to people instead of %d
`, cfg.Recogniser.Label(), s.Visits, c.Detections, c.Agree, c.Differ, c.Unsure, c.Skipped, s.Changed, s.Stuck, s.Asked, s.AskedThen)
	currencies := slices.Concat(slices.Collect(maps.Keys(s.More)), slices.Collect(maps.Keys(s.Less)))
	slices.Sort(currencies)
	for _, currency := range slices.Compact(currencies) {
		if err == nil {
			_, err = fmt.Fprintf(w, "%s more, %s less\n", money.Money{Minor: s.More[currency], Currency: currency},
				money.Money{Minor: s.Less[currency], Currency: currency})
		}
	}
	if err == nil && cfg.DryRun {
		_, err = fmt.Fprintln(w, "the server was told nothing")
	}
	return err
}
