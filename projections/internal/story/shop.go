package story

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
	"github.com/vouchledger/vouch/projections"
)

// ErrNotUnderstood means that a line is not in the shop's language.
var ErrNotUnderstood = errors.New("line is not understood")

// Start is when the first event occurs. Each one is a second later.
var Start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Store is where it happens.
const Store ledger.StoreID = "s1"

// A Shop is the events told so far.
type Shop struct {
	Visit  ledger.VisitID // the lines are about
	Events []ledger.Event

	carts   map[ledger.VisitID]*projections.Cart
	lengths map[ledger.StreamID]uint64
	names   map[string]ledger.ID
	known   map[ledger.ID]string
	orders  map[ledger.VisitID]order
	prices  map[ledger.SKU]string
	number  int
}

// An order is the last intent about a visit's money.
type order struct {
	intent ledger.ID
	amount money.Money
}

// New returns a shop where nothing has happened yet.
func New() *Shop {
	return &Shop{
		Visit: "v1", carts: map[ledger.VisitID]*projections.Cart{}, lengths: map[ledger.StreamID]uint64{},
		names: map[string]ledger.ID{}, known: map[ledger.ID]string{}, orders: map[ledger.VisitID]order{},
		prices: map[ledger.SKU]string{
			"water": "1.50", "cola": "2.25", "crisps": "3.99", "milk": "1.19", "bread": "2.89", "gum": "0.33",
			"apples": "4.99", "beer": "1.29",
		},
	}
}

// Tell turns lines into events. It stops at the first error.
func (s *Shop) Tell(text string) error {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := s.tell(line); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
	}
	return nil
}

// Cart returns the cart of a visit, a fresh one if nothing happened in it.
func (s *Shop) Cart(v ledger.VisitID) *projections.Cart {
	if s.carts[v] == nil {
		s.carts[v] = &projections.Cart{}
	}
	return s.carts[v]
}

// Stream yields the events of one stream.
func (s *Shop) Stream(id ledger.StreamID) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		for _, e := range s.Events {
			if e.Stream == id && !yield(e, nil) {
				return
			}
		}
	}
}

// Visits returns the visits in which something happened, by name.
func (s *Shop) Visits() []ledger.VisitID {
	var vs []ledger.VisitID
	for v, c := range s.carts {
		if c.Events > 0 {
			vs = append(vs, v)
		}
	}
	slices.Sort(vs)
	return vs
}

// Name returns what the story calls an event: its as= or its place.
func (s *Shop) Name(id ledger.ID) string {
	if id.IsZero() {
		return "-"
	}
	if n, ok := s.known[id]; ok {
		return n
	}
	return id.String()
}

// A line is split into its words and its key=value options.
type line struct {
	words   []string
	options map[string]string
}

func split(text string) line {
	l := line{options: map[string]string{}}
	for w := range strings.FieldsSeq(text) {
		if k, v, ok := strings.Cut(w, "="); ok {
			l.options[k] = v
		} else {
			l.words = append(l.words, w)
		}
	}
	return l
}

func (l line) word(i int, otherwise string) string {
	if i < len(l.words) {
		return l.words[i]
	}
	return otherwise
}

func (l line) number(i, otherwise int) (int, error) {
	if i >= len(l.words) {
		return otherwise, nil
	}
	return strconv.Atoi(l.words[i])
}

// confidence returns an option as per mille; what is not said is sure.
func (l line) confidence(key string) ledger.PerMille {
	n, err := strconv.Atoi(l.options[key])
	if err != nil {
		return 990
	}
	return ledger.PerMille(n)
}

func (s *Shop) tell(text string) error {
	l := split(text)
	verb := l.words[0]
	if verb == "visit" {
		s.Visit = ledger.VisitID(l.word(1, "v1"))
		return nil
	}
	for _, verbs := range []map[string]func(*Shop, line) error{gateVerbs, shelfVerbs, offerVerbs, reviewVerbs, moneyVerbs} {
		if do, ok := verbs[verb]; ok {
			return do(s, l)
		}
	}
	return ErrNotUnderstood
}

// id returns the id of a named event; a name never told is an id of its own.
func (s *Shop) id(name string) ledger.ID {
	if id, ok := s.names[name]; ok {
		return id
	}
	return ledger.DeriveID(ledger.ID{}, "unknown", name)
}

// append records p in stream.
func (s *Shop) append(stream ledger.StreamID, l line, p ledger.Payload) error {
	id, at := s.nextID(), s.now()
	d, err := ledger.NewDraft(ledger.Meta{ID: id, Occurred: at, Actor: "story"}, p)
	if err != nil {
		return err
	}
	e, err := ledger.Decode(ledger.Record{
		ID: d.ID, Kind: d.Kind, Stream: stream, Revision: s.lengths[stream], Position: uint64(len(s.Events)) + 1,
		Recorded: at, Occurred: d.Occurred, Actor: d.Actor, Body: d.Body,
	})
	if err != nil {
		return err
	}
	if category, v := stream.Split(); category == ledger.CategoryVisit {
		if err := s.Cart(ledger.VisitID(v)).Apply(e); err != nil {
			return err
		}
	}
	name := l.options["as"]
	if name == "" {
		name = fmt.Sprintf("%s/%d", strings.TrimPrefix(string(stream), "visit-"), e.Revision)
	}
	s.names[name], s.known[id] = id, name
	s.Events = append(s.Events, e)
	s.lengths[stream]++
	return nil
}

// nextID is the id of the event that comes next.
func (s *Shop) nextID() ledger.ID {
	return ledger.DeriveID(ledger.ID{}, "event", strconv.Itoa(len(s.Events)+1))
}

// now is when the event that comes next occurs.
func (s *Shop) now() time.Time { return Start.Add(time.Duration(len(s.Events)) * time.Second) }

// here appends to the stream of the visit the lines are about.
func (s *Shop) here(l line, p ledger.Payload) error {
	return s.append(ledger.VisitStream(s.Visit), l, p)
}

func usd(text string) (money.Money, error) { return money.Parse(text, "USD") }
