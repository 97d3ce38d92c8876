package stripesim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// controls are the endpoints by which another process drives the simulator.
func (s *Sim) controls() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/audit", func(w http.ResponseWriter, _ *http.Request) { show(w, s.Audit()) })
	mux.HandleFunc("GET /sim/requests", func(w http.ResponseWriter, _ *http.Request) { show(w, s.Requests()) })
	mux.HandleFunc("GET /sim/faults", func(w http.ResponseWriter, _ *http.Request) { show(w, s.faults.all()) })
	mux.HandleFunc("POST /sim/faults", s.addFault)
	mux.HandleFunc("DELETE /sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		show(w, s.faults.all())
	})
	mux.HandleFunc("GET /sim/clock", s.showClock)
	mux.HandleFunc("POST /sim/clock", s.setClock)
	mux.HandleFunc("POST /sim/webhook", s.setWebhook)
	mux.HandleFunc("POST /sim/flush", s.flush)
	return mux
}

// show answers with v.
func show(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(append(encode(v), '\n')); err != nil {
		return // the caller has left
	}
}

// refuse answers with what is wrong.
func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	if _, err := w.Write(encode(map[string]string{"error": err.Error()})); err != nil {
		return // the caller has left
	}
}

// read decodes a body and refuses fields it does not know.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		refuse(w, err)
		return false
	}
	return true
}

func (s *Sim) addFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if !read(w, r, &f) {
		return
	}
	id, err := s.Fault(f)
	if err != nil {
		refuse(w, err)
		return
	}
	f.ID = id
	show(w, f)
}

func (s *Sim) showClock(w http.ResponseWriter, _ *http.Request) {
	show(w, map[string]time.Time{"now": s.Now().UTC()})
}

func (s *Sim) setClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string    `json:"advance"` // "25h"
		To      time.Time `json:"to"`
	}
	if !read(w, r, &in) {
		return
	}
	d, err := time.ParseDuration(in.Advance)
	switch {
	case !in.To.IsZero() && in.Advance == "":
		d, err = in.To.Sub(s.Now()), nil
	case !in.To.IsZero():
		err = fmt.Errorf("%w: give advance or to, not both", ErrClock)
	}
	if err == nil {
		err = s.Advance(d)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	s.showClock(w, r)
}

func (s *Sim) setWebhook(w http.ResponseWriter, r *http.Request) {
	var in struct {
		URL    string `json:"url"`
		Secret string `json:"secret"`
	}
	if !read(w, r, &in) {
		return
	}
	if err := s.SetWebhook(in.URL, in.Secret); err != nil {
		refuse(w, err)
		return
	}
	show(w, map[string]string{"url": in.URL})
}

// flush waits for the webhooks, for as long as its caller stays.
func (s *Sim) flush(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		refuse(w, err)
		return
	}
	show(w, map[string]bool{"delivered": true})
}
