package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	visionedge "github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/edge/host"
	"github.com/vouchledger/vouch/vision/floor/live"
	"github.com/vouchledger/vouch/vision/outbox"
	"github.com/vouchledger/vouch/vision/watch"
)

// joined is the floor of a shop that runs; nil where its file says none.
type joined struct {
	*live.Shop
	host *host.Host
	log  *slog.Logger
}

// joinFloor opens what joins the sensors of a shop's file, if it has any to
// join: cameras that look for persons, scales, readers, gates.
func joinFloor(c shopConfig, state string, box *outbox.Outbox, file func(string) string, now func() time.Time, log *slog.Logger) (*joined, error) {
	persons := slices.ContainsFunc(c.Cameras, func(cam visionedge.Camera) bool { return cam.Floor != "" })
	if c.Floor == nil && !persons {
		return nil, nil //nolint:nilnil // there is nothing to join
	}
	if c.Floor == nil {
		c.Floor = &live.Config{}
	}
	j := &joined{log: log}
	var err error
	j.Shop, err = live.Open(live.Options{
		Store: ledger.StoreID(c.Store), Config: *c.Floor, File: file, State: state,
		Put: func(id ledger.ID, at time.Time, d ledger.DetectionRecorded) error {
			return putJSON(box, id, "/v1/detections", detectionRequest{ID: id.String(), OccurredAt: at.UTC(), Detection: d})
		},
		Keep: func(role, mediaType string, b []byte) (ledger.EvidenceRef, error) {
			ref := ledger.EvidenceRef{Role: role, Digest: ledger.DigestOf(b), MediaType: mediaType, Bytes: int64(len(b))}
			return ref, box.Put(outbox.Item{
				ID: "evidence-" + string(ref.Digest), Method: http.MethodPut, Resume: true,
				Path: vision.UploadPath(ref, ""), ContentType: mediaType, Body: b,
			})
		},
		Tailgate: func(t vision.GateTailgate) error { return putJSON(box, t.ID, vision.PathTailgates, t) },
		Tell: func(ctx context.Context, part string, s ledger.DeviceState, detail string) {
			j.host.Tell(ctx, part, s, detail)
		},
		Offset: func() time.Duration { offset, _ := j.host.Offset(); return offset },
		NewID:  func(at time.Time) (ledger.ID, error) { return ledger.NewID(at, rand.Reader) },
		Now:    now, Log: log,
	})
	return j, err
}

// putJSON puts a message with an id into the outbox.
func putJSON(box *outbox.Outbox, id ledger.ID, path string, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return box.Put(outbox.Item{ID: id.String(), Method: http.MethodPost, Path: path, ContentType: "application/json", Body: body})
}

// into gives what happens on the machine to the floor.
func (j *joined) into(ctx context.Context, c *host.Config) {
	c.Followed, c.Weight, c.Hand = j.Followed, j.Weight, j.Hand
	c.Found = func(cam visionedge.Camera, s watch.Sighting) {
		if cam.Person == "" { // what a camera says of one shopper alone is not joined
			j.Found(cam.Name, s)
		}
	}
	c.Floor = j.View
	c.Configured = func(cameras []visionedge.Camera) {
		state, detail := ledger.DeviceWell, ""
		if err := j.Configure(cameras); err != nil {
			state, detail = ledger.DeviceMisconfigured, err.Error()
			j.log.ErrorContext(ctx, "what sensors say is not joined", slog.String("why", detail))
		}
		go j.host.Tell(ctx, live.PartFloor, state, detail) // it is the host's own loop that calls
	}
}

// run joins until the returned function is called.
func (j *joined) run(ctx context.Context) (stop func()) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { j.Run(running); close(done) }()
	return func() { cancel(); <-done }
}

// checkShop reads everything that a shop's file names, and says on w what may be
// meant otherwise.
func checkShop(w io.Writer, c shopConfig, beside string) error {
	file := func(name string) string { return from(beside, name) }
	h := host.New(host.Config{
		Local: c.Settings, Beside: beside, Detector: openDetector, Recogniser: openRecogniser, People: openPeople,
		Now: time.Now, Roll: func() float64 { return 0 },
	})
	remarks, err := h.Check()
	for _, said := range remarks {
		fmt.Fprintln(w, said)
	}
	if c.Floor != nil {
		err = errors.Join(err, c.Floor.Check(c.Cameras, file))
	}
	return err
}
