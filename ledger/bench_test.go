package ledger_test

import (
	"testing"

	"github.com/vouchledger/vouch/ledger"
)

// BenchmarkUnmarshal decodes the sample of each kind: by encoding/json alone,
// by the function, and by a Decoder as a replay does.
func BenchmarkUnmarshal(b *testing.B) {
	for _, p := range samples() {
		body, err := ledger.Marshal(p)
		if err != nil {
			b.Fatal(err)
		}
		var d ledger.Decoder
		for _, way := range []struct {
			name      string
			unmarshal func(ledger.Kind, []byte) (ledger.Payload, error)
		}{
			{"standard", ledger.UnmarshalStandard},
			{"canonical", ledger.Unmarshal},
			{"decoder", d.Unmarshal},
		} {
			b.Run(string(p.Kind())+"/"+way.name, func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := way.unmarshal(p.Kind(), body); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkMarshal encodes the sample of each kind.
func BenchmarkMarshal(b *testing.B) {
	for _, p := range samples() {
		for _, way := range []struct {
			name    string
			marshal func(ledger.Payload) ([]byte, error)
		}{
			{"standard", func(p ledger.Payload) ([]byte, error) { return ledger.MarshalCanonical(p) }},
			{"canonical", ledger.Marshal},
		} {
			b.Run(string(p.Kind())+"/"+way.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := way.marshal(p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
