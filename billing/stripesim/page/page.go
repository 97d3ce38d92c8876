// Package page shows a simulated Stripe account to people, and lets them do
// what shoppers, banks and card networks do: decline, dispute, authenticate,
// send money back, and let time pass.
//
// The one idea: a page is a table of one kind of object as a client sees it,
// and a button is one call of a method of the simulator. There is no script
// and no build step; what is in static and templates is what is served.
//
// There is no authentication, as the simulator has none; forms of other sites
// are refused, so that a page somebody visits cannot press the buttons.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/vouchledger/vouch/billing/stripesim"
	"github.com/vouchledger/vouch/billing/stripesim/fault"
	"github.com/vouchledger/vouch/billing/stripesim/testcard"
)

//go:embed templates/*.html static
var files embed.FS

// policy lets nothing in from elsewhere. A form may lead away: the shopper's
// answer leads back to the shop.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"

// Pages serves the pages of one simulator.
type Pages struct {
	sim *stripesim.Sim
	all *template.Template
	mux http.Handler
}

// New returns the pages of sim. What they do not serve ("/v1/", "/sim/") they
// hand to it. An error is a bug in a template.
func New(sim *stripesim.Sim) (*Pages, error) {
	all, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	static, err := fs.Sub(files, "static")
	if err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	p := &Pages{sim: sim, all: all}
	mux := http.NewServeMux()
	mux.Handle("/v1/", sim)
	mux.Handle("/sim/", sim)
	safe := http.NewServeMux()
	safe.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(static)))
	safe.HandleFunc("GET /{$}", p.show)
	safe.HandleFunc("GET /{section}", p.show)
	safe.HandleFunc("POST /act", p.act)
	safe.HandleFunc("GET /authenticate/{id}", p.ask)
	safe.HandleFunc("POST /authenticate/{id}", p.answer)
	mux.Handle("/", http.NewCrossOriginProtection().Handler(safe))
	p.mux = mux
	return p, nil
}

// ServeHTTP serves a page, or hands the request to the simulator.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// section is one page.
type section struct {
	Name, Title string
	rows        func(*Pages) table
}

var sections = []section{
	{"payments", "Payments", (*Pages).payments},
	{"setups", "Cards", (*Pages).setups},
	{"refunds", "Refunds", (*Pages).refunds},
	{"disputes", "Disputes", (*Pages).disputes},
	{"warnings", "Fraud warnings", (*Pages).warnings},
	{"payouts", "Payouts", (*Pages).payouts},
	{"balance", "Balance", (*Pages).balance},
	{"webhooks", "Webhooks", (*Pages).webhooks},
	{"faults", "Faults", (*Pages).faults},
}

// view is what a page shows.
type view struct {
	Here     section
	Sections []section
	Account  string
	Now      string
	Funds    []funds
	Doubled  []string // orders that were carried out twice
	Table    table
	Alert    string
	Codes    []string
	Ops      []string
	Kinds    []fault.Kind
	Hooks    []fault.Kind
}

// funds are what the account has in one currency.
type funds struct{ Available, UnderWay string }

// declinable are the operations that a decline fault is for.
var declinable = []string{
	"payment_intents.create", "payment_intents.confirm", "payment_intents.increment_authorization",
	"payment_intents.capture", "setup_intents.*",
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("section")
	if name == "" {
		name = sections[0].Name
	}
	for _, s := range sections {
		if s.Name == name {
			p.render(w, s, http.StatusOK, "")
			return
		}
	}
	http.NotFound(w, r)
}

// render writes the page of a section.
func (p *Pages) render(w http.ResponseWriter, s section, status int, alert string) {
	v := view{
		Here: s, Sections: sections, Account: stripesim.Account, Alert: alert,
		Now: p.sim.Now().UTC().Format("Mon 2 Jan 2006 15:04"), Table: s.rows(p), Funds: p.funds(),
		Doubled: p.sim.Audit().Doubled,
		Codes:   testcard.DeclineCodes(), Ops: declinable, Kinds: fault.Requests(), Hooks: fault.Webhooks(),
	}
	for i := range v.Table.Rows {
		for j := range v.Table.Rows[i].Acts {
			v.Table.Rows[i].Acts[j].Page = s.Name
		}
	}
	p.write(w, status, "account.html", v)
}

// write sends a page whole, or says that it is broken.
func (p *Pages) write(w http.ResponseWriter, status int, name string, v any) {
	var b bytes.Buffer
	if err := p.all.ExecuteTemplate(&b, name, v); err != nil {
		http.Error(w, "page "+name+": "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader has gone; there is nobody to tell
}
