package api

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestNoInputIsOurFault throws broken and odd requests at every route that
// takes one: the answer is never a 5xx, always one the document describes, and
// a refusal leaves the log as it was.
func TestNoInputIsOurFault(t *testing.T) {
	s := openShop(t)
	visit := s.enter("lea")
	odd := rapid.OneOf(
		rapid.Just[any](nil), rapid.Just[any](true), rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		rapid.Map(rapid.String(), func(x string) any { return x }), rapid.Just[any]([]any{}),
		rapid.Just[any](map[string]any{}),
		rapid.Just[any](visit), rapid.Just[any]("berlin-1"), rapid.Just[any]([]any{map[string]any{
			"sku":        "",
			"confidence": -1,
		}}),
		rapid.Just[any]("9999-12-31T23:59:59Z"), rapid.Just[any]("0000-01-01T00:00:00+23:59"),
	)
	routes := []struct {
		who, path string
		body      func() map[string]any
	}{
		{"gate", "/v1/gate/entries", func() map[string]any { return s.entry("VT1-AAAA") }},
		{"gate", "/v1/gate/exits", func() map[string]any {
			return map[string]any{"id": s.id(), "occurred_at": s.now(), "gate": "g", "visit": "nobody"}
		}},
		{"lea", "/v1/tickets", func() map[string]any {
			return map[string]any{
				"store":        berlin,
				"life_seconds": 60,
			}
		}},
		{"gate", "/v1/detections", func() map[string]any { return s.see("take", "cola", "A1", 990) }},
		{
			"lea", "/v1/receipts/berlin-1-2026-000001/disputes",
			func() map[string]any { return map[string]any{"line": 1, "claim": "price", "quantity": 1} },
		},
		{
			"anna", "/v1/reviews/" + s.id().String() + "/decision",
			func() map[string]any { return map[string]any{"verdict": "confirmed"} },
		},
		{
			"anna", "/v1/disputes/" + s.id().String() + "/decision",
			func() map[string]any { return map[string]any{"outcome": "denied", "reason": "so"} },
		},
	}
	rapid.Check(t, func(rt *rapid.T) {
		r := routes[rapid.IntRange(0, len(routes)-1).Draw(rt, "route")]
		body := r.body()
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			spoil(rt, body, odd)
		}
		b, err := json.Marshal(body)
		if err != nil {
			rt.Fatal(err)
		}
		if rapid.IntRange(0, 9).Draw(rt, "cut") == 0 {
			b = b[:rapid.IntRange(0, len(b)).Draw(rt, "at")]
		}
		s.api.limits = newLimiters()
		c := s.send(r.who, "POST", r.path, b)
		if c.Code >= 500 {
			rt.Fatalf("POST %s %s answers %d %s", r.path, b, c.Code, c.Body.String())
		}
	})
}

// spoil changes one field of v, or of an object in it.
func spoil(rt *rapid.T, v map[string]any, odd *rapid.Generator[any]) {
	var names []string
	for name := range v {
		names = append(names, name)
	}
	names = append(names, "more")
	name := rapid.SampledFrom(slices.Sorted(slices.Values(names))).Draw(rt, "field")
	inner, ok := v[name].(map[string]any)
	switch {
	case ok && rapid.Bool().Draw(rt, "inside"):
		spoil(rt, inner, odd)
	case rapid.Bool().Draw(rt, "drop"):
		delete(v, name)
	default:
		value := odd.Draw(rt, "value")
		if m, ok := value.(map[string]any); ok {
			value = maps.Clone(m) // it may be spoiled next, and the generator keeps its own
		}
		v[name] = value
	}
}
