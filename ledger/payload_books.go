package ledger

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger/money"
)

// MaxStatementLines bounds the lines of one payout or bank event.
const MaxStatementLines = 1000

// A Date is a calendar day, "2026-11-30".
type Date string

// Validate refuses what is no day of the calendar.
func (d Date) Validate() error {
	if _, err := time.Parse(time.DateOnly, string(d)); err != nil {
		return fmt.Errorf("%w: date %q: want YYYY-MM-DD", ErrInvalid, string(d))
	}
	return nil
}

// A BalanceTransaction is one movement on our balance at the provider.
type BalanceTransaction struct {
	Transaction string      `json:"transaction"` // at the provider
	Category    string      `json:"category"`    // reporting category: charge, refund, dispute, fee, payout …
	Source      string      `json:"source"`      // object that moved: charge, refund, dispute
	Payment     string      `json:"payment"`     // the payment it is of; empty for none
	Visit       VisitID     `json:"visit"`       // from the metadata; empty for none
	Amount      money.Money `json:"amount"`      // before fees; below zero when it leaves
	Fee         money.Money `json:"fee"`
	Net         money.Money `json:"net"` // Amount - Fee
	Created     time.Time   `json:"created"`
	Available   time.Time   `json:"available"`
}

// BalanceRecorded records movements on our balance at the provider, each once.
// Its stream is named by provider account and day.
type BalanceRecorded struct {
	Provider     string                   `json:"provider"` // account at the provider
	Transactions List[BalanceTransaction] `json:"transactions"`
}

// PayoutRecorded records that the provider sends money to the bank, and what
// it consists of. Parts of a large one follow in further events.
type PayoutRecorded struct {
	Payout       string       `json:"payout"`
	Provider     string       `json:"provider"`
	Amount       money.Money  `json:"amount"` // below zero when we pay the provider
	Arrival      Date         `json:"arrival"`
	Reference    string       `json:"reference"`    // as the bank's statement will say it
	Transactions List[string] `json:"transactions"` // balance transactions in it
	More         bool         `json:"more"`         // further parts follow
}

// PayoutFailed records that a payout came back.
type PayoutFailed struct {
	Payout string      `json:"payout"`
	Amount money.Money `json:"amount"`
	Code   string      `json:"code"`
}

// A BankLine is one entry of a bank statement.
type BankLine struct {
	Line      string      `json:"line"` // the bank's reference of the entry, or one derived from the file
	Booked    Date        `json:"booked"`
	Amount    money.Money `json:"amount"` // above zero comes in
	Reference string      `json:"reference"`
	Party     string      `json:"party"`
}

// BankStatementRecorded records entries of one bank file. The file is named by
// its digest, so that reading it again changes nothing.
type BankStatementRecorded struct {
	Account string         `json:"account"`
	File    Digest         `json:"file"`
	Format  string         `json:"format"` // csv or camt.053
	Lines   List[BankLine] `json:"lines"`
	More    bool           `json:"more"`
}

// An ExceptionClass says how two records of the same money differ.
type ExceptionClass string

// The classes of exceptions in reconciliation.
const (
	ExceptionMissingAtProvider ExceptionClass = "missing_at_psp"
	ExceptionMissingHere       ExceptionClass = "missing_here"
	ExceptionAmount            ExceptionClass = "amount_diff"
	ExceptionCurrency          ExceptionClass = "currency_diff"
	ExceptionDuplicate         ExceptionClass = "duplicate_at_psp"
	ExceptionFee               ExceptionClass = "fee_out_of_table"
	ExceptionRefund            ExceptionClass = "refund_without_case"
	ExceptionChargeback        ExceptionClass = "dispute_without_case"
	ExceptionPayout            ExceptionClass = "payout_short"
	ExceptionStale             ExceptionClass = "stale_pending"
	ExceptionBank              ExceptionClass = "bank_unmatched"
)

// ExceptionOpened records that two records of the same money differ. Its
// stream is named by the exception's key, so it is opened once.
type ExceptionOpened struct {
	Exception string         `json:"exception"` // class and what it is about
	Class     ExceptionClass `json:"class"`
	Store     StoreID        `json:"store"` // empty when it is of no one shop
	Day       Date           `json:"day"`   // that it keeps open
	Subject   string         `json:"subject"`
	Expected  money.Money    `json:"expected,omitzero"`
	Found     money.Money    `json:"found,omitzero"`
	Owner     string         `json:"owner"`
	Detail    string         `json:"detail"`
}

// ExceptionAssigned gives an exception another owner.
type ExceptionAssigned struct {
	Exception string `json:"exception"`
	Owner     string `json:"owner"`
	By        string `json:"by"`
}

// ExceptionClosed records that an exception is explained.
type ExceptionClosed struct {
	Exception string `json:"exception"`
	By        string `json:"by"` // "matcher" when what was missing came
	Reason    string `json:"reason"`
}

// A DayTotal is what one account moved on a day.
type DayTotal struct {
	Account string      `json:"account"`
	Amount  money.Money `json:"amount"`
}

// DayClosed records that the books of a shop's day are final. It is never
// edited: what is found later belongs to the next open day.
type DayClosed struct {
	Store    StoreID        `json:"store"`
	Day      Date           `json:"day"`
	Number   int            `json:"number"`   // of the closing; 1 for the shop's first
	Position uint64         `json:"position"` // events up to it are in this day or an earlier one
	First    string         `json:"first"`    // receipt number; empty when there was none
	Last     string         `json:"last"`
	Receipts int            `json:"receipts"`
	Totals   List[DayTotal] `json:"totals"`
	By       string         `json:"by"`
}

// PriceChecked records that the price on the shelf was compared with the price
// charged, for the price-accuracy report.
type PriceChecked struct {
	Store   StoreID     `json:"store"`
	SKU     SKU         `json:"sku"`
	Shelf   money.Money `json:"shelf"`
	Charged money.Money `json:"charged"`
	By      string      `json:"by"`
}

// A FiscalRegime names the rules that a fiscal signature follows.
type FiscalRegime string

// The regimes. The zero value needs no signature.
const (
	FiscalNone FiscalRegime = ""
	FiscalDE   FiscalRegime = "de_tse" // KassenSichV
)

// FiscalStarted records that a signing device has begun a transaction for a
// visit, at its start as the law asks.
type FiscalStarted struct {
	Visit       VisitID      `json:"visit"`
	Regime      FiscalRegime `json:"regime"`
	Device      string       `json:"device"` // serial of the signing device
	Transaction uint64       `json:"transaction"`
	At          time.Time    `json:"at"` // by the device
}

// FiscalSigned records the signature over one document, or, with an empty
// Receipt, over a visit that ended without one.
type FiscalSigned struct {
	Visit       VisitID      `json:"visit"`
	Receipt     string       `json:"receipt"`
	Regime      FiscalRegime `json:"regime"`
	Register    string       `json:"register"` // serial of the recording system
	Device      string       `json:"device"`
	Transaction uint64       `json:"transaction"`
	Counter     uint64       `json:"counter"` // of signatures
	Started     time.Time    `json:"started"`
	Finished    time.Time    `json:"finished"`
	Process     string       `json:"process"`   // type of what was signed, as the regime names it
	Data        string       `json:"data"`      // what was signed, as the regime forms it
	Algorithm   string       `json:"algorithm"` // of the signature
	Key         string       `json:"key"`       // public key of the device, base64
	Value       string       `json:"value"`     // check value, base64
}

// FiscalFailed records that a document could not be signed. The receipt says
// so, as the law asks, and goes out.
type FiscalFailed struct {
	Visit   VisitID      `json:"visit"`
	Receipt string       `json:"receipt"`
	Regime  FiscalRegime `json:"regime"`
	Detail  string       `json:"detail"`
}

// NoticeQuarantined records that a message in the provider's name was kept and
// not believed: another version, a wrong mode. The object is fetched anew.
type NoticeQuarantined struct {
	Event  string `json:"event"`
	Type   string `json:"type"`
	Object string `json:"object"`
	Reason string `json:"reason"`
	Digest Digest `json:"digest"` // of the body
}

// ProviderSwept records that after a restore, or on a schedule, everything at
// the provider since From was compared with the payment streams.
type ProviderSwept struct {
	Provider string    `json:"provider"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	Objects  int       `json:"objects"` // looked at
	Adopted  int       `json:"adopted"` // that no payment stream knew
	Cause    string    `json:"cause"`   // restore or schedule
}

// Kind returns the stored name.
func (BalanceRecorded) Kind() Kind { return KindBalanceRecorded }

// Kind returns the stored name.
func (PayoutRecorded) Kind() Kind { return KindPayoutRecorded }

// Kind returns the stored name.
func (PayoutFailed) Kind() Kind { return KindPayoutFailed }

// Kind returns the stored name.
func (BankStatementRecorded) Kind() Kind { return KindBankStatementRecorded }

// Kind returns the stored name.
func (ExceptionOpened) Kind() Kind { return KindExceptionOpened }

// Kind returns the stored name.
func (ExceptionAssigned) Kind() Kind { return KindExceptionAssigned }

// Kind returns the stored name.
func (ExceptionClosed) Kind() Kind { return KindExceptionClosed }

// Kind returns the stored name.
func (DayClosed) Kind() Kind { return KindDayClosed }

// Kind returns the stored name.
func (PriceChecked) Kind() Kind { return KindPriceChecked }

// Kind returns the stored name.
func (FiscalStarted) Kind() Kind { return KindFiscalStarted }

// Kind returns the stored name.
func (FiscalSigned) Kind() Kind { return KindFiscalSigned }

// Kind returns the stored name.
func (FiscalFailed) Kind() Kind { return KindFiscalFailed }

// Kind returns the stored name.
func (NoticeQuarantined) Kind() Kind { return KindNoticeQuarantined }

// Kind returns the stored name.
func (ProviderSwept) Kind() Kind { return KindProviderSwept }

func (BalanceRecorded) payload()       {}
func (PayoutRecorded) payload()        {}
func (PayoutFailed) payload()          {}
func (BankStatementRecorded) payload() {}
func (ExceptionOpened) payload()       {}
func (ExceptionAssigned) payload()     {}
func (ExceptionClosed) payload()       {}
func (DayClosed) payload()             {}
func (PriceChecked) payload()          {}
func (FiscalStarted) payload()         {}
func (FiscalSigned) payload()          {}
func (FiscalFailed) payload()          {}
func (NoticeQuarantined) payload()     {}
func (ProviderSwept) payload()         {}
