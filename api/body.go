package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"
)

// bounded refuses bodies above n bytes, however they are sent.
func bounded(n int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.ContentLength > n {
				return newProblem(http.StatusRequestEntityTooLarge, "too_large", "")
			}
			r.Body = http.MaxBytesReader(c.Response(), r.Body, n)
			return next(c)
		}
	}
}

// bodyOf decodes a JSON body. The document has checked it; this is the second
// line, for what a schema does not say.
func bodyOf[T any](c echo.Context) (T, error) {
	var v T
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return v, err
	}
	return v, decodeStrict(b, &v)
}

// decodeStrict decodes exactly one JSON value without unknown fields.
func decodeStrict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return newProblem(http.StatusBadRequest, "bad_request", "The body is not JSON of the documented form: "+err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return newProblem(http.StatusBadRequest, "bad_request", "There is more than one JSON value in the body.")
	}
	return nil
}
