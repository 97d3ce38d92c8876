package live

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision"
	"github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/mount"
	"github.com/vouchledger/vouch/vision/shelf"
	"github.com/vouchledger/vouch/vision/sidecar"
	"github.com/vouchledger/vouch/vision/track"
	"github.com/vouchledger/vouch/vision/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var opens = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

const (
	anna = ledger.VisitID("0193a000-0000-7000-8000-00000000000a")
	ben  = ledger.VisitID("0193a000-0000-7000-8000-00000000000b")
)

// ceiling is a camera that looks straight down on 6 x 4 metres from 4 metres
// high, 100 pixels a metre on the floor.
const ceiling = `{"size": [600, 400], "hangs": [3, 2, 4], "above": true, "points": [
	{"picture": [100, 100], "floor": [1, 1]}, {"picture": [500, 100], "floor": [5, 1]},
	{"picture": [500, 300], "floor": [5, 3]}, {"picture": [100, 300], "floor": [1, 3]}]}`

const cans = `{"size": [640, 360], "sku": "cola", "capacity": 3, "initial": {"a1": 3, "a2": 3},
	"slots": {"a1": [[0,100],[50,100],[50,200]], "a2": [[90,100],[150,100],[150,200]]},
	"products": {"a2": {"sku": "tea", "capacity": 3}}}`

func shopFile() Config {
	return Config{
		Gates: []Gate{{
			Gate: "gate-1", From: [2]float64{0.2, 0.5}, To: [2]float64{1.8, 0.5}, Inside: [2]float64{1, 2}, Crossings: "crossings.jsonl",
		}},
		Places:   map[string]Place{"a1": {At: [2]float64{1, 3.6}, Front: [2]float64{0, -1}}, "a2": {At: [2]float64{4, 3.6}, Front: [2]float64{0, -1}}},
		Products: map[ledger.SKU]Product{"cola": {Grams: 355}, "tea": {Grams: 120}},
		Scales:   []Sensor{{Name: "scale-a", Source: "scale.jsonl", Slots: []string{"a1", "a2"}}},
	}
}

var cameras = []edge.Camera{
	{Name: "ceiling", Source: "rtsp://c", Floor: "ceiling.json"}, {Name: "shelf-a", Source: "rtsp://a", Planogram: "shelf.json"},
}

// sent is what the outbox was given.
type sent struct {
	id ledger.ID
	at time.Time
	ledger.DetectionRecorded
}

// A corner is a shop of one corner whose clock the test turns.
type corner struct {
	*Shop
	t       *testing.T
	dir     string
	now     time.Time
	full    bool // the outbox
	sent    []sent
	kept    map[ledger.Digest][]byte
	doubted []vision.GateTailgate
}

func open(t *testing.T, c Config) *corner {
	t.Helper()
	k := &corner{t: t, dir: t.TempDir(), now: opens, kept: map[ledger.Digest][]byte{}}
	for name, text := range map[string]string{"ceiling.json": ceiling, "shelf.json": cans} {
		if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k.start(c)
	return k
}

// start begins the program anew on the same disk.
func (k *corner) start(c Config) {
	k.t.Helper()
	var err error
	k.Shop, err = Open(Options{
		Store: "s1", Config: c, File: func(name string) string { return filepath.Join(k.dir, name) }, State: k.dir,
		Put: func(id ledger.ID, at time.Time, d ledger.DetectionRecorded) error {
			if k.full {
				return errors.New("no room")
			}
			if err := d.Validate(); err != nil {
				k.t.Errorf("what is sent is refused: %v", err)
			}
			k.sent = append(k.sent, sent{id, at, d})
			return nil
		},
		Keep: func(role, mediaType string, b []byte) (ledger.EvidenceRef, error) {
			d := ledger.DigestOf(b)
			k.kept[d] = b
			return ledger.EvidenceRef{Role: role, Digest: d, MediaType: mediaType, Bytes: int64(len(b))}, nil
		},
		Tailgate: func(t vision.GateTailgate) error { k.doubted = append(k.doubted, t); return nil },
		Offset:   func() time.Duration { return 40 * time.Millisecond },
		NewID:    func(at time.Time) (ledger.ID, error) { return ledger.NewID(at, rand.Reader) },
		Now:      func() time.Time { return k.now }, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		err = k.Configure(cameras)
	}
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() {
		for _, d := range k.doors {
			_ = d.file.Close()
		}
	})
}

func (k *corner) at(seconds float64) time.Time {
	return opens.Add(time.Duration(seconds * float64(time.Second)))
}

// walker comes in at a second and stands before the shelf at x three seconds
// later.
type walker struct{ from, x float64 }

// until lets time pass, with who walks and what lies on the scale.
func (k *corner) until(seconds float64, grams func(t float64) float64, walkers ...walker) {
	k.t.Helper()
	m, err := mount.Parse([]byte(ceiling))
	if err != nil {
		k.t.Fatal(err)
	}
	for t := k.now.Sub(opens).Seconds(); t < seconds; t += 0.1 {
		k.now = k.at(t)
		f := track.Frame{Camera: "ceiling", At: k.now}
		for i, w := range walkers {
			s := max(0, min(1, (t-w.from)/3))
			foot, _ := m.Foot(1+s*(w.x-1), 0.1+s*2.9)
			look := make(track.Look, 3)
			look[i] = 1
			if at := image.Pt(int(foot.X), int(foot.Y)); t >= w.from {
				f.Boxes = append(f.Boxes, track.Box{
					Rect: image.Rect(at.X-25, at.Y-25, at.X+25, at.Y+25).Intersect(image.Rect(0, 0, 600, 400)), Score: 0.9, Look: look, Foot: foot,
				})
			}
		}
		k.Followed(f)
		for i := range 2 {
			line := fmt.Sprintf(`{"scale": "scale-a", "grams": %.1f}`, grams(t)+float64(int(97*t)%3)-1)
			if err := k.weighed(k.o.Config.Scales[0], k.at(t+0.05*float64(i)), []byte(line)); err != nil {
				k.t.Fatal(err)
			}
		}
		k.Tick()
	}
}

func (k *corner) enters(visit ledger.VisitID, t float64) { k.says(visit, t, "") }

// says is the gate's line of an entry, with something more.
func (k *corner) says(visit ledger.VisitID, t float64, more string) {
	k.said(k.o.Config.Gates[0], fmt.Appendf(nil, `{"at":%q,"gate":"gate-1","visit":%q,"decision":"entered","party":1%s}`,
		k.at(t).Format(time.RFC3339Nano), visit, more))
}

// took is a sighting of the shelf's camera with a picture.
func (k *corner) took(slot string, sku ledger.SKU, t float64) (watch.Sighting, ledger.DetectionRecorded) {
	s := watch.Sighting{Change: shelf.Change{ID: 1, Slot: slot, SKU: string(sku), Action: shelf.Take, Quantity: 1, Item: 0.95, Act: 0.95}, At: k.at(t), Model: "shelf/1"}
	s.Evidence = []ledger.EvidenceRef{{Role: ledger.RoleBefore, Digest: ledger.DigestOf([]byte(slot)), MediaType: "image/jpeg", Bytes: 2}}
	return s, s.Recorded("s1", "shelf-a", "")
}

// annaTakesACola lets anna come in alone, stand before the shelf and take one, and
// judges it.
func (k *corner) annaTakesACola() {
	k.t.Helper()
	k.enters(anna, 1.2)
	k.until(12.8, less(355, 12), walker{1, 1})
	seen, alone := k.took("a1", "cola", 12.1)
	if err := k.Take(ledger.DeriveID(ledger.ID{7}, seen.Slot), "shelf-a", seen, alone); err != nil {
		k.t.Fatal(err)
	}
	k.until(20, less(355, 12), walker{1, 1})
}

func full(float64) float64 { return 3000 }

func less(grams, from float64) func(float64) float64 {
	return func(t float64) float64 {
		if t >= from {
			return 3000 - grams
		}
		return 3000
	}
}

func TestASightingIsSentWithWhoItWas(t *testing.T) {
	k := open(t, shopFile())
	k.enters(anna, 1.2)
	k.enters(ben, 4.9)
	two := []walker{{1, 1}, {5, 4}}
	k.until(12.8, less(355, 12), two...)
	seen, alone := k.took("a1", "cola", 12.1)
	if err := k.Take(ledger.DeriveID(ledger.ID{7}, seen.Slot), "shelf-a", seen, alone); err != nil {
		t.Fatal(err)
	}
	if err := k.Take(ledger.DeriveID(ledger.ID{7}, seen.Slot), "shelf-a", seen, alone); err != nil { // there was no room behind it
		t.Fatal(err)
	}
	if len(k.sent) != 0 {
		t.Fatalf("sent at once: %+v", k.sent)
	}
	k.until(20, less(355, 12), two...)
	if len(k.sent) != 1 {
		t.Fatalf("%d detections, want one", len(k.sent))
	}
	d := k.sent[0]
	if d.Slot != "a1" || d.Items[0].SKU != "cola" || d.Grams > -350 || d.Sensor != "shelf-a" || d.ClockOffset != 40 || !strings.Contains(d.Model, "shelf/1") {
		t.Errorf("detection %+v, want a cola of 355 g from a1 as shelf-a saw it", d.DetectionRecorded)
	}
	if len(d.Persons) == 0 || d.Persons[0].Visit != anna || d.Persons[0].Confidence < 900 {
		t.Errorf("persons %v, want anna", d.Persons)
	}
	roles := ""
	for _, e := range d.Evidence {
		roles += e.Role + " "
	}
	if roles != "before weight " {
		t.Errorf("evidence %q, want the picture and the weight", roles)
	}
	w, err := sidecar.ParseWeight(k.kept[d.Evidence[1].Digest])
	if err != nil || w.Scale != "scale-a" || w.Change() > -340 {
		t.Errorf("weight %+v, %v, want 355 g less", w, err)
	}
	if left, err := k.asides.left(); err != nil || len(left) != 0 {
		t.Errorf("%d sightings are still put aside, %v", len(left), err)
	}
	// The same readings for the watcher's own evidence.
	if w := k.Weight("a1", k.at(12)); w == nil || len(w.Points) < 50 {
		t.Errorf("Weight = %+v, want the readings around", w)
	}
	if w := k.Weight("b1", k.at(12)); w != nil {
		t.Errorf("Weight of a slot without a scale = %+v", w)
	}
}

// TestWhoComesInByABadgeRestocks: dora, who works here, and ben stand before the same
// shelf, he nearer, and a can comes. By the gate's line it is hers, and what a visit
// of staff's did is on nobody's receipt. Of the lines of a gate that is older, or that
// say she is a shopper, nobody can know that.
func TestWhoComesInByABadgeRestocks(t *testing.T) {
	dora := anna
	for story, more := range map[string]string{"a badge": `,"staff":true`, "a shopper": `,"staff":false`, "an older gate": ""} {
		k := open(t, shopFile())
		k.says(dora, 1.2, more)
		k.enters(ben, 4.9)
		k.until(20, func(t float64) float64 { return 6000 - less(355, 12)(t) }, walker{1, 0.75}, walker{5, 1.2})
		if len(k.sent) != 1 || k.sent[0].Slot != "a1" || k.sent[0].Actions[0].Action != ledger.ActionReturn || len(k.sent[0].Persons) == 0 {
			t.Fatalf("%s: sent %+v, want one that came to a1", story, k.sent)
		}
		p := k.sent[0].Persons[0]
		sure, badge := p.Visit == dora && p.Confidence >= 900, strings.Contains(more, "true")
		if sure != badge || k.floor.Staff(dora) != badge || k.floor.Staff(ben) {
			t.Errorf("%s: brought by %v, want surely dora only by her badge", story, k.sent[0].Persons)
		}
	}
}

func TestThePlugIsPulledWhileASightingWaits(t *testing.T) {
	k := open(t, shopFile())
	k.until(3, full)
	seen, alone := k.took("a1", "cola", 2.5)
	if err := k.Take(ledger.DeriveID(ledger.ID{7}, seen.Slot), "shelf-a", seen, alone); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.asides.dir, ".new-1"), []byte(`{"half`), 0o600); err != nil {
		t.Fatal(err)
	}
	waiting, err := os.ReadDir(k.asides.dir)
	if err != nil || len(waiting) != 2 {
		t.Fatalf("put aside: %v, %v", waiting, err)
	}
	k.start(shopFile())
	if len(k.sent) != 1 || k.sent[0].Slot != "a1" || len(k.sent[0].Persons) != 0 || len(k.sent[0].Evidence) != 1 {
		t.Fatalf("after the plug was sent %+v, want what the camera saw, of nobody", k.sent)
	}
	k.start(shopFile())
	if len(k.sent) != 1 {
		t.Errorf("sent again: %+v", k.sent)
	}
	if err := os.WriteFile(filepath.Join(k.asides.dir, "x.json"), []byte(`{"id": 7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.asides.left(); err == nil {
		t.Error("a sighting that cannot be read is passed over")
	}
}

func TestWhatHasNoRoomIsSentLaterAndInOrder(t *testing.T) {
	k := open(t, shopFile())
	k.full = true
	k.until(8.5, less(355, 5))
	k.until(18, func(t float64) float64 { return less(355, 5)(t) + less(120, 10)(t) - 3000 })
	if len(k.sent) != 0 {
		t.Fatalf("sent without room: %+v", k.sent)
	}
	k.full = false
	k.until(18.3, func(float64) float64 { return 2525 })
	if len(k.sent) != 2 || k.sent[0].Items[0].SKU != "cola" || k.sent[1].Items[0].SKU != "tea" {
		t.Fatalf("sent when there was room: %+v, want the cola and then the tea", k.sent)
	}
	for _, d := range k.sent {
		if d.Sensor != "scale-a" || d.Source != ledger.SensorScale || len(d.Evidence) != 1 || d.Evidence[0].Role != ledger.RoleWeight {
			t.Errorf("detection %+v, want one of the scale with its trace", d.DetectionRecorded)
		}
	}
}

func TestASightingThatTheScaleContradictsIsNothing(t *testing.T) {
	k := open(t, shopFile())
	k.until(5, full)
	seen, alone := k.took("a1", "cola", 4)
	seen.Act, seen.Item = 0.5, 0.5
	if err := k.Take(ledger.DeriveID(ledger.ID{7}, seen.Slot), "shelf-a", seen, alone); err != nil {
		t.Fatal(err)
	}
	k.until(22, full)
	if left, err := k.asides.left(); err != nil || len(left) != 0 {
		t.Errorf("%d sightings are still put aside, %v, want none", len(left), err)
	}
	if len(k.sent) > 1 {
		t.Errorf("sent %+v", k.sent)
	}
}

func TestTwoOnOneCodeAreToldAndWrittenDown(t *testing.T) {
	k := open(t, shopFile())
	k.enters(anna, 1.2)
	k.until(20, full, walker{1, 1}, walker{2.4, 4})
	if len(k.doubted) != 1 || k.doubted[0].Visit != anna || k.doubted[0].Persons != 2 || k.doubted[0].Gate != "gate-1" {
		t.Fatalf("told %+v, want anna's entry with two persons", k.doubted)
	}
	b, err := os.ReadFile(filepath.Join(k.dir, "crossings.jsonl"))
	if err != nil || strings.Count(string(b), `"way":"in"`) != 2 {
		t.Errorf("crossings:\n%s%v, want two who came in", b, err)
	}
	k.until(40, full, walker{1, 1}, walker{2.4, 4})
	if len(k.doubted) != 1 {
		t.Errorf("told again: %+v", k.doubted)
	}
}

func TestFloorsThatDoNotFitTogetherAreRefused(t *testing.T) {
	k := open(t, shopFile())
	for story, tt := range map[string]struct {
		spoil   func(c *Config)
		cameras []edge.Camera
	}{
		"a scale without a source":       {func(c *Config) { c.Scales[0].Source = "" }, cameras},
		"two of one name":                {func(c *Config) { c.Readers = c.Scales }, cameras},
		"a gate without a line":          {func(c *Config) { c.Gates[0].To = c.Gates[0].From }, cameras},
		"a gate whose inside is on it":   {func(c *Config) { c.Gates[0].Inside = c.Gates[0].To }, cameras},
		"a scale of a slot nobody has":   {func(c *Config) { c.Scales[0].Slots = []string{"z9"} }, cameras},
		"what is weighed weighs what?":   {func(c *Config) { delete(c.Products, "tea") }, cameras},
		"a wait of an hour":              {func(c *Config) { c.Wait = 3600 }, cameras},
		"later than it is judged":        {func(c *Config) { c.Late = 3 }, cameras},
		"before its time":                {func(c *Config) { c.Late = -1 }, cameras},
		"a film as fast as it goes":      {func(*Config) {}, append([]edge.Camera{{Name: "f", Source: "f.mp4", Floor: "ceiling.json"}}, cameras...)},
		"a calibration that is not one":  {func(c *Config) { c.Calibration = "shelf.json" }, cameras},
		"the same slot at two cameras":   {func(*Config) {}, append([]edge.Camera{{Name: "f", Source: "0", Planogram: "shelf.json"}}, cameras...)},
		"a floor file that is not there": {func(*Config) {}, []edge.Camera{{Name: "f", Source: "0", Floor: "none.json"}}},
	} {
		c := shopFile()
		tt.spoil(&c)
		if err := c.Check(tt.cameras, k.o.File); err == nil {
			t.Errorf("%s: Check = nil, want a refusal", story)
		}
	}
	c := shopFile()
	if err := c.Check(cameras, k.o.File); err != nil {
		t.Errorf("Check of a shop that fits = %v", err)
	}
	var strict Config
	if err := json.Unmarshal([]byte(`{"scales":[{"name":"s","source":"tcp://10.0.0.9:4001","slots":["a1"]}]}`), &strict); err != nil || strict.Validate() != nil {
		t.Errorf("a scale at an address: %v, %v", err, strict.Validate())
	}
}
