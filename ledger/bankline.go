package ledger

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names reports whether word stands in the line's reference by itself: a line
// of po_20 does not name po_2, and none names the empty word.
func (l BankLine) Names(word string) bool {
	for text := l.Reference; word != ""; {
		before, after, ok := strings.Cut(text, word)
		if !ok {
			return false
		}
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		if (before == "" || !inWord(last)) && (after == "" || !inWord(next)) {
			return true
		}
		text = after
	}
	return false
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
