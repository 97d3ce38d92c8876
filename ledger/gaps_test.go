package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/internal/frame"
	"github.com/vouchledger/vouch/ledger/internal/words"
)

// A block is events as a sealed segment has them.
type block struct{ words, forms, packed []byte }

const visitTail = "01935700-0000-7000-8000-0000000000aa"

// packedOf packs bodies, each as an event of one stream.
func packedOf(bs []stored) block {
	var frames []frame.Frame
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for i, s := range bs {
		r := ledger.Record{
			ID: ledger.DeriveID(id(1), fmt.Sprint(i)), Kind: s.kind, Stream: "visit-" + visitTail, Revision: uint64(i), Position: uint64(i + 1),
			Recorded: at, Occurred: at, Body: s.body,
		}
		frames = append(frames, frame.Append(nil, &r, 0, 1))
	}
	p := words.Learn(frames)
	var b block
	b.words, b.forms = p.Tables()
	b.packed, _ = p.Pack(nil, frames)
	return b
}

// each calls visit for the events of a block until what is packed does not hold.
func (b block) each(visit func(ledger.Lent) error) error {
	d, err := words.Open(b.words, b.forms)
	if err != nil {
		return nil
	}
	w := words.NewWalker(&d, new(frame.Names))
	for w.Begin(b.packed); w.More(); {
		l, ok := w.Next()
		if !ok {
			return nil
		}
		if err := visit(l); err != nil {
			return err
		}
		if !w.Done() {
			return nil
		}
	}
	return nil
}

// lentAs says how what d reads of a lent record and what encoding/json reads of the
// text of its body differ: in payload, or class of the refusal.
func lentAs(d *ledger.Decoder, l ledger.Lent) error {
	kind := l.Record.Kind
	whole, wantErr := l.Whole()
	var want ledger.Payload
	if wantErr == nil {
		want, wantErr = ledger.UnmarshalStandard(kind, whole.Body)
	}
	differ := func(how string, got ledger.Payload, err error) error {
		for _, class := range []error{nil, ledger.ErrCorrupt, ledger.ErrUnknownKind} {
			if errors.Is(err, class) != errors.Is(wantErr, class) {
				return fmt.Errorf("%s(%s, %q) = %w, and by encoding/json %w", how, kind, whole.Body, err, wantErr)
			}
		}
		if err != nil {
			return nil
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			return fmt.Errorf("%s(%s, %q) (-encoding/json +now):\n%s", how, kind, whole.Body, diff)
		}
		return nil
	}
	e, err := d.DecodeLent(l)
	if err := differ("DecodeLent", e.Payload, err); err != nil {
		return err
	}
	t, err := d.Lent(l)
	if err == nil {
		// It is lent: a second reading must not hang on what the first has left.
		t, err = d.Lent(l)
	}
	if err != nil {
		err = differ("Lent", nil, err)
	} else {
		err = differ("Lent", reflect.ValueOf(t).Elem().Interface().(ledger.Payload), nil)
	}
	if err != nil || kind != ledger.KindItemPriced {
		return err
	}
	detection, price, err := d.Priced(l)
	if err != nil {
		return differ("Priced", nil, err)
	}
	again := *price
	again.Detection = detection
	return differ("Priced", again, nil)
}

// repeated returns bodies so often that their forms are worth an entry, each third time
// with other values.
func repeated(bs []stored, rng *rand.Rand) (more []stored) {
	for n := range 6 {
		for _, s := range bs {
			b := bytes.Clone(s.body)
			if n%3 == 2 {
				b = mutations[rng.IntN(len(mutations))](rng, b)
			}
			more = append(more, stored{s.kind, b})
		}
	}
	return more
}

// TestBodiesWithGaps reads bodies of all kinds, sound and damaged, as a sealed segment
// has them, and holds that equal to encoding/json's reading of their text.
func TestBodiesWithGaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1723))
	for range 30 {
		var d ledger.Decoder
		for range 3 { // one segment after the other
			bs := repeated(bodies(t), rng)
			rng.Shuffle(len(bs), func(i, j int) { bs[i], bs[j] = bs[j], bs[i] })
			if err := packedOf(bs).each(func(l ledger.Lent) error { return lentAs(&d, l) }); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDamagedGaps damages forms, words and values themselves: whatever text they then
// make, it is read as encoding/json reads it.
func TestDamagedGaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1723))
	sound := packedOf(repeated(bodies(t), rng))
	for n := range 120 {
		b := block{bytes.Clone(sound.words), bytes.Clone(sound.forms), bytes.Clone(sound.packed)}
		for range 1 + rng.IntN(4) {
			part := [][]byte{b.words, b.forms, b.forms, b.packed}[n%4]
			if i := rng.IntN(len(part)); rng.IntN(2) == 0 {
				part[i] = anyByte(rng)
			} else {
				part[i] ^= 1 << rng.IntN(8)
			}
		}
		var d ledger.Decoder
		seen := 0
		if err := b.each(func(l ledger.Lent) error {
			if seen++; seen > 400 {
				return nil
			}
			return lentAs(&d, l)
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnyPayloadWithGaps reads anything that a payload may hold.
func TestAnyPayloadWithGaps(t *testing.T) {
	for _, sample := range samples() {
		rapid.Check(t, func(t *rapid.T) {
			var bs []stored
			for range 3 {
				v := reflect.New(reflect.TypeOf(sample)).Elem()
				fill(t, v, rapid.Bool().Draw(t, "plain"))
				p, _ := v.Interface().(ledger.Payload)
				body, err := ledger.MarshalCanonical(p)
				if err != nil {
					return // a year that JSON has no form for
				}
				bs = append(bs, stored{p.Kind(), body}, stored{p.Kind(), body})
			}
			var d ledger.Decoder
			if err := packedOf(bs).each(func(l ledger.Lent) error { return lentAs(&d, l) }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestGapsAreUsed checks that sound bodies are read out of their gaps, and those that a
// visit is mostly made of by a plan.
func TestGapsAreUsed(t *testing.T) {
	bs := bodies(t)
	seen := ledger.DetectionRecorded{
		Store: "s1", Sensor: "cam-1", Source: ledger.SensorCamera, Slot: "A1", Items: ledger.List[ledger.ItemHypothesis]{{SKU: "cola", Confidence: 900}},
		Actions: ledger.List[ledger.ActionHypothesis]{{Action: ledger.ActionTake, Confidence: 900}}, Quantity: 1, Model: "shelf 1",
	}
	body, err := ledger.Marshal(seen)
	if err != nil {
		t.Fatal(err)
	}
	bs = append(bs, stored{seen.Kind(), body})
	bs = append(bs, append(bs, bs...)...)
	var d ledger.Decoder
	planned := map[ledger.Kind]bool{}
	if err := packedOf(bs).each(func(l ledger.Lent) error {
		if d.Gaps(l) == nil {
			whole, _ := l.Whole()
			t.Errorf("%s: encoding/json has to read %s", l.Record.Kind, whole.Body)
		}
		planned[l.Record.Kind] = planned[l.Record.Kind] || d.Planned(l)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, k := range []ledger.Kind{
		ledger.KindDetectionRecorded, ledger.KindReviewRequested, ledger.KindReviewDecided, ledger.KindGatePresented,
		ledger.KindGateEntered, ledger.KindGateExited, ledger.KindVisitSettled,
	} {
		if !planned[k] {
			t.Errorf("no %s is read by a plan", k)
		}
	}
}

// TestBodiesWithGapsBites gives a decoder one event and judges it by another: that must
// be noticed of every kind.
func TestBodiesWithGapsBites(t *testing.T) {
	for _, s := range bodies(t) {
		other := bytes.Replace(bytes.Clone(s.body), []byte("1"), []byte("2"), 1)
		b := packedOf([]stored{s, s, {s.kind, other}, {s.kind, other}})
		var d ledger.Decoder
		var first ledger.Payload
		noticed := false
		if err := b.each(func(l ledger.Lent) error {
			e, err := d.DecodeLent(l)
			if first == nil {
				first = e.Payload
			}
			noticed = noticed || err != nil || !reflect.DeepEqual(first, e.Payload)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(other, s.body) && !noticed {
			t.Errorf("%s: a changed body is read as before", s.kind)
		}
	}
}

// FuzzGaps holds the reading of any block, whatever its dictionary says, and
// encoding/json's reading of the text equal.
func FuzzGaps(f *testing.F) {
	for _, s := range bodies(f) {
		b := packedOf([]stored{s, s, s})
		f.Add(b.words, b.forms, b.packed)
	}
	f.Fuzz(func(t *testing.T, w, forms, packed []byte) {
		var d ledger.Decoder
		if err := (block{w, forms, packed}).each(func(l ledger.Lent) error { return lentAs(&d, l) }); err != nil {
			t.Error(err)
		}
	})
}
