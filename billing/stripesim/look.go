package stripesim

import "github.com/vouchledger/vouch/billing/stripesim/account"

// An Audit is the truth about all money, from the objects themselves.
type Audit = account.Audit

// A VisitAudit is the truth about the money of one visit.
type VisitAudit = account.VisitAudit

// PaidOut is the truth about the payouts of one currency.
type PaidOut = account.PaidOut

// A Request is one line of the audit log: what was asked, and what came of it.
type Request = account.Request

// Audit counts what moved, by the visit in the metadata of the intents; what
// has none is under "".
func (s *Sim) Audit() Audit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acc.Audit()
}

// Requests returns the audit log, oldest first.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acc.Requests()
}

// Look returns the newest objects of a kind as a client would see them, newest
// first, for people to look at; [account.Account.Look] lists the kinds. It is
// not written down as a request is.
func (s *Sim) Look(kind string, most int) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acc.Look(kind, most, s.now().Unix())
}

// Funds returns what the account has per currency, available and under way.
func (s *Sim) Funds() (available, underWay map[string]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acc.Funds(s.now().Unix())
}

// File returns the content of an uploaded file and its name.
func (s *Sim) File(id string) (name string, content []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acc.File(id)
}

// Reasons returns every reason that a dispute can have.
func Reasons() []string { return account.Reasons() }
