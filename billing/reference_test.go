package billing_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing"
)

var rewrite = flag.Bool("rewrite", false, "write docs/reference/billing.md as the tables say")

const referencePage = "../docs/reference/billing.md"

// diagram draws a table of states the way Mermaid reads it.
func diagram[S ~string](table []billing.Transition[S], none string) string {
	name := func(s S) string {
		if s == "" {
			return none
		}
		return string(s)
	}
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	fmt.Fprintf(&b, "    [*] --> %s\n", none)
	leaves := map[S]bool{}
	for _, t := range table {
		fmt.Fprintf(&b, "    %s --> %s : %s\n", name(t.From), name(t.To), t.On)
		leaves[t.From] = true
	}
	ended := map[S]bool{}
	for _, t := range table {
		if !leaves[t.To] && !ended[t.To] {
			ended[t.To] = true
			fmt.Fprintf(&b, "    %s --> [*]\n", name(t.To))
		}
	}
	b.WriteString("```\n")
	return b.String()
}

// parts returns what the page must say between its marks, by mark.
func parts() map[string]string {
	var declines, asks strings.Builder
	declines.WriteString("| Class | Codes |\n|---|---|\n")
	for _, class := range []billing.Class{billing.Soft, billing.Hard, billing.ActionRequired, billing.Fraud, billing.Gone} {
		var codes []string
		for _, d := range billing.Declines {
			if d.Class == class {
				codes = append(codes, "`"+d.Code+"`")
			}
		}
		fmt.Fprintf(&declines, "| %s | %s |\n", class, strings.Join(codes, ", "))
	}
	list := func(what string, rests ...time.Duration) {
		words := make([]string, len(rests))
		for i, d := range rests {
			words[i] = inWords(d)
		}
		fmt.Fprintf(&asks, "| %s | %s |\n", what, strings.Join(words, ", "))
	}
	asks.WriteString("| What | After |\n|---|---|\n")
	list("an order of unknown outcome is asked for again, then a person is", billing.AskAgain...)
	list("a debt is charged again", billing.DebtRests...)
	list(fmt.Sprintf("a declined refund is ordered again, %d times in all, then a person is asked", billing.RefundTries),
		billing.RefundRetry)
	list(fmt.Sprintf("a card that was declined %d times is left alone until the first of them is", billing.CardTries), billing.CardWindow)
	list("an order is looked up, and not sent again, when it is older than", billing.KeyLife)
	list("the sure lines of a visit in review are captured before the hold lapses, unless the policy says otherwise",
		billing.CaptureMargin)
	list("a supplement waits for its answer, unless the policy says otherwise", billing.SupplementTime)
	return map[string]string{
		"holds": diagram(billing.HoldTransitions, "none"), "orders": diagram(billing.OrderTransitions, "no_order"),
		"declines": declines.String(), "times": asks.String(),
	}
}

// inWords says a duration in its largest whole unit.
func inWords(d time.Duration) string {
	for _, u := range []struct {
		d    time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}} {
		if d%u.d == 0 {
			return fmt.Sprintf("%d %s", d/u.d, u.name)
		}
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// TestReferencePage: the page's diagrams and tables are those that the fold
// and the engine go by.
func TestReferencePage(t *testing.T) {
	page, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	want := string(page)
	for mark, text := range parts() {
		begin, end := "<!-- "+mark+": made by go test ./billing -rewrite -->\n", "<!-- end of "+mark+" -->"
		i, j := strings.Index(want, begin), strings.Index(want, end)
		if i < 0 || j < i {
			t.Fatalf("%s has no place for %s", referencePage, mark)
		}
		want = want[:i+len(begin)] + text + want[j:]
	}
	if *rewrite {
		if err := os.WriteFile(referencePage, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		page = []byte(want)
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("%s does not tell what the tables say; go test ./billing -rewrite (-want +got):\n%s", referencePage, diff)
	}
}

// TestEveryStateIsReached: a state of a table that nothing leads to, or a step
// that is listed twice, is a mistake.
func TestEveryStateIsReached(t *testing.T) {
	check(t, billing.HoldTransitions, []billing.HoldState{
		billing.HoldOpen, billing.HoldStands, billing.HoldDeclined, billing.HoldCaptured, billing.HoldReleased, billing.HoldLapsed,
	})
	check(t, billing.OrderTransitions, []billing.OrderState{
		billing.OrderNone, billing.OrderOpen, billing.OrderUnclear, billing.OrderEscalated,
	})
}

func check[S ~string](t *testing.T, table []billing.Transition[S], states []S) {
	t.Helper()
	to, from := map[S]bool{}, map[string]bool{}
	for _, row := range table {
		key := string(row.From) + "/" + string(row.On)
		if from[key] {
			t.Errorf("%q: two ways for one step", key)
		}
		from[key], to[row.To] = true, true
	}
	for _, s := range states {
		if !to[s] {
			t.Errorf("nothing leads to %q", string(s))
		}
	}
}
