SHELL := /bin/bash
export PATH := $(PATH):$(HOME)/.cargo/bin

CLANG_FORMAT_FILES = $(wildcard include/*/*.hpp cpp-tests/*.[ch] cpp-tests/*.cpp cpp-tests/*.hpp \
	cpp-tests/*/*.[ch] cpp-tests/*/*.[ch]pp examples/*/*.[ch] examples/*/*.[ch]pp benches/*.[ch] benches/*.cpp \
	cpp-tests/*/*/*/*.h cpp-tests/*/*/*/*/*.h cpp-tests/*/*/*/*/*/*.h \
	cpp-tests/sdk-shape/src/*.cc sdk/*.[ch]pp tests/shim/*.c bindings/corpus/c/*.c bindings/corpus/cpp/*.cpp)

.DEFAULT_GOAL := help
.PHONY: help deps demo test test-all test-bindings bench lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## check for the needed tools; install missing ones on Debian and Ubuntu
	@scripts/deps.sh build test bindings lint

demo: ## download 1 GiB from a local server, kill it half-way, resume, verify the file
	@scripts/deps.sh build
	@scripts/demo.sh

test: ## run all tests: Rust, C, C++ and the bindings
	@scripts/deps.sh build test bindings
	@scripts/test.sh

test-all: ## run them with many more cases, and the tests that take minutes
	@scripts/deps.sh build test bindings
	@TEST_EFFORT=long scripts/test.sh

test-bindings: ## run the tests of the bindings, with one corpus in each language (make test does, too)
	@scripts/deps.sh build bindings
	@BINDINGS_SKIP_NOTHING=1 scripts/test_bindings.sh

bench: ## measure speed beside other programs (ARGS="--case tls --rounds 3"; ARGS=--help lists the options)
	@scripts/deps.sh build bench
	@scripts/bench.sh $(ARGS)

lint: ## check formatting, clippy and documentation
	@scripts/deps.sh build lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
	clang-format --dry-run -Werror $(CLANG_FORMAT_FILES)

clean: ## remove all build output
	rm -rf build target
