package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := Parse("payment_intents.*:drop_after:nth=2,times=1,p=0.5,delay_ms=10,code=lost_card,count=3,visit=v1")
	want := Fault{
		Op: "payment_intents.*", Kind: DropAfter, Nth: 2, Times: 1, Probability: 0.5, DelayMS: 10, Code: "lost_card",
		Count: 3, Visit: "v1",
	}
	if err != nil || got != want {
		t.Errorf("ParseFault = %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{
		"", "drop_after", ":explode", "[:hang", ":hang:nth=x", ":hang:colour=red", ":hang:nth=-1", ":hang:p=2",
	} {
		if f, err := Parse(bad); !errors.Is(err, Err) {
			t.Errorf("Parse(%q) = %+v, %v, want %v", bad, f, err, Err)
		}
	}
}

// A fault fires for the n-th match, so many times, or by chance from the seed.
func TestFaultConditions(t *testing.T) {
	fired := func(f Fault, seed uint64) (hits []int) {
		fs := NewSet(seed)
		if _, err := fs.Add(f); err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			fs.Request("customers.create", "v2")
			if fs.Request("refunds.create", "v1").Kind != "" {
				hits = append(hits, i)
			}
		}
		return hits
	}
	f := Fault{Op: "refunds.*", Kind: DropAfter, Nth: 3}
	if got := fired(f, 1); len(got) != 1 || got[0] != 2 {
		t.Errorf("nth=3 fired at %v, want [2]", got)
	}
	f = Fault{Visit: "v1", Kind: DropAfter, Times: 2}
	if got := fired(f, 1); len(got) != 2 || got[1] != 1 {
		t.Errorf("times=2 fired at %v, want [0 1]", got)
	}
	f = Fault{Op: "refunds.create", Kind: DropAfter, Probability: 0.3}
	one, two, other := fired(f, 1), fired(f, 1), fired(f, 2)
	if len(one) < 250 || len(one) > 350 || fmt.Sprint(one) != fmt.Sprint(two) || fmt.Sprint(one) == fmt.Sprint(other) {
		t.Errorf("p=0.3 fired %d times, then %d, with another seed %d, want about 300, the same, others",
			len(one), len(two), len(other))
	}
	if got := fired(Fault{Kind: Duplicate}, 1); got != nil {
		t.Errorf("a fault of webhooks fired for requests at %v", got)
	}
}

// FuzzParse feeds the reader of faults with anything: what it takes, the
// simulator can do.
func FuzzParse(f *testing.F) {
	f.Add("payment_intents.*:drop_after:nth=2,times=1,p=0.5,delay_ms=10,code=lost_card,count=3,visit=v1")
	f.Add(":hang")
	f.Fuzz(func(t *testing.T, spec string) {
		got, err := Parse(spec)
		if err == nil {
			if _, err := NewSet(1).Add(got); err != nil {
				t.Errorf("Parse(%q) = %+v, which is refused: %v", spec, got, err)
			}
		} else if !errors.Is(err, Err) {
			t.Errorf("Parse(%q) = %v, want %v", spec, err, Err)
		}
	})
}
