package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

// A reading is a way to read a body that returns nil for what is not surely
// canonical: the generated readers, or a worse one planted by a test.
type reading func(ledger.Kind, []byte) ledger.Payload

// disagree says how fast and encoding/json differ over a body: fast may know
// less, but what it accepts must be read the same and written the same.
func disagree(k ledger.Kind, body []byte, fast reading) error {
	got := fast(k, body)
	if got == nil {
		return nil
	}
	want, err := ledger.ReadStandard(k, body)
	if err != nil {
		return fmt.Errorf("%s %q: accepted, and encoding/json says %w", k, body, err)
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s %q: read as %+v, and by encoding/json as %+v", k, body, got, want)
	}
	again, err := ledger.MarshalCanonical(want)
	if err != nil || !bytes.Equal(again, body) {
		return fmt.Errorf("%s %q: accepted, and its stored form is %q (%w)", k, body, again, err)
	}
	return nil
}

// sameVerdict compares the whole of Unmarshal, by function and by Decoder, with
// encoding/json alone: payload, or class of the refusal.
func sameVerdict(k ledger.Kind, body []byte) error {
	want, wantErr := ledger.UnmarshalStandard(k, body)
	for name, unmarshal := range map[string]func(ledger.Kind, []byte) (ledger.Payload, error){
		"Unmarshal": ledger.Unmarshal, "Decoder": new(ledger.Decoder).Unmarshal,
	} {
		got, err := unmarshal(k, body)
		for _, class := range []error{nil, ledger.ErrCorrupt, ledger.ErrUnknownKind} {
			if errors.Is(err, class) != errors.Is(wantErr, class) {
				return fmt.Errorf("%s(%s, %q) = %w, and by encoding/json %w", name, k, body, err, wantErr)
			}
		}
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%s(%s, %q) = %+v, and by encoding/json %+v", name, k, body, got, want)
		}
	}
	return nil
}

// A stored is the body of a sample.
type stored struct {
	kind ledger.Kind
	body []byte
}

func bodies(t testing.TB) []stored {
	t.Helper()
	var bs []stored
	for _, p := range append(samples(), fuller()...) {
		body, err := ledger.MarshalCanonical(p)
		if err != nil {
			t.Fatal(err)
		}
		bs = append(bs, stored{p.Kind(), body})
	}
	return bs
}

// FuzzUnmarshal holds the generated readers and encoding/json equal: the same
// payload from the same bytes, and the same class of refusal.
func FuzzUnmarshal(f *testing.F) {
	for _, s := range bodies(f) {
		k, body := s.kind, s.body
		f.Add(string(k), body)
		f.Add(string(k), append(bytes.Clone(body), ' '))
		for _, m := range mutations {
			f.Add(string(k), m(rand.New(rand.NewPCG(1, 2)), bytes.Clone(body)))
		}
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		if err := disagree(ledger.Kind(kind), body, ledger.ReadCanonical); err != nil && len(kindOf(kind)) > 0 {
			t.Error(err)
		}
		if err := sameVerdict(ledger.Kind(kind), body); err != nil {
			t.Error(err)
		}
	})
}

// kindOf returns kind if it is known.
func kindOf(kind string) ledger.Kind {
	for _, k := range ledger.Kinds() {
		if string(k) == kind {
			return k
		}
	}
	return ""
}

// search mutates stored bodies n times and returns the first disagreement.
func search(bs []stored, n int, fast reading) error {
	rng := rand.New(rand.NewPCG(3, 1723))
	for range n {
		for _, s := range bs {
			k, b := s.kind, bytes.Clone(s.body)
			for range 1 + rng.IntN(3) {
				if rng.IntN(8) > 0 { // else it is as it was, or less changed
					b = mutations[rng.IntN(len(mutations))](rng, b)
				}
			}
			if err := disagree(k, b, fast); err != nil {
				return err
			}
		}
	}
	return nil
}

// TestReadersAgree damages stored bodies in the ways that JSON can be written
// otherwise, and holds the generated readers and encoding/json equal.
func TestReadersAgree(t *testing.T) {
	if err := search(bodies(t), 1500, ledger.ReadCanonical); err != nil {
		t.Error(err)
	}
	for _, d := range []ledger.Decoder{{}, {Together: true}} { // what was read before must not matter
		if err := search(bodies(t), 1500, d.Again); err != nil {
			t.Errorf("Decoder{Together: %v}: %v", d.Together, err)
		}
	}
}

// TestReadersAgreeBites plants readers that are a little too kind, or a little
// wrong, and requires that the same search finds each.
func TestReadersAgreeBites(t *testing.T) {
	kindly := func(from, to string) reading {
		return func(k ledger.Kind, b []byte) ledger.Payload {
			return ledger.ReadCanonical(k, bytes.ReplaceAll(b, []byte(from), []byte(to)))
		}
	}
	for name, fast := range map[string]reading{
		"white space is let pass":        kindly(": ", ":"),
		"minus zero is let pass":         kindly(":-0", ":0"),
		"leading zeros are let pass":     kindly(":0", ":"),
		"an offset of zero is let pass":  kindly("+00:00", "Z"),
		"zeros behind a second are":      kindly(".500Z", ".5Z"),
		"null is an empty list":          kindly("null", "[]"),
		"an escape is read":              kindly(`\u0061`, "a"),
		"upper-case hex is an id":        kindly("A", "a"),
		"a zero id is read":              kindly("00000000-0000-0000-0000-000000000000", ""),
		"a line separator stands for it": kindly("\u2028", "x"),
		"text behind the body is let pass": func(k ledger.Kind, b []byte) ledger.Payload {
			return ledger.ReadCanonical(k, bytes.TrimRight(b, " \n"))
		},
		"an amount is one too high": func(k ledger.Kind, b []byte) ledger.Payload {
			p := ledger.ReadCanonical(k, b)
			if v, ok := p.(ledger.VisitSettled); ok {
				v.Charged.Minor++
				return v
			}
			return p
		},
		"a product is left out": func(k ledger.Kind, b []byte) ledger.Payload {
			p := ledger.ReadCanonical(k, b)
			if v, ok := p.(ledger.DetectionRecorded); ok {
				v.Items = v.Items[:1]
				return v
			}
			return p
		},
	} {
		if err := search(bodies(t), 1500, fast); err == nil {
			t.Errorf("%s: the search found no disagreement", name)
		}
	}
}

// TestReadersAreUsed checks that stored bodies take the fast way, names with
// umlauts among them: a reader that accepts nothing would agree with all.
func TestReadersAreUsed(t *testing.T) {
	for _, s := range bodies(t) {
		k, body := s.kind, s.body
		if p := ledger.ReadCanonical(k, body); p == nil {
			t.Errorf("%s: encoding/json has to read %s", k, body)
		}
		name := bytes.ReplaceAll(body, []byte("Cola"), []byte("Köla ü"))
		if p := ledger.ReadCanonical(k, name); p == nil {
			t.Errorf("%s: encoding/json has to read %s", k, name)
		}
	}
	for _, p := range append(samples(), fuller()...) {
		if ledger.WriteCanonical(p) == nil {
			t.Errorf("%s: encoding/json has to write %+v", p.Kind(), p)
		}
	}
}

// TestAnyPayload makes payloads of every kind out of anything. What the
// generated writer writes are the bytes of encoding/json, and what the
// generated reader reads of them is the same payload. Without strings that need
// escapes and times outside UTC both must take part.
func TestAnyPayload(t *testing.T) {
	for _, sample := range samples() {
		rapid.Check(t, func(t *rapid.T) {
			plain := rapid.Bool().Draw(t, "plain")
			v := reflect.New(reflect.TypeOf(sample)).Elem()
			fill(t, v, plain)
			p, _ := v.Interface().(ledger.Payload)
			want, err := ledger.MarshalCanonical(p)
			got := ledger.WriteCanonical(p)
			if got != nil && (err != nil || !bytes.Equal(got, want)) || got == nil && plain {
				t.Fatalf("written as %s, and by encoding/json as %s (%v)", got, want, err)
			}
			if err != nil {
				return // a year that JSON has no form for
			}
			if err := disagree(p.Kind(), want, ledger.ReadCanonical); err != nil {
				t.Fatal(err)
			}
			if back := ledger.ReadCanonical(p.Kind(), want); plain && !reflect.DeepEqual(back, p) {
				t.Fatalf("%s is read as %+v, want %+v", want, back, p)
			}
			if err := sameVerdict(p.Kind(), want); err != nil {
				t.Fatal(err)
			}
		})
	}
}

var (
	plainText = rapid.StringOf(rapid.RuneFrom([]rune("abcxyzäß€茶🍵 -_.:/<>&'{}[],0189\x7f")))
	anyText   = rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "bytes")) + rapid.SampledFrom([]string{
			"", `"`, `\`, "\n", "\u2028", "\u2029", "\xff", "\ufffd", "\x00",
		}).Draw(t, "odd") + plainText.Draw(t, "text")
	})
)

// fill makes v anything of its type; plain leaves out what has no canonical
// writer.
func fill(t *rapid.T, v reflect.Value, plain bool) {
	switch v.Interface().(type) {
	case time.Time:
		at := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "second"), 0).UTC()
		at = at.Add(time.Duration(rapid.SampledFrom([]int64{0, 1, 500_000_000, 123_456_000, 999_999_999}).Draw(t, "nanos")))
		if !plain {
			at = rapid.SampledFrom([]time.Time{
				at, at.In(time.FixedZone("", 3600)), at.AddDate(9000, 0, 0), at.AddDate(-9000, 0, 0),
			}).Draw(t, "place")
		}
		v.Set(reflect.ValueOf(at))
		return
	case ledger.ID:
		var id ledger.ID
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "id"))
		v.Set(reflect.ValueOf(id))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f, omit := v.Field(i), strings.HasSuffix(v.Type().Field(i).Tag.Get("json"), ",omitzero")
			if omit && rapid.Bool().Draw(t, "left out") {
				continue
			}
			fill(t, f, plain)
			if m, ok := f.Interface().(money.Money); ok && omit && m.IsZero() {
				f.SetZero() // nothing, in whatever currency, is left out
			}
		}
	case reflect.Slice:
		if n := rapid.IntRange(0, 2).Draw(t, "length"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(t, v.Index(i), plain)
			}
		}
	case reflect.String:
		if plain {
			v.SetString(plainText.Draw(t, "text"))
		} else {
			v.SetString(anyText.Draw(t, "text"))
		}
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Uint64:
		if v.SetUint(rapid.Uint64Range(0, 999_999_999_999_999_999).Draw(t, "number")); !plain {
			v.SetUint(rapid.SampledFrom([]uint64{1e18, math.MaxUint64}).Draw(t, "number"))
		}
	case reflect.Int, reflect.Int64:
		if v.SetInt(rapid.Int64Range(-999_999_999_999_999_999, 999_999_999_999_999_999).Draw(t, "number")); !plain {
			v.SetInt(rapid.SampledFrom([]int64{1e18, math.MinInt64, math.MaxInt64, 0}).Draw(t, "number"))
		}
	default:
		t.Fatalf("no value of %s is known here", v.Type())
	}
}
