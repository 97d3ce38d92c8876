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
