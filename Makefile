# Everything that is done with this repository, by name. `make` lists it.

GO        ?= go
PACKAGES  ?= ./...
# One package's tests share two cores with the private Postgres; none needs half of this.
TEST_TIMEOUT ?= 10m
# golangci-lint holds gofumpt too (v0.9.2 in this release), so one pin covers both.
GOLANGCI_VERSION := 2.12.0
# Also in readapi/docs/scalar/SHA256SUM.
SCALAR_VERSION := 1.72.1
GOLANGCI := bin/golangci-lint-$(GOLANGCI_VERSION)

.DEFAULT_GOAL := help
.PHONY: help build run test test-browser docs-page lint format bench bench-text generate check-drift clean

help: ## List what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/igny8
	$(GO) build -o bin/igny8 ./cmd/igny8

run: build ## Build and start everything on this machine, with data in ./data
	bin/igny8 serve --examples

test: ## Run every test with the race detector (PACKAGES=./domain/... for some)
	$(GO) test -race -timeout $(TEST_TIMEOUT) $(PACKAGES)

test-browser: ## Open the reference page in chromium, cut off from every network
	$(GO) test -count=1 -tags=browser -run Browser ./readapi/docs

docs-page: ## Fetch the reference page's script again, as pinned (needs npm)
	@folder="$$(mktemp -d)" && cd "$$folder" && npm pack --silent "@scalar/api-reference@$(SCALAR_VERSION)" && \
	tar -xzf scalar-api-reference-$(SCALAR_VERSION).tgz package/dist/browser/standalone.js && \
	sum="$$(cut -d' ' -f1 $(CURDIR)/readapi/docs/scalar/SHA256SUM)" && \
	echo "$$sum  package/dist/browser/standalone.js" | sha256sum --check && \
	gzip -9n < package/dist/browser/standalone.js > $(CURDIR)/readapi/docs/scalar/standalone.js.gz && rm -rf "$$folder"

lint: $(GOLANGCI) ## Check style, mistakes, import direction and formatting
	$(GOLANGCI) run $(PACKAGES)

format: $(GOLANGCI) ## Format all Go code the way lint wants it
	$(GOLANGCI) fmt

bench: build ## Measure what the design promises and print a table (BENCH=--quick for a minute)
	$(GO) build -o bin/bench ./cmd/bench
	bin/bench $(BENCH)

bench-text: ## Measure the built-in clustering: how well it fits, time and memory
	$(GO) run ./cmd/benchtext

generate: ## Write the documents and golden event schemas that come from code
	IGNY8_UPDATE_DOCUMENTS=1 $(GO) test -count=1 -run 'Document' ./cmd/... ./infra/config/...

check-drift: ## Fail when a generated document or the module files differ from the code
	$(GO) test -count=1 -run 'Document' ./cmd/... ./infra/config/...
	$(GO) mod verify
	$(GO) mod tidy -diff

clean: ## Remove what was built (never ./data)
	rm -rf bin

$(GOLANGCI):
	@mkdir -p bin
	@found="$$(command -v golangci-lint || echo "$$($(GO) env GOPATH)/bin/golangci-lint")"; \
	if "$$found" --version 2>/dev/null | grep -q "version $(GOLANGCI_VERSION) "; then \
		ln -sf "$$found" $@; \
	else \
		echo "installing golangci-lint $(GOLANGCI_VERSION) into bin/"; \
		GOBIN="$(CURDIR)/bin" $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI_VERSION) && \
		mv bin/golangci-lint $@; \
	fi
