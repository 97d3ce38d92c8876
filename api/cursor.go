package api

import (
	"encoding/base64"
	"strconv"

	"github.com/labstack/echo/v4"
)

// A page is what a list request asks for. Lists run from the newest to the
// oldest by a number that never changes, and a cursor is the number of the
// last row seen, so rows that are added meanwhile move nothing.
type page struct {
	before uint64 // rows below this number; 0 means from the newest
	limit  int
}

func pageOf(c echo.Context) (page, error) {
	p := page{limit: defaultPage}
	if s := c.QueryParam("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxPage {
			return page{}, invalid("query.limit", "want 1 to "+strconv.Itoa(maxPage))
		}
		p.limit = n
	}
	if s := c.QueryParam("cursor"); s != "" {
		b, err := base64.RawURLEncoding.DecodeString(s)
		n, err2 := strconv.ParseUint(string(b), 36, 64)
		if err != nil || err2 != nil || n == 0 {
			return page{}, invalid("query.cursor", "not a cursor that this server gave")
		}
		p.before = n
	}
	return p, nil
}

func cursorAt(n uint64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatUint(n, 36)))
}

// A list is one page of rows.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // cursor of the next page; absent on the last
}

// cut returns the page of rows, which run newest first; number gives a row's
// number.
func cut[R, T any](rows []R, p page, number func(R) uint64, show func(R) T) list[T] {
	out := list[T]{Items: []T{}}
	for i, r := range rows {
		if p.before > 0 && number(r) >= p.before {
			continue
		}
		if len(out.Items) == p.limit {
			out.Next = cursorAt(number(rows[i-1]))
			break
		}
		out.Items = append(out.Items, show(r))
	}
	return out
}
