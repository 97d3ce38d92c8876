package reconcile

import (
	"errors"
	"fmt"
	"time"

	"github.com/govalues/decimal"

	"github.com/vouchledger/vouch/ledger/money"
)

// ErrConfig means that the rules of reconciliation cannot be used.
var ErrConfig = errors.New("rules of reconciliation")

// A Fee is what the provider takes for a charge: a share of it and a fixed
// amount, in minor units.
type Fee struct {
	Share string `json:"share"` // decimal fraction, "0.029"
	Fixed int64  `json:"fixed"`
}

// Config holds the rules. Its zero value checks no fees and is right for a
// provider that lists a movement within the hour.
type Config struct {
	// Fees are the provider's, by currency of the balance. A currency without
	// one is not checked.
	Fees map[money.Currency]Fee `json:"fees"`
	// Tolerance is how far a fee may be from its table, in minor units.
	Tolerance int64 `json:"tolerance"`
	// GraceMinutes is how long the records may differ before it is an
	// exception. 0 means 60.
	GraceMinutes int `json:"grace_minutes"`
	// StaleDays is how long after money is available it may be in no payout.
	// 0 means 3.
	StaleDays int `json:"stale_days"`
	// BankDays is how many days a payout may take to the bank. 0 means 5.
	BankDays int `json:"bank_days"`
	// Labels are words of the provider in a bank's lines. None means "STRIPE".
	Labels []string `json:"labels"`
	// Owner is who looks into an exception at first. Empty means "finance".
	Owner string `json:"owner"`
}

// complete returns c with its defaults, or an ErrConfig.
func (c Config) complete() (Config, error) {
	for cur, f := range c.Fees {
		if _, err := cur.Exponent(); err != nil {
			return c, fmt.Errorf("%w: fee: %w", ErrConfig, err)
		}
		share, err := decimal.Parse(f.Share)
		if err != nil || share.IsNeg() || share.Cmp(decimal.One) >= 0 || f.Fixed < 0 {
			return c, fmt.Errorf("%w: fee of %s: share %q and %d: want a fraction below 1 and no less than nothing", ErrConfig, cur, f.Share, f.Fixed)
		}
	}
	if c.Tolerance < 0 || c.GraceMinutes < 0 || c.StaleDays < 0 || c.BankDays < 0 {
		return c, fmt.Errorf("%w: nothing of it may be below zero", ErrConfig)
	}
	for field, value := range map[*int]int{&c.GraceMinutes: 60, &c.StaleDays: 3, &c.BankDays: 5} {
		if *field == 0 {
			*field = value
		}
	}
	if len(c.Labels) == 0 {
		c.Labels = []string{"STRIPE"}
	}
	if c.Owner == "" {
		c.Owner = "finance"
	}
	return c, nil
}

func (c Config) grace() time.Duration { return time.Duration(c.GraceMinutes) * time.Minute }

// fee returns what the provider takes for a charge by the table, rounded half
// up; ok is false if the table has no entry.
func (c Config) fee(charge money.Money) (fee money.Money, ok bool, err error) {
	f, ok := c.Fees[charge.Currency]
	if !ok {
		return money.Money{}, false, nil
	}
	share, err := decimal.Parse(f.Share)
	if err != nil {
		return money.Money{}, false, err
	}
	if fee, err = charge.MulRate(share, money.HalfUp); err != nil {
		return money.Money{}, false, err
	}
	fee, err = fee.Add(money.Money{Minor: f.Fixed, Currency: charge.Currency})
	return fee, true, err
}
