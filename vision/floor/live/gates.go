package live

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/floor"
	"github.com/vouchledger/vouch/vision/fuse"
	"github.com/vouchledger/vouch/vision/gate"
	"github.com/vouchledger/vouch/vision/scale"
	"github.com/vouchledger/vouch/vision/track"
)

// sensors begins to listen to scales, readers and gates.
func (s *Shop) sensors(ctx context.Context, beside *sync.WaitGroup) {
	begin := func(all []Sensor, hear func(Sensor, time.Time, []byte) error) {
		for _, sensor := range all {
			beside.Go(func() {
				s.listen(ctx, sensor.Name, sensor.Source, func(at time.Time, line []byte) error { return hear(sensor, at, line) })
			})
		}
	}
	begin(s.o.Config.Scales, s.weighed)
	begin(s.o.Config.Readers, s.read)
	for _, g := range s.o.Config.Gates {
		for _, file := range []string{g.Entries, g.Exits} {
			if file != "" {
				beside.Go(func() { s.follow(ctx, s.o.File(file), func(line []byte) { s.said(g, line) }) })
			}
		}
	}
}

// weighed takes a line of a scale: as a smart cart's says it, and with "scale"
// where several speak on one line.
func (s *Shop) weighed(sensor Sensor, at time.Time, line []byte) error {
	r, err := scale.ReadJSON(line)
	if err != nil {
		return err
	}
	if r.Scale != "" && r.Scale != sensor.Name || r.Overload { // another one's, or nothing that was weighed
		return nil
	}
	s.traces.add(sensor.Name, at, r.Grams)
	if on := s.hear(); on != nil {
		return on.Weigh(sensor.Name, at, r.Grams)
	}
	return nil
}

// read takes a line of a reader of tags.
func (s *Shop) read(sensor Sensor, at time.Time, line []byte) error {
	var r struct {
		Reader string  `json:"reader"`
		Tag    string  `json:"tag"`
		RSSI   float64 `json:"rssi"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	if r.Reader != "" && r.Reader != sensor.Name {
		return nil
	}
	if r.Tag == "" {
		return fmt.Errorf("%w: a read without a tag", ErrConfig)
	}
	if on := s.hear(); on != nil {
		return on.Read(fuse.TagRead{Reader: sensor.Name, Tag: r.Tag, At: at, RSSI: r.RSSI})
	}
	return nil
}

// fresh is how old an entry may be that is read, longAgo is too old for an exit:
// a gate's file begins long ago.
const fresh, longAgo = time.Minute, 24 * time.Hour

// said takes a line of a gate: see `vouch-edge gate --out`. At the exit it may be
// another gate's: a visit leaves by any door.
func (s *Shop) said(g Gate, line []byte) {
	var e struct {
		At       time.Time       `json:"at"`
		Gate     ledger.DeviceID `json:"gate"`
		Visit    ledger.VisitID  `json:"visit"`
		Decision vision.Decision `json:"decision"`
		Party    int             `json:"party"`
		Staff    bool            `json:"staff"`
	}
	on := s.now()
	if err := json.Unmarshal(line, &e); err != nil || on == nil || e.Visit == "" {
		return
	}
	old := s.o.Now().Sub(e.At)
	var err error
	switch {
	case e.Decision == vision.Left && old < longAgo: // the line to the server may have been cut
		err = on.Left(e.Visit, e.At)
	case e.Decision == vision.Entered && e.Gate == g.Gate && old <= fresh:
		err = on.Open(floor.Opening{
			Opening: track.Opening{Visit: e.Visit, Gate: string(g.Gate), Party: max(1, e.Party), At: e.At}, Staff: e.Staff,
		})
	}
	if err != nil {
		s.o.Log.Warn("an entry or exit cannot be used", slog.String("gate", string(g.Gate)), slog.String("why", err.Error()))
	}
}

// cross writes down who crossed the gates' lines since the last time.
func (s *Shop) cross(now time.Time) {
	for _, d := range s.doors {
		all := s.floor.Crossings(string(d.Gate.Gate), now.Add(-settled), now)
		for _, c := range all {
			if slices.Contains(d.known, c) {
				continue
			}
			s.o.Log.Info("crossed", slog.String("gate", c.Gate), slog.Int("track", c.Track), slog.Bool("in", c.In), slog.Time("at", c.At.UTC()))
			if d.file != nil {
				if err := d.write(c); err != nil {
					s.o.Log.Warn("a crossing is not written down", slog.String("gate", c.Gate), slog.String("why", err.Error()))
				}
			}
		}
		d.known = all
	}
}

// tailgates tells the server of entries through which more came than they were
// for. Those nobody opened a gate for are the log's.
func (s *Shop) tailgates(now time.Time) {
	until := now.Add(-settled)
	if s.asked.IsZero() {
		s.asked = until
	}
	if until.Sub(s.asked) < time.Second {
		return
	}
	for _, t := range s.floor.Tailgates(s.asked.Add(1), until) {
		if t.Visit == "" {
			if !s.speaks(t.Gate) {
				continue // nobody says whom it let in
			}
			s.o.Log.Warn("somebody came in whom no gate was opened for", slog.String("gate", t.Gate), slog.Time("at", t.At.UTC()))
			continue
		}
		visit, err := ledger.ParseID(string(t.Visit))
		if err != nil {
			s.o.Log.Warn("an entry's visit has no id", slog.String("visit", string(t.Visit)))
			continue
		}
		told := vision.GateTailgate{
			// Named as the gate itself names it: whoever tells it second tells nothing new.
			ID: ledger.DeriveID(visit, "tailgate", t.Gate), OccurredAt: ledger.Instant(t.At), Gate: ledger.DeviceID(t.Gate),
			Visit: t.Visit, Persons: t.Came,
		}
		s.send(func() error { return s.o.Tailgate(told) })
	}
	s.asked = until
}

// speaks reports whether a gate says whom it lets in.
func (s *Shop) speaks(gate string) bool {
	return slices.ContainsFunc(s.o.Config.Gates, func(g Gate) bool { return string(g.Gate) == gate && g.Entries != "" })
}

// write writes down who crossed.
func (d *door) write(c track.Crossing) error {
	b, err := json.Marshal(gate.LineOf(c.At, c.Track, c.In))
	if err == nil {
		_, err = d.file.Write(append(b, '\n'))
	}
	return err
}
