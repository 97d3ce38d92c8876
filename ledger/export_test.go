package ledger

// UnmarshalStandard is Unmarshal by encoding/json alone.
var UnmarshalStandard = unmarshalStandard

// ReadStandard reads a body by encoding/json, without judging the payload or
// the form.
func ReadStandard(k Kind, body []byte) (Payload, error) { return kinds[k](body) }

// ReadCanonical reads a body by the generated reader, without judging the
// payload. It returns nil for what is not surely canonical.
func ReadCanonical(k Kind, body []byte) Payload {
	var d Decoder
	return d.reader(body, "").payload(k)
}

// Again is ReadCanonical by a Decoder that has read other bodies before.
func (d *Decoder) Again(k Kind, body []byte) Payload { return d.reader(body, "").payload(k) }

// WriteCanonical writes a body by the generated writer, or returns nil.
var WriteCanonical = marshalCanonical

// Gaps reads a body with gaps by the generated reader, without judging the payload. It
// returns nil for what is not surely canonical.
func (d *Decoder) Gaps(l Lent) Payload {
	if r := d.gaps(l); r != nil {
		return r.payload(l.Record.Kind)
	}
	return nil
}

// Planned reports whether l's body is read by a plan.
func (d *Decoder) Planned(l Lent) bool {
	p := d.planOf(l)
	return p != nil && d.follow(p, l.body)
}

// Remembered returns how many prices are found by the bytes of their values.
func (d *Decoder) Remembered() (n int) {
	for i := range d.packed {
		for k := range d.packed[i] {
			if d.packed[i][k].price != nil {
				n++
			}
		}
	}
	return n
}
