package reverify

import (
	"context"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision"
)

// A Span says which visits are looked at: of which shop, all if it is empty,
// and begun when. A zero Until is now.
type Span struct {
	Store        ledger.StoreID
	Since, Until time.Time
}

// A Visit is one that the server lists.
type Visit struct {
	ID        ledger.VisitID `json:"visit"`
	Store     ledger.StoreID `json:"store"`
	Presented time.Time      `json:"presented_at"`
	Status    string         `json:"status"`
}

// Shop is what is asked of a server about many visits; [Client] is one.
type Shop interface {
	Server
	// Visits calls use with each visit of a span, newest first.
	Visits(ctx context.Context, s Span, use func(Visit) error) error
	// WhatIf returns what a visit would have come to by claims.
	WhatIf(ctx context.Context, visit ledger.VisitID, claims []vision.WhatIfClaim) (vision.WhatIfAnswer, error)
}

// A Count is how the looks at some detections came out.
type Count struct {
	Detections int `json:"detections"`
	Agree      int `json:"agree"`
	Differ     int `json:"differ"`
	Unsure     int `json:"unsure"`
	Skipped    int `json:"skipped"` // could not be looked at
}

func (c *Count) add(f Finding) {
	c.Detections++
	switch {
	case f.Skipped != "":
		c.Skipped++
	case f.Agreement == ledger.AgreementAgrees:
		c.Agree++
	case f.Agreement == ledger.AgreementDiffers:
		c.Differ++
	default:
		c.Unsure++
	}
}

func (c *Count) sum(o Count) {
	c.Detections += o.Detections
	c.Agree += o.Agree
	c.Differ += o.Differ
	c.Unsure += o.Unsure
	c.Skipped += o.Skipped
}

// A Report is what the looks at one visit come to.
type Report struct {
	Visit   Visit     `json:"visit"`
	Count   Count     `json:"count"`
	Differs []Finding `json:"-"`
	// WhatIf is what the visit would have come to; nil if nothing was found.
	WhatIf *vision.WhatIfAnswer `json:"what_if,omitempty"`
}

// Changed reports whether another sum would have been asked for.
func (r Report) Changed() bool {
	return r.WhatIf != nil && r.WhatIf.Open == "" && r.WhatIf.Change.Minor != 0
}

// A Survey is what the looks at many visits come to.
type Survey struct {
	Visits  int   `json:"visits"`
	Count   Count `json:"count"`
	Changed int   `json:"changed"` // visits that another sum would have been asked of
	Stuck   int   `json:"stuck"`   // visits that would have no receipt
	// More and Less are what would have been asked for beyond the first
	// receipts, and below them, by currency.
	More map[money.Currency]int64 `json:"more"`
	Less map[money.Currency]int64 `json:"less"`
	// Asked are the questions that people would have been asked, AskedThen those
	// that they were.
	Asked     int `json:"asked"`
	AskedThen int `json:"asked_then"`
}

// All looks at all visits of a span and calls emit for each.
func All(ctx context.Context, cfg Config, shop Shop, span Span, emit func(Report) error) (Survey, error) {
	s := Survey{More: map[money.Currency]int64{}, Less: map[money.Currency]int64{}}
	err := shop.Visits(ctx, span, func(v Visit) error {
		r, err := cfg.report(ctx, shop, v)
		if err != nil {
			return fmt.Errorf("visit %s: %w", v.ID, err)
		}
		s.add(r)
		return emit(r)
	})
	return s, err
}

func (cfg Config) report(ctx context.Context, shop Shop, v Visit) (Report, error) {
	r := Report{Visit: v}
	var claims []vision.WhatIfClaim
	err := Run(ctx, cfg, v.ID, func(f Finding) error {
		r.Count.add(f)
		if f.Skipped == "" && f.Agreement == ledger.AgreementDiffers {
			r.Differs = append(r.Differs, f)
		}
		if len(f.Items) > 0 {
			claims = append(claims, vision.WhatIfClaim{Detection: f.Detection, Items: f.Items})
		}
		return nil
	})
	if err != nil || len(claims) == 0 {
		return r, err
	}
	a, err := shop.WhatIf(ctx, v.ID, claims)
	if err != nil {
		return r, fmt.Errorf("what if: %w", err)
	}
	r.WhatIf = &a
	return r, nil
}

func (s *Survey) add(r Report) {
	s.Visits++
	s.Count.sum(r.Count)
	if r.WhatIf == nil {
		return
	}
	s.Asked += r.WhatIf.Asked
	s.AskedThen += r.WhatIf.AskedThen
	if r.WhatIf.Open != "" {
		s.Stuck++
		return // nothing would have been asked for yet
	}
	switch c := r.WhatIf.Change; {
	case c.Minor > 0:
		s.Changed++
		s.More[c.Currency] += c.Minor
	case c.Minor < 0:
		s.Changed++
		s.Less[c.Currency] -= c.Minor
	}
}
