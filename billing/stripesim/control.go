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
	mux.HandleFunc("GET /sim/faults", func(w http.ResponseWriter, _ *http.Request) { show(w, s.Faults()) })
	mux.HandleFunc("POST /sim/faults", s.addFault)
	mux.HandleFunc("DELETE /sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		show(w, s.Faults())
	})
	mux.HandleFunc("GET /sim/clock", s.showClock)
	mux.HandleFunc("POST /sim/clock", s.setClock)
	mux.HandleFunc("POST /sim/webhook", s.setWebhook)
	mux.HandleFunc("POST /sim/webhook/secret", s.rotateSecret)
	mux.HandleFunc("POST /sim/flush", s.flush)
	mux.HandleFunc("GET /sim/files/{id}", s.showFile)
	s.acts(mux)
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

// acts are the controls that do what shoppers, banks and networks do.
func (s *Sim) acts(mux *http.ServeMux) {
	type in struct {
		Object   string `json:"object"`
		Result   string `json:"result"`
		Reason   string `json:"reason"`
		Amount   int64  `json:"amount"`
		Inquiry  bool   `json:"inquiry"`
		DueDays  int    `json:"due_days"`
		Currency string `json:"currency"`
	}
	for path, do := range map[string]func(in) (string, error){
		"authentication": func(in in) (string, error) {
			right, err := oneOfTwo(in.Result, "success", "failure")
			if err == nil {
				err = s.Authenticate(in.Object, right)
			}
			return in.Object, err
		},
		"dispute": func(in in) (string, error) {
			return s.Dispute(in.Object, Dispute{
				Reason: in.Reason, Amount: in.Amount, Inquiry: in.Inquiry, DueDays: in.DueDays,
			})
		},
		"escalate": func(in in) (string, error) { return in.Object, s.Escalate(in.Object) },
		"decision": func(in in) (string, error) {
			win, err := oneOfTwo(in.Result, "won", "lost")
			if err == nil {
				err = s.Decide(in.Object, win)
			}
			return in.Object, err
		},
		"warning": func(in in) (string, error) { return s.Warn(in.Object, in.Reason) },
		"refund": func(in in) (string, error) {
			well, err := oneOfTwo(in.Result, "succeeded", "failed")
			switch {
			case err != nil:
			case well:
				err = s.CompleteRefund(in.Object)
			default:
				err = s.FailRefund(in.Object, in.Reason)
			}
			return in.Object, err
		},
		"payout":         func(in in) (string, error) { return s.PayOut(in.Currency) },
		"payout_failure": func(in in) (string, error) { return in.Object, s.FailPayout(in.Object, in.Reason) },
	} {
		mux.HandleFunc("POST /sim/"+path, func(w http.ResponseWriter, r *http.Request) {
			var v in
			if !read(w, r, &v) {
				return
			}
			id, err := do(v)
			if err != nil {
				refuse(w, err)
				return
			}
			show(w, map[string]string{"id": id})
		})
	}
}

// oneOfTwo reads a result that is yes or no in its own words.
func oneOfTwo(given, yes, no string) (bool, error) {
	if given != yes && given != no {
		return false, fmt.Errorf("%w: result %q is neither %q nor %q", ErrState, given, yes, no)
	}
	return given == yes, nil
}

func (s *Sim) rotateSecret(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Secret string `json:"secret"`
	}
	if !read(w, r, &in) {
		return
	}
	if err := s.RotateWebhookSecret(in.Secret); err != nil {
		refuse(w, err)
		return
	}
	show(w, map[string]bool{"rotated": true})
}

// showFile answers with the content of an uploaded file.
func (s *Sim) showFile(w http.ResponseWriter, r *http.Request) {
	_, content, err := s.File(r.PathValue("id"))
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", http.DetectContentType(content))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err := w.Write(content); err != nil {
		return // the caller has left
	}
}
