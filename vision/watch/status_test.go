//go:build opencv

package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/cv"
)

// troubled is the drawn shelf seen by a camera that something happens to: what
// do does with a picture is what the frame shows; nil shows the picture.
type troubled struct {
	drawn
	do       func(n int, pic []byte) (w, h int, out []byte)
	promised int // frames it says it has, if it says so
	rng      *rand.Rand
}

func (c *troubled) Frames() int { return c.promised }

func (c *troubled) Next() (*cv.Frame, error) {
	n := c.n
	f, err := c.drawn.Next()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pic := f.BGR()
	for y := range 60 { // tins on the board above, which nobody touches
		for x := range 320 {
			if v := byte(x * 7919 / 40 * 31 % 200); x%40 > 8 {
				copy(pic[(y*320+x)*3:], []byte{v, v / 2, byte(y * 3)})
			}
		}
	}
	for i := range pic { // a sensor is never quiet
		pic[i] = byte(min(255, int(pic[i])+c.rng.IntN(4)))
	}
	if c.do == nil {
		return cv.NewFrame(320, 180, pic)
	}
	return cv.NewFrame(c.do(n, pic))
}

// happens runs a watch and tells what was said, in order.
func happens(t *testing.T, c *troubled, cfg Config, emit func(Sighting) error) (told string, err error) {
	t.Helper()
	var said []string
	c.rng = rand.New(rand.NewPCG(1, 2))
	cfg.Frames = c
	cfg.Status = func(s Status) {
		if s.Over {
			said = append(said, string(s.Trouble)+" over")
		} else {
			said = append(said, string(s.Trouble))
		}
	}
	_, err = Run(t.Context(), cfg, func(s Sighting) error {
		if emit != nil {
			if err := emit(s); err != nil {
				return err
			}
		}
		word := fmt.Sprintf("%s %s", s.Action, s.Slot)
		if s.Unseen {
			word += " unseen"
		}
		if s.Confidence() < 0.5 {
			word += "?"
		}
		said = append(said, word)
		return nil
	})
	return strings.Join(said, ", "), err
}

func TestBadPicturesAreToldAndNothingIsInvented(t *testing.T) {
	black := bytes.Repeat([]byte{4, 3, 5}, 320*180)
	between := func(n, from, to int) bool { return n >= from && n < to }
	var held []byte
	for _, tt := range []struct {
		story  string
		leaves int
		do     func(n int, pic []byte) (int, int, []byte)
		want   string
	}{
		{"nothing wrong", 100, nil, "take left"},
		{"black for two seconds", 999, func(n int, pic []byte) (int, int, []byte) {
			if between(n, 60, 120) {
				pic = black
			}
			return 320, 180, pic
		}, "dark, dark over"},
		{"black for two seconds, taken afterwards", 180, func(n int, pic []byte) (int, int, []byte) {
			if between(n, 60, 120) {
				pic = black
			}
			return 320, 180, pic
		}, "dark, dark over, take left"},
		{"taken in the dark", 90, func(n int, pic []byte) (int, int, []byte) {
			if between(n, 60, 120) {
				pic = black
			}
			return 320, 180, pic
		}, "dark, dark over, take left unseen?"},
		{"frozen while it is taken", 90, func(n int, pic []byte) (int, int, []byte) {
			if n == 60 {
				held = slices.Clone(pic)
			}
			if between(n, 60, 180) {
				pic = held
			}
			return 320, 180, pic
		}, "frozen, frozen over, take left unseen?"},
		{"another size for a second, taken afterwards", 180, func(n int, pic []byte) (int, int, []byte) {
			if between(n, 60, 90) {
				return 160, 90, pic[:160*90*3]
			}
			return 320, 180, pic
		}, "resized, resized over, take left"},
		{"another size until the end", 180, func(n int, pic []byte) (int, int, []byte) {
			if n >= 60 {
				return 160, 90, pic[:160*90*3]
			}
			return 320, 180, pic
		}, "resized"},
		{"pushed until the end", 200, func(n int, pic []byte) (int, int, []byte) {
			if n >= 60 {
				pic = append(bytes.Repeat([]byte{90}, 24*3), pic[:len(pic)-24*3]...)
			}
			return 320, 180, pic
		}, "moved"},
	} {
		c := &troubled{drawn: drawn{frames: 300, leaves: tt.leaves}, do: tt.do}
		if got, err := happens(t, c, config(t, 0, 0), nil); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.story, got, err, tt.want)
		}
	}
}

func TestVideoThatBreaksOffLeavesOpenWhatWasGoingOn(t *testing.T) {
	c := &troubled{drawn: drawn{frames: 108, leaves: 100}, promised: 300}
	got, err := happens(t, c, config(t, 0, 0), nil)
	if !errors.Is(err, ErrBroken) || got != "broken" {
		t.Errorf("cut off at 108 of 300: %q, %v, want it told and ErrBroken", got, err)
	}
	c = &troubled{drawn: drawn{frames: 108, leaves: 100}, promised: 108}
	if got, err := happens(t, c, config(t, 0, 0), nil); err != nil || got != "take left?" && got != "take left" {
		t.Errorf("whole: %q, %v, want the take", got, err)
	}
}

// disk is a keeper and a receiver that find no room for a while.
type disk struct {
	memory
	keeps, puts int // failures still to come
}

func (d *disk) Keep(ctx context.Context, b []byte) (ledger.Digest, error) {
	if d.keeps > 0 {
		d.keeps--
		return "", fmt.Errorf("keep: %w", syscall.ENOSPC)
	}
	return d.memory.Keep(ctx, b)
}

func (d *disk) put(Sighting) error {
	if d.puts > 0 {
		d.puts--
		return fmt.Errorf("put: %w", syscall.ENOSPC)
	}
	return nil
}

func TestFullDiskLosesPicturesAndNoSighting(t *testing.T) {
	for _, tt := range []struct {
		story string
		d     disk
		want  string
		err   error
	}{
		{"room enough", disk{}, "take left", nil},
		{"no room for the evidence", disk{keeps: 1}, "full, take left?", nil},
		{"no room for the message for two seconds", disk{puts: 2}, "full, take left, full over", nil},
		{"no room until the end", disk{puts: 99}, "full", syscall.ENOSPC},
	} {
		tt.d.memory = memory{}
		cfg := config(t, 0, 0)
		cfg.Keeper = &tt.d
		c := &troubled{drawn: drawn{frames: 300, leaves: 100}}
		if got, err := happens(t, c, cfg, tt.d.put); !errors.Is(err, tt.err) || got != tt.want {
			t.Errorf("%s: %q, %v, want %q, %v", tt.story, got, err, tt.want, tt.err)
		}
	}
	if full(io.ErrShortWrite) {
		t.Error("a short write is taken for a full disk")
	}
}
