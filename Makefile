SHELL := /bin/bash
export PATH := $(PATH):$(HOME)/.cargo/bin

CLANG_FORMAT_FILES = $(wildcard include/*/*.hpp cpp-tests/*.[ch] cpp-tests/*.cpp cpp-tests/*.hpp \
	cpp-tests/*/*.[ch] cpp-tests/*/*.[ch]pp examples/*/*.[ch] examples/*/*.[ch]pp benches/*.[ch] \
	cpp-tests/*/*/*/*.h cpp-tests/*/*/*/*/*.h cpp-tests/sdk-shape/src/*.cc sdk/*.[ch]pp tests/shim/*.c)

.DEFAULT_GOAL := help
.PHONY: help deps demo test test-all bench lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## check for the tools needed; on Debian and Ubuntu install what is missing
	@scripts/deps.sh build test lint

demo: ## download 1 GiB from a local server, be killed half-way, resume, prove the file
	@scripts/deps.sh build
	@scripts/demo.sh

test: ## all tests: Rust, C and C++
	@scripts/deps.sh build test
	@scripts/test.sh

test-all: ## the same with many more cases, and the tests that take minutes
	@scripts/deps.sh build test
	@TEST_EFFORT=long scripts/test.sh

bench: ## speed, side by side with curl and the machine's floor (ARGS="--case tls --rounds 3")
	@scripts/deps.sh build bench
	@scripts/bench.sh $(ARGS)

lint: ## formatting, clippy, documentation
	@scripts/deps.sh build lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
	clang-format --dry-run -Werror $(CLANG_FORMAT_FILES)

clean: ## remove everything that was built
	rm -rf build target
