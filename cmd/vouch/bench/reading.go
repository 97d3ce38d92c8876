package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/ledgerbench"
	"github.com/vouchledger/vouch/ledger/ledgerbench/postgres"
)

// repeats is how often a part is run: the figures are medians.
const repeats = 5

// replay measures reading, decoding and folding on one processor.
func (r *run) replay(ctx context.Context) error {
	small := min(r.Sample, r.report.Events)
	var rates []float64
	for i := range repeats {
		r.progress("replaying", int64(i), repeats+1)
		o, err := r.part(ctx, PartReplay, small, true)
		if err != nil {
			return err
		}
		rates = append(rates, float64(o.Events)/o.CPUMS*1e3)
	}
	r.report.AtLeast(fmt.Sprintf("replay and fold into carts, one core, %s events", goals.Number(float64(small))),
		ledgerbench.Median(rates), 1_500_000, "events/s")
	if err := r.replayAll(ctx); err != nil {
		return err
	}
	d, err := r.part(ctx, PartDecode, small, true)
	if err != nil {
		return err
	}
	r.report.Figure("decoding alone, one core", float64(d.Events)/d.CPUMS*1e3, "events/s")
	r.report.Figure("decoding with encoding/json takes", d.OtherMS/d.CPUMS, "times as long")
	return nil
}

// cartMB is the memory that a thousand events of kept carts may take, the
// collector's share included.
const cartMB = 0.2

// replayAll replays the large log, if there is memory for its carts.
func (r *run) replayAll(ctx context.Context) error {
	const goal, unit = 900_000, "events/s"
	events := float64(r.report.Events)
	if need, there := int(events/1000*cartMB), goals.Kilobytes("/proc/meminfo", "MemAvailable")/1024; there > 0 && there < need {
		r.report.Missing(fmt.Sprintf("the same, out of all %s events", goals.Number(events)), goal, unit, false,
			fmt.Sprintf("the carts need %d MB of memory, there are %d: make --events smaller", need, there))
		return nil
	}
	r.progress("replaying", repeats, repeats+1)
	all, err := r.part(ctx, PartReplay, 0, true)
	if err != nil {
		return err
	}
	r.report.AtLeast(fmt.Sprintf("the same, out of all %s events", goals.Number(events)),
		float64(all.Events)/all.CPUMS*1e3, goal, unit)
	r.report.Figure("all of it by the wall clock, one core", float64(all.Events)/all.WallMS*1e3, unit)
	r.report.Figure(fmt.Sprintf("memory of its %s carts and the log", goals.Number(float64(all.Carts))), all.RSS, "MB")
	return nil
}

// open measures opening the log as a server does it.
func (r *run) open(ctx context.Context) error {
	var took, resident, peak, heap []float64
	for i := range repeats {
		r.progress("opening", int64(i), repeats)
		o, err := r.part(ctx, PartOpen, 0, false)
		if err != nil {
			return err
		}
		if o.Events != r.report.Events {
			return fmt.Errorf("%w: opened %d events, %d were appended", ledger.ErrCorrupt, o.Events, r.report.Events)
		}
		took, resident = append(took, o.WallMS), append(resident, o.RSS)
		peak, heap = append(peak, o.Peak), append(heap, o.Heap)
	}
	work := fmt.Sprintf("open %s events", goals.Number(float64(r.report.Events)))
	r.report.AtMost(work, ledgerbench.Median(took), 200, "ms")
	r.report.AtMost(work+", memory resident", ledgerbench.Median(resident), 300, "MB")
	r.report.Figure("most memory while opening", ledgerbench.Median(peak), "MB")
	r.report.Figure("of it Go's heap in use", ledgerbench.Median(heap), "MB")
	return nil
}

// visits measures reading single visits, in turns with PostgreSQL holding the
// same events.
func (r *run) visits(ctx context.Context, visits []ledger.StreamID) (err error) {
	log, err := embedded.Open(ctx, r.path(), embedded.Config{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	var table *postgres.Store
	if r.database != nil {
		start := r.Now()
		r.progress("loading PostgreSQL", 0, 1)
		if table, err = r.database.Load(ctx, log.Read(ctx, ledger.Query{})); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, table.Close(context.WithoutCancel(ctx))) }()
		r.report.Figure("the same events into PostgreSQL, by COPY and then three indexes",
			float64(r.report.Events)/r.Now().Sub(start).Seconds(), "events/s")
	}
	return r.readVisits(ctx, log, table, visits)
}

// warmups is how many visits are read before it counts. Each visit is read
// once: what is warm is the file system's cache, from writing.
const warmups = 20

// readVisits reads each visit out of both and compares what they gave. Both give into
// memory that is used again: what a list of records grows by is no cost of a store.
func (r *run) readVisits(ctx context.Context, log ledger.Log, table *postgres.Store, visits []ledger.StreamID) error {
	var mine, theirs []float64
	var room, theirRoom []ledger.Record
	events := 0
	for i, v := range visits {
		if i%64 == 0 {
			r.progress("reading visits", int64(i), int64(len(visits)))
		}
		records, took, err := r.timed(func() ([]ledger.Record, error) { return readVisit(ctx, room, log, v) })
		if err != nil {
			return err
		}
		room = records[:0]
		if len(records) == 0 {
			return fmt.Errorf("%w: %s is empty", ledger.ErrCorrupt, v)
		}
		if i >= min(warmups, len(visits)/2) {
			mine, events = append(mine, took), events+len(records)
		}
		if table == nil {
			continue
		}
		rows, took, err := r.timed(func() ([]ledger.Record, error) { return table.Visit(ctx, theirRoom, v) })
		if err != nil {
			return err
		}
		theirRoom = rows[:0]
		if err := same(records, rows); err != nil {
			return err
		}
		if i >= min(warmups, len(visits)/2) {
			theirs = append(theirs, took)
		}
	}
	r.visitRows(mine, theirs, float64(events)/float64(max(len(mine), 1)))
	return nil
}

func (r *run) visitRows(mine, theirs []float64, events float64) {
	const against = "the same against PostgreSQL"
	work := fmt.Sprintf("read one visit of %.1f events out of %s, warm", events, goals.Number(float64(r.report.Events)))
	if len(mine) == 0 {
		const why = "no visit has come to its end: make --events larger"
		r.report.Missing(work, 250, "µs", true, why)
		r.report.Missing(against, 10, "×", false, why)
		return
	}
	median := ledgerbench.Median(mine)
	r.report.AtMost(work, median, 250, "µs")
	if len(theirs) == 0 {
		r.report.Missing(against, 10, "×", false, r.noSQL)
		return
	}
	r.report.AtLeast(against, ledgerbench.Median(theirs)/median, 10, "×")
	r.report.Figure("one visit out of PostgreSQL, warm", ledgerbench.Median(theirs), "µs")
}

// timed returns what read gives and its time in microseconds.
func (r *run) timed(read func() ([]ledger.Record, error)) (records []ledger.Record, micros float64, err error) {
	start := r.Now()
	records, err = read()
	return records, float64(r.Now().Sub(start).Nanoseconds()) / float64(time.Microsecond), err
}

// readVisit appends the records of a visit to records.
func readVisit(
	ctx context.Context, records []ledger.Record, log ledger.Log, visit ledger.StreamID,
) ([]ledger.Record, error) {
	for rec, err := range log.Read(ctx, ledger.Query{Stream: visit}) {
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	return records, nil
}

// same checks that PostgreSQL has the same visit.
func same(records, rows []ledger.Record) error {
	for i, rec := range records {
		if len(rows) != len(records) || rows[i].ID != rec.ID || !bytes.Equal(rows[i].Body, rec.Body) {
			return fmt.Errorf("%w: %s is not the same in PostgreSQL (%d and %d events)", ledger.ErrCorrupt, rec.Stream, len(records), len(rows))
		}
	}
	return nil
}
