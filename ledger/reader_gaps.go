package ledger

import (
	"bytes"
	"time"

	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

// A gapped is where a reader is in a body with gaps. The reader's bytes are the text of
// a form; a method that wants a value where a gap is takes it out of the gap.
//
// INVARIANT: what is read is what would be read of the body's text. A method that does
// not know of gaps may step over one: then the value in it is left at the end, and the
// body is in doubt, as it is with a value that is no string or number as a whole.
type gapped struct {
	body *gaps.Body
	at   int // of the next value in the block
	form *gaps.Form
	next int // gap of the form

	*glossary // of the body's dictionary
	known     []*glossary
	forgot    int // of these
	room      []byte

	plan *plan // that is being made, or nil
}

// A glossary is what a decoder has found of a dictionary.
type glossary struct {
	of    *gaps.Dictionary
	words []word  // by number
	plans []*plan // of its forms, by number; nil while not looked for
}

// maxGlossaries bounds the dictionaries that a decoder knows at a time: a log reads some
// segments side by side, and most of them have one in common.
const maxGlossaries = 16

// open makes g know the dictionary d.
func (g *gapped) open(d *gaps.Dictionary) {
	if g.glossary != nil && g.of == d {
		return
	}
	for _, k := range g.known {
		if k.of == d {
			g.glossary = k
			return
		}
	}
	g.glossary = &glossary{
		of: d, words: make([]word, min(d.Words.Len(), maxWords)), plans: make([]*plan, d.Forms()),
	}
	if len(g.known) < maxGlossaries {
		g.known = append(g.known, g.glossary)
		return
	}
	g.known[g.forgot%maxGlossaries] = g.glossary
	g.forgot++
}

// A word is an entry of the dictionary as a string.
type word struct {
	text string
	is   wordState
}

type wordState byte

const (
	wordNew   wordState = iota
	wordPlain           // written in JSON as it is
	wordOdd
)

// open makes r read a body with gaps from its start. It reports whether the body's
// first form holds.
func (r *reader) open(b *gaps.Body) bool {
	r.know(b)
	r.gap.at = b.At
	return r.openForm()
}

// know makes b the body that values are of.
func (r *reader) know(b *gaps.Body) {
	r.gap.body = b
	r.gap.open(b.Dict)
}

// maxWords bounds the words that are remembered as strings: no dictionary that Vouch
// writes has more.
const maxWords = 1 << 18

// openForm goes on with the next form of the body.
func (r *reader) openForm() bool {
	g := r.gap
	n, at := gaps.Number(g.body.In, g.at)
	f := g.body.Dict.Form(n - 1) // 0, which is the rest of a body, becomes large
	if at < 0 || f == nil {
		return false
	}
	g.at, g.form, g.next = at, f, 0
	r.b, r.stop = f.Text, f.Gaps[0]
	r.turn++
	return true
}

// behind goes on behind the value in the gap, which ends at a place of the block.
func (r *reader) behind(at int) {
	g := r.gap
	g.at = at
	g.next++
	r.stop = g.form.Gaps[g.next]
	r.turn++
}

// ends reports whether a gap is at i.
func (r *reader) ends(i int) bool { return i == r.stop }

// whole reports whether i is the end of the body.
func (r *reader) whole(i int) bool {
	if i != len(r.b) || r.stop != gaps.NoGap {
		return false
	}
	if g := r.gap; g != nil {
		if !g.form.Last {
			return false
		}
		g.body.End = g.at
	}
	return true
}

// comma steps over the comma at i between two elements of a list, where a form may end.
func (r *reader) comma(i int) int {
	i++
	if i == len(r.b) && r.gap != nil && r.stop == gaps.NoGap && !r.gap.form.Last {
		if !r.openForm() {
			return -1
		}
		return 0
	}
	return i
}

// quoted goes on behind a value that ends at a place of the block and whose string ends
// behind it.
func (r *reader) quoted(at int) int {
	i := r.stop + 1
	r.behind(at)
	return i
}

// closes reports whether a string that ends with this gap ends behind it.
func (r *reader) closes() bool {
	return r.stop < len(r.b) && r.b[r.stop] == '"' && r.stop != r.gap.form.Gaps[r.gap.next+1]
}

// gapText reads a string that is in the gap.
func (r *reader) gapText(p *string) int {
	if !r.closes() {
		return r.mixedText(r.stop, p)
	}
	r.planned(step{text: p})
	at := r.textAt(r.gap.at, p)
	if at < 0 {
		return -1
	}
	return r.quoted(at)
}

// textAt reads the value at a place of the block as all of a string.
func (r *reader) textAt(i int, p *string) int {
	g := r.gap
	v, at := gaps.Number(g.body.In, i)
	if at < 0 {
		return -1
	}
	switch n := v >> gaps.SortBits; {
	case v&gaps.SortMask == gaps.SortWord:
		if n >= uint64(len(g.words)) {
			return -1
		}
		w := &g.words[n]
		if w.is == wordNew {
			r.learn(w, n)
		}
		if w.is == wordOdd {
			return -1
		}
		*p = w.text
		return at
	case v == gaps.IDTail<<gaps.SortBits|gaps.SortID && g.body.Plain:
		*p = r.own
		return at
	}
	g.room, at = g.body.Value(g.room[:0], i)
	if at >= 0 && v == gaps.SortBytes { // a digest, which is written as it is
		*p = r.long(g.room)
		return at
	}
	if at < 0 || !r.aside(p) {
		return -1
	}
	return at
}

// mixedText reads the string from i on, of which parts are in gaps.
func (r *reader) mixedText(i int, p *string) int {
	g := r.gap
	if g == nil || i < 0 {
		return -1
	}
	r.unplanned()
	g.room = g.room[:0]
	for r.stop != gaps.NoGap && i <= r.stop {
		g.room = append(g.room, r.b[i:r.stop]...)
		room, at := g.body.Value(g.room, g.at)
		if g.room = room; at < 0 {
			return -1
		}
		i = r.stop
		r.behind(at)
		if end := bytes.IndexByte(r.b[i:], '"'); end >= 0 && i+end < r.stop {
			if g.room = append(g.room, r.b[i:i+end]...); !r.aside(p) {
				return -1
			}
			return i + end + 1
		}
	}
	return -1
}

// aside makes a string of the text in the room, if it is written as it is.
func (r *reader) aside(p *string) bool {
	g, b := r.gap, r.b
	g.room = append(g.room, '"')
	r.b = g.room
	j, h := r.plain(0) // it knows of no gaps
	if j == len(g.room)-1 {
		*p = r.text(0, j, h)
	}
	r.b = b
	return j == len(g.room)-1
}

// learn makes a string of word n.
func (r *reader) learn(w *word, n uint64) {
	g := r.gap
	b, size, ok := g.of.Words.At(n)
	if w.is = wordOdd; !ok {
		return
	}
	if g.room = append(g.room[:0], b[:size]...); r.aside(&w.text) {
		w.is = wordPlain
	}
}

// gapNumber reads a whole number that is in the gap.
func (r *reader) gapNumber(p *int64) int {
	r.planned(step{number: p})
	at := r.numberAt(r.gap.at, p)
	if at < 0 {
		return -1
	}
	i := r.stop
	r.behind(at)
	return i
}

// gapInt is gapNumber of an int.
func (r *reader) gapInt(p *int) int {
	r.planned(step{int: p})
	at := r.intAt(r.gap.at, p)
	if at < 0 {
		return -1
	}
	i := r.stop
	r.behind(at)
	return i
}

// numberAt reads the value at a place of the block as a whole number.
func (r *reader) numberAt(i int, p *int64) int {
	v, at := gaps.Number(r.gap.body.In, i)
	if v&gaps.SortMask != gaps.SortInt {
		return -1
	}
	*p = gaps.Unfold(v >> gaps.SortBits)
	return at
}

func (r *reader) intAt(i int, p *int) int {
	var n int64
	i = r.numberAt(i, &n)
	if *p = int(n); int64(*p) != n { // where an int has 32 bits
		return -1
	}
	return i
}

// gapID reads an id that is in the gap.
func (r *reader) gapID(p *ID) int {
	r.planned(step{id: p})
	at := r.idAt(r.gap.at, p)
	if at < 0 || !r.closes() {
		return -1
	}
	return r.quoted(at)
}

// idAt reads the value at a place of the block as an id.
func (r *reader) idAt(i int, p *ID) int {
	g := r.gap
	v, at := gaps.Number(g.body.In, i)
	if at < 0 {
		return -1
	}
	switch n := v >> gaps.SortBits; {
	case v&gaps.SortMask != gaps.SortID || n == gaps.IDTail:
		return r.besideAt(i, func() int { return r.id(0, p) })
	case n == gaps.IDFollows:
		if len(g.body.In)-at < len(p) {
			return -1
		}
		at += copy(p[:], g.body.In[at:])
	default:
		there := g.body.ID(n - gaps.IDThis)
		if there == nil {
			return -1
		}
		*p = *there
	}
	if p.IsZero() { // no id is written as nothing
		return -1
	}
	return at
}

// gapTime reads an instant that is in the gap.
func (r *reader) gapTime(p *time.Time) int {
	r.planned(step{time: p})
	at := r.timeAt(r.gap.at, p)
	if at < 0 || !r.closes() {
		return -1
	}
	return r.quoted(at)
}

// timeAt reads the value at a place of the block as an instant.
func (r *reader) timeAt(i int, p *time.Time) int {
	return r.besideAt(i, func() int { return r.time(0, p) })
}

// besideAt has the text of the value at a place of the block read, with a quote behind
// it.
func (r *reader) besideAt(i int, read func() int) int {
	g, b, stop := r.gap, r.b, r.stop
	room, at := g.body.Value(g.room[:0], i)
	if g.room = append(room, '"'); at < 0 {
		return -1
	}
	r.b, r.gap, r.stop = g.room, nil, gaps.NoGap
	end := read()
	r.b, r.gap, r.stop = b, g, stop
	if end != len(g.room) {
		return -1
	}
	return at
}
