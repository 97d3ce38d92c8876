package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// Matcher signs the exceptions that are closed without a person.
const Matcher = "matcher"

// A Fact is an event to append to the stream of an exception.
type Fact struct {
	Stream   ledger.StreamID
	Expected ledger.Expected
	Label    []string // names the event within its stream
	Payload  ledger.Payload
}

// Decide returns the exceptions to open and to close at now. What a person has
// explained stays explained while it is as it was; when it changes it is an
// exception of its own, with a number behind its name.
func (b *Book) Decide(now time.Time, c Config) ([]Fact, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	differences, err := b.differences(now, c)
	if err != nil {
		return nil, err
	}
	var facts []Fact
	stands := map[string]bool{}
	for _, d := range differences {
		name, known := b.name(d)
		stands[name] = true
		if known {
			continue
		}
		facts = append(facts, Fact{ledger.ExceptionStream(name), ledger.None(), []string{"opened"}, ledger.ExceptionOpened{
			Exception: name, Class: d.Class, Store: d.Store, Day: d.Day, Subject: d.Subject,
			Expected: d.Expected, Found: d.Found, Owner: c.Owner, Detail: d.Detail,
		}})
	}
	for _, name := range slices.Sorted(maps.Keys(b.exceptions)) {
		if x := b.exceptions[name]; x.Open() && !stands[name] {
			stream := ledger.ExceptionStream(name)
			facts = append(facts, Fact{stream, ledger.After(b.Events(stream)), []string{"closed"}, ledger.ExceptionClosed{
				Exception: name, By: Matcher, Reason: "the records agree now",
			}})
		}
	}
	return facts, nil
}

// name returns what the exception of a difference is called, and whether it is
// known: open, or explained as it is.
func (b *Book) name(d Difference) (name string, known bool) {
	name = clean(d.Key())
	for n := 2; ; n++ {
		x := b.exceptions[name]
		switch {
		case x == nil:
			return name, false
		case x.Open():
			return name, true
		case x.By != Matcher && x.Expected == d.Expected && x.Found == d.Found:
			return name, true
		}
		name = fmt.Sprintf("%s-%d", clean(d.Key()), n)
	}
}

// clean makes a key a stream's name: a bank's references hold anything.
func clean(key string) string {
	out := strings.Map(func(r rune) rune {
		if r > ' ' && r <= '~' {
			return r
		}
		return '_'
	}, key)
	return out[:min(len(out), 200)]
}

// Close returns the event by which a person explains an exception, or a
// refusal: [ErrUnknown], [ErrExplained].
func (b *Book) Close(name, by, reason string) (Fact, error) {
	x, err := b.open(name)
	if err != nil {
		return Fact{}, err
	}
	stream := ledger.ExceptionStream(name)
	return Fact{stream, ledger.After(b.Events(stream)), []string{"closed"}, ledger.ExceptionClosed{
		Exception: x.Exception, By: by, Reason: reason,
	}}, nil
}

// Assign returns the event by which an exception gets another owner, or a
// refusal: [ErrUnknown], [ErrExplained].
func (b *Book) Assign(name, owner, by string) (Fact, error) {
	x, err := b.open(name)
	if err != nil {
		return Fact{}, err
	}
	stream := ledger.ExceptionStream(name)
	n := b.Events(stream)
	return Fact{stream, ledger.After(n), []string{"assigned", fmt.Sprint(n)}, ledger.ExceptionAssigned{
		Exception: x.Exception, Owner: owner, By: by,
	}}, nil
}

func (b *Book) open(name string) (*Exception, error) {
	x := b.exceptions[name]
	switch {
	case x == nil:
		return nil, fmt.Errorf("exception %s: %w", name, ErrUnknown)
	case !x.Open():
		return nil, fmt.Errorf("exception %s: %w by %s: %s", name, ErrExplained, x.By, x.Reason)
	}
	return x, nil
}

// unexplained returns the differences at now that no person has explained, by
// key.
func (b *Book) unexplained(now time.Time, c Config) ([]Difference, error) {
	all, err := b.Differences(now, c)
	return slices.DeleteFunc(all, func(d Difference) bool {
		name, known := b.name(d)
		return known && !b.exceptions[name].Open()
	}), err
}
