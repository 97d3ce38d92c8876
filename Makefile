# Vouch. `make demo` shows it, `make test` proves it; CONTRIBUTING.md says more.
GO         ?= go
BIN        := bin
TAGS       := opencv
GOFUMPT    := $(GO) run mvdan.cc/gofumpt@v0.12.0
STATICCHECK := $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI   := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.8.0
LDFLAGS    := -s -w
# Loops over pixels in one goroutine: the race detector makes minutes of them
# and has nothing to find.
PIXELS     := cmd/vouch-edge|vision/shelf|vision/render

.PHONY: demo test check lint bench products torture build format setup clean

## demo: install what is missing, build, and show one charge from camera to refund
demo:
	@.ci/setup demo
	@$(MAKE) --no-print-directory build
	@./$(BIN)/vouch demo

## test: install what is missing, then all tests
test:
	@.ci/setup test
	$(GO) vet -tags $(TAGS) ./...
	CGO_ENABLED=0 $(GO) vet ./cmd/vouch ./ledger/... ./projections/... ./billing/... ./api/...
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory $(BIN)/stripe-mock $(BIN)/nats-server $(BIN)/litewitness $(BIN)/versitygw
	VOUCH_S3_SERVER=$(CURDIR)/$(BIN)/versitygw VOUCH_STRIPE_MOCK=$(CURDIR)/$(BIN)/stripe-mock VOUCH_LITEWITNESS=$(CURDIR)/$(BIN)/litewitness VOUCH_NATS_SERVER=$(CURDIR)/$(BIN)/nats-server $(GO) test -tags $(TAGS) -timeout 15m ./...

# Stripe's own check of request shapes; the tests that need it say so where it
# cannot be had.
$(BIN)/stripe-mock: | $(BIN)
	@GOBIN=$(CURDIR)/$(BIN) CGO_ENABLED=0 $(GO) install github.com/stripe/stripe-mock@v0.203.0 || echo "test: no stripe-mock, its two tests are skipped"

# What the ledger is measured against; Debian's cannot sync always. PostgreSQL is
# Debian's postgresql-15.
$(BIN)/nats-server: | $(BIN)
	@GOBIN=$(CURDIR)/$(BIN) CGO_ENABLED=0 $(GO) install github.com/nats-io/nats-server/v2@v2.15.2 || echo "no nats-server, what needs it is skipped"

# A witness of others that cosigns our checkpoints.
$(BIN)/litewitness: | $(BIN)
	@GOBIN=$(CURDIR)/$(BIN) CGO_ENABLED=0 $(GO) install filippo.io/torchwood/cmd/litewitness@v0.9.0 || echo "test: no litewitness, its tests are skipped"

# An S3 server that keeps its objects in a folder, for the evidence store.
$(BIN)/versitygw: | $(BIN)
	@GOBIN=$(CURDIR)/$(BIN) CGO_ENABLED=0 $(GO) install github.com/versity/versitygw/cmd/versitygw@v1.8.0 || echo "test: no versitygw, the tests of evidence in a bucket are skipped"

## build: both binaries into bin/
build: $(BIN)
	@echo "build: vouch (static, pure Go)"
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/vouch ./cmd/vouch
	@echo "build: vouch-edge (OpenCV 4.6 through gocv v0.31.0; about a minute the first time)"
	@CGO_ENABLED=1 $(GO) build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $(BIN)/vouch-edge ./cmd/vouch-edge

$(BIN):
	@mkdir -p $(BIN)

## check: what a commit must pass: format, vet, staticcheck, layers, tests
check:
	@.ci/setup test
	@test -z "$$($(GOFUMPT) -l . | tee /dev/stderr)" || { echo "check: run 'make format'"; exit 1; }
	$(GO) vet -tags $(TAGS) ./...
	$(STATICCHECK) -tags $(TAGS) ./...
	$(GO) test -run TestLayers .
	$(GO) test -race -tags $(TAGS) -timeout 30m $$($(GO) list -tags $(TAGS) ./... | grep -vE '$(PIXELS)')
	$(GO) test -tags $(TAGS) ./cmd/vouch-edge ./vision/shelf ./vision/render

## format: gofumpt, in place
format:
	$(GOFUMPT) -l -w .

## lint: all of .golangci.yml; building the linter takes ten minutes the first time
lint:
	$(GOLANGCI) run --build-tags $(TAGS) ./...

## bench: the tables of docs/benchmarks.md
bench: build $(BIN)/nats-server
	./$(BIN)/vouch bench ledger --json $(BIN)/bench-ledger.json --update docs/benchmarks.md
	./$(BIN)/vouch bench billing --json $(BIN)/bench-billing.json --update docs/benchmarks.md
	./$(BIN)/vouch-edge bench --json $(BIN)/bench-vision.json --update docs/benchmarks.md
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchtime 1s ./...

## products: train recognisers on the given pictures and score them; some minutes
products: build
	./$(BIN)/vouch-edge bench --only products

## torture: kill, corrupt and race for TORTURE (default ten minutes)
TORTURE ?= 10m
torture:
	VOUCH_TORTURE=$(TORTURE) $(GO) test -timeout 0 -run Torture -v ./ledger/torture ./billing/sequences

clean:
	rm -rf $(BIN) demo-data demo-data-*
