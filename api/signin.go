package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/vouchledger/vouch/api/keys"
)

const (
	cookieName   = "vouch_signin"
	cookieHours  = 12
	maxSignedIns = 10_000
)

// signIns are the browsers that have shown a key. They live in memory: after a
// restart people sign in again. A browser holds a random id and never the key,
// and an id is kept by its hash, so a copy of the memory opens nothing.
type signIns struct {
	mu  sync.Mutex
	all map[[32]byte]signIn
}

type signIn struct {
	key     string // id
	expires time.Time
}

func newSignIns() *signIns { return &signIns{all: map[[32]byte]signIn{}} }

// begin signs a browser in with k and returns its cookie's value.
func (s *signIns) begin(k keys.Key, now time.Time) string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	value := base64.RawURLEncoding.EncodeToString(b[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= maxSignedIns {
		s.sweep(now)
	}
	s.all[sha256.Sum256([]byte(value))] = signIn{key: k.ID, expires: now.Add(cookieHours * time.Hour)}
	return value
}

// find returns the id of the key that the browser with this cookie showed.
func (s *signIns) find(value string, now time.Time) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, ok := s.all[sha256.Sum256([]byte(value))]
	if !ok || !now.Before(in.expires) {
		return "", false
	}
	return in.key, true
}

func (s *signIns) end(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, sha256.Sum256([]byte(value)))
}

// sweep drops who has expired; if nobody has, one goes to make room.
func (s *signIns) sweep(now time.Time) {
	for k, in := range s.all {
		if !now.Before(in.expires) {
			delete(s.all, k)
		}
	}
	for k := range s.all {
		if len(s.all) < maxSignedIns {
			return
		}
		delete(s.all, k)
	}
}

// cookie is what the browser keeps. Strict: another site's link or form does
// not send it along.
func (a *API) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: a.s.SecureCookies, SameSite: http.SameSiteStrictMode,
	}
}
