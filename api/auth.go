package api

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/vouchledger/vouch/api/keys"
)

const keyCaller = "vouch.caller"

// caller returns who asks. Routes that are open to all have the zero Key.
func caller(c echo.Context) keys.Key {
	k, _ := c.Get(keyCaller).(keys.Key)
	return k
}

// authenticated finds out who asks: a key in the Authorization header, or the
// cookie of a browser that showed one. It also holds back who asks too much.
func (a *API) authenticated(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		k, err := a.identify(c.Request())
		if err != nil {
			if !a.limits.allowStranger(c.RealIP(), a.s.Now()) {
				return tooMany(c)
			}
			if !errors.Is(err, keys.ErrNoKey) && !errors.Is(err, keys.ErrRevoked) {
				return err
			}
			if wantsPage(c) && c.Request().Method == http.MethodGet {
				return c.Redirect(http.StatusSeeOther, "/signin?next="+url.QueryEscape(c.Request().URL.RequestURI()))
			}
			return newProblem(http.StatusUnauthorized, "unauthorized", "")
		}
		if !a.limits.allowKey(k, a.s.Now()) {
			return tooMany(c)
		}
		c.Set(keyCaller, k)
		return next(c)
	}
}

func (a *API) identify(r *http.Request) (keys.Key, error) {
	if text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return a.s.Keys.Check(text)
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return keys.Key{}, keys.ErrNoKey
	}
	id, ok := a.signIns.find(cookie.Value, a.s.Now())
	if !ok {
		return keys.Key{}, keys.ErrNoKey
	}
	return a.s.Keys.Get(id)
}

func tooMany(c echo.Context) error {
	c.Response().Header().Set("Retry-After", "1")
	return newProblem(http.StatusTooManyRequests, "too_many", "")
}

// permitted lets in who has one of these roles. For anybody else there is
// nothing here.
func permitted(roles []keys.Role) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !slices.Contains(roles, caller(c).Role) {
				return errNotFound
			}
			return next(c)
		}
	}
}

// actor is how events name the caller.
func actor(c echo.Context) string { return caller(c).Actor() }
