package api

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/ledger"
)

const (
	headerRequestID   = "X-Request-Id"
	headerTraceparent = "Traceparent"
	keyTrace          = "vouch.trace"
)

// traced gives every request a W3C trace id: the caller's traceparent, or its
// X-Request-Id if that is a UUID, or a new one. The id goes back in the answer
// and into the events that the request makes.
func traced(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Request().Header
		id := traceparentID(h.Get(headerTraceparent))
		if id == "" {
			id = requestID(h.Get(headerRequestID))
		}
		if id == "" {
			var b [16]byte
			_, _ = rand.Read(b[:]) // never fails since Go 1.24
			id = hex.EncodeToString(b[:])
		}
		c.Set(keyTrace, id)
		c.Response().Header().Set(headerRequestID, id)
		return next(c)
	}
}

func traceOf(c echo.Context) string {
	id, _ := c.Get(keyTrace).(string)
	return id
}

// traceparentID returns the trace id of a traceparent of version 00 to fe
// (W3C Trace Context, section 3.2), or nothing.
func traceparentID(s string) string {
	parts := strings.Split(s, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || len(parts[1]) != 32 {
		return ""
	}
	if strings.Trim(parts[1], "0123456789abcdef") != "" || strings.Trim(parts[1], "0") == "" {
		return ""
	}
	return parts[1]
}

func requestID(s string) string {
	id, err := ledger.ParseID(s)
	if err != nil || id.IsZero() {
		return ""
	}
	return hex.EncodeToString(id[:])
}
