package envelope_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/envelope"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// samples are envelopes whose bytes are in testdata and never change: they are
// in clusters of shops.
var samples = map[string]envelope.Envelope{
	"bare": {Occurred: noon.Truncate(time.Second)},
	"whole": {
		Occurred: noon, Actor: "device:cam-1", Trace: "0af7651916cd43dd8448eb211c80319c",
		Cause: ledger.DeriveID(ledger.ID{1}, "a bottle"),
	},
	"foreign": {Occurred: noon, Actor: `clerk "Zoë" <7>`, Metadata: []byte("\x00a till's own notes")},
}

// TestGolden checks that the bytes of each sample are what they always were.
func TestGolden(t *testing.T) {
	for name, e := range samples {
		want, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		want = bytes.TrimSuffix(want, []byte("\n"))
		got, err := e.Marshal()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("Marshal(%s) = %s, %v, want %s", name, got, err, want)
		}
		back, err := envelope.Parse(want)
		if err != nil {
			t.Fatalf("Parse(%s) = %v", want, err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Errorf("Parse(%s) (-want +got):\n%s", name, diff)
		}
	}
}

// TestRefused checks that nothing is dropped or guessed.
func TestRefused(t *testing.T) {
	for name, metadata := range map[string]string{
		"no time":              `{"vouch":{}}`,
		"not an object":        `{"vouch":[]}`,
		"null":                 `{"vouch":null}`,
		"an unknown member":    `{"vouch":{"occurred":"2026-03-01T09:00:00Z","till":4}}`,
		"a member beside it":   `{"vouch":{"occurred":"2026-03-01T09:00:00Z"},"till":4}`,
		"a member twice":       `{"vouch":{"occurred":"2026-03-01T09:00:00Z"},"vouch":{"occurred":"2026-03-01T10:00:00Z"}}`,
		"another spelling":     `{"vouch":{"Occurred":"2026-03-01T09:00:00Z"}}`,
		"nanoseconds":          `{"vouch":{"occurred":"2026-03-01T09:00:00.123456789Z"}}`,
		"a trace of its own":   `{"$correlationId":"order 7","vouch":{"occurred":"2026-03-01T09:00:00Z"}}`,
		"a cause that is none": `{"$causationId":"order 7","vouch":{"occurred":"2026-03-01T09:00:00Z"}}`,
		"a long actor":         `{"vouch":{"occurred":"2026-03-01T09:00:00Z","actor":"` + strings.Repeat("a", 201) + `"}}`,
		"broken base64":        `{"vouch":{"occurred":"2026-03-01T09:00:00Z","metadata":"*"}}`,
	} {
		if e, err := envelope.Parse([]byte(metadata)); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s: Parse(%s) = %+v, %v, want %v", name, metadata, e, err, ledger.ErrInvalid)
		}
	}
	for _, metadata := range []string{"", "till 4", "[]", "null", `{"till":4}`, `{"Vouch":{}}`} {
		if e, err := envelope.Parse([]byte(metadata)); !errors.Is(err, envelope.ErrNone) {
			t.Errorf("Parse(%s) = %+v, %v, want %v", metadata, e, err, envelope.ErrNone)
		}
	}
	for name, e := range map[string]envelope.Envelope{
		"no time":        {},
		"local time":     {Occurred: noon.In(time.FixedZone("shop", 3600))},
		"nanoseconds":    {Occurred: noon.Add(1)},
		"a distant year": {Occurred: noon.AddDate(9000, 0, 0)},
		"not UTF-8":      {Occurred: noon, Actor: "\xff"},
	} {
		if b, err := e.Marshal(); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s: Marshal = %s, %v, want %v", name, b, err, ledger.ErrInvalid)
		}
	}
}

// TestOtherHands checks that a client in another language may order and space
// the members as its JSON library does, and give its own offset from UTC.
func TestOtherHands(t *testing.T) {
	e, err := envelope.Parse([]byte(`{ "vouch": {"actor":"till-4",
		"occurred": "2026-03-01T13:00:00.123456+01:00"} }`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(envelope.Envelope{Occurred: noon, Actor: "till-4"}, e); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

// TestThereAndBack checks that any envelope a draft may have comes back whole,
// into a draft and into a record.
func TestThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := ledger.Draft{
			ID: ledger.ID{1}, Kind: "till.opened",
			Occurred: ledger.Instant(time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "occurred"))),
			Actor:    rapid.StringN(0, 40, 200).Draw(t, "actor"),
			Trace:    rapid.StringMatching(`([0-9a-f]{32})?`).Draw(t, "trace"),
		}
		copy(d.Cause[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "cause"))
		if m := rapid.SliceOf(rapid.Byte()).Draw(t, "metadata"); len(m) > 0 {
			d.Metadata = m
		}
		b, err := envelope.OfDraft(d).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		e, err := envelope.Parse(b)
		if err != nil {
			t.Fatalf("Parse(%s) = %v", b, err)
		}
		if diff := cmp.Diff(d, e.Draft(ledger.Draft{ID: d.ID, Kind: d.Kind})); diff != "" {
			t.Fatalf("draft (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(envelope.OfDraft(d), envelope.OfRecord(e.Record(ledger.Record{}))); diff != "" {
			t.Fatalf("record (-want +got):\n%s", diff)
		}
	})
}

// FuzzParse checks that whatever is accepted has one form, and that this form
// says the same.
func FuzzParse(f *testing.F) {
	for _, e := range samples {
		b, err := e.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"vouch":{"occurred":"2026-03-01T13:00:00+01:00","actor":""}, "$causationId":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := envelope.Parse(b)
		if err != nil {
			if !errors.Is(err, ledger.ErrInvalid) && !errors.Is(err, envelope.ErrNone) {
				t.Fatalf("Parse(%q) = %v, want a refusal", b, err)
			}
			return
		}
		one, err := e.Marshal()
		if err != nil {
			t.Fatalf("Marshal of what Parse(%q) took: %v", b, err)
		}
		again, err := envelope.Parse(one)
		if err != nil {
			t.Fatalf("Parse(%s) = %v", one, err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatalf("Parse(%q) says otherwise the second time (-first +second):\n%s", b, diff)
		}
	})
}
