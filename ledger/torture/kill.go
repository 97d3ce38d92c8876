package torture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/ledgertest"
)

const (
	childWriters = 4
	childSegment = 16 << 10 // some thirty commits: a child seals all the time
	lifeShift    = 32       // numbers of drafts: the life above, a count below
)

// Child appends to the log in dir with several writers, as fast as it can, and
// writes a line to out for each event that was acknowledged: its position and
// its number. It goes on until it is killed or something fails. Life tells the
// events of one child from those of the next.
func Child(ctx context.Context, dir string, life uint64, now func() time.Time, out io.Writer) error {
	l, err := embedded.Open(ctx, dir, embedded.Config{Now: now, SegmentBytes: childSegment})
	if err != nil {
		return err
	}
	errs := make(chan error, childWriters)
	for w := range uint64(childWriters) {
		go func() { errs <- write(ctx, l, life<<lifeShift+w, out) }()
	}
	return errors.Join(<-errs, l.Close())
}

// write appends batches of one to three events for ever.
func write(ctx context.Context, l *embedded.Log, n uint64, out io.Writer) error {
	stream := ledger.StreamID(fmt.Sprintf("visit-%d", n))
	for i := uint64(0); ; i++ {
		var ds []ledger.Draft
		var numbers []uint64
		for range 1 + i%3 {
			numbers = append(numbers, n)
			ds = append(ds, ledgertest.Draft(n))
			n += childWriters
		}
		rs, err := l.Append(ctx, stream, ledger.Any(), ds...)
		if err != nil {
			return err
		}
		for k, r := range rs {
			if _, err := fmt.Fprintf(out, "%d %d\n", r.Position, numbers[k]); err != nil {
				return err
			}
		}
	}
}

// Kill starts a child on the log in dir again and again, kills it at a random
// moment, every second time at one at which it is sealing, and checks after each death that everything it had acknowledged is
// there once and unchanged. Command returns the process that runs [Child] for
// a life and writes its lines to standard output.
func Kill(
	ctx context.Context, dir string, kills int, random *rand.Rand, command func(life int) *exec.Cmd,
) (Counts, error) {
	c := Counts{Runs: 1}
	acked := make(map[uint64]uint64) // number by position
	for life := 1; life <= kills; life++ {
		k := killer{dir: dir, after: time.Duration(random.IntN(40)) * time.Millisecond, hunts: life%2 == 0}
		if err := k.kill(command(life), acked); err != nil {
			return c, fmt.Errorf("life %d: %w", life, err)
		}
		c.Kills++
		c.Openings++
		if k.sealing() {
			c.WhileSeals++
		}
		if err := compare(ctx, dir, acked); err != nil {
			return c, fmt.Errorf("after life %d: %w", life, err)
		}
	}
	c.Events = len(acked)
	report, err := embedded.Verify(ctx, dir, nil)
	c.Sealed = report.Sealed
	if err == nil && report.Events < uint64(len(acked)) {
		err = fmt.Errorf("verify counts %d events, %d were acknowledged", report.Events, len(acked))
	}
	return c, err
}

// A killer kills one child.
type killer struct {
	dir   string
	after time.Duration // its first acknowledgement
	hunts bool          // waits for a moment at which it is sealing
}

// huntFor is how long a killer waits for such a moment, and huntPause how often it
// looks.
const (
	huntFor   = 100 * time.Millisecond
	huntPause = 50 * time.Microsecond
)

// sealing reports whether the folder is as it is in the middle of a sealing: a
// file that is not finished, or a segment that is there open and sealed.
func (k *killer) sealing() bool {
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		return false
	}
	sealed := ""
	for _, e := range entries { // sorted: x.sealed comes before x.seg
		first, ending, _ := strings.Cut(e.Name(), ".")
		if strings.HasSuffix(ending, "tmp") || ending == "seg" && first == sealed {
			return true
		}
		if ending == "sealed" {
			sealed = first
		}
	}
	return false
}

// strike kills the child when its moment has come.
func (k *killer) strike(p *os.Process) {
	for waited := time.Duration(0); k.hunts && waited < huntFor && !k.sealing(); waited += huntPause {
		time.Sleep(huntPause)
	}
	_ = p.Kill() // it may be dead
}

// kill runs a child, kills it a while after its first acknowledgement and takes
// in what it said.
func (k *killer) kill(cmd *exec.Cmd, acked map[uint64]uint64) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var timer *time.Timer
	var once sync.Once
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // the child is dead; half a line is no acknowledgement
		}
		once.Do(func() {
			timer = time.AfterFunc(k.after, func() { k.strike(cmd.Process) })
		})
		var position, number uint64
		if _, err := fmt.Sscanf(line, "%d %d", &position, &number); err != nil {
			return errors.Join(fmt.Errorf("the child says %q", line), cmd.Process.Kill(), cmd.Wait())
		}
		if first, ok := acked[position]; ok && first != number {
			err := fmt.Errorf("position %d was given to events %d and %d", position, first, number)
			return errors.Join(err, cmd.Process.Kill(), cmd.Wait())
		}
		acked[position] = number
	}
	err = cmd.Wait()
	if timer == nil {
		return fmt.Errorf("the child acknowledged nothing: %w", err)
	}
	timer.Stop()
	if cmd.ProcessState.Exited() {
		return fmt.Errorf("the child ended by itself: %w", err)
	}
	return nil
}

// compare looks for every acknowledged event in the log, which nobody has open.
func compare(ctx context.Context, dir string, acked map[uint64]uint64) error {
	l, err := embedded.Open(ctx, dir, embedded.Config{ReadOnly: true})
	if err != nil {
		return err
	}
	found := 0
	for r, err := range l.Read(ctx, ledger.Query{}) {
		if err != nil {
			return errors.Join(err, l.Close())
		}
		number, ok := acked[r.Position]
		if !ok {
			continue // written, but the child died before it said so
		}
		found++
		if d := ledgertest.Draft(number); r.ID != d.ID || r.Kind != d.Kind || string(r.Body) != string(d.Body) {
			err := fmt.Errorf("position %d holds event %s, event %d was acknowledged", r.Position, r.ID, number)
			return errors.Join(err, l.Close())
		}
	}
	if found != len(acked) {
		err = fmt.Errorf("%d of %d acknowledged events are there", found, len(acked))
	}
	return errors.Join(err, l.Close())
}
