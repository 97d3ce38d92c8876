// Package web is the pages that people look at: templates, one style sheet and
// one small script, all in the binary.
//
// The one idea: a page is a picture of a view, and the view is plain words.
// Whoever fills a view decides what is shown; the templates decide only how.
// Everything is there without the script; the script steps through the
// timeline, plays clips and fetches the page again when the visit moves.
//
// # Invariants
//
//   - No page needs anything from another host, an inline script or an inline
//     style, so the strictest content policy holds.
//   - Every text comes from a view through html/template, which escapes it.
//
// There is no build step: what is in static and templates is what is served.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static
var static embed.FS

// Pages renders the pages and serves their files.
type Pages struct {
	pages map[string]*template.Template
	files map[string]file
}

type file struct {
	kind string
	tag  string // of the content, for caches
	body []byte
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// New reads the embedded pages. An error is a bug in one of them.
func New() (*Pages, error) {
	p := &Pages{pages: map[string]*template.Template{}, files: map[string]file{}}
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	base, err := template.New("layout").ParseFS(templates, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	for _, name := range names {
		page := strings.TrimSuffix(path.Base(name), ".html")
		if page == "layout" || page == "parts" {
			continue
		}
		t, err := base.Clone()
		if err == nil {
			_, err = t.ParseFS(templates, name)
		}
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", page, err)
		}
		p.pages[page] = t
	}
	return p, p.readFiles()
}

func (p *Pages) readFiles() error {
	return fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		p.files[strings.TrimPrefix(name, "static/")] = file{
			kind: kinds[path.Ext(name)], tag: `"` + hex.EncodeToString(sum[:8]) + `"`, body: body,
		}
		return nil
	})
}

// Render writes a page with its view. Nothing is written when it fails.
func (p *Pages) Render(w io.Writer, page string, view any) error {
	t, ok := p.pages[page]
	if !ok {
		return fmt.Errorf("page %q: %w", page, fs.ErrNotExist)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout.html", view); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// ServeFile answers with a file of the pages, and says whether there is one.
func (p *Pages) ServeFile(w http.ResponseWriter, r *http.Request, name string) bool {
	f, ok := p.files[name]
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.tag)
	h.Set("Cache-Control", "no-cache") // asked for again each time, sent when changed
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	_, _ = w.Write(f.body) // the reader has gone; there is nobody to tell
	return true
}
