package story

import (
	"fmt"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

var moneyVerbs = map[string]func(*Shop, line) error{
	"provisional": func(s *Shop, l line) error {
		d, err := projections.BuildDocument(s.Cart(s.Visit), "", "", s.now())
		if err != nil {
			return err
		}
		return s.here(l, ledger.ReceiptProvisional{Document: d})
	},
	"issue": func(s *Shop, l line) error {
		if s.Cart(s.Visit).Issued != nil {
			return fmt.Errorf("%w: the receipt is out", ErrNotUnderstood)
		}
		d, err := projections.BuildDocument(s.Cart(s.Visit), s.nextNumber(), "", s.now())
		if err != nil {
			return err
		}
		s.number++
		return s.here(l, ledger.ReceiptIssued{Document: d})
	},
	"correct": func(s *Shop, l line) error {
		p, ok, err := projections.BuildCorrection(s.Cart(s.Visit), s.nextNumber(), s.now())
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%w: no correction is due", ErrNotUnderstood)
		}
		s.number++
		return s.here(l, p)
	},
	"settle": func(s *Shop, l line) error {
		p := ledger.VisitSettled{Outcome: ledger.SettledNothing, Charged: money.Zero("USD"), Owed: money.Zero("USD")}
		if d := s.Cart(s.Visit).Latest; d != nil && d.Gross.Minor > 0 {
			p.Outcome, p.Charged = ledger.SettledCharged, d.Gross
		}
		return s.here(l, p)
	},
	"hold": func(s *Shop, l line) error {
		return s.intend(l, "50.00", func(m money.Money, key string) ledger.Payload {
			return ledger.HoldIntended{
				Visit: s.Visit, Store: Store, Amount: m, Customer: "cus_1", PaymentMethod: "pm_1", Key: key,
			}
		})
	},
	"capture": func(s *Shop, l line) error {
		return s.intend(l, s.gross(), func(m money.Money, key string) ledger.Payload {
			return ledger.CaptureIntended{
				Visit: s.Visit, Store: Store, Amount: m, Object: "pi_1", Receipt: s.receipt(), Key: key,
			}
		})
	},
	"refund": func(s *Shop, l line) error {
		return s.intend(l, "1.00", func(m money.Money, key string) ledger.Payload {
			return ledger.RefundIntended{
				Visit: s.Visit, Store: Store, Amount: m, Object: "ch_1", Receipt: s.receipt(), Key: key,
			}
		})
	},
	"release": func(s *Shop, l line) error {
		return s.intend(l, "50.00", func(m money.Money, key string) ledger.Payload {
			return ledger.ReleaseIntended{Visit: s.Visit, Store: Store, Amount: m, Object: "pi_1", Key: key}
		})
	},
	"held": func(s *Shop, l line) error {
		return s.outcome(l, func(o order) ledger.Payload {
			return ledger.Held{Intent: o.intent, Object: "pi_1", Amount: o.amount, CaptureBefore: Start.Add(time.Hour)}
		})
	},
	"captured": func(s *Shop, l line) error {
		return s.outcome(l, func(o order) ledger.Payload {
			return ledger.Captured{Intent: o.intent, Object: "ch_1", Amount: o.amount}
		})
	},
	"refunded": func(s *Shop, l line) error {
		return s.outcome(l, func(o order) ledger.Payload {
			return ledger.Refunded{Intent: o.intent, Object: "re_1", Amount: o.amount}
		})
	},
	"released": func(s *Shop, l line) error {
		return s.outcome(l, func(o order) ledger.Payload { return ledger.Released{Intent: o.intent, Object: "pi_1"} })
	},
	"declined": func(s *Shop, l line) error {
		return s.outcome(l, func(o order) ledger.Payload {
			return ledger.PaymentDeclined{Intent: o.intent, Code: "card_declined"}
		})
	},
	"unclear": func(s *Shop, l line) error {
		return s.outcome(l, func(o order) ledger.Payload { return ledger.PaymentUnclear{Intent: o.intent, Attempt: 1} })
	},
}

func (s *Shop) nextNumber() string { return fmt.Sprintf("s1-2026-%06d", s.number+1) }

func (s *Shop) receipt() string {
	if d := s.Cart(s.Visit).Latest; d != nil {
		return d.Number
	}
	return "none"
}

// gross is what the latest receipt asks for; one dollar if there is none.
func (s *Shop) gross() string {
	if d := s.Cart(s.Visit).Latest; d != nil && d.Gross.Minor > 0 {
		return d.Gross.Decimal()
	}
	return "1.00"
}

// intend gives an order: VERB [AMOUNT].
func (s *Shop) intend(l line, otherwise string, of func(money.Money, string) ledger.Payload) error {
	m, err := usd(l.word(1, otherwise))
	if err != nil {
		return err
	}
	s.orders[s.Visit] = order{s.nextID(), m}
	return s.append(ledger.PaymentStream(s.Visit), l, of(m, "k/"+s.nextID().String()))
}

// outcome tells how the last order of the visit ended. One that was never
// given has an intent of its own.
func (s *Shop) outcome(l line, of func(order) ledger.Payload) error {
	o, ok := s.orders[s.Visit]
	if !ok {
		o = order{s.id("order"), money.Money{Minor: 100, Currency: "USD"}}
	}
	return s.append(ledger.PaymentStream(s.Visit), l, of(o))
}
