# Two commands: `make run` and `make test`. Both first install what is missing.

# A Node.js of our own, where the system's is too old (see .ci/setup).
export PATH := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/corescope/node/node_modules/.bin:$(PATH)

TARGET := $(or $(CARGO_TARGET_DIR),target)

FRONT_SOURCES := $(shell find public/src public/index.html public/favicon.svg public/static public/*.json public/*.ts -type f 2>/dev/null)
FRONT_MODULES := public/node_modules/.package-lock.json
FRONT := public/dist/index.html

# What follows from others is left out: std and bytes turn on alloc, ed25519 turns on crypto.
PROTO_FEATURES := alloc serde bytes bytes,serde crypto crypto,alloc crypto,serde crypto,bytes,serde \
	ed25519 ed25519,alloc ed25519,bytes,serde std std,crypto,serde

NO_STD := -q --manifest-path meshcore-proto/tests/no_std/Cargo.toml --target-dir $(TARGET)/no_std --locked

# The laws without libFuzzer, and the fuzzer itself, which builds on stable Rust this way.
FUZZ_LAWS := -q --manifest-path fuzz/Cargo.toml --target-dir $(TARGET) --no-default-features --locked
FUZZ := --fuzz-dir fuzz --target-dir $(abspath $(TARGET))/fuzz-asan
FUZZ_NEW := $(abspath $(TARGET))/fuzz-new
FUZZ_SECONDS := 10

# `make run -- --demo`: what follows `run` belongs to the program.
ifeq (run,$(firstword $(MAKECMDGOALS)))
  ARGS += $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
  PASSED := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
  .PHONY: $(PASSED)
  $(eval $(PASSED):;@:)
endif

.PHONY: help setup run front openapi test test-rust test-features test-no-std test-front test-browser fmt bench fuzz-smoke fuzz-seeds differential deny dist clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

setup: ## Install what building needs
	@.ci/setup run

run: setup ## Build and start: make run -- --demo
	@$(MAKE) --no-print-directory $(FRONT)
	cargo run --release --locked --bin corescope -- $(ARGS)

front: $(FRONT) ## Build the web page into public/dist

$(FRONT_MODULES): public/package.json public/package-lock.json
	cd public && npm ci --no-fund --no-audit
	@touch $@

$(FRONT): $(FRONT_MODULES) $(FRONT_SOURCES)
	cd public && npm run --silent build
	@touch $@

openapi: ## Renew public/openapi.json and the types made from it
	cargo run --locked -q -p meshcore-web --example openapi > public/openapi.json.new
	mv public/openapi.json.new public/openapi.json
	cd public && npm run --silent types

test: ## Everything: format, lints, Rust, page, browser
	@.ci/setup test
	@$(MAKE) --no-print-directory test-rust fuzz-smoke test-front test-browser

test-rust: ## Format, lints and tests of the Rust code
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path meshcore-proto/tests/no_std/Cargo.toml --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy -p meshcore-proto --all-targets --all-features --locked -- -D warnings
	@$(MAKE) --no-print-directory test-features test-no-std
	cargo check -q -p meshcore-store --no-default-features --locked
	cargo check -q -p meshcore-store --no-default-features --features sim --locked
	RUSTDOCFLAGS="-D warnings" cargo doc -q --workspace --no-deps --locked
	cargo test --workspace --locked -- --show-output
	cargo clippy $(FUZZ_LAWS) --all-targets -- -D warnings
	cargo test $(FUZZ_LAWS) -- --show-output
	cargo package -q -p meshcore-proto --locked --allow-dirty

test-features: # meshcore-proto alone, with each of these sets of features
	@for features in "" $(PROTO_FEATURES); do \
		echo "meshcore-proto with features: $${features:-none}"; \
		cargo clippy -q -p meshcore-proto --no-default-features --features "$$features" --locked -- -D warnings || exit 1; \
	done

test-no-std: # linked and run without std, which shows that nothing in it needs one
	cargo run $(NO_STD)
	cargo run $(NO_STD) --features crypto,ed25519

test-front: $(FRONT) ## Types, unit tests and size of the web page
	cd public && npm run --silent check
	cd public && npm run --silent test
	cd public && npm run --silent size

test-browser: $(FRONT) ## The page in a real browser on the real server
	cargo build --locked --bin corescope
	cd public && CORESCOPE_BIN="$(abspath $(TARGET))/debug/corescope" npm run --silent e2e

fmt: ## Format the Rust code
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml
	cargo fmt --manifest-path meshcore-proto/tests/no_std/Cargo.toml

bench: ## Measure
	cargo bench --locked -p meshcore-proto --all-features
	cargo bench --locked -p meshcore-store -p meshcore-ingest --features meshcore-store/sim

# New inputs go to the first folder, which is thrown away; the committed ones and the seeds are read only.
fuzz-smoke: ## Ten seconds of each fuzz target
	RUSTC_BOOTSTRAP=1 cargo fuzz build $(FUZZ)
	@rm -rf $(FUZZ_NEW)
	@for target in $$(cargo fuzz list --fuzz-dir fuzz); do \
		mkdir -p $(FUZZ_NEW)/$$target; \
		known=$$(find $(abspath fuzz)/corpus/$$target $(abspath fuzz)/seeds/$$target -maxdepth 0 2>/dev/null); \
		RUSTC_BOOTSTRAP=1 cargo fuzz run $(FUZZ) $$target $(FUZZ_NEW)/$$target $$known -- \
			-max_total_time=$(FUZZ_SECONDS) >$(FUZZ_NEW)/log 2>&1 || { cat $(FUZZ_NEW)/log; exit 1; }; \
		echo "$$target: $$(grep ^Done $(FUZZ_NEW)/log)"; \
	done

fuzz-seeds: ## More inputs for the fuzz targets, captured ones where they are, into fuzz/seeds
	cargo run $(FUZZ_LAWS) --example seeds -- fuzz/seeds

differential: ## The decoder against another one (needs Node.js)
	cd meshcore-proto/tests/differential && npm ci --silent --no-fund --no-audit && node compare.mjs

deny: ## Licences and advisories of all dependencies (needs cargo-deny)
	cargo deny check

dist: $(FRONT) ## The binaries as they ship
	cargo build --profile dist --locked --bins

clean:
	cargo clean
	rm -rf public/dist public/node_modules
