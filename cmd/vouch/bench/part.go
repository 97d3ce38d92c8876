package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/vouchledger/vouch/internal/goals"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/embedded"
	"github.com/vouchledger/vouch/ledger/ledgerbench"
	"github.com/vouchledger/vouch/projections"
)

// A Part is a measurement that gets a process of its own, so that memory and
// processor time are its alone.
type Part string

// The parts.
const (
	PartOpen   Part = "open"   // open the log
	PartReplay Part = "replay" // read, decode and fold visits
	PartDecode Part = "decode" // decode the same bodies twice: as the product does, and with encoding/json
)

// An Outcome is what a part has measured.
type Outcome struct {
	Events  uint64  `json:"events"`
	WallMS  float64 `json:"wall_ms"`
	CPUMS   float64 `json:"cpu_ms"`
	OtherMS float64 `json:"other_ms"` // processor time of encoding/json
	RSS     float64 `json:"rss_mb"`   // resident at the end
	Peak    float64 `json:"peak_mb"`  // most that was ever resident
	Heap    float64 `json:"heap_mb"`  // of this, Go's heap in use
	Carts   int     `json:"carts"`
}

// RunPart measures one part on the log in dir and writes the outcome as JSON.
func RunPart(ctx context.Context, out io.Writer, now func() time.Time, part Part, dir string, events uint64) error {
	var o Outcome
	start := now()
	log, err := embedded.Open(ctx, dir, embedded.Config{Now: now, ReadOnly: part != PartOpen})
	if err != nil {
		return err
	}
	o.WallMS = millis(now().Sub(start))
	switch part {
	case PartOpen:
		o.Events, err = log.Head(ctx)
		o.weigh()
	case PartReplay:
		err = o.replay(ctx, now, log, events)
	case PartDecode:
		err = o.decode(ctx, log, events)
	default:
		err = fmt.Errorf("%w: no part %q", ledger.ErrInvalid, part)
	}
	if err = errors.Join(err, log.Close()); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(o)
}

// weigh looks at the process's memory.
func (o *Outcome) weigh() {
	const status = "/proc/self/status"
	o.RSS, o.Peak = float64(goals.Kilobytes(status, "VmRSS"))/1024, float64(goals.Kilobytes(status, "VmHWM"))/1024
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	o.Heap = float64(m.HeapInuse) / (1 << 20)
}

// replay reads visits' events, as many as are wanted or all of them, in the
// order that costs the log least, decodes them and folds each visit into its
// cart, and keeps all carts.
func (o *Outcome) replay(ctx context.Context, now func() time.Time, log ledger.Log, events uint64) error {
	var carts projections.Carts
	start, cpu := now(), ledgerbench.ProcessorTime()
	q := ledger.Query{Prefixes: []string{ledger.CategoryVisit + "-"}}
	for lent, err := range ledger.Scan(ctx, log, q) {
		if err != nil {
			return err
		}
		if err := carts.Take(lent); err != nil {
			return err
		}
		if o.Events++; o.Events == events {
			break
		}
	}
	o.WallMS, o.CPUMS, o.Carts = millis(now().Sub(start)), millis(ledgerbench.ProcessorTime()-cpu), carts.Len()
	o.weigh()
	runtime.KeepAlive(&carts)
	return nil
}

// decode decodes bodies in turns of a thousand.
func (o *Outcome) decode(ctx context.Context, log ledger.Log, events uint64) error {
	const turn = 1000
	var rs []ledger.Record
	var decoder ledger.Decoder
	flush := func() error {
		start := ledgerbench.ProcessorTime()
		for _, r := range rs {
			if _, err := decoder.Decode(r); err != nil {
				return err
			}
		}
		middle := ledgerbench.ProcessorTime()
		for _, r := range rs {
			if err := decodeStandard(r); err != nil {
				return err
			}
		}
		o.CPUMS += millis(middle - start)
		o.OtherMS += millis(ledgerbench.ProcessorTime() - middle)
		o.Events += uint64(len(rs))
		rs = rs[:0]
		return nil
	}
	for rec, err := range log.Read(ctx, ledger.Query{Limit: int(events)}) { //nolint:gosec // not so many
		if err != nil {
			return err
		}
		if rs = append(rs, rec); len(rs) == turn {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// standard decodes a body the way a program without codecs of its own does.
func standard[P ledger.Payload](body []byte) error {
	var p P
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return err
	}
	return p.Validate()
}

// decodeStandard decodes the kinds that visits are made of with encoding/json.
func decodeStandard(r ledger.Record) error {
	switch r.Kind { //nolint:exhaustive // the others do not occur, or hardly
	case ledger.KindGatePresented:
		return standard[ledger.GatePresented](r.Body)
	case ledger.KindGateEntered:
		return standard[ledger.GateEntered](r.Body)
	case ledger.KindGateExited:
		return standard[ledger.GateExited](r.Body)
	case ledger.KindDetectionRecorded:
		return standard[ledger.DetectionRecorded](r.Body)
	case ledger.KindItemPriced:
		return standard[ledger.ItemPriced](r.Body)
	case ledger.KindReviewRequested:
		return standard[ledger.ReviewRequested](r.Body)
	case ledger.KindReviewDecided:
		return standard[ledger.ReviewDecided](r.Body)
	case ledger.KindReceiptIssued:
		return standard[ledger.ReceiptIssued](r.Body)
	case ledger.KindVisitSettled:
		return standard[ledger.VisitSettled](r.Body)
	case ledger.KindHoldIntended:
		return standard[ledger.HoldIntended](r.Body)
	case ledger.KindHeld:
		return standard[ledger.Held](r.Body)
	case ledger.KindCaptureIntended:
		return standard[ledger.CaptureIntended](r.Body)
	case ledger.KindCaptured:
		return standard[ledger.Captured](r.Body)
	default:
		return nil
	}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// part runs a part in a process of its own, on one processor if so wanted.
func (r *run) part(ctx context.Context, part Part, events uint64, one bool) (Outcome, error) {
	args := append(append([]string{}, r.Part[1:]...), string(part), "--data", r.path(), "--events", fmt.Sprint(events))
	cmd := exec.CommandContext(ctx, r.Part[0], args...) //nolint:gosec // this program itself
	cmd.Env = os.Environ()
	if one {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return Outcome{}, fmt.Errorf("%s in a process of its own: %w: %s", part, err, stderr.Bytes())
	}
	var o Outcome
	if err := json.Unmarshal(stdout.Bytes(), &o); err != nil {
		return o, fmt.Errorf("%s in a process of its own said %q: %w", part, stdout.Bytes(), err)
	}
	return o, nil
}
