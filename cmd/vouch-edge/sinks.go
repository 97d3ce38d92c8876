package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/shelf"
	"github.com/vouchledger/vouch/vision/watch"
)

// sink is somewhere sightings go.
type sink interface {
	put(s watch.Sighting) error
	close() error
}

// sinks opens what the flags ask for: a file, a server, or standard output.
func (f watchFlags) sinks(cmd *cobra.Command) ([]sink, error) {
	var out []sink
	if f.out != "" {
		file, err := os.Create(f.out)
		if err != nil {
			return nil, err
		}
		out = append(out, &lines{w: file, file: file, person: f.person})
	}
	if f.server != "" {
		s, err := openSender(cmd.Context(), f)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		out = append(out, &lines{w: cmd.OutOrStdout(), person: f.person})
	}
	return out, nil
}

// lines writes detections as JSON lines.
type lines struct {
	w      io.Writer
	file   *os.File
	person string
}

// detectionLine is one line of `vouch-edge watch --out`.
type detectionLine struct {
	T           float64        `json:"t"`
	At          time.Time      `json:"at"`
	Slot        string         `json:"slot"`
	SKU         string         `json:"sku"`
	Action      string         `json:"action"`
	Quantity    int            `json:"quantity"`
	Left        int            `json:"left"`
	LeftSure    float64        `json:"left_sure"`
	Home        string         `json:"home,omitempty"`
	Untidy      bool           `json:"untidy,omitempty"`
	Unseen      bool           `json:"unseen,omitempty"`
	Purpose     shelf.Purpose  `json:"purpose,omitempty"`
	Items       []itemLine     `json:"items"`
	Confidence  float64        `json:"confidence"`
	Confidences confidences    `json:"confidences"`
	Frame       int            `json:"frame"`
	Delay       float64        `json:"delay_s"`
	Model       string         `json:"model"`
	Evidence    []evidenceLine `json:"evidence"`
}

type itemLine struct {
	SKU        string  `json:"sku"`
	Quantity   int     `json:"quantity"`
	Confidence float64 `json:"confidence"`
}

// confidences has no number for a person the camera cannot know.
type confidences struct {
	Item   float64  `json:"item"`
	Action float64  `json:"action"`
	Person *float64 `json:"person"`
}

type evidenceLine struct {
	Kind      string `json:"kind"`
	Digest    string `json:"digest"`
	MediaType string `json:"media_type"`
	Bytes     int64  `json:"bytes"`
}

func (l *lines) put(s watch.Sighting) error {
	d := s.Recorded("", "", ledger.VisitID(l.person))
	item, act := share(d.Items[0].Confidence), share(d.Actions[0].Confidence)
	line := detectionLine{
		T: s.T, At: s.At, Slot: s.Slot, SKU: string(d.Items[0].SKU), Action: string(s.Action), Quantity: s.Quantity,
		Left: s.Left, LeftSure: s.LeftSure, Home: s.Home, Untidy: s.Untidy, Unseen: s.Unseen, Purpose: s.Purpose,
		Items:      []itemLine{},
		Confidence: min(item, act), Confidences: confidences{Item: item, Action: act},
		Frame: s.Frame, Delay: s.Delay, Model: s.Model, Evidence: []evidenceLine{},
	}
	if len(d.Persons) > 0 {
		p := share(d.Persons[0].Confidence)
		line.Confidences.Person = &p
	}
	for _, h := range d.Items {
		line.Items = append(line.Items, itemLine{string(h.SKU), s.Quantity, share(h.Confidence)})
	}
	for _, e := range s.Evidence {
		line.Evidence = append(line.Evidence, evidenceLine{e.Role, string(e.Digest), e.MediaType, e.Bytes})
	}
	return json.NewEncoder(l.w).Encode(line)
}

func share(p ledger.PerMille) float64 { return float64(p) / 1000 }

func (l *lines) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// sender puts detections and their evidence into an outbox that is sent
// beside the watching.
type sender struct {
	flags watchFlags
	box   *outbox.Outbox
	store *evidenceStore
	read  func(context.Context, ledger.Digest) ([]byte, error) // of evidence
	stop  context.CancelFunc
	done  chan error
	// offset is what the clock of this machine lacks, as far as is known.
	offset time.Duration
	salt   string // of the ids of this process
	// join takes detections whose person is not known yet; nil if nobody joins
	// them with other sensors.
	join func(id ledger.ID, camera string, seen watch.Sighting, d ledger.DetectionRecorded) error
}

func openSender(ctx context.Context, f watchFlags) (*sender, error) {
	store, err := f.openEvidence(ctx)
	if err != nil {
		return nil, err
	}
	seal, err := outbox.OpenKey(f.outboxKeyFile())
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	box, err := outbox.Open(f.outbox, outbox.Config{Server: f.server, Key: f.key, Seal: seal, Now: time.Now, Notify: func(o outbox.Outcome) {
		if o.Final && o.Err != nil {
			slog.WarnContext(ctx, "the server refused a message; it is kept in the outbox under dead",
				slog.String("path", o.Item.Path), slog.Int("status", o.Status), slog.String("answer", string(o.Answer)))
		}
	}})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	// The outbox outlives an interrupted watch: what is queued still gets
	// its time to leave.
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &sender{flags: f, box: box, store: store, read: store.Read, salt: rand.Text(), stop: stop, done: make(chan error, 1)}
	go func() { s.done <- box.Run(run) }()
	return s, nil
}

// detectionRequest is the body of POST /v1/detections.
type detectionRequest struct {
	ID         string                   `json:"id"`
	OccurredAt time.Time                `json:"occurred_at"`
	Detection  ledger.DetectionRecorded `json:"detection"`
}

// put keeps a sighting: what shoppers did as a detection, and what is not
// shopping, or leaves things where they do not belong, as a change of the
// shelf. It may be called again if the disk was full in its middle.
func (s *sender) put(seen watch.Sighting) error {
	if seen.Purpose == shelf.Shopping {
		if err := s.detection(seen); err != nil {
			return err
		}
	}
	change, ok := seen.ShelfChange(ledger.DeviceID(s.flags.sensor))
	if !ok {
		return nil
	}
	var err error
	if change.ID, err = s.id(seen, "change"); err != nil {
		return err
	}
	change.Offset = int(s.offset.Milliseconds())
	return s.post(change.ID, fmt.Sprintf(vision.PathShelfChanges, url.PathEscape(s.flags.store)), change)
}

func (s *sender) detection(seen watch.Sighting) error {
	for _, e := range vision.Uploads(seen.Evidence) {
		b, err := s.read(context.Background(), e.Digest) // on this machine
		if err != nil {
			return err
		}
		err = s.box.Put(outbox.Item{
			ID: "evidence-" + string(e.Digest), Method: http.MethodPut, Resume: true,
			Path: vision.UploadPath(e, ledger.VisitID(s.flags.person)), ContentType: e.MediaType, Body: b,
		})
		if err != nil {
			return err
		}
	}
	id, err := s.id(seen, "detection")
	if err != nil {
		return err
	}
	f := s.flags
	d := seen.Recorded(ledger.StoreID(f.store), ledger.DeviceID(f.sensor), ledger.VisitID(f.person))
	d.ClockOffset = int(s.offset.Milliseconds())
	if s.join != nil {
		return s.join(id, f.sensor, seen, d)
	}
	return s.post(id, "/v1/detections", detectionRequest{ID: id.String(), OccurredAt: seen.At.UTC(), Detection: d})
}

// id is the same for a sighting that is put again, and for no other.
func (s *sender) id(seen watch.Sighting, what string) (ledger.ID, error) {
	h := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d/%d/%s", s.salt, s.flags.sensor, seen.At.UnixNano(), seen.ID, what))
	return ledger.NewID(seen.At, bytes.NewReader(h[:]))
}

func (s *sender) post(id ledger.ID, path string, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return s.box.Put(outbox.Item{
		ID: id.String(), Method: http.MethodPost, Path: path, ContentType: "application/json", Body: body,
	})
}

// close waits a while for the outbox to empty. What is left is kept on disk
// for the next start.
func (s *sender) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.flags.drain)
	defer cancel()
	err := s.box.Drain(ctx)
	s.stop()
	err = errors.Join(ignoreDeadline(err), <-s.done)
	if st := s.box.Status(); st.Depth > 0 || st.Dead > 0 {
		slog.WarnContext(ctx, "not everything was sent; run again with the same --outbox",
			slog.Int("waiting", st.Depth), slog.Int("refused", st.Dead), slog.String("outbox", s.flags.outbox),
			slog.String("last", st.Error))
	}
	if err = errors.Join(err, s.box.Close(), s.store.Close()); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return nil
}

func ignoreDeadline(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
