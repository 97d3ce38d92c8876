package shop

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Parse adds what a script says to s. A script is lines; # begins a comment:
//
//	anna enters 1s: take a2, touch a3 after 2s, return a2, misplace a5=cola-can
//	ben with anna enters 2s: take a1, look b1 after 4s
//	staff cleo enters 20s: tidy a5, restock a2
//	lights 30s
//	shake 40s for 2s
//	seconds 60
//	empty a4
//
// A wish without a slot leaves it to the dice where.
func (s *Scenario) Parse(script string) error {
	for n, line := range strings.Split(script, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := s.line(line); err != nil {
			return fmt.Errorf("%w: line %d: %q: %w", ErrScenario, n+1, strings.TrimSpace(line), err)
		}
	}
	return nil
}

func (s *Scenario) line(line string) error {
	head, wishes, person := strings.Cut(line, ":")
	words := strings.Fields(head)
	if person {
		return s.person(words, wishes)
	}
	switch {
	case len(words) == 2 && words[0] == Lights:
		at, err := seconds(words[1])
		s.Troubles = append(s.Troubles, Trouble{What: Lights, At: at})
		return err
	case len(words) == 4 && words[0] == Shake && words[2] == "for":
		at, err := seconds(words[1])
		if err != nil {
			return err
		}
		long, err := seconds(words[3])
		s.Troubles = append(s.Troubles, Trouble{What: Shake, At: at, For: long})
		return err
	case len(words) == 2 && words[0] == "seconds":
		var err error
		s.Seconds, err = seconds(words[1])
		return err
	case len(words) == 2 && words[0] == "empty":
		i, j, ok := s.Find(words[1])
		if !ok {
			return fmt.Errorf("there is no slot %q", words[1])
		}
		s.Shelves[i].Slots[j].Initial = 0
		return nil
	}
	return fmt.Errorf("write NAME enters 1s: take SLOT, …, or lights, shake, seconds, empty")
}

// person reads "ben with anna enters 2s" and what ben does.
func (s *Scenario) person(words []string, list string) error {
	staff := len(words) > 0 && words[0] == "staff"
	if staff {
		words = words[1:]
	}
	if len(words) < 3 || words[len(words)-2] != "enters" {
		return fmt.Errorf("write NAME enters 1s: …")
	}
	p := Person{Name: words[0]}
	var err error
	if p.Enters, err = seconds(words[len(words)-1]); err != nil {
		return err
	}
	for stmt := range strings.SplitSeq(list, ",") {
		w, err := wish(strings.Fields(stmt))
		if err != nil {
			return err
		}
		p.Wishes = append(p.Wishes, w)
	}
	switch {
	case staff && len(words) == 3:
		p.Look = StaffLook
		s.Parties = append(s.Parties, Party{Visit: "shift-" + p.Name, Persons: []Person{p}, Staff: true})
		return nil
	case len(words) == 3:
		s.Parties = append(s.Parties, Party{Visit: "visit-" + p.Name, Persons: []Person{p}})
		return nil
	case len(words) == 5 && words[1] == "with" && !staff:
		i := slices.IndexFunc(s.Parties, func(q Party) bool { return q.Persons[0].Name == words[2] })
		if i < 0 {
			return fmt.Errorf("nobody called %q has come with whom %s could be", words[2], p.Name)
		}
		s.Parties[i].Persons = append(s.Parties[i].Persons, p)
		return nil
	}
	return fmt.Errorf("write NAME enters 1s, NAME with PAYER enters 1s, or staff NAME enters 1s")
}

// wish reads "take a2 after 3s" or "misplace a5=cola-can".
func wish(words []string) (Wish, error) {
	if len(words) == 0 {
		return Wish{}, fmt.Errorf("a wish is missing between commas")
	}
	w := Wish{Act: Act(words[0]), After: 1}
	rest := words[1:]
	if n := len(rest); n >= 2 && rest[n-2] == "after" {
		var err error
		if w.After, err = seconds(rest[n-1]); err != nil {
			return w, err
		}
		rest = rest[:n-2]
	}
	switch len(rest) {
	case 0:
	case 1:
		w.Slot, w.SKU, _ = strings.Cut(rest[0], "=")
	default:
		return w, fmt.Errorf("%q is not understood", strings.Join(rest[1:], " "))
	}
	return w, nil
}

func seconds(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "s"), 64)
	if err != nil || !(v >= 0 && v < longest) {
		return 0, fmt.Errorf("%q is no number of seconds", s)
	}
	return math.Round(v*1000) / 1000, nil
}
