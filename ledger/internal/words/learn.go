package words

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/vouchledger/vouch/ledger/internal/frame"
)

// enough is how many events are learnt from: what repeats among more repeats among
// these, and learning is half of the work of sealing.
const enough = 16 << 10

// Learn makes the packer of a segment of frames, with a dictionary of what repeats
// in them.
func Learn(frames []frame.Frame) *Packer {
	if step := len(frames) / enough; step > 1 {
		some := make([]frame.Frame, 0, len(frames)/step+1)
		for i := 0; i < len(frames); i += step {
			some = append(some, frames[i])
		}
		frames = some
	}
	l := learner{words: make(map[string]*int), forms: make(map[string]*int)}
	for _, f := range frames {
		l.learn(f)
	}
	// What is said this often becomes part of the forms that say it.
	const share = 64
	often := max(len(frames)/share, 2)
	common := make(map[string]struct{})
	for w, n := range l.words {
		if *n > often {
			common[w] = struct{}{}
		}
	}
	l.filled = make(map[string]*int)
	for _, f := range frames {
		l.fill(f, common)
	}
	for form, n := range l.filled {
		if *n > often/16+2 {
			l.forms[form] = n
		}
	}
	p := &Packer{common: common, words: entries(l.words, worthWord), forms: entries(l.forms, worthForm)}
	p.wordNo, p.formNo = numbers(p.words), numbers(p.forms)
	p.raw, p.packed = p.try(frames)
	return p
}

// How many events are packed to see whether a dictionary suits a segment, and the
// share by which they may come out larger than those that it was learnt from.
const (
	tried     = 512
	tolerance = 16
)

// Suits reports whether frames come out about as small as those did that the
// dictionary was learnt from: the events of a shop are of the same kinds and name the
// same goods tomorrow.
func (p *Packer) Suits(frames []frame.Frame) bool {
	raw, packed := p.try(frames)
	return packed*p.raw <= (p.packed+p.packed/tolerance)*raw
}

// try packs some of the frames and returns how many bytes they have and come to.
func (p *Packer) try(frames []frame.Frame) (raw, packed int) {
	var some []frame.Frame
	for i := 0; i < len(frames); i += len(frames)/tried + 1 {
		some, raw = append(some, frames[i]), raw+len(frames[i])
	}
	b, _ := p.Pack(nil, some)
	return raw, len(b)
}

func worthWord(n, size int) bool {
	const number, entry = 2, 4 // bytes that its number mostly takes, and its place
	return n*(1+size) > size+entry+n*number
}

func worthForm(n, _ int) bool { return n > 1 }

// A learner counts what there is in the events of a segment.
type learner struct {
	words, forms map[string]*int
	filled       map[string]*int // forms with what is common filled in
	cutter       cutter
}

const (
	// maxWord and maxForm bound what is remembered: longer texts hardly repeat.
	maxWord = 255
	maxForm = 4096

	// maxEntries bounds a table, and so what learning takes of the memory.
	maxEntries = 1 << 18
)

// learn counts the words and forms of an event.
func (l *learner) learn(f frame.Frame) {
	head, _ := splitName(f.Stream())
	l.word(head)
	l.word(f.Kind())
	l.word(f.Actor())
	if f.Binary() {
		return
	}
	l.cutter.cut(f.Body(), func(last bool) bool {
		form, values := l.cutter.form(last, nil)
		if len(form) <= maxForm {
			count(l.forms, form)
		}
		for _, v := range values {
			l.word(v)
		}
		return true
	})
}

// fill counts the forms of an event with what is common filled in.
func (l *learner) fill(f frame.Frame, common map[string]struct{}) {
	if f.Binary() {
		return
	}
	l.cutter.cut(f.Body(), func(last bool) bool {
		if form, _ := l.cutter.form(last, common); len(form) <= maxForm {
			count(l.filled, form)
		}
		return true
	})
}

func (l *learner) word(b []byte) {
	if len(b) > maxWord || isID(b) || isDigest(b) {
		return
	}
	if _, ok := integer(b); !ok {
		count(l.words, b)
	}
}

func count(m map[string]*int, b []byte) {
	if n := m[string(b)]; n != nil {
		*n++
	} else if len(m) < maxEntries {
		m[string(b)] = new(1)
	}
}

// splitName cuts the name of a stream behind its first hyphen.
func splitName(name []byte) (head, tail []byte) {
	at := bytes.IndexByte(name, '-') + 1
	return name[:at], name[at:]
}

// entries returns what is worth an entry, that which occurs most often first: its
// number is short.
func entries(counts map[string]*int, worth func(n, size int) bool) []string {
	all := slices.Collect(maps.Keys(counts))
	all = slices.DeleteFunc(all, func(s string) bool { return !worth(*counts[s], len(s)) })
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(*counts[b], *counts[a]), cmp.Compare(a, b))
	})
	return all
}

// A Packer packs events by its dictionary: those of the segment that this was learnt
// from, and of others that it [Packer.Suits]. It is for one goroutine.
type Packer struct {
	words, forms []string
	wordNo       map[string]uint64
	formNo       map[string]uint64
	common       map[string]struct{}
	cutter       cutter
	pieces       []piece // a copy of the cutter's
	plain        int     // bytes of this block that no dictionary has made smaller
	raw, packed  int     // of some frames that it was learnt from, before and after

	// Of this block:
	stream             []byte
	position, revision uint64
	recorded           int64
	ids                []([16]byte)
}

func numbers(entries []string) map[string]uint64 {
	m := make(map[string]uint64, len(entries))
	for i, e := range entries {
		m[e] = uint64(i) //nolint:gosec // an index
	}
	return m
}

// Tables returns the dictionary as it is stored.
func (p *Packer) Tables() (words, forms []byte) {
	return appendTable(nil, p.words), appendTable(nil, p.forms)
}
