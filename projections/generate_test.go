package projections_test

import (
	"errors"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections"
	"github.com/vouchledger/vouch/projections/internal/story"
)

// own are lines about one visit alone; {it} is the name of an event told
// before, {n} a small number, {sku} a product.
var own = []string{
	"take {sku} {n}", "take {sku} {n}", "take {sku} {n}", "take {sku} item={n}00", "take {sku} person={n}00",
	"return {sku}", "return {sku} {n}", "move {sku} action={n}00", "price", "price", "price {sku} {n}.{n}9",
	"noprice", "ask risk={n}.00", "ask", "decide {it} confirmed {sku} {n} take",
	"decide {it} corrected {sku} {n} return by=policy", "decide {it} dismissed", "decide {it} confirmed {sku}",
	"exit", "provisional", "issue", "issue", "correct", "correct", "settle", "dispute {n} not_taken {n}",
	"judge {it} upheld {n}", "judge {it} partial 1", "judge {it} denied", "hold {n}9.00", "held", "capture",
	"answer\nprice\nexit\nissue\ncapture\ncaptured", "answer\nprice\nexit\nissue",
	"take apples grams={n}50", "return apples grams=50", "promote p percent {n}0 skus={sku},beer", "promote q n_for_m 3 2",
	"promote r mix 2 {n}.00 skus=water,{sku}", "promote s amount 0.{n}0 stacks=yes limit={n}", "promote m member 0.{n}9",
	"coupon k{n} amount 0.{n}9 limit=1", "reprice {sku} 0.{n}9", "age 21", "age 18 no",
	"weigh {n}00 500", "weigh {n}00 {n}00 unknown={n}", "weigh 500 100 as=w\ndecide w corrected {sku} {n} take\nprice",
	"weigh 100 500 as=w\ndecide w corrected {sku} 1 return",
	"captured", "refund 0.{n}0", "refunded", "release", "released", "declined", "unclear", "enter", "refuse timeout",
}

// after are lines about a visit whose receipt is out.
var after = []string{
	"dispute 1 not_taken {n} as=d\njudge d upheld {n}\ncorrect", "dispute 2 not_me 1 as=d\njudge d partial 1\ncorrect",
	"return {sku} as=r\ndecide r confirmed {sku} 1 return\ncorrect", "refund 0.{n}0\nrefunded",
	"attribute {it} {sku} {n} take by={it}\nprice\ncorrect", "take {sku} as=t\ndecide t confirmed {sku}\nprice",
}

// across are lines that tie visits to each other.
var across = []string{
	"implicate {it} v1", "attribute {it} {sku} {n} take by={it}", "attribute {it} {sku} {n} return by={it}",
	"take {sku} who=v2 or=v1", "take {sku} in=store who=-", "ask in=store detection={it} risk={n}.00",
	"decide {it} dismissed in=store", "decide {it} confirmed {sku} 1 take visit=v2", "refuse forged in=store",
}

// anyHistory draws a story of up to three visits: mostly sensible, and often
// not, because the folds must bear whatever was appended.
func anyHistory(t *rapid.T, visits ...string) *story.Shop {
	return history(t, slices.Concat(own, across), false, visits)
}

// history draws a story from lines. With apart, no visit knows of another.
func history(t *rapid.T, lines []string, apart bool, visits []string) *story.Shop {
	s := story.New()
	must(t, s.Tell("visit "+visits[0]+"\npresent\nhold\nheld\nenter"))
	goods := []string{"water", "cola", "milk", "gum", "beer", "apples"}
	for range rapid.IntRange(0, 80).Draw(t, "length") {
		must(t, s.Tell("visit "+rapid.SampledFrom(visits).Draw(t, "visit")))
		if s.Cart(s.Visit).Status == projections.StatusNone {
			must(t, s.Tell("present\nenter"))
		}
		name := s.Name(rapid.SampledFrom(recent(s, apart)).Draw(t, "about"))
		pool := lines
		if s.Cart(s.Visit).Issued != nil && rapid.Bool().Draw(t, "after") {
			pool = after
		}
		line := strings.NewReplacer(
			"{it}", name, "{n}", rapid.StringMatching("[1-9]").Draw(t, "n"), "{sku}", rapid.SampledFrom(goods).Draw(t, "sku"),
		).Replace(rapid.SampledFrom(pool).Draw(t, "line"))
		// A receipt that cannot be built is not told; all else is.
		if err := s.Tell(line); err != nil && !errors.Is(err, projections.ErrBlocked) &&
			!errors.Is(err, story.ErrNotUnderstood) && !errors.Is(err, ledger.ErrInvalid) {
			t.Fatalf("Tell(%q) = %v", line, err)
		}
	}
	return s
}

// recent returns the latest events that a line may be about.
func recent(s *story.Shop, apart bool) []ledger.ID {
	ids := []ledger.ID{}
	for _, e := range slices.Backward(s.Events) {
		_, visit := e.Stream.Split()
		if len(ids) < 12 && (!apart || ledger.VisitID(visit) == s.Visit) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}
