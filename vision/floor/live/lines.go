package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/internal/pause"
	"github.com/vouchledger/vouch/vision/relay"
)

const (
	// maxLine bounds a line of a sensor.
	maxLine = 64 << 10
	// look is how often a file that somebody else writes is looked at.
	look = 200 * time.Millisecond
	// again is how long a sensor that is away is waited for at first and at most.
	again, atMost = time.Second, time.Minute
	// connect bounds how long an address may take to answer.
	connect = 5 * time.Second
)

// timed is what a line says of its time.
type timed struct {
	T  *float64   `json:"t"`  // seconds of a recording
	At *time.Time `json:"at"` // as the sensor's clock says
}

// listen reads the lines of a source until ctx ends, and hands each with its
// time to hear. How the source does is told. A recording's lines are waited for.
func (s *Shop) listen(ctx context.Context, name, source string, hear func(at time.Time, line []byte) error) {
	wait := again
	for ctx.Err() == nil {
		s.tell(ctx, name, ledger.DeviceStarting, "")
		err := s.hearAll(ctx, name, source, hear)
		if ctx.Err() != nil {
			return
		}
		if err == nil { // a recording's end
			s.tell(ctx, name, ledger.DeviceEnded, "")
			return
		}
		s.tell(ctx, name, ledger.DeviceUnreachable, err.Error())
		if !pause.For(ctx, wait) {
			return
		}
		wait = min(atMost, 2*wait)
	}
}

// open opens a source. Whether it is a recording its first line says.
func (s *Shop) open(ctx context.Context, source string) (io.ReadCloser, error) {
	address, ok := strings.CutPrefix(source, "tcp://")
	if !ok {
		return os.Open(s.o.File(source))
	}
	d := net.Dialer{Timeout: connect}
	return d.DialContext(ctx, "tcp", address)
}

func (s *Shop) hearAll(ctx context.Context, name, source string, hear func(at time.Time, line []byte) error) error {
	r, err := s.open(ctx, source)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	defer context.AfterFunc(ctx, func() { _ = r.Close() })()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	well, recorded, bad := false, false, 0
	for lines.Scan() {
		var when timed
		if err := json.Unmarshal(lines.Bytes(), &when); err != nil {
			bad++
			continue
		}
		at := s.o.Now()
		switch {
		case when.T != nil:
			recorded = true
			at = s.since().Add(time.Duration(*when.T * float64(time.Second)))
			if !pause.For(ctx, at.Sub(s.o.Now())) {
				return ctx.Err()
			}
		case when.At != nil:
			at = *when.At
		}
		if err := hear(at, lines.Bytes()); err != nil {
			bad++
			s.o.Log.WarnContext(ctx, "a sensor says what cannot be used", slog.String("sensor", name), slog.String("why", err.Error()))
		} else if !well {
			well = true
			s.tell(ctx, name, ledger.DeviceWell, "")
		}
	}
	switch err := lines.Err(); {
	case err != nil:
		return err
	case recorded:
		return nil
	case !well && bad > 0:
		return fmt.Errorf("%d lines, and none that can be used", bad)
	}
	return errors.New("it says no more")
}

// follow hands on the lines of a file that another program writes, also of one
// that is not there yet or was begun anew.
func (s *Shop) follow(ctx context.Context, path string, hear func(line []byte)) {
	r := relay.Follow(path)
	defer r.Close() //nolint:errcheck // only read
	for said := false; ; {
		err := r.Next(hear)
		if err != nil && !said {
			s.o.Log.WarnContext(ctx, "what a gate says cannot be read", slog.String("file", path), slog.String("why", err.Error()))
		}
		said = err != nil
		if !pause.For(ctx, look) {
			return
		}
	}
}
