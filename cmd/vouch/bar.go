package main

import (
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A bar shows progress on a terminal and nothing elsewhere.
type bar struct {
	out   io.Writer
	name  string
	pool  *mpb.Progress
	shown *mpb.Bar
}

// newBar returns a bar that appears with the first progress.
func newBar(out io.Writer, name string) *bar { return &bar{out: out, name: name} }

// isTerminal reports whether w is a terminal that a person looks at.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// progress says how much of how much is done.
func (b *bar) progress(done, total int64) {
	if !isTerminal(b.out) || total <= 0 {
		return
	}
	if b.shown == nil {
		b.pool = mpb.New(mpb.WithOutput(b.out), mpb.WithWidth(60))
		b.shown = b.pool.AddBar(total, mpb.PrependDecorators(decor.Name(b.name+" ")),
			mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.AverageETA(decor.ET_STYLE_GO)))
	}
	b.shown.SetTotal(total, false)
	b.shown.SetCurrent(done)
}

// done takes the bar away.
func (b *bar) done() {
	if b.shown == nil {
		return
	}
	b.shown.SetTotal(-1, true)
	b.pool.Wait()
}
