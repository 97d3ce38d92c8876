package story

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

var gateVerbs = map[string]func(*Shop, line) error{
	"present": func(s *Shop, l line) error {
		hold, err := usd(cmp.Or(l.options["hold"], "50.00"))
		if err != nil {
			return err
		}
		return s.here(l, ledger.GatePresented{
			Visit: s.Visit, Store: Store, Gate: "gate-1", Place: ledger.PlaceGate, Credential: ledger.CredentialQR,
			Ticket: string(s.Visit), Shopper: ledger.ShopperID("shopper-" + string(s.Visit)), Customer: "cus_1",
			PaymentMethod: "pm_1", Party: 1, Catalogue: "c1", Member: l.options["member"] != "",
			Seller: ledger.Seller{
				Name: "Corner Shop", Address: "1 Main St", TaxID: "US-1", Currency: "USD", Timezone: "America/New_York",
			},
			Policy: ledger.Policy{
				Hold: hold, ItemMin: 800, ActionMin: 800, PersonMin: 800, ReviewSeconds: 900,
				OnDeadline: ledger.ForShopper, GraceMillis: 3000, GateSeconds: 10, DisputeDays: 60,
				PriceRule: ledger.PriceRule(l.options["rule"]),
			},
		})
	},
	"enter": func(s *Shop, l line) error {
		return s.here(l, ledger.GateEntered{Visit: s.Visit, Gate: "gate-1", Hold: money.Money{Minor: 5000, Currency: "USD"}})
	},
	"exit": func(s *Shop, l line) error {
		return s.here(l, ledger.GateExited{Visit: s.Visit, Gate: "gate-2"})
	},
	"refuse": func(s *Shop, l line) error {
		reason := ledger.RefusalReason(l.word(1, string(ledger.RefusedDeclined)))
		if l.options["in"] == "store" {
			return s.append(ledger.StoreStream(Store), l, ledger.GateRefused{Store: Store, Gate: "gate-1", Reason: reason})
		}
		return s.here(l, ledger.GateRefused{
			Visit: s.Visit, Store: Store, Gate: "gate-1", Ticket: string(s.Visit), Reason: reason,
		})
	},
}

var shelfVerbs = map[string]func(*Shop, line) error{
	"take":   func(s *Shop, l line) error { return s.detect(l, ledger.ActionTake) },
	"return": func(s *Shop, l line) error { return s.detect(l, ledger.ActionReturn) },
	"move":   func(s *Shop, l line) error { return s.detect(l, ledger.ActionMove) },
	// implicate DETECTION VISIT: the question of a detection concerns this visit.
	"implicate": func(s *Shop, l line) error {
		return s.here(l, ledger.DetectionImplicated{
			Detection: s.id(l.word(1, "")), Stream: ledger.VisitStream(ledger.VisitID(l.word(2, "v1"))), Confidence: 450,
		})
	},
	// attribute DETECTION SKU N take|return by=DECISION
	"attribute": func(s *Shop, l line) error {
		n, err := l.number(3, 1)
		if err != nil {
			return err
		}
		return s.here(l, ledger.DetectionAttributed{
			Detection: s.id(l.word(1, "")), Stream: "visit-v1", Decision: s.id(l.options["by"]),
			SKU: ledger.SKU(l.word(2, "water")), Action: ledger.Action(l.word(4, "take")), Quantity: n, Slot: "A1",
			SeenAt: Start, Evidence: evidence(l.word(1, "")),
		})
	},
	// price [SKU AMOUNT]: pins prices to whatever waits for one.
	"price": func(s *Shop, l line) error {
		if len(l.words) > 2 {
			s.prices[ledger.SKU(l.words[1])] = l.words[2]
		}
		for _, p := range s.Cart(s.Visit).Unpriced() {
			if err := s.priceOf(l, p); err != nil {
				return err
			}
		}
		return nil
	},
	"noprice": func(s *Shop, l line) error {
		for _, p := range s.Cart(s.Visit).Unpriced() {
			f := ledger.PricingFailed{Detection: p.Detection, SKU: p.SKU, Missing: "price"}
			if err := s.here(l, f); err != nil {
				return err
			}
		}
		return nil
	},
}

func evidence(name string) []ledger.EvidenceRef {
	return []ledger.EvidenceRef{{
		Role: "after", Digest: ledger.DigestOf([]byte(name)), MediaType: "image/jpeg", Bytes: 1000,
	}}
}

// detect tells what a sensor saw: VERB SKU [N] item= action= person= who= or=
// grams= in=store. who is the visit it names, "-" nobody; or is a second candidate.
func (s *Shop) detect(l line, action ledger.Action) error {
	n, err := l.number(2, 1)
	if err != nil {
		return err
	}
	p := ledger.DetectionRecorded{
		Store: Store, Sensor: "cam-1", Source: ledger.SensorCamera, Slot: cmp.Or(l.options["slot"], "A1"),
		Items:    []ledger.ItemHypothesis{{SKU: ledger.SKU(l.word(1, "water")), Confidence: l.confidence("item")}},
		Actions:  []ledger.ActionHypothesis{{Action: action, Confidence: l.confidence("action")}},
		Persons:  []ledger.PersonHypothesis{},
		Presence: []ledger.PersonHypothesis{}, Quantity: n, Model: "test-1", Evidence: evidence(s.nextID().String()),
	}
	if who := cmp.Or(l.options["who"], string(s.Visit)); who != "-" {
		p.Persons = append(p.Persons, ledger.PersonHypothesis{
			Visit: ledger.VisitID(who), Confidence: l.confidence("person"),
		})
	}
	if g := l.options["grams"]; g != "" {
		p.Sensor, p.Source = "scale-1", ledger.SensorScale
		if p.Grams, err = strconv.Atoi(g); err != nil {
			return err
		}
	}
	if or := l.options["or"]; or != "" {
		p.Persons = append(p.Persons, ledger.PersonHypothesis{Visit: ledger.VisitID(or), Confidence: 10})
	}
	if l.options["in"] == "store" {
		return s.append(ledger.StoreStream(Store), l, p)
	}
	return s.here(l, p)
}

// priceOf pins the price of a pick. Milk and bread have their tax within the
// price, gum has none. Apples are sold by weight and taxed for the receipt; a
// bottle of beer has a deposit and is not for everybody.
func (s *Shop) priceOf(l line, p projections.Pick) error {
	unit, err := usd(cmp.Or(s.prices[p.SKU], "1.00"))
	if err != nil {
		return err
	}
	tax := ledger.TaxRule{Category: "standard", Jurisdiction: "US-NY", Rate: "0.08875", Rounding: money.HalfUp}
	category := "drinks"
	switch p.SKU {
	case "milk", "bread":
		tax = ledger.TaxRule{Category: "food", Jurisdiction: "EU-X", Rate: "0.07", Inclusive: true, Rounding: money.HalfEven}
		category = "food"
	case "gum":
		tax.Category, tax.Rate, category = "exempt", "0", "sweets"
	}
	i := ledger.ItemPriced{
		Detection: p.Detection, SKU: p.SKU, Name: strings.ToUpper(string(p.SKU)), Category: category, Unit: unit,
		Tax: tax, Price: ledger.DeriveID(ledger.ID{}, "price", string(p.SKU), unit.String()),
	}
	switch p.SKU {
	case "apples":
		i.Per, i.TareGrams, i.Tax.Basis, i.Tax.Parts = ledger.PerKilogram, 12, ledger.TaxPerReceipt, "NY=0.04 NYC=0.04875"
	case "beer":
		deposit, err := usd("0.25")
		if err != nil {
			return err
		}
		i.Deposit = ledger.Deposit{Name: "Bottle deposit", Amount: deposit, TaxCategory: "standard"}
		i.DepositTax, i.MinAge = tax, 21
		i.DepositTax.Basis = ledger.TaxPerReceipt
	}
	return s.here(l, i)
}

var reviewVerbs = map[string]func(*Shop, line) error{
	// ask [risk=1.50] [in=store detection=D]: puts open questions to the reviewers.
	"ask": func(s *Shop, l line) error {
		risk, err := usd(cmp.Or(l.options["risk"], "1.50"))
		if err != nil {
			return err
		}
		r := ledger.ReviewRequested{AtRisk: risk, Deadline: s.now().Add(15 * time.Minute)}
		if l.options["in"] == "store" {
			r.Detection, r.Doubts = s.id(l.options["detection"]), []ledger.Doubt{ledger.DoubtUnknown}
			return s.append(ledger.StoreStream(Store), l, r)
		}
		for _, q := range s.Cart(s.Visit).OpenQuestions() {
			if q.Requested {
				continue
			}
			r.Detection, r.Doubts = q.Detection, q.Doubts
			if err := s.here(l, r); err != nil {
				return err
			}
		}
		return nil
	},
	// decide DETECTION confirmed|corrected|dismissed [SKU N ACTION] visit= by=
	"decide": func(s *Shop, l line) error {
		n, err := l.number(4, 1)
		if err != nil {
			return err
		}
		d := ledger.ReviewDecided{
			Detection: s.id(l.word(1, "")), Verdict: ledger.Verdict(l.word(2, "dismissed")),
			Reviewer: cmp.Or(l.options["by"], "reviewer:anna"), Reason: "seen on the clip",
		}
		if d.Verdict != ledger.VerdictDismissed {
			d.SKU, d.Quantity = ledger.SKU(l.word(3, "water")), n
			d.Action, d.Visit = ledger.Action(l.word(5, "take")), ledger.VisitID(cmp.Or(l.options["visit"], string(s.Visit)))
		}
		if l.options["visit"] == "-" {
			d.Visit = ""
		}
		if l.options["in"] == "store" {
			return s.append(ledger.StoreStream(Store), l, d)
		}
		return s.here(l, d)
	},
	// answer: dismisses every open question.
	"answer": func(s *Shop, l line) error {
		for _, q := range s.Cart(s.Visit).OpenQuestions() {
			d := ledger.ReviewDecided{Detection: q.Detection, Verdict: ledger.VerdictDismissed, Reviewer: "reviewer:anna"}
			if err := s.here(l, d); err != nil {
				return err
			}
		}
		return nil
	},
	// dispute LINE CLAIM [N]
	"dispute": func(s *Shop, l line) error {
		no, err := l.number(1, 1)
		if err != nil {
			return err
		}
		n, err := l.number(3, 1)
		if err != nil {
			return err
		}
		receipt := "none"
		if d := s.Cart(s.Visit).Latest; d != nil {
			receipt = d.Number
		}
		return s.here(l, ledger.DisputeOpened{
			Dispute: s.nextID(), Receipt: receipt, Line: no, Claim: ledger.Claim(l.word(2, "not_taken")), Quantity: n,
			Message: "I put it back",
		})
	},
	// judge DISPUTE upheld|partial|denied [N] to=VISIT
	"judge": func(s *Shop, l line) error {
		n, err := l.number(3, 0)
		if err != nil {
			return err
		}
		return s.here(l, ledger.DisputeDecided{
			Dispute: s.id(l.word(1, "")), Outcome: ledger.DisputeOutcome(l.word(2, "denied")), Quantity: n,
			MoveTo: ledger.VisitID(l.options["to"]), Reviewer: "reviewer:ben", Reason: "the clip shows it",
		})
	},
}
