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
)

// A call is one request on its way through the simulator.
type call struct {
	op, method, path string
	id               string // of the object in the path
	route            *route
	form             form
	key              string
	params           string // digest of what the key stands for
	requestID        string
	seq              uint64
	visit, opID      string
	base             string // address by which the simulator was reached
	upload           *upload
	decline          string // decline code that a fault demands
	fault            Fault
	refusal          *apiError // found before the endpoint was reached
}

// answer is what goes back to the client.
type answer struct {
	status   int
	body     []byte
	original string // request id of the first answer, for a replay
	replayed bool
}

// maxBody bounds a request: ours have a few hundred bytes, but for a file.
const maxBody = maxFile + 1<<20

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
	c := &call{method: r.Method, path: r.URL.Path, key: r.Header.Get("Idempotency-Key")}
	c.route, c.op, c.id = match(r.Method, r.URL.Path)
	if r.Host != "" {
		c.base = "http://" + r.Host
	}
	c.read(r)
	if c.refusal == nil {
		c.refusal = s.check(c, r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.asked++
	c.seq = s.state.asked
	id := sha256.Sum256(fmt.Appendf(nil, "%d/req/%d", s.cfg.Seed, c.seq))
	c.requestID = "req_" + idText(id)[:14]
	s.identify(c)
	c.fault = s.faults.Request(c.op, c.visit)
	if c.fault.Kind == Decline {
		if c.decline = c.fault.Code; c.decline == "" {
			c.decline = "generic_decline"
		}
	}
	return c
}

// read takes the parameters out of the request.
func (c *call) read(r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		c.refusal = invalid("", "", "The request body could not be read.")
	}
	text, kind := string(raw), r.Header.Get("Content-Type")
	if r.Method == http.MethodGet {
		text, kind, c.key = r.URL.RawQuery, "", ""
	}
	var values url.Values
	if strings.HasPrefix(kind, "multipart/") {
		values, c.upload, err = parts(raw, kind)
	} else {
		values, err = url.ParseQuery(text)
	}
	if err != nil {
		c.refusal = invalid("", "", "The parameters are not form encoded.")
	}
	c.form = form(values)
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s?%s", c.method, c.path, values.Encode())
	if c.upload != nil {
		fmt.Fprintf(sum, "#%s#%s", c.upload.name, c.upload.content)
	}
	c.params = hex.EncodeToString(sum.Sum(nil))
}

// check refuses what no endpoint would see.
func (s *Sim) check(c *call, r *http.Request) *apiError {
	key, _, ok := r.BasicAuth()
	if !ok {
		key = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	known := strings.HasPrefix(key, "sk_") || strings.HasPrefix(key, "rk_")
	if !known || (s.cfg.SecretKey != "" && key != s.cfg.SecretKey) {
		e := invalid("", "", "Invalid API Key provided.")
		e.status = http.StatusUnauthorized
		return e
	}
	if v := r.Header.Get("Stripe-Version"); v != "" && v != APIVersion {
		return invalid("", "", "This simulator speaks API version "+APIVersion+", not "+v+".")
	}
	if c.route == nil {
		e := invalid("", "", "Unrecognized request URL ("+c.method+": "+c.path+").")
		e.status = http.StatusNotFound
		return e
	}
	if len(c.key) > 255 {
		return invalid("", "", "Idempotency keys may have at most 255 characters.")
	}
	return c.form.known(c.route.params)
}

// identify finds the visit and the order a request is about.
func (s *Sim) identify(c *call) {
	data := c.form.under("metadata")
	c.visit, c.opID = data["visit"], data["op_id"]
	for _, id := range []string{c.id, c.form.get("payment_intent"), c.form.get("charge")} {
		if c.visit == "" && id != "" {
			c.visit = s.state.intentOf(id).Metadata["visit"]
		}
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
		return s.finish(c, c.refusal.answer(c), record{}, false)
	}
	if c.key != "" {
		if a, e := s.remembered(c); e != nil {
			return s.finish(c, e.answer(c), record{}, false)
		} else if a.replayed {
			return s.finish(c, a, record{}, false)
		}
		s.busy[c.key] = true
		defer delete(s.busy, c.key)
	}
	if c.fault.Kind == Slow {
		s.mu.Unlock() // the key stays busy
		s.pause(time.Duration(c.fault.DelayMS) * time.Millisecond)
		s.mu.Lock()
	}
	if e := injected(c.fault.Kind); e != nil && c.fault.Kind != Error500After {
		return s.finish(c, e.answer(c), record{}, e.stored)
	}
	t := s.begin(c)
	out, e := c.route.serve(t, c.form)
	a := answer{status: http.StatusOK}
	store := true
	switch {
	case c.fault.Kind == Error500After:
		a = injected(Error500After).answer(c)
	case e != nil:
		a, store = e.answer(c), e.stored
	default:
		a.body = encode(out)
	}
	if e != nil && !e.kept {
		t.rec = record{}
	}
	return s.finish(c, a, t.rec, store)
}

// remembered looks a key up: a stored answer is replayed, other parameters
// and a request under way are refused.
func (s *Sim) remembered(c *call) (answer, *apiError) {
	if s.busy[c.key] {
		return answer{}, &apiError{
			status: http.StatusConflict, kind: typeInvalid, code: "idempotency_key_in_use",
			message: "There is currently another in-progress request using this Idempotent Key.",
		}
	}
	old, ok := s.state.answers[c.key]
	if !ok {
		return answer{}, nil
	}
	if old.Params != c.params {
		return answer{}, &apiError{
			status: http.StatusBadRequest, kind: typeIdempotency,
			message: "Keys for idempotent requests can only be used with the same parameters they were first used with.",
		}
	}
	return answer{status: old.Status, body: []byte(old.Body), original: old.Request, replayed: true}, nil
}

// injected is the answer of a fault that answers without working.
func injected(kind FaultKind) *apiError {
	e := &apiError{kind: typeAPI, message: "An injected fault: " + string(kind)}
	switch kind { //nolint:exhaustive // the others do not answer by themselves
	case Error500, Error500After:
		e.status, e.stored = http.StatusInternalServerError, true
	case Error503:
		e.status = http.StatusServiceUnavailable
	case Error429:
		e.status, e.kind, e.code = http.StatusTooManyRequests, typeInvalid, "rate_limit"
	case LockTimeout:
		e.status, e.kind, e.code = http.StatusTooManyRequests, typeInvalid, "lock_timeout"
	case Error409:
		e.status, e.kind, e.code = http.StatusConflict, typeInvalid, "lock_timeout"
	default:
		return nil
	}
	return e
}

// finish commits what a request changed together with its stored answer and
// its line in the audit log.
func (s *Sim) finish(c *call, a answer, rec record, store bool) answer {
	if store && c.key != "" && c.method != http.MethodGet {
		rec.Answers = []storedAnswer{{
			Key: c.key, Created: s.now().Unix(), Params: c.params, Status: a.status, Body: string(a.body), Request: c.requestID,
		}}
	}
	line := s.line(c, a)
	rec.Request = &line
	if rec.empty() {
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
	s.keep(record{Request: &line}, c)
}

// keep logs a request that changed nothing; it need not be durable.
func (s *Sim) keep(rec record, c *call) {
	if c.method != http.MethodGet {
		if err := s.journal.append(rec); err != nil {
			rec.Request.Fault = FaultKind("journal: " + err.Error())
		}
	}
	s.state.apply(rec, s.cfg.limits())
}

// broken answers when the simulator itself cannot go on.
func (s *Sim) broken(c *call, err error) answer {
	e := &apiError{status: http.StatusInternalServerError, kind: typeAPI, message: "simulator: " + err.Error()}
	return e.answer(c)
}

func (e *apiError) answer(c *call) answer {
	return answer{status: e.status, body: encode(e.body(c.requestID))}
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
	h.Set("Request-Id", c.requestID)
	h.Set("Stripe-Version", APIVersion)
	h.Set("Content-Length", fmt.Sprint(len(a.body)))
	if c.key != "" {
		h.Set("Idempotency-Key", c.key)
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
