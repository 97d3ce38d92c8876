// Package vouch_test holds what is true of the whole module.
package vouch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/vouchledger/vouch"

// layers says which packages of this module each may import. A package that
// is not listed may import nothing, so a new one has to be placed here.
var layers = map[string][]string{
	"internal/npmtest":  {},
	"internal/peer":     {},
	"internal/given":    {},
	"internal/tinynet":  {},
	"internal/goals":    {},
	"internal/handbook": {},

	"ledger":            {"ledger/money", "ledger/internal/gaps"},
	"ledger/money":      {},
	"ledger/envelope":   {"ledger"},
	"ledger/esdb":       {"ledger", "ledger/envelope"},
	"ledger/eventstore": {"ledger", "ledger/envelope", "ledger/eventstore/groups"},
	"ledger/memlog":     {"ledger"},
	"ledger/embedded": {
		"ledger", "ledger/internal/convoy", "ledger/internal/damage", "ledger/internal/disk", "ledger/internal/frame",
		"ledger/internal/lookup", "ledger/internal/sealed",
	},
	"ledger/internal/convoy": {},
	"ledger/internal/damage": {"ledger"},
	"ledger/internal/frame":  {"ledger"},
	"ledger/internal/lookup": {"ledger/internal/damage", "ledger/internal/disk", "ledger/internal/frame"},
	"ledger/internal/sealed": {
		"ledger", "ledger/internal/damage", "ledger/internal/disk", "ledger/internal/frame", "ledger/internal/words",
	},
	"ledger/internal/words":        {"ledger", "ledger/internal/frame", "ledger/internal/gaps"},
	"ledger/internal/gaps":         {},
	"ledger/eventstore/groups":     {"ledger"},
	"ledger/internal/disk":         {},
	"ledger/internal/gencodec":     {},
	"ledger/internal/faultdisk":    {"ledger/internal/disk"},
	"ledger/ledgertest":            {"ledger"},
	"ledger/ledgerbench/jetstream": {"ledger/ledgerbench"},
	"ledger/ledgerbench/postgres":  {"ledger", "ledger/ledgerbench"},
	"ledger/ledgerbench":           {"ledger", "ledger/embedded", "ledger/internal/convoy", "ledger/internal/disk"},
	"ledger/tree":                  {"ledger", "ledger/tree/leaf", "ledger/tree/signer", "ledger/tree/tile"},
	"ledger/tree/leaf":             {"ledger"},
	"ledger/tree/signer":           {"ledger", "ledger/tree/tile"},
	"ledger/tree/tile":             {"ledger"},
	"ledger/tree/witness":          {"ledger", "ledger/tree/signer", "ledger/tree/tile"},
	"ledger/torture":               {"ledger", "ledger/embedded", "ledger/ledgertest", "ledger/internal/faultdisk"},

	"projections":                 {"ledger", "ledger/money", "projections/internal/packed", "projections/internal/state", "projections/pricing"},
	"projections/internal/packed": {"ledger", "ledger/money"},
	"projections/pricing":         {"ledger", "ledger/money"},
	"projections/internal/state":  {"ledger"},
	"projections/books":           {"ledger", "ledger/money", "projections", "projections/internal/state"},
	"projections/internal/story":  {"ledger", "ledger/money", "projections"},
	"projections/crowd":           {"ledger", "ledger/money", "projections"},
	"projections/runner":          {"ledger", "projections"},

	"vision":                       {"ledger", "ledger/money"},
	"vision/barcode":               {"ledger"},
	"vision/cart":                  {"ledger", "ledger/money", "vision", "vision/barcode", "vision/qr", "vision/scale", "vision/ticket"},
	"vision/cart/device":           {"ledger", "ledger/money", "vision", "vision/cart", "vision/cv", "vision/gate", "vision/internal/pause", "vision/line", "vision/outbox", "vision/qr", "vision/scale", "vision/ticket"},
	"vision/cart/moments":          {"ledger", "vision/cart", "vision/cart/device", "vision/cv", "vision/footage", "vision/sidecar"},
	"vision/cart/rehearsal":        {"ledger", "vision/barcode", "vision/cart", "vision/cart/device", "vision/qr"},
	"vision/blur":                  {},
	"vision/clip":                  {},
	"vision/cv":                    {},
	"vision/edge":                  {"ledger"},
	"vision/edge/statuspage":       {"vision/edge/host"},
	"vision/edge/host":             {"ledger", "vision", "vision/cv", "vision/edge", "vision/footage", "vision/internal/pause", "vision/lens", "vision/mount", "vision/outbox", "vision/planogram", "vision/track", "vision/watch"},
	"vision/evidence":              {"ledger", "vision/internal/keyfile"},
	"vision/evidence/bucket":       {"ledger", "vision/evidence"},
	"vision/evidence/retention":    {"ledger", "vision/evidence"},
	"vision/evidence/evidencetest": {"ledger", "vision/evidence"},
	"vision/gate":                  {"ledger", "vision", "vision/edge", "vision/palm", "vision/qr", "vision/relay", "vision/ticket"},
	"vision/footage":               {"ledger", "vision/blur", "vision/clip", "vision/cv", "vision/sidecar"},
	"vision/lens":                  {},
	"vision/line":                  {"ledger", "vision/internal/pause"},
	"vision/models":                {},
	"vision/mount":                 {"vision/track"},
	"vision/outbox":                {"ledger", "vision/internal/pause", "vision/internal/secret"},
	"vision/persons":               {"vision/cv", "vision/mount", "vision/track"},
	"vision/palm":                  {"ledger", "vision/internal/keyfile"},
	"vision/palm/palmtest":         {},
	"vision/planogram":             {"vision/lens"},
	"vision/qr":                    {},
	"vision/scale":                 {},
	"vision/terminal":              {"ledger", "vision", "vision/internal/secret"},
	"vision/qr/qrscene":            {"vision/qr"},
	"vision/relay":                 {},
	"vision/render":                {"vision/qr", "vision/render/film", "vision/render/random"},
	"vision/render/film":           {"vision/render/random"},
	"vision/render/random":         {},
	"vision/render/shop":           {"vision/render/random", "vision/truth"},
	"vision/render/view":           {"vision/render/film", "vision/render/random", "vision/render/shop"},
	"vision/recognise":             {},
	"vision/recognise/network":     {"vision/cv", "vision/models", "vision/recognise"},
	"vision/reverify":              {"ledger", "ledger/money", "vision", "vision/recognise", "vision/sidecar"},
	"vision/score":                 {"vision/internal/assign", "vision/truth"},
	"vision/truth":                 {},
	"vision/shelf":                 {"vision/planogram"},
	"vision/sidecar":               {},
	"vision/ticket":                {"ledger", "vision/internal/secret"},
	"vision/track":                 {"ledger", "vision/internal/assign"},
	"vision/internal/assign":       {},
	"vision/internal/keyfile":      {},
	"vision/internal/secret":       {},
	"vision/internal/pause":        {},
	"vision/fuse":                  {"ledger"},
	"vision/floor":                 {"ledger", "vision/fuse", "vision/shelf", "vision/track"},
	"vision/floor/live": {
		"ledger", "vision", "vision/edge", "vision/floor", "vision/fuse", "vision/gate", "vision/internal/pause", "vision/models",
		"vision/mount", "vision/persons", "vision/planogram", "vision/relay", "vision/scale", "vision/sidecar", "vision/track", "vision/watch",
	},
	"vision/trial": {
		"ledger", "vision/floor", "vision/fuse", "vision/internal/assign", "vision/lens", "vision/mount", "vision/persons", "vision/planogram",
		"vision/render/shop", "vision/render/view", "vision/score", "vision/shelf", "vision/track", "vision/truth",
	},
	"vision/walks": {"vision/cv", "vision/planogram", "vision/score", "vision/watch"},
	"vision/watch": {
		"ledger", "vision", "vision/cv", "vision/evidence", "vision/footage", "vision/lens", "vision/planogram", "vision/recognise",
		"vision/shelf", "vision/sidecar",
	},

	"billing":        {"ledger", "ledger/money", "projections"},
	"billing/coupon": {"ledger"},
	"billing/audit":  {"ledger", "ledger/money", "projections", "projections/books", "billing", "billing/receipt"},
	"billing/engine": {"ledger", "ledger/money", "projections", "billing", "billing/receipt", "projections/pricing", "billing/coupon"},
	"billing/whatif": {"ledger", "ledger/money", "projections", "billing/engine"},
	"billing/clerk":  {"ledger", "ledger/money", "projections/books", "billing", "billing/report"},
	"billing/report": {"ledger", "ledger/money", "projections/books"},
	"billing/export": {"ledger", "ledger/money", "projections/books"},
	"billing/proof": {
		"ledger", "ledger/tree", "ledger/tree/signer", "ledger/tree/tile", "projections",
	},
	"billing/shopfile": {"ledger", "ledger/money", "billing"},
	"billing/simulate": {"ledger", "ledger/money", "projections", "billing", "billing/audit", "billing/engine"},
	"billing/watch": {
		"ledger", "ledger/money", "billing", "billing/chargeback", "billing/engine", "billing/evidencepack",
		"billing/provider",
	},
	"billing/chargeback": {"ledger", "ledger/money", "billing/provider"},
	"billing/evidencepack": {
		"ledger", "ledger/money", "ledger/tree/leaf", "ledger/tree/tile", "billing/chargeback", "billing/internal/pdf",
		"billing/provider",
	},
	"billing/internal/pdf":  {},
	"billing/bankfile":      {"ledger", "ledger/money"},
	"billing/reconcile":     {"ledger", "ledger/money", "billing", "billing/provider"},
	"billing/fiscal":        {"ledger", "ledger/money"},
	"billing/fiscal/tsesim": {"ledger", "billing/fiscal"},
	"billing/receipt":       {"ledger", "ledger/money", "projections", "billing", "billing/internal/pdf"},
	"billing/provider":      {"ledger", "ledger/money", "billing"},
	"billing/stripe":        {"ledger", "ledger/money", "billing", "billing/provider"},
	"billing/sequences":     {},

	"billing/stripesim":          {"billing/stripesim/account", "billing/stripesim/fault", "billing/stripesim/testcard"},
	"billing/stripesim/account":  {"billing/stripesim/fault", "billing/stripesim/testcard"},
	"billing/stripesim/fault":    {"billing/stripesim/testcard"},
	"billing/stripesim/testcard": {},
	"billing/stripesim/page": {
		"ledger/money", "billing/stripesim", "billing/stripesim/fault", "billing/stripesim/testcard",
	},

	"api": {
		"billing/chargeback", "billing/watch",
		"ledger", "ledger/money", "projections", "projections/books", "vision", "vision/evidence", "vision/sidecar", "vision/ticket",
		"billing", "billing/coupon", "billing/clerk", "billing/engine", "billing/receipt", "billing/report", "billing/shopfile",
		"billing/bankfile", "billing/reconcile", "billing/whatif", "vision/palm",
	},
	"api/palms":    {"billing/engine", "ledger", "projections", "vision/palm"},
	"api/keys":     {},
	"api/payers":   {"ledger"},
	"api/register": {"ledger", "ledger/money"},
	"api/web":      {},
}

// sdks names the one package that may import each foreign system.
var sdks = map[string]string{
	"github.com/stripe/stripe-go/": "billing/stripe",
	"gocv.io/x/gocv":               "vision/cv",
	"github.com/labstack/echo/":    "api",
	"github.com/parquet-go/":       "billing/export",
	"github.com/jackc/pgx/":        "ledger/ledgerbench/postgres",
	"github.com/nats-io/nats.go":   "ledger/ledgerbench/jetstream",
	"go.bug.st/serial":             "vision/line",
	"gocloud.dev/":                 "vision/evidence/bucket",
	"github.com/aws/":              "vision/evidence/bucket",

	// The client and the stubs come in one module; two packages use one part each.
	"github.com/EventStore/EventStore-Client-Go/v4/protos/": "ledger/eventstore",
	"github.com/EventStore/EventStore-Client-Go/v4/esdb":    "ledger/esdb",
}

// pure packages must give the same answer every time and everywhere.
var (
	pure = []string{
		"ledger", "ledger/money", "projections", "projections/books", "projections/internal/packed",
		"projections/internal/state", "projections/pricing", "billing", "vision/edge", "vision/evidence/retention",
	}
	impure = []string{
		"os", "os/exec", "net", "net/http", "database/sql", "math/rand",
		"math/rand/v2", "crypto/rand", "log/slog", "syscall", "io/ioutil",
	}
)

type goPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-tags", "opencv", "-json=ImportPath,Imports", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var packages []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// violations returns what is wrong with p's imports.
func violations(p goPackage) []string {
	var bad []string
	name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
	for _, imp := range p.Imports {
		if own, ok := strings.CutPrefix(imp, module+"/"); ok && !mayImport(name, own) {
			bad = append(bad, name+" may not import "+own)
		}
		for sdk, home := range sdks {
			if strings.HasPrefix(imp, sdk) && name != home {
				bad = append(bad, name+" imports "+imp+"; only "+home+" may")
			}
		}
		if slices.Contains(pure, name) && slices.Contains(impure, imp) {
			bad = append(bad, name+" is pure and may not import "+imp)
		}
	}
	return bad
}

func mayImport(name, own string) bool {
	if strings.HasPrefix(name, "cmd/") {
		return true
	}
	if own == "api" || strings.HasPrefix(own, "api/") {
		return strings.HasPrefix(name, "api")
	}
	return slices.Contains(layers[name], own)
}

// TestLayers checks the arrows of the design: who may import whom.
func TestLayers(t *testing.T) {
	packages := listPackages(t)
	if len(packages) < 8 {
		t.Fatalf("go list found %d packages; the test is not looking at the module", len(packages))
	}
	for _, p := range packages {
		for _, bad := range violations(p) {
			t.Error(bad)
		}
	}
}

// TestLayersBite plants forbidden imports and requires that each is found.
func TestLayersBite(t *testing.T) {
	for _, p := range []goPackage{
		{module + "/ledger", []string{module + "/projections"}},
		{module + "/vision", []string{module + "/billing"}},
		{module + "/billing", []string{module + "/api"}},
		{module + "/projections", []string{"os"}},
		{module + "/api", []string{"github.com/stripe/stripe-go/v76"}},
		{module + "/api", []string{"github.com/EventStore/EventStore-Client-Go/v4/esdb"}},
		{module + "/ledger/esdb", []string{"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"}},
		{module + "/vision/evidence", []string{"gocloud.dev/blob"}},
		{module + "/cmd/vouch", []string{"github.com/aws/aws-sdk-go-v2/service/s3"}},
		{module + "/unplaced", []string{module + "/ledger"}},
	} {
		if len(violations(p)) == 0 {
			t.Errorf("violations(%v) = none, want one", p)
		}
	}
}
