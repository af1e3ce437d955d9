# make bench   install what is missing, build, run the disk suite quickly, say where the report is
# make build   leaves the program at .build/release/pvbench
# make test    install, build, lint, all tests: what CI runs
# make fuzz    a million hostile inputs for every device, under the address sanitizer (RUNS=… TARGET=… JOBS=…)
# Everything needs Swift 6.3 and Debian 12 (or a system with the same packages).
SHELL := /bin/bash
PACKAGES := libnuma-dev liburing-dev pkg-config
SOURCES := Package.swift Sources Tests workloads/Package.swift workloads/Plugins workloads/Sources
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: bench build test lint fuzz packages clean

bench: build
	.build/release/pvbench run --suite disk --quick

build: packages
	swift build -c release

test: build lint
	swift build --build-tests
	PVBENCH_VM="$(CURDIR)/.build/release/pvbench-vm" swift test --skip-build

lint:
	swift format lint --strict --configuration .swift-format --recursive $(SOURCES)

fuzz: packages
	RUNS=$(or $(RUNS),1000000) Tests/Fuzz/fuzz.sh $(TARGET)

packages:
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  echo "installing $$missing"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

clean:
	swift package clean
