package receipt

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"rsc.io/qr"
)

//go:embed paper.html
var files embed.FS

var page = template.Must(template.New("paper.html").Funcs(template.FuncMap{"code": codeOf}).ParseFS(files, "paper.html"))

// HTML writes the paper as one page that needs nothing else: it can be mailed,
// kept and printed, on a till roll or on A4.
func HTML(w io.Writer, p Paper) error {
	s, err := p.Sheet()
	if err != nil {
		return err
	}
	if err := page.Execute(w, s); err != nil {
		return fmt.Errorf("receipt %s as HTML: %w", p.Document.Number, err)
	}
	return nil
}

// codeOf draws content as a QR code, as an SVG path.
func codeOf(content string) (template.HTML, error) {
	c, err := qr.Encode(content, qr.M)
	if err != nil {
		return "", fmt.Errorf("code of %d bytes: %w", len(content), err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="code" role="img" aria-label="signature as a code" viewBox="-4 -4 %d %d" shape-rendering="crispEdges"><path d="`, c.Size+8, c.Size+8)
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil //nolint:gosec // numbers alone
}
