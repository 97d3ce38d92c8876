package story

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

var offerVerbs = map[string]func(*Shop, line) error{
	// promote ID KIND NUMBER [NUMBER] skus= limit= priority= stacks=yes: NUMBER is
	// per mille, an amount, or take and pay.
	"promote": func(s *Shop, l line) error {
		p, err := promotion(l)
		if err != nil {
			return err
		}
		return s.here(l, ledger.PromotionPinned{Promotion: p, Set: ledger.DeriveID(ledger.ID{}, "set", p.Promotion)})
	},
	// coupon ID KIND …: as promote, accepted as coupon c-ID.
	"coupon": func(s *Shop, l line) error {
		p, err := promotion(l)
		if err != nil {
			return err
		}
		p.Coupon, p.CouponKey = true, strings.Repeat("1f", 32)
		return s.here(l, ledger.CouponAccepted{
			Coupon: "c-" + p.Promotion, Promotion: p, Set: ledger.DeriveID(ledger.ID{}, "set", p.Promotion),
			Redeemed: ledger.DeriveID(ledger.ID{}, "redeemed", p.Promotion),
		})
	},
	// reprice SKU AMOUNT: the price at the exit of every dearer pick.
	"reprice": func(s *Shop, l line) error {
		unit, err := usd(l.word(2, "1.00"))
		if err != nil {
			return err
		}
		for _, p := range s.Cart(s.Visit).Picks {
			if p.SKU != ledger.SKU(l.word(1, "water")) || p.Price == nil || p.Unit().Minor <= unit.Minor {
				continue
			}
			r := ledger.ItemRepriced{
				Detection: p.Detection, SKU: p.SKU, Unit: unit, Price: ledger.DeriveID(ledger.ID{}, "price", unit.String()),
			}
			if err := s.here(l, r); err != nil {
				return err
			}
		}
		return nil
	},
	// weigh GRAMS EXPECTED [unknown=N]: the whole cart, within 30 grams.
	"weigh": func(s *Shop, l line) error {
		p := ledger.CartWeighed{Visit: s.Visit, Store: Store, Device: "cart-7", Tolerance: 30}
		var err error
		if p.Measured, err = l.number(1, 500); err != nil {
			return err
		}
		if p.Expected, err = l.number(2, 500); err != nil {
			return err
		}
		if p.Unknown, err = strconv.Atoi(cmp.Or(l.options["unknown"], "0")); err != nil {
			return err
		}
		p.Passed = p.Agrees()
		return s.here(l, p)
	},
	// age YEARS [no]
	"age": func(s *Shop, l line) error {
		n, err := l.number(1, 21)
		if err != nil {
			return err
		}
		return s.here(l, ledger.AgeVerified{
			Visit: s.Visit, MinAge: n, Method: "document", Verified: l.word(2, "") != "no", By: "staff:cleo",
		})
	},
}

func promotion(l line) (p ledger.Promotion, err error) {
	p = ledger.Promotion{
		Promotion: l.word(1, "p"), Name: strings.ToUpper(l.word(1, "p")), Kind: ledger.PromotionKind(l.word(2, "percent")),
		Stacks: l.options["stacks"] != "", From: Start, Until: Start.Add(time.Hour),
	}
	for sku := range strings.SplitSeq(l.options["skus"], ",") {
		if sku != "" {
			p.SKUs = append(p.SKUs, ledger.SKU(sku))
		}
	}
	if p.Limit, err = strconv.Atoi(cmp.Or(l.options["limit"], "0")); err != nil {
		return p, err
	}
	if p.Priority, err = strconv.Atoi(cmp.Or(l.options["priority"], "0")); err != nil {
		return p, err
	}
	amount := func(i int) (money.Money, error) { return usd(l.word(i, "1.00")) }
	switch p.Kind {
	case ledger.PromotionPercent:
		p.PerMille, err = l.number(3, 100)
	case ledger.PromotionAmount:
		p.Amount, err = amount(3)
	case ledger.PromotionMember:
		p.Members = true
		p.Amount, err = amount(3)
	case ledger.PromotionNForM:
		if p.Take, err = l.number(3, 3); err == nil {
			p.Pay, err = l.number(4, 2)
		}
	case ledger.PromotionMix:
		if p.Take, err = l.number(3, 2); err == nil {
			p.Amount, err = amount(4)
		}
	}
	return p, err
}
