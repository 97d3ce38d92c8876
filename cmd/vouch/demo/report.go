package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
	"github.com/vouchledger/vouch/cmd/vouch/story"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/vision/evidence"
)

//go:embed report.html
var reportPage string

// A picture is evidence copied beside the report.
type picture struct {
	Role, File string
	Video      bool
	Digest     ledger.Digest
	Short      string // of the digest
}

// A reportLine is a line of the story with its pictures.
type reportLine struct {
	story.Line
	Clock    string
	Pictures []picture
}

// report writes report/index.html with the pictures it shows, and says where
// everything is.
func (r *run) report(ctx context.Context) error {
	dir := r.path("report")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	store, err := evidencestore.Open(ctx, evidencestore.In(r.cfg.Data, "", ""))
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // only read
	var lines []reportLine
	cart := ""
	for _, l := range r.tale.lines {
		line := reportLine{Line: l, Clock: l.At.Local().Format("15:04:05.0")}
		if line.Cart == cart {
			line.Cart = "" // said already
		} else {
			cart = line.Cart
		}
		for _, ref := range l.Refs {
			if !ref.Original() || ref.Role == ledger.RoleThumb {
				continue // data, and copies of what is shown
			}
			p, err := copyPicture(ctx, store.Store, dir, ref)
			if err != nil {
				return err
			}
			line.Pictures = append(line.Pictures, p)
		}
		lines = append(lines, line)
	}
	page, err := template.New("report").Parse(reportPage)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	out, err := os.OpenFile(filepath.Join(dir, "index.html"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	err = page.Execute(out, map[string]any{
		"Result": r.result, "Lines": lines, "Issued": r.tale.cart.Issued, "Latest": r.tale.cart.Latest, "Shop": r.tale.cart.Presented.Seller,
	})
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	r.sayWhere(dir)
	return nil
}

// copyPicture puts one piece of evidence beside the report under a name that
// a browser knows the type of.
func copyPicture(ctx context.Context, store *evidence.Store, dir string, ref ledger.EvidenceRef) (picture, error) {
	endings := map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "video/mp4": ".mp4"}
	name := strings.TrimPrefix(string(ref.Digest), "sha256:")[:16] + endings[ref.MediaType]
	p := picture{Role: ref.Role, File: name, Video: ref.MediaType == "video/mp4", Digest: ref.Digest, Short: string(ref.Digest)[:19]}
	in, err := store.Get(ctx, ref.Digest)
	if err != nil {
		return p, fmt.Errorf("report: %w", err)
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return p, fmt.Errorf("report: %w", err)
	}
	_, err = io.Copy(out, in)
	return p, errors.Join(err, out.Close())
}

// shortest returns how to name a program from here.
func shortest(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

func (r *run) sayWhere(dir string) {
	serve, err := os.ReadFile(r.path("serve-command"))
	if err != nil {
		serve = []byte("serve --data " + r.cfg.Data)
	}
	vouch := shortest(r.cfg.Vouch)
	r.heading("Look around")
	r.say("  report        %s\n", filepath.Join(dir, "index.html"))
	r.say("  evidence      %s\n", r.path("evidence"))
	r.say("  tell it again %s replay --data %s %s\n", vouch, r.cfg.Data, r.result.Receipt)
	r.say("  check again   %s verify --data %s\n", vouch, r.cfg.Data)
	r.say("  check a file  %s verify %s --key %s\n", vouch, r.path(proofFile), r.path("signer", "key.pub"))
	r.say("  the books     %s export hledger --data %s\n", vouch, r.cfg.Data)
	r.say("  open it       %s %s\n", vouch, strings.TrimSpace(string(serve)))
	r.say("                then %s/visits/%s with a key of %s\n", r.server.url, r.result.Visit, r.path("demo-keys.json"))
}
