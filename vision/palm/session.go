package palm

import (
	"fmt"
)

// A Session is one showing of a hand: captures are added in the order of time until
// every challenge is answered and enough of them are kept.
type Session struct {
	asked []Challenge
	want  int
	kept  []Capture
	from  int // the capture from which the next challenge counts
	done  int // challenges that are answered
	why   error
}

// NewSession begins a session that asks for these challenges, in this order, and
// keeps so many captures.
func NewSession(want int, asked ...Challenge) *Session {
	return &Session{asked: asked, want: max(MinCaptures, want, 1+len(asked))}
}

// Asks returns what the person is to do now.
func (s *Session) Asks() string {
	switch {
	case len(s.kept) == 0:
		return "Hold your hand open before the dark ground, fingers apart."
	case s.done < len(s.asked):
		return s.asked[s.done].Asks()
	}
	return "Move your hand a little."
}

// Add takes the next capture and reports whether the session is complete. One that
// shows another hand than the first, that picture again, or signs of a picture of a
// hand is left out, and [Session.Err] says why.
func (s *Session) Add(c Capture) bool {
	if s.why = c.suspect(); s.why != nil {
		return false
	}
	for i, k := range s.kept {
		d := Distance(k.Code, c.Code)
		if d < still {
			s.why = fmt.Errorf("%w: two captures are one picture", ErrNotAlive)
			return false
		}
		if i == 0 && d > Same {
			s.why = fmt.Errorf("%w: it is not the hand from before", ErrCaptures)
			return false
		}
	}
	switch {
	case len(s.kept) == 0:
		s.kept = append(s.kept, c)
	case s.done < len(s.asked):
		if s.asked[s.done].Answered(s.kept[s.from], c) {
			s.kept = append(s.kept, c)
			s.from, s.done = len(s.kept)-1, s.done+1
		} else {
			s.why = fmt.Errorf("%w: it was asked for %q, and did not", ErrNotAlive, s.asked[s.done])
		}
	case len(s.kept) < s.want:
		s.kept = append(s.kept, c)
	}
	return s.Complete()
}

// Complete reports whether all was answered and enough is kept.
func (s *Session) Complete() bool { return s.done == len(s.asked) && len(s.kept) >= s.want }

// Err returns why the last capture was not kept, or what is missing; nil of a
// session that is complete.
func (s *Session) Err() error {
	switch {
	case s.Complete():
		return nil
	case s.why != nil:
		return s.why
	case s.done < len(s.asked):
		return fmt.Errorf("%w: it was asked for %q, and did not", ErrNotAlive, s.asked[s.done])
	}
	return fmt.Errorf("%w: %d, want %d", ErrCaptures, len(s.kept), s.want)
}

// Codes returns what was kept, in the order of time.
func (s *Session) Codes() []Code {
	codes := make([]Code, len(s.kept))
	for i, c := range s.kept {
		codes[i] = c.Code
	}
	return codes
}

// Best returns the code that is nearest to all others of the session: of a hand in
// motion one is blurred and another leans.
func (s *Session) Best() Code {
	best, least := Code{}, 2.0*MaxCaptures
	codes := s.Codes()
	for _, c := range codes {
		sum := 0.0
		for _, d := range codes {
			sum += Distance(c, d)
		}
		if sum < least {
			best, least = c, sum
		}
	}
	return best
}
