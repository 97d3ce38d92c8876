package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/vouchledger/vouch/ledger/internal/gaps"
)

//go:generate go run ./internal/gencodec

// A Decoder decodes events one after the other. It gives what [Decode] and
// [Unmarshal] give, and remembers short strings: products, devices and shops
// come again and again, and take memory once. Payloads share nothing with the
// bodies they are read from.
//
// The zero Decoder is ready. It is for one goroutine, and is not copied.
type Decoder struct {
	// Together allocates the lists and long texts of many payloads at once.
	// That is for who keeps nearly all of them: one that is kept keeps the
	// memory of some dozen others.
	Together bool

	r      reader
	gapped gapped             // of r, while it reads a body with gaps
	prices []knownPrice       // by hash; knownPrices of them, or none
	same   map[ID]*ItemPriced // by their price, at most knownPrices
	packed [][2]packedPrice   // by hash of the values; knownPrices of them, or none
	plans  plans

	detection ID // of the price that is being read
}

// knownStrings is how many strings a Decoder remembers.
const knownStrings = 4096

// Decode returns r with its body decoded; see the function [Decode].
func (d *Decoder) Decode(r Record) (Event, error) { return d.DecodeLent(Lent{Record: &r}) }

// DecodeLent is Decode of a lent record. The event's Body is nil where the body was no
// text.
func (d *Decoder) DecodeLent(l Lent) (Event, error) {
	r := l.Record
	if rd := d.gaps(l); rd != nil {
		if p := rd.payload(r.Kind); p != nil {
			if err := p.Validate(); err != nil {
				return Event{}, inRecord(r, fmt.Errorf("%s: %w: %w", r.Kind, ErrCorrupt, err))
			}
			return Event{Record: *r, Payload: p}, nil
		}
	}
	whole, err := l.Whole()
	if err != nil {
		return Event{}, err
	}
	p, err := d.reader(whole.Body, ownID(r.Stream)).unmarshal(r.Kind)
	if err != nil {
		return Event{}, inRecord(r, err)
	}
	return Event{Record: *r, Payload: p}, nil
}

// Unmarshal returns the payload of kind k stored as body; see the function
// [Unmarshal].
func (d *Decoder) Unmarshal(k Kind, body []byte) (Payload, error) {
	return d.reader(body, "").unmarshal(k)
}

// reader returns a reader of body that knows what d has read before.
func (d *Decoder) reader(body []byte, own string) *reader {
	if d.r.known == nil {
		d.r.known, d.r.fields, d.r.seen = make([]string, knownStrings), make([]string, textFields), &seen{}
	}
	if d.Together && d.r.parts == nil {
		d.r.parts = &parts{}
	}
	d.r.b, d.r.own, d.r.gap, d.r.stop = body, own, nil, gaps.NoGap
	return &d.r
}

// gaps returns a reader of l's body if that has gaps, or nil.
func (d *Decoder) gaps(l Lent) *reader {
	if l.body == nil {
		return nil
	}
	if d.r.parts == nil { // lists are read aside, whether they are kept together or not
		d.r.parts = &parts{}
	}
	r := d.reader(nil, l.body.Tail)
	if r.gap = &d.gapped; !r.open(l.body) {
		return nil
	}
	return r
}

// A Target is a pointer to one of the payloads of this package.
type Target interface {
	Payload
	read(r *reader) int
}

// DecodeInto decodes l into the payload at p, which must be of its kind, and
// accepts and refuses as [Decode] does. It allocates little: it writes over
// what is at p and uses its lists again, where an empty one may then be not
// nil. After an error the payload at p is undefined.
func (d *Decoder) DecodeInto(l Lent, p Target) error {
	r := l.Record
	if r.Kind != p.Kind() {
		panic(fmt.Sprintf("ledger: a %s is decoded into a %T", r.Kind, p))
	}
	rd := d.gaps(l)
	if rd == nil || !rd.whole(p.read(rd)) {
		whole, err := l.Whole()
		if err != nil {
			return err
		}
		if rd = d.reader(whole.Body, ownID(r.Stream)); !rd.whole(p.read(rd)) {
			if err := setStandard(&whole, p); err != nil {
				return inRecord(r, err)
			}
			return nil
		}
	}
	if err := p.Validate(); err != nil {
		return inRecord(r, fmt.Errorf("%s: %w: %w", r.Kind, ErrCorrupt, err))
	}
	return nil
}

// ownID returns what events of the stream s often name: the id behind its
// category.
func ownID(s StreamID) string {
	_, id, _ := strings.Cut(string(s), "-")
	return id
}

func inRecord(r *Record, err error) error {
	return fmt.Errorf("event %d (%s/%d): %w", r.Position, r.Stream, r.Revision, err)
}

// unmarshal reads the whole body, canonically if it can.
func (r *reader) unmarshal(k Kind) (Payload, error) {
	p := r.payload(k)
	if p == nil {
		return unmarshalStandard(k, r.b)
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", k, ErrCorrupt, err)
	}
	return p, nil
}

// marshalCanonical returns p as its writer writes it, or nil if only
// encoding/json can.
func marshalCanonical(p Payload) []byte {
	var first [1024]byte // most bodies fit, and only their copy is allocated
	var w writer
	b := w.payload(first[:0], p)
	if w.odd {
		return nil
	}
	return bytes.Clone(b)
}

// unmarshalStandard is Unmarshal by encoding/json: the judge of every body
// that is not surely canonical.
func unmarshalStandard(k Kind, body []byte) (Payload, error) {
	dec, ok := kinds[k]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownKind, string(k))
	}
	p, err := dec(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", k, ErrCorrupt, err)
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", k, ErrCorrupt, err)
	}
	again, err := MarshalCanonical(p)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, body) {
		return nil, fmt.Errorf("%s: %w: body is not in stored form", k, ErrCorrupt)
	}
	return p, nil
}

func decode[P Payload](body []byte) (Payload, error) {
	var p P
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, err
	}
	return p, nil
}

// setStandard makes the payload at p what encoding/json reads in r.
func setStandard(r *Record, p Target) error {
	v, err := unmarshalStandard(r.Kind, r.Body)
	if err != nil {
		return err
	}
	reflect.ValueOf(p).Elem().Set(reflect.ValueOf(v))
	return nil
}
