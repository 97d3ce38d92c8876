package ledger

import (
	"fmt"

	"github.com/vouchledger/vouch/ledger/money"
)

// Validate refuses a movement whose net is not its amount less its fee.
func (b BalanceTransaction) Validate() error {
	for _, m := range []money.Money{b.Amount, b.Fee, b.Net} {
		if err := m.Validate(); err != nil {
			return err
		}
	}
	if net, err := b.Amount.Sub(b.Fee); err != nil || net != b.Net {
		return fmt.Errorf("%w: %s: net %s is not %s less %s", ErrInvalid, b.Transaction, b.Net, b.Amount, b.Fee)
	}
	if err := needTime("created", b.Created); err != nil {
		return err
	}
	return need("transaction", b.Transaction, "category", b.Category)
}

// Validate implements Payload.
func (p BalanceRecorded) Validate() error {
	if len(p.Transactions) == 0 || len(p.Transactions) > MaxStatementLines {
		return fmt.Errorf("%w: %d balance transactions in one event, want 1..%d", ErrInvalid, len(p.Transactions), MaxStatementLines)
	}
	for _, b := range p.Transactions {
		if err := b.Validate(); err != nil {
			return err
		}
	}
	return need("provider", p.Provider)
}

// Validate implements Payload.
func (p PayoutRecorded) Validate() error {
	if len(p.Transactions) > MaxStatementLines {
		return fmt.Errorf("%w: %d transactions in one event, at most %d", ErrInvalid, len(p.Transactions), MaxStatementLines)
	}
	if err := p.Amount.Validate(); err != nil {
		return err
	}
	if err := p.Arrival.Validate(); err != nil {
		return err
	}
	return need("payout", p.Payout, "provider", p.Provider)
}

// Validate implements Payload.
func (p PayoutFailed) Validate() error {
	if err := p.Amount.Validate(); err != nil {
		return err
	}
	return need("payout", p.Payout, "code", p.Code)
}

// Validate implements Payload.
func (p BankStatementRecorded) Validate() error {
	if p.Format != "csv" && p.Format != "camt.053" {
		return fmt.Errorf("%w: bank file format %q: use csv or camt.053", ErrInvalid, p.Format)
	}
	if len(p.Lines) > MaxStatementLines {
		return fmt.Errorf("%w: %d lines in one event, at most %d", ErrInvalid, len(p.Lines), MaxStatementLines)
	}
	for _, l := range p.Lines {
		if err := l.Amount.Validate(); err != nil {
			return err
		}
		if err := l.Booked.Validate(); err != nil {
			return err
		}
		if err := need("line", l.Line); err != nil {
			return err
		}
	}
	if err := p.File.Validate(); err != nil {
		return err
	}
	return need("account", p.Account)
}

// Validate implements Payload.
func (p ExceptionOpened) Validate() error {
	switch p.Class {
	case ExceptionMissingAtProvider, ExceptionMissingHere, ExceptionAmount, ExceptionCurrency, ExceptionDuplicate,
		ExceptionFee, ExceptionRefund, ExceptionChargeback, ExceptionPayout, ExceptionStale, ExceptionBank:
	default:
		return fmt.Errorf("%w: exception class %q", ErrInvalid, p.Class)
	}
	for _, m := range []money.Money{p.Expected, p.Found} {
		if m.Minor == 0 {
			continue
		}
		if err := m.Validate(); err != nil {
			return err
		}
	}
	if err := p.Day.Validate(); err != nil {
		return err
	}
	return need("exception", p.Exception, "subject", p.Subject, "owner", p.Owner)
}

// Validate implements Payload.
func (p ExceptionAssigned) Validate() error {
	return need("exception", p.Exception, "owner", p.Owner, "by", p.By)
}

// Validate implements Payload.
func (p ExceptionClosed) Validate() error {
	return need("exception", p.Exception, "by", p.By, "reason", p.Reason)
}

// Validate implements Payload.
func (p DayClosed) Validate() error {
	if p.Number < 1 || p.Receipts < 0 || (p.Receipts == 0) != (p.First == "" && p.Last == "") {
		return fmt.Errorf("%w: closing %d with %d receipts from %q to %q", ErrInvalid, p.Number, p.Receipts, p.First, p.Last)
	}
	for _, t := range p.Totals {
		if err := t.Amount.Validate(); err != nil {
			return err
		}
		if err := need("account", t.Account); err != nil {
			return err
		}
	}
	if err := p.Day.Validate(); err != nil {
		return err
	}
	return need("store", string(p.Store), "by", p.By)
}

// Validate implements Payload.
func (p PriceChecked) Validate() error {
	for _, m := range []money.Money{p.Shelf, p.Charged} {
		if err := m.Validate(); err != nil {
			return err
		}
		if m.Minor < 0 {
			return fmt.Errorf("%w: price %s is negative", ErrInvalid, m)
		}
	}
	return need("store", string(p.Store), "sku", string(p.SKU), "by", p.By)
}

func (r FiscalRegime) validate() error {
	if r != FiscalDE {
		return fmt.Errorf("%w: fiscal regime %q: use de_tse", ErrInvalid, r)
	}
	return nil
}

// Validate implements Payload.
func (p FiscalStarted) Validate() error {
	if err := p.Regime.validate(); err != nil {
		return err
	}
	if err := needTime("at", p.At); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "device", p.Device)
}

// Validate implements Payload.
func (p FiscalSigned) Validate() error {
	if err := p.Regime.validate(); err != nil {
		return err
	}
	if err := needTime("started", p.Started); err != nil {
		return err
	}
	if err := needTime("finished", p.Finished); err != nil {
		return err
	}
	if p.Finished.Before(p.Started) {
		return fmt.Errorf("%w: signed before it began", ErrInvalid)
	}
	return need("visit", string(p.Visit), "register", p.Register, "device", p.Device, "process", p.Process,
		"algorithm", p.Algorithm, "key", p.Key, "value", p.Value)
}

// Validate implements Payload.
func (p FiscalFailed) Validate() error {
	if err := p.Regime.validate(); err != nil {
		return err
	}
	return need("visit", string(p.Visit), "detail", p.Detail)
}

// Validate implements Payload.
func (p NoticeQuarantined) Validate() error {
	if err := p.Digest.Validate(); err != nil {
		return err
	}
	return need("reason", p.Reason)
}

// Validate implements Payload.
func (p ProviderSwept) Validate() error {
	if p.Objects < 0 || p.Adopted < 0 || p.Adopted > p.Objects {
		return fmt.Errorf("%w: %d of %d objects adopted", ErrInvalid, p.Adopted, p.Objects)
	}
	if err := needTime("from", p.From); err != nil {
		return err
	}
	if err := needTime("until", p.Until); err != nil {
		return err
	}
	return need("provider", p.Provider, "cause", p.Cause)
}
