package ledger_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
)

// mutations write a body otherwise, or break it: each one place, found by
// chance. A body without such a place stays as it is.
var mutations = []func(*rand.Rand, []byte) []byte{
	func(rng *rand.Rand, b []byte) []byte { // another byte
		if len(b) > 0 {
			b[rng.IntN(len(b))] = anyByte(rng)
		}
		return b
	},
	func(rng *rand.Rand, b []byte) []byte { // one byte less
		if len(b) > 0 {
			i := rng.IntN(len(b))
			b = slices.Delete(b, i, i+1)
		}
		return b
	},
	func(rng *rand.Rand, b []byte) []byte { // one byte more
		return slices.Insert(b, rng.IntN(len(b)+1), anyByte(rng))
	},
	func(rng *rand.Rand, b []byte) []byte { // a piece twice
		i := rng.IntN(len(b) + 1)
		j := i + rng.IntN(len(b)-i+1)
		return slices.Insert(b, rng.IntN(len(b)+1), b[i:j]...)
	},
	func(rng *rand.Rand, b []byte) []byte { // cut off, or text behind it
		if rng.IntN(2) == 0 {
			return b[:rng.IntN(len(b)+1)]
		}
		return append(b, pick(rng, " ", "\n", "{}", "}", "null")...)
	},
	between(":", ": ", ":\t"),
	between(",", ", ", ",\n"),
	between(":-", ":- ", ":--", ":0"),
	between(`:"`, `:"\u0061`, ":\"\u2028", ":\"\u2029", ":\"ü", ":\"\xff", ":\"\x7f", ":\"\x1f", `:"\"`, `:"\/`, ":\"\xe2\x80", `:null,"`),
	between(`"`, `"A`, `""`, `\"`, `'`),
	between("[]", "null", "[null]", "[ ]", "{}"),
	between("[{", "[null,{", "[{},{", "[[{"),
	between("false", "true", "False", "0", "null"),
	between(`Z"`, `+00:00"`, `z"`, `.5Z"`, `.500Z"`, `.0Z"`, `.123456789Z"`, `.1234567891Z"`, `.Z"`, `-00:00"`, `"`),
	between(`T1`, `t1`, ` 1`, `T2`, `T`),
	between(`-11-2`, `-02-3`, `-13-2`, `-00-2`, `-11-0`),
	between("-7000-", "-7A00-", "-7-", "_7000-", "-a000-"),
	between(`"amount_minor"`, `"Amount_minor"`, `"amount_minor":1,"amount_minor"`),
	between(`,"currency":"USD"`, "", `,"currency":""`, `,"currency":"EUR","x":1`),
	between("01935700-", "00000000-", "A1935700-", "{0193570-"),
	func(rng *rand.Rand, b []byte) []byte { // a number in another form
		at := numbers(b)
		if len(at) == 0 {
			return b
		}
		i := at[rng.IntN(len(at))]
		j := i
		for j < len(b) && b[j] >= '0' && b[j] <= '9' {
			j++
		}
		n := string(b[i:j])
		return slices.Replace(b, i, j, []byte(pick(rng, "-0", "0"+n, n+".0", n+"e0", "-"+n, "+"+n, "1e2",
			"9223372036854775807", "9223372036854775808", "-9223372036854775808", "99999999999999999999",
			"999999999999999999", "1000000000000000000", "null", `"`+n+`"`, ""))...)
	},
	func(rng *rand.Rand, b []byte) []byte { // no id, written as one
		i := bytes.Index(b, []byte("01935700-00"))
		if i < 0 || len(b) < i+36 {
			return b
		}
		return slices.Replace(b, i, i+36, []byte(pick(rng, "00000000-0000-0000-0000-000000000000", "",
			"01935700000070008000000000000000", "01935700-0000-7000-8000-00000000000"))...)
	},
	func(rng *rand.Rand, b []byte) []byte { // a letter escaped
		i := rng.IntN(len(b) + 1)
		if i == len(b) || b[i] < 'a' || b[i] > 'z' {
			return b
		}
		return slices.Replace(b, i, i+1, fmt.Appendf(nil, `\u%04x`, b[i])...)
	},
}

func pick(rng *rand.Rand, of ...string) string { return of[rng.IntN(len(of))] }

func anyByte(rng *rand.Rand) byte {
	if rng.IntN(4) == 0 {
		return byte(rng.IntN(256))
	}
	return pick(rng, `{}[]",:\ 0123456789eE.+-ZzTtfnul/`)[rng.IntN(30)]
}

// between replaces one occurrence of from.
func between(from string, to ...string) func(*rand.Rand, []byte) []byte {
	return func(rng *rand.Rand, b []byte) []byte {
		n := bytes.Count(b, []byte(from))
		if n == 0 {
			return b
		}
		i := 0
		for range 1 + rng.IntN(n) {
			i += bytes.Index(b[i:], []byte(from)) + len(from)
		}
		return slices.Replace(b, i-len(from), i, []byte(pick(rng, to...))...)
	}
}

// numbers returns where the numbers begin.
func numbers(b []byte) []int {
	var at []int
	for i := 1; i < len(b); i++ {
		if b[i-1] == ':' && b[i] >= '0' && b[i] <= '9' {
			at = append(at, i)
		}
	}
	return at
}
