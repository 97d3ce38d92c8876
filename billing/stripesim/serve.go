package stripesim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vouchledger/vouch/billing/stripesim/account"
)

// A call is one request on its way through the simulator.
type call struct {
	account.Call

	op, method  string
	route       *account.Route
	form        account.Form
	params      string // digest of what the key stands for
	seq         uint64
	visit, opID string
	fault       Fault
	refusal     *account.Error // found before the endpoint was reached
}

// answer is what goes back to the client.
type answer struct {
	status   int
	body     []byte
	original string // request id of the first answer, for a replay
	replayed bool
}

// maxBody bounds a request: ours have a few hundred bytes, but for a file.
const maxBody = account.MaxFile + 1<<20

// ServeHTTP answers a request to Stripe's API, or to the simulator's own
// controls under /sim/.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/sim/") {
		s.control.ServeHTTP(w, r)
		return
	}
	c := s.accept(r)
	switch c.fault.Kind { //nolint:exhaustive // the others act later
	case DropBefore:
		s.note(c)
		panic(http.ErrAbortHandler)
	case Hang:
		s.note(c)
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
		panic(http.ErrAbortHandler)
	}
	a := s.perform(c)
	reply(w, c, a, s)
}

// accept reads the request, numbers it and decides whether it goes wrong.
func (s *Sim) accept(r *http.Request) *call {
	c := &call{method: r.Method}
	c.Path, c.Key = r.URL.Path, r.Header.Get("Idempotency-Key")
	c.route, c.op, c.ID = account.Match(r.Method, r.URL.Path)
	if r.Host != "" {
		c.Base = "http://" + r.Host
	}
	c.read(r)
	if c.refusal == nil {
		c.refusal = s.check(c, r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.seq = s.acc.Next()
	id := sha256.Sum256(fmt.Appendf(nil, "%d/req/%d", s.cfg.Seed, c.seq))
	c.RequestID = "req_" + account.IDText(id)[:14]
	s.identify(c)
	c.fault = s.faults.Request(c.op, c.visit)
	if c.fault.Kind == Decline {
		if c.Decline = c.fault.Code; c.Decline == "" {
			c.Decline = "generic_decline"
		}
	}
	return c
}

// read takes the parameters out of the request.
func (c *call) read(r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		c.refusal = account.Invalid("", "", "The request body could not be read.")
	}
	text, kind := string(raw), r.Header.Get("Content-Type")
	if r.Method == http.MethodGet {
		text, kind, c.Key = r.URL.RawQuery, "", ""
	}
	var values url.Values
	if strings.HasPrefix(kind, "multipart/") {
		values, c.Upload, err = account.Parts(raw, kind)
	} else {
		values, err = url.ParseQuery(text)
	}
	if err != nil {
		c.refusal = account.Invalid("", "", "The parameters are not form encoded.")
	}
	c.form = account.Form(values)
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s?%s", c.method, c.Path, values.Encode())
	if c.Upload != nil {
		fmt.Fprintf(sum, "#%s#%s", c.Upload.Name, c.Upload.Content)
	}
	c.params = hex.EncodeToString(sum.Sum(nil))
}

// check refuses what no endpoint would see.
func (s *Sim) check(c *call, r *http.Request) *account.Error {
	key, _, ok := r.BasicAuth()
	if !ok {
		key = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	known := strings.HasPrefix(key, "sk_") || strings.HasPrefix(key, "rk_")
	if !known || (s.cfg.SecretKey != "" && key != s.cfg.SecretKey) {
		e := account.Invalid("", "", "Invalid API Key provided.")
		e.Status = http.StatusUnauthorized
		return e
	}
	if v := r.Header.Get("Stripe-Version"); v != "" && v != APIVersion {
		return account.Invalid("", "", "This simulator speaks API version "+APIVersion+", not "+v+".")
	}
	if c.route == nil {
		e := account.Invalid("", "", "Unrecognized request URL ("+c.method+": "+c.Path+").")
		e.Status = http.StatusNotFound
		return e
	}
	if len(c.Key) > 255 {
		return account.Invalid("", "", "Idempotency keys may have at most 255 characters.")
	}
	return c.route.Known(c.form)
}

// identify finds the visit and the order a request is about.
func (s *Sim) identify(c *call) {
	form := url.Values(c.form)
	c.visit, c.opID = form.Get("metadata[visit]"), form.Get("metadata[op_id]")
	if c.visit == "" {
		c.visit = s.acc.VisitOf(c.ID, form.Get("payment_intent"), form.Get("charge"))
	}
}

// perform answers a request, changing what it changes.
func (s *Sim) perform(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.settle(); err != nil {
		return s.broken(c, err)
	}
	if c.refusal != nil {
		return s.finish(c, refusal(c, c.refusal), account.Record{}, false)
	}
	if c.Key != "" {
		if a, e := s.remembered(c); e != nil {
			return s.finish(c, refusal(c, e), account.Record{}, false)
		} else if a.replayed {
			return s.finish(c, a, account.Record{}, false)
		}
		s.busy[c.Key] = true
		defer delete(s.busy, c.Key)
	}
	if c.fault.Kind == Slow {
		s.mu.Unlock() // the key stays busy
		s.pause(time.Duration(c.fault.DelayMS) * time.Millisecond)
		s.mu.Lock()
	}
	if e := injected(c.fault.Kind); e != nil && c.fault.Kind != Error500After {
		return s.finish(c, refusal(c, e), account.Record{}, e.Stored)
	}
	out, rec, e := s.acc.Serve(c.route, &c.Call, c.form, s.now().Unix())
	a := answer{status: http.StatusOK}
	store := true
	switch {
	case c.fault.Kind == Error500After:
		a = refusal(c, injected(Error500After))
	case e != nil:
		a, store = refusal(c, e), e.Stored
	default:
		a.body = encode(out)
	}
	return s.finish(c, a, rec, store)
}

// remembered looks a key up: a stored answer is replayed, other parameters
// and a request under way are refused.
func (s *Sim) remembered(c *call) (answer, *account.Error) {
	if s.busy[c.Key] {
		return answer{}, &account.Error{
			Status: http.StatusConflict, Kind: account.TypeInvalid, Code: "idempotency_key_in_use",
			Message: "There is currently another in-progress request using this Idempotent Key.",
		}
	}
	old, ok := s.acc.Remembered(c.Key)
	if !ok {
		return answer{}, nil
	}
	if old.Params != c.params {
		return answer{}, &account.Error{
			Status: http.StatusBadRequest, Kind: account.TypeIdempotency,
			Message: "Keys for idempotent requests can only be used with the same parameters they were first used with.",
		}
	}
	return answer{status: old.Status, body: []byte(old.Body), original: old.Request, replayed: true}, nil
}

// injected is the answer of a fault that answers without working.
func injected(kind FaultKind) *account.Error {
	e := &account.Error{Kind: account.TypeAPI, Message: "An injected fault: " + string(kind)}
	switch kind {
	case Error500, Error500After:
		e.Status, e.Stored = http.StatusInternalServerError, true
	case Error503:
		e.Status = http.StatusServiceUnavailable
	case Error429:
		e.Status, e.Kind, e.Code = http.StatusTooManyRequests, account.TypeInvalid, "rate_limit"
	case LockTimeout:
		e.Status, e.Kind, e.Code = http.StatusTooManyRequests, account.TypeInvalid, "lock_timeout"
	case Error409:
		e.Status, e.Kind, e.Code = http.StatusConflict, account.TypeInvalid, "lock_timeout"
	default:
		return nil
	}
	return e
}

// finish commits what a request changed together with its stored answer and
// its line in the audit log.
func (s *Sim) finish(c *call, a answer, rec account.Record, store bool) answer {
	if store && c.Key != "" && c.method != http.MethodGet {
		rec.Answers = []account.Answer{{
			Key: c.Key, Created: s.now().Unix(), Params: c.params, Status: a.status, Body: string(a.body), Request: c.RequestID,
		}}
	}
	line := s.line(c, a)
	rec.Request = &line
	if rec.Empty() {
		s.keep(rec, c)
		return a
	}
	if err := s.commit(rec); err != nil {
		return s.broken(c, err)
	}
	return a
}

// note keeps a request that never reached its endpoint.
func (s *Sim) note(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := s.line(c, answer{})
	s.keep(account.Record{Request: &line}, c)
}

// keep logs a request that changed nothing; it need not be durable.
func (s *Sim) keep(rec account.Record, c *call) {
	if c.method != http.MethodGet {
		if err := s.journal.append(rec); err != nil {
			rec.Request.Fault = FaultKind("journal: " + err.Error())
		}
	}
	s.acc.Apply(rec)
}

// broken answers when the simulator itself cannot go on.
func (s *Sim) broken(c *call, err error) answer {
	return refusal(c, &account.Error{
		Status: http.StatusInternalServerError, Kind: account.TypeAPI, Message: "simulator: " + err.Error(),
	})
}

// refusal is the answer that an error gives.
func refusal(c *call, e *account.Error) answer {
	return answer{status: e.Status, body: encode(e.Body(c.RequestID))}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // maps of strings and numbers always encode
		panic(fmt.Errorf("stripesim: encode: %w", err))
	}
	return b
}

// reply sends the answer, or what a fault leaves of it.
func reply(w http.ResponseWriter, c *call, a answer, s *Sim) {
	switch c.fault.Kind { //nolint:exhaustive // the others acted before
	case DropAfter:
		panic(http.ErrAbortHandler)
	case Late:
		s.pause(time.Duration(c.fault.DelayMS) * time.Millisecond)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Request-Id", c.RequestID)
	h.Set("Stripe-Version", APIVersion)
	h.Set("Content-Length", fmt.Sprint(len(a.body)))
	if c.Key != "" {
		h.Set("Idempotency-Key", c.Key)
	}
	if a.replayed {
		h.Set("Idempotent-Replayed", "true")
		h.Set("Original-Request", a.original)
	}
	w.WriteHeader(a.status)
	if c.fault.Kind == Half {
		_, err := w.Write(a.body[:len(a.body)/2])
		if err = errors.Join(err, http.NewResponseController(w).Flush()); err != nil {
			panic(http.ErrAbortHandler)
		}
		panic(http.ErrAbortHandler)
	}
	if _, err := w.Write(a.body); err != nil {
		return // the client has left; it will ask again
	}
}

// line writes a request down. The lock is held.
func (s *Sim) line(c *call, a answer) Request {
	return Request{
		Seq: c.seq, At: s.now().UTC(), ID: c.RequestID, Op: c.op, Method: c.method, Path: c.Path, Key: c.Key,
		Visit: c.visit, OpID: c.opID, Status: a.status, Fault: c.fault.Kind, Replayed: a.replayed,
	}
}
