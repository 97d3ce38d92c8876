package cart

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/vision"
)

var (
	noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	here = Config{Store: "shop-1", Cart: "cart-7", Model: "cart test"}
)

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

// goods are what the stories are about.
var goods = map[string]*vision.Product{
	"cola":   {SKU: "cola", GTIN: "4006381333931", Name: "Cola", Unit: eur(189), Deposit: eur(25), Grams: 540},
	"milk":   {SKU: "milk", GTIN: "96385074", Name: "Milk", Unit: eur(129), Grams: 1035},
	"gum":    {SKU: "gum", Name: "Gum", Unit: eur(99), Grams: 14},
	"wine":   {SKU: "wine", Name: "Wine", Unit: eur(799), Grams: 1260, MinAge: 18},
	"bread":  {SKU: "bread", Name: "Bread", Unit: eur(320)},
	"apples": {SKU: "4131", Name: "Apples", Unit: eur(400), Per: ledger.PerKilogram, TareGrams: 10},
	"heavy":  {SKU: "77", Name: "Heavy box", Unit: eur(100), Per: ledger.PerKilogram, TareGrams: 50},
}

// A tale drives a trip and keeps what the server was told.
type tale struct {
	t    testing.TB
	trip Trip
	at   time.Time
	n    byte
	in   []Input
	told []Message

	shows string // role of the evidence of what happens next
}

func (s *tale) feed(in Input) {
	s.t.Helper()
	s.n++
	in.ID, in.At, in.Offset = ledger.ID{15: s.n, 14: 1}, s.at, 250
	if s.shows != "" {
		in.Evidence = []ledger.EvidenceRef{ref(s.shows)}
	}
	if err := in.Validate(); err != nil {
		s.t.Fatal(err)
	}
	s.in = append(s.in, in)
	s.told = append(s.told, s.trip.Apply(&here, &in)...)
}

// do plays a line of a story: "scan cola", "weigh 540", "remove cola".
func (s *tale) do(line string) {
	s.t.Helper()
	s.at = s.at.Add(time.Second)
	word, rest, _ := strings.Cut(line, " ")
	s.shows = ""
	if word != "answer" && word != "coupon" {
		rest, s.shows, _ = strings.Cut(rest, " ")
	}
	if word == "help" {
		rest, s.shows = "", rest
	}
	switch word {
	case "enter":
		s.feed(Input{Shown: &Shown{Text: "VT1-LEA"}})
		s.feed(Input{Answer: &Answer{Visit: "v1", Decision: "entered"}})
	case "show":
		s.feed(Input{Shown: &Shown{Text: rest}})
	case "answer":
		d, reason, _ := strings.Cut(rest, " ")
		s.feed(Input{Answer: &Answer{Visit: "v1", Decision: d, Reason: reason}})
	case "scan":
		s.feed(Input{Shown: &Shown{Text: "00", Product: goods[rest]}})
	case "key":
		s.feed(Input{Touch: &Touch{Do: ActKey, Number: rest, Product: goods[rest]}})
	case "weigh", "untouched":
		var g int
		fmt.Sscan(rest, &g)
		reached := word == "weigh"
		s.feed(Input{Weight: &Weighed{Grams: g, Reached: &reached}})
	case "fault":
		s.feed(Input{Weight: &Weighed{Fault: Fault(rest)}})
	case "remove":
		for _, p := range slices.Backward(s.trip.Pieces) {
			if p.Product.SKU == goods[rest].SKU {
				s.feed(Input{Touch: &Touch{Do: ActRemove, Piece: p.ID}})
				return
			}
		}
		s.t.Fatalf("%s is not there", rest)
	case "coupon":
		s.feed(Input{Touch: &Touch{Do: ActCoupon, Text: rest}})
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			s.t.Fatal(err)
		}
		s.at = s.at.Add(d)
		s.feed(Input{Clock: true})
	default:
		s.feed(Input{Touch: &Touch{Do: Act(word), Gate: rest}})
	}
}

// said sums up the messages: "take cola 0", "weighed 540", "exit lane-2".
func (s *tale) said() (out []string) {
	for _, m := range s.told {
		var b struct {
			Detection ledger.DetectionRecorded
			Grams     *int
			Gate      string
			Coupon    string
		}
		if err := json.Unmarshal(m.Body, &b); err != nil {
			s.t.Fatal(err)
		}
		switch d := b.Detection; {
		case len(d.Items) > 0:
			if err := d.Validate(); err != nil {
				s.t.Errorf("%s: %v", m.Body, err)
			}
			out = append(out, fmt.Sprint(d.Actions[0].Action, " ", d.Items[0].SKU, " ", d.Grams))
		case b.Grams != nil:
			out = append(out, fmt.Sprint("weighed ", *b.Grams))
		case b.Gate != "":
			out = append(out, "exit "+b.Gate)
		default:
			out = append(out, "coupon "+b.Coupon)
		}
	}
	return out
}

func play(t testing.TB, story string) *tale {
	s := &tale{t: t, at: noon, trip: Trip{Phase: PhaseIdle}}
	for line := range strings.SplitSeq(story, ",") {
		if line = strings.TrimSpace(line); line != "" {
			s.do(line)
		}
	}
	return s
}

func TestWhatACartTellsAndAsks(t *testing.T) {
	for _, tt := range []struct {
		name, story, said, ask, note string
	}{
		{"a cola is scanned and laid in", "weigh 0, enter, scan cola, weigh 543, leave", "take cola 0; weighed 543; exit cart-7", "", "bye"},
		{"a cola is laid in and then scanned", "weigh 0, enter, weigh 541, scan cola", "take cola 0", "", "in"},
		{"two are scanned and laid in together", "weigh 0, enter, scan cola, scan milk, weigh 1580", "take cola 0; take milk 0", "", "in"},
		{"wine is laid in and not scanned", "weigh 0, enter, weigh 1262", "", "unscanned", "welcome"},
		{"gum is scanned and wine laid in", "weigh 0, enter, scan gum, weigh 1262", "take gum 0", "unscanned", "scanned"},
		{"cola is scanned and wine laid in", "weigh 0, enter, scan cola, weigh 1262", "", "mismatch", "scanned"},
		{"the wrong thing is taken out again", "weigh 0, enter, scan cola, weigh 1262, weigh 0, weigh 541", "take cola 0", "", "in"},
		{"nobody answers and staff are told", "weigh 0, enter, weigh 1262, wait 31s, wait 31s", "weighed 1262", "unscanned", "welcome"},
		{"staff need not come", "weigh 0, enter, weigh 1262, wait 31s, scan wine", "weighed 1262; take wine 0; weighed 1262", "", "in"},
		{"milk goes without a word", "weigh 0, enter, scan milk, weigh 1035, weigh 3", "take milk 0", "gone", "in"},
		{"milk goes and is touched", "weigh 0, enter, scan milk, weigh 1035, weigh 3, remove milk", "take milk 0; return milk 0", "", "gone"},
		{"milk goes and comes back", "weigh 0, enter, scan milk, weigh 1035, weigh 3, weigh 1036", "take milk 0", "", "in"},
		{"milk is touched and then goes", "weigh 0, enter, scan milk, weigh 1035, remove milk, weigh 2", "take milk 0; return milk 0", "", "gone"},
		{"milk is touched and goes, and wine lies there unscanned", "weigh 0, enter, scan milk, weigh 1035, weigh 2295, remove milk, weigh 1260", "take milk 0; return milk 0", "unscanned", "gone"},
		{"milk goes and is touched, and wine lies there unscanned", "weigh 0, enter, scan milk, weigh 1035, weigh 2295, weigh 1260, remove milk", "take milk 0; return milk 0", "unscanned", "gone"},
		{"milk is touched and wine goes that was never scanned", "weigh 0, enter, scan milk, weigh 1035, weigh 2295, remove milk, weigh 1035", "take milk 0", "", "take_out"},
		{"milk goes without a word, and wine lies there unscanned", "weigh 0, enter, scan milk, weigh 1035, weigh 2295, weigh 1260", "take milk 0", "gone", "in"},
		{"milk goes without a word, and wine follows unscanned", "weigh 0, enter, scan milk, weigh 1035, weigh 0, weigh 1260", "take milk 0", "gone", "in"},
		{"milk comes back beside wine that was never scanned", "weigh 0, enter, scan milk, weigh 1035, weigh 2295, weigh 1260, weigh 2296", "take milk 0", "unscanned", "in"},
		{"wine is scanned after milk went without a word", "weigh 0, enter, scan milk, weigh 1035, weigh 2295, weigh 1260, scan wine", "take milk 0; take wine 0", "gone", "in"},
		{"and then milk is touched", "weigh 0, enter, scan milk, weigh 1035, weigh 2295, weigh 1260, scan wine, remove milk", "take milk 0; take wine 0; return milk 0", "", "gone"},
		{"of two things that were never scanned one goes", "weigh 0, enter, scan cola, weigh 540, weigh 2835, weigh 1575", "take cola 0", "unscanned", "in"},
		{"cola and milk go one after the other", "weigh 0, enter, scan cola, scan milk, weigh 1575, weigh 2835, weigh 2295, weigh 1260, remove milk", "take cola 0; take milk 0; return milk 0", "gone", "gone"},
		{"cola is scanned and laid in beside wine that was not", "weigh 0, enter, weigh 1260, scan cola, weigh 1800", "take cola 0", "unscanned", "in"},
		{"apples are weighed after milk went without a word", "weigh 0, enter, scan milk, weigh 1035, weigh 0, key apples, weigh 760", "take milk 0; take 4131 760", "gone", "in"},
		{"a cart is lifted while wine lies in it unscanned", "weigh 0, enter, scan milk, weigh 1035, weigh 2295, untouched 1800", "take milk 0", "untouched", "in"},
		{"milk is touched and stays", "weigh 0, enter, scan milk, weigh 1035, remove milk, leave", "take milk 0; weighed 1035; exit cart-7", "", "bye"},
		{"milk is scanned out", "weigh 0, enter, scan milk, weigh 1035, take_out, scan milk, weigh 0", "take milk 0; return milk 0", "", "gone"},
		{"never laid in and touched", "weigh 0, enter, scan milk, remove milk", "", "", "gone"},
		{"never laid in and touched late", "weigh 0, enter, scan milk, wait 25s, remove milk", "take milk 0; return milk 0", "", "gone"},
		{"kept in the hand to the lane", "weigh 0, enter, scan milk, show VL1-lane-2", "take milk 0; weighed 0; exit lane-2", "", "bye"},
		{"the scale fails while it is in the hand", "weigh 0, enter, scan milk, key apples, fault silent", "take milk 0", "", "fault"},
		{"scanned and kept in the hand", "weigh 0, enter, scan milk, wait 25s", "take milk 0", "lay_in", "scanned"},
		{"apples by number", "weigh 0, enter, key apples, weigh 761, leave", "take 4131 761; weighed 761; exit cart-7", "", "bye"},
		{"apples first, then the number", "weigh 0, enter, weigh 761, key apples", "take 4131 761", "", "in"},
		{"apples go back", "weigh 0, enter, key apples, weigh 761, remove apples, weigh 1", "take 4131 761; return 4131 761", "", "gone"},
		{"no such number", "weigh 0, enter, key 9999", "", "", "no_number"},
		{"a loaf whose weight nobody knows", "weigh 0, enter, scan bread, weigh 622", "take bread 622", "", "in"},
		{"a loaf that was never laid in", "weigh 0, enter, scan bread, leave, leave", "take bread 0; weighed 0; exit cart-7", "", "bye"},
		{"a lane does not ask", "weigh 0, enter, weigh 1262, show VL1-lane-2", "weighed 1262; exit lane-2", "", "bye"},
		{"leaving asks once", "weigh 0, enter, weigh 1262, leave", "", "unscanned", "before_you_go"},
		{"nothing is added after leaving", "weigh 0, enter, leave, scan cola, weigh 540", "weighed 0; exit cart-7", "", "sign_in"},
		{"nothing counts before signing in", "weigh 0, scan cola", "", "", "sign_in"},
		{"somebody leans on the cart", "weigh 0, enter, untouched 900", "", "untouched", "welcome"},
		{"a coupon", "weigh 0, enter, coupon fruit.1.x", "coupon fruit.1.x", "", "coupon"},
		{"a coupon is shown", "weigh 0, enter, show fruit.1.x", "coupon fruit.1.x", "", "coupon"},
		{"a label of nobody", "weigh 0, enter, show 4012345678901", "", "", "unknown"},
		{"a label with a wrong digit", "weigh 0, enter, show 4012345678902", "", "", "misread"},
		{"a code of something else", "weigh 0, enter, show https://x", "", "", "unread"},
		{"a refused code", "show VT1-X, answer refused expired", "", "", "refused"},
		{"no answer", "show VT1-X, answer", "", "", "no_answer"},
		{"the cart was not empty", "weigh 800, enter", "", "unscanned", "not_empty"},
		{"a little zero is taken over", "weigh 12, enter, scan cola, weigh 553", "take cola 0", "", "in"},
		{"a wrong zero", "weigh -80, enter, scan cola", "take cola 0", "", "scanned"},
		{"a wrong zero says so", "weigh -80, enter", "", "", "fault"},
		{"an overloaded scale", "weigh 0, enter, fault overload, scan cola, leave", "take cola 0; weighed 0; exit cart-7", "", "bye"},
		{"apples on a broken scale", "weigh 0, enter, fault silent, key apples", "", "", "cannot_weigh"},
		{"the scale is back", "weigh 0, enter, fault overload, scan bread, weigh 620", "take bread 0", "", "in"},
		{"a scale that never spoke", "fault silent, enter, scan bread, leave", "take bread 0; weighed 0; exit cart-7", "", "bye"},
		{"a cart without a scale", "enter, scan bread, scan cola, leave", "take bread 0; take cola 0; exit cart-7", "", "bye"},
		{"a stuck scale", "weigh 0, enter, scan cola, scan milk, wait 25s, scan bread", "take cola 0; take milk 0; weighed 0; take bread 0", "", "scanned"},
		{"packing weighs more than what is in it", "weigh 0, enter, key heavy, weigh 40", "", "mismatch", "too_light"},
		{"help is asked for", "weigh 0, enter, help", "weighed 0", "", "help"},
		{"wine asks for the age", "weigh 0, enter, scan wine", "", "", "age"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := play(t, tt.story)
			if got := strings.Join(s.said(), "; "); got != tt.said {
				t.Errorf("the server is told %q, want %q", got, tt.said)
			}
			ask := ""
			v := s.trip.View(Around{Now: s.at})
			if v.Ask != nil {
				ask = v.Ask.Kind
			}
			if ask != tt.ask || string(s.trip.Note.Code) != tt.note {
				t.Errorf("asks %q and notes %q, want %q and %q", ask, s.trip.Note.Code, tt.ask, tt.note)
			}
			if s.trip.Note.Code != NoteNone && (v.Note == "" || strings.Contains(v.Note, "%s")) {
				t.Errorf("the note %q reads %q", s.trip.Note.Code, v.Note)
			}
		})
	}
}

func TestTheScreenSaysWhatTheTotalIsWorth(t *testing.T) {
	s := play(t, "weigh 0, enter, scan cola, weigh 540, scan cola, weigh 1081, key apples, weigh 1841, scan milk")
	v := s.trip.View(Around{Now: noon, PricesAt: noon.Add(-time.Minute)})
	if v.Total != "8.57 EUR" || v.From != "cart" || v.Line != "No connection: scanning goes on" || v.Pieces != 4 || len(v.Lines) != 3 {
		t.Errorf("the screen is %+v, want 2 x 2.14 + 3.00 + 1.29 by the cart", v)
	}
	if l := v.Lines[1]; l.Detail != "0.750 kg at 4.00/kg" || l.Amount != "3.00" {
		t.Errorf("the apples are %+v", l)
	}
	if l := v.Lines[0]; l.Pieces != 2 || l.Amount != "4.28" || l.Detail != "2.14 each, with 0.25 deposit" {
		t.Errorf("the colas are %+v, want both in one line with what they cost together", l)
	}
	old := s.trip.View(Around{Now: noon, PricesAt: noon.Add(-13 * time.Hour), Waiting: 3})
	if !strings.Contains(old.About, "may have changed") || old.Line != "No connection: 3 kept for later" {
		t.Errorf("old prices are marked %q, and the line %q", old.About, old.Line)
	}
	shop := Total{Gross: eur(782)}
	if v := s.trip.View(Around{Now: noon, Online: true, PricesAt: noon, Server: &shop}); v.Total != "8.57 EUR" || v.From != "cart" {
		t.Errorf("with milk in the hand, of which the server does not know, %s from %s is shown", v.Total, v.From)
	}
	s.do("weigh 2876")
	if v := s.trip.View(Around{Now: noon, Online: true, PricesAt: noon, Server: &shop}); v.Total != "7.82 EUR" || v.From != "shop" {
		t.Errorf("the server's total is shown as %s from %s", v.Total, v.From)
	}
	if v := s.trip.View(Around{Now: noon, Online: true, Waiting: 1, PricesAt: noon, Server: &shop}); v.From != "cart" {
		t.Error("a total that lacks a piece is shown as the shop's")
	}
}

// TestTheNextShopperSeesNothingOfTheLast: half a minute after a cart was left its
// screen is that of an empty one.
func TestTheNextShopperSeesNothingOfTheLast(t *testing.T) {
	s := play(t, "weigh 0, enter, scan cola, weigh 540, leave")
	if v := s.trip.View(Around{Now: s.at.Add(20 * time.Second)}); v.Phase != PhaseLeft || len(v.Lines) != 1 {
		t.Errorf("just left the screen is %+v, want what was bought", v)
	}
	if v := s.trip.View(Around{Now: s.at.Add(time.Minute)}); v.Phase != PhaseIdle || len(v.Lines) != 0 || v.Total != "" || v.Visit != "" || v.Note != "" {
		t.Errorf("a minute later it is %+v, want nothing of the last shopper", v)
	}
}

func TestACodeThatWasNotAnsweredIsAskedUnderTheSameId(t *testing.T) {
	s := play(t, "show VT1-LEA, answer")
	first := s.trip.Entry
	s.do("show VT1-LEA")
	if s.trip.Phase != PhaseAsking || s.trip.Entry != first {
		t.Errorf("asked again as %s, want %s", s.trip.Entry, first)
	}
	s.do("answer refused replayed")
	s.do("show VT1-TOM")
	if s.trip.Entry == first {
		t.Error("another code is asked under the id of the first")
	}
	// One that changes is shown again, and is another text of the same ticket.
	s = play(t, "show VT2-LEA-AA, answer")
	first = s.trip.Entry
	s.do("show VT2-LEA-BB")
	if s.trip.Phase != PhaseAsking || s.trip.Entry != first || s.trip.Ticket != "VT2-LEA-BB" {
		t.Errorf("a code that has changed is asked as %s with %q, want %s with its new text", s.trip.Entry, s.trip.Ticket, first)
	}
	for _, other := range []string{"VT2-TOM-BB", "VT2-LEA-CC-BB", "VT2-LEA", "VT1-LEA-BB"} {
		s = play(t, "show VT2-LEA-AA, answer")
		if first = s.trip.Entry; first.IsZero() {
			t.Fatal("a code that changes is not asked about")
		}
		if s.do("show " + other); s.trip.Entry == first {
			t.Errorf("%s is asked under the id of VT2-LEA", other)
		}
	}
}

// TestWhatIsToldShowsHowItCameAbout: a piece names the frame of its label and
// those of its being laid in, a return those of its leaving, a weighing those of
// the weight that nobody explains and the moment in which it was sent.
func TestWhatIsToldShowsHowItCameAbout(t *testing.T) {
	s := play(t, "weigh 0 zero, enter, scan cola label, weigh 541 laid, remove cola, weigh 0 out, weigh 1260 wine, help now")
	var got []string
	for _, m := range s.told {
		var b struct {
			Detection ledger.DetectionRecorded
			Evidence  []ledger.EvidenceRef
			Offset    int `json:"clock_offset_ms"`
		}
		if err := json.Unmarshal(m.Body, &b); err != nil {
			t.Fatal(err)
		}
		word := "weighed"
		if len(b.Detection.Items) > 0 {
			word, b.Evidence, b.Offset = string(b.Detection.Actions[0].Action), b.Detection.Evidence, b.Detection.ClockOffset
		}
		for _, r := range b.Evidence {
			word += " " + r.Role
		}
		got = append(got, fmt.Sprint(word, " ", b.Offset))
	}
	if want := "take label laid 250; return out 250; weighed wine now 250"; strings.Join(got, "; ") != want {
		t.Errorf("told %q, want %q", got, want)
	}
	many := make([]ledger.EvidenceRef, 2*ledger.MaxEvidence)
	for i := range many {
		many[i] = ref(fmt.Sprint(i))
	}
	if n := len(joined(many[:3], many)); n != ledger.MaxEvidence {
		t.Errorf("an event would name %d pieces of evidence, want %d", n, ledger.MaxEvidence)
	}
}

// ref is a piece of evidence of a role.
func ref(role string) ledger.EvidenceRef {
	return ledger.EvidenceRef{Role: role, Digest: ledger.DigestOf([]byte(role)), MediaType: "image/jpeg", Bytes: 1}
}

// acts are what can happen at any time.
var acts = []string{
	"enter", "scan cola", "scan milk", "scan gum", "scan wine", "scan bread", "key apples", "take_out", "leave", "help", "zero",
	"coupon a.b.c", "fault overload", "wait 31s", "show VL1-lane-2", "show 123",
}

// TestTheJournalIsTheTrip: whatever happens, the inputs as they are stored give
// the same trip and the same messages, no id comes twice, and no piece is told
// twice or given back twice.
func TestTheJournalIsTheTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &tale{t: t, at: noon, trip: Trip{Phase: PhaseIdle}}
		for range rapid.IntRange(0, 40).Draw(rt, "acts") {
			switch i := rapid.IntRange(0, len(acts)+3).Draw(rt, "act"); {
			case i < len(acts):
				s.do(acts[i])
			case i == len(acts) && len(s.trip.Pieces) > 0:
				p := rapid.IntRange(0, len(s.trip.Pieces)-1).Draw(rt, "piece")
				s.feed(Input{Touch: &Touch{Do: ActRemove, Piece: s.trip.Pieces[p].ID}})
			default:
				s.do(fmt.Sprint("weigh ", rapid.SampledFrom([]int{0, 14, 540, 760, 1035, 1080, 1262, 1575, -60}).Draw(rt, "grams")))
			}
		}
		var stored []byte
		for _, in := range s.in {
			b, err := Line{Input: &in}.Encode()
			if err != nil {
				rt.Fatal(err)
			}
			stored = append(stored, b...)
		}
		lines, whole, err := ReadJournal(stored)
		if err != nil || whole != len(stored) {
			rt.Fatalf("ReadJournal = %d of %d bytes, %v", whole, len(stored), err)
		}
		again := Trip{Phase: PhaseIdle}
		var told []Message
		for _, l := range lines {
			told = append(told, again.Apply(&here, l.Input)...)
		}
		if !reflect.DeepEqual(told, s.told) {
			rt.Fatalf("the journal tells otherwise (-live +journal):\n%s", cmp.Diff(s.told, told))
		}
		if diff := cmp.Diff(s.trip, again); diff != "" {
			rt.Fatalf("the journal is another trip (-live +journal):\n%s", diff)
		}
		seen, left := map[ledger.ID]bool{}, false
		for i, m := range told {
			if seen[m.ID] {
				rt.Fatalf("message %d has the id of one before: %s", i, m.Body)
			}
			seen[m.ID] = true
			left = left || strings.HasSuffix(m.Path, "/exits")
		}
		if s.trip.Phase == PhaseLeft && !left {
			rt.Fatal("the trip was left and the server was not told")
		}
	})
}

func TestADamagedJournalIsFound(t *testing.T) {
	s := play(t, "weigh 0, enter, scan cola, weigh 540")
	var stored []byte
	for _, in := range s.in {
		b, err := Line{Input: &in}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, b...)
	}
	for cut := range stored { // switched off while writing: the last line was never acknowledged
		lines, whole, err := ReadJournal(stored[:cut])
		if err != nil || whole > cut || len(lines) != strings.Count(string(stored[:cut]), "\n") {
			t.Fatalf("cut at %d: %d lines in %d bytes, %v", cut, len(lines), whole, err)
		}
	}
	for i := range len(stored) - 1 {
		bad := slices.Clone(stored)
		bad[i] ^= 4
		if lines, _, err := ReadJournal(bad); err == nil && len(lines) == len(s.in) {
			t.Fatalf("byte %d changed, and nobody noticed", i)
		} else if err != nil && !errors.Is(err, ErrJournal) {
			t.Fatalf("byte %d changed: %v, want ErrJournal", i, err)
		}
	}
}

func FuzzReadJournal(f *testing.F) {
	s := play(f, "weigh 0, enter, scan cola, weigh 540, leave")
	for _, in := range s.in {
		b, err := Line{Input: &in}.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		lines, whole, err := ReadJournal(b)
		if whole > len(b) || err != nil && !errors.Is(err, ErrJournal) {
			t.Fatalf("ReadJournal = %d bytes, %v", whole, err)
		}
		var trip Trip
		for _, l := range lines {
			if l.Input != nil {
				trip.Apply(&here, l.Input)
			}
		}
	})
}
