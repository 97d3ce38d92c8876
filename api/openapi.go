package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/oapi-codegen/echo-middleware"
)

// The document is one YAML file in parts, so that a person can read each: the
// paths, 1 and 1b …, and the components, 2 and 2b …, joined in this order.
//
//go:embed openapi/*.yaml
var openapiParts embed.FS

func openapiText() ([]byte, error) {
	names, err := fs.Glob(openapiParts, "openapi/*.yaml") // sorted
	if err != nil {
		return nil, err
	}
	var parts [][]byte
	for _, name := range names {
		b, err := openapiParts.ReadFile(name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, b)
	}
	return bytes.Join(parts, nil), nil
}

// A document is the OpenAPI description: what is served, and what requests are
// checked against.
type document struct {
	*openapi3.T
	json []byte
}

func newDocument() (*document, error) {
	text, err := openapiText()
	if err != nil {
		return nil, fmt.Errorf("openapi document: %w", err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("openapi document: %w", err)
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("openapi document: %w", err)
	}
	return &document{T: doc, json: b}, nil
}

// checked returns the middleware that refuses what the document does not
// allow. Keys are package api's business, so the document's security is not
// asked. Bodies of evidence are bytes, and those of detections are checked
// one by one, so that a bad one holds no other up.
func (d *document) checked() echo.MiddlewareFunc {
	options := func(skipBody bool) *echomiddleware.Options {
		return &echomiddleware.Options{
			Options: openapi3filter.Options{
				MultiError:          true,
				ExcludeRequestBody:  skipBody,
				AuthenticationFunc:  openapi3filter.NoopAuthenticationFunc,
				SkipSettingDefaults: true,
			},
			ErrorHandler: func(_ echo.Context, err *echo.HTTPError) error {
				if err.Code == http.StatusNotFound {
					return errNotFound
				}
				return requestProblem(err.Internal)
			},
			MultiErrorHandler: func(me openapi3.MultiError) *echo.HTTPError {
				return &echo.HTTPError{Code: http.StatusBadRequest, Internal: me}
			},
		}
	}
	whole := echomiddleware.OapiRequestValidatorWithOptions(d.T, options(false))
	head := echomiddleware.OapiRequestValidatorWithOptions(d.T, options(true))
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		all, parameters := whole(next), head(next)
		return func(c echo.Context) error {
			if strings.HasPrefix(c.Path(), "/v1/evidence/") || c.Path() == "/v1/detections" {
				return parameters(c)
			}
			return all(c)
		}
	}
}

// checkSchema checks one value against a named schema of the document.
func (d *document) checkSchema(name string, v any) error {
	err := d.Components.Schemas[name].Value.VisitJSON(v, openapi3.MultiErrors())
	if err == nil {
		return nil
	}
	p := newProblem(http.StatusBadRequest, "bad_request", "")
	p.Errors = schemaFields("body", err)
	if len(p.Errors) > 0 {
		p.Detail = p.Errors[0].Location + ": " + p.Errors[0].Message
	}
	return p
}

func (a *API) getDocument(c echo.Context) error {
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, a.document.json)
}
