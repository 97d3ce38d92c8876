package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/api/keys"
)

// A checker holds answers against the document.
type checker struct{ router routers.Router }

func newChecker(t testing.TB, d *document) *checker {
	t.Helper()
	r, err := gorillamux.NewRouter(d.T)
	if err != nil {
		t.Fatal(err)
	}
	return &checker{r}
}

// answer fails the test if the document does not describe this answer.
func (k *checker) answer(t testing.TB, method, path string, rec *httptest.ResponseRecorder) {
	t.Helper()
	if err := k.check(method, path, rec); err != nil {
		t.Errorf("%s %s answers %d %s, which the document does not describe: %v",
			method, path, rec.Code, rec.Body.String(), err)
	}
}

func (k *checker) check(method, path string, rec *httptest.ResponseRecorder) error {
	req := httptest.NewRequest(method, path, nil)
	route, params, err := k.router.FindRoute(req)
	if err != nil {
		return nil // a page, or an address that is not there
	}
	kind := rec.Header().Get("Content-Type")
	if method == http.MethodHead || strings.HasPrefix(kind, "text/event-stream") ||
		strings.HasPrefix(path, "/v1/evidence/") && rec.Code < 300 {
		return nil // no body, or bytes
	}
	if paper := strings.Contains(path, "/forms/") || strings.Contains(path, "/paper/"); paper && rec.Code < 300 {
		if route.Operation.Responses.Status(rec.Code).Value.Content.Get(kind) == nil {
			return fmt.Errorf("a paper of type %q", kind)
		}
		return nil // people read it, or another program's decoder
	}
	return openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: req, PathParams: params,
			Route: route,
		},
		Status: rec.Code, Header: rec.Header(),
		Body:    io.NopCloser(bytes.NewReader(rec.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

// documented writes a route's path as the document does. The document has no
// word for the rest of an address, with its slashes: it is {path} there.
func documented(path string) string {
	return strings.ReplaceAll(regexp.MustCompile(`:(\w+)`).ReplaceAllString(path, "{$1}"), "*", "{path}")
}

// TestEveryRouteIsDocumented: no route without a description, no description
// without a route, and both agree on who may come in without a key.
func TestEveryRouteIsDocumented(t *testing.T) {
	s := openShop(t)
	var served, described []string
	open := map[string]bool{}
	for _, r := range s.api.routes() {
		name := r.method + " " + documented(r.path)
		served, open[name] = append(served, name), r.open
	}
	for path, item := range s.api.document.Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			described = append(described, name)
			if free := op.Security != nil && len(*op.Security) == 0; free != open[name] {
				t.Errorf("%s: document says open %v, route says %v", name, free, open[name])
			}
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if diff := cmp.Diff(described, served); diff != "" {
		t.Errorf("routes differ from the document (-described +served):\n%s", diff)
	}
}

// TestTheDocumentIsServed: a client can fetch and read it.
func TestTheDocumentIsServed(t *testing.T) {
	s := openShop(t)
	c := s.send("", "GET", "/openapi.json", nil).want(200)
	doc, err := openapi3.NewLoader().LoadFromData(c.Body.Bytes())
	if err != nil {
		t.Fatalf("served document: %v", err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("Validate(document) = %v, want nil", err)
	}
	var v struct {
		OpenAPI string `json:"openapi"`
	}
	if err := json.Unmarshal(c.Body.Bytes(), &v); err != nil || v.OpenAPI != "3.1.0" {
		t.Errorf("openapi = %q, %v, want 3.1.0", v.OpenAPI, err)
	}
}

// TestTheCheckerFindsAWrongAnswer: the proof that answers are held against the
// document can fail.
func TestTheCheckerFindsAWrongAnswer(t *testing.T) {
	s := openShop(t)
	for _, body := range []string{`{"items":[{"visit":1}]}`, `{"items":[],"more":true}`, `{}`} {
		rec := httptest.NewRecorder()
		rec.Header().Set("Content-Type", "application/json")
		_, _ = rec.WriteString(body)
		if err := s.doc.check("GET", "/v1/visits", rec); err == nil {
			t.Errorf("checker lets %s pass", body)
		}
	}
}

// TestTheTableOfRolesIsTrue: docs/api.md says what the routes do.
func TestTheTableOfRolesIsTrue(t *testing.T) {
	s := openShop(t)
	var table strings.Builder
	table.WriteString("| route | " + strings.ReplaceAll(strings.Trim(fmt.Sprint(keys.Roles()), "[]"), " ",
		" | ") + " |\n|---|" + strings.Repeat(":-:|", len(keys.Roles())) + "\n")
	for _, r := range s.api.routes() {
		fmt.Fprintf(&table, "| `%s %s` |", r.method, documented(r.path))
		for _, role := range keys.Roles() {
			mark := " "
			switch {
			case r.open:
				mark = "open"
			case slices.Contains(r.roles, role) && (role == keys.Device || role == keys.Shopper):
				mark = "own"
			case slices.Contains(r.roles, role):
				mark = "yes"
			}
			table.WriteString(" " + mark + " |")
		}
		table.WriteString("\n")
	}
	const begin, end = "-update` -->\n", "<!-- end of roles -->"
	name := filepath.Join("..", "docs", "api.md")
	text := string(must(os.ReadFile(name))(t))
	i, j := strings.Index(text, begin)+len(begin), strings.Index(text, end)
	if i < len(begin) || j < i {
		t.Fatal("docs/api.md has lost the place of its table")
	}
	if *update {
		if err := os.WriteFile(name, []byte(text[:i]+"\n"+table.String()+"\n"+text[j:]), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.TrimSpace(table.String()), strings.TrimSpace(text[i:j])); diff != "" {
		t.Errorf("the table of docs/api.md differs (-routes +docs):\n%s", diff)
	}
}
