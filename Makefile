# make bench   install what is missing, build, run the disk suite quickly, say where the report is
# make build   leaves the program at .build/release/pvbench
# make test    install, build, lint, all tests: what CI runs
# make test-svm   what follows, on an AMD processor with SVM that QEMU emulates
# make test-svm-suites   every suite briefly: hypercalls, native ring 0; CI runs it, too
# make test-svm-linux   Debian's kernel on our runner: its drivers for every device, fio, iperf3 and sysbench
# make linux-guest   that kernel and an initramfs with its tools, in .build/linux-guest
# make test-svm-deterministic   the same guests twice by counted instructions: exits and costs agree to 0.5 %
# make packages-peer   installs QEMU, which `pvbench run --runner builtin,qemu` puts the same guests into
# make fuzz    a million hostile inputs for every device, under the address sanitizer (RUNS=… TARGET=… JOBS=…)
# make bench-aa    the same suite twice, and both runs compared: they should agree (SUITE=… QUICK=--quick)
# make bench-calibration   how often compare is wrong on this host, and whether it finds a workload that is 10 % slower (RUNS=…)
# make bench-peers   the bars against a minimal C runner and QEMU, interleaved: a table in results/peers (ROUNDS=…)
# make bench-looking   what pvbench's own instruments cost, each on and off, interleaved (ROUNDS=…): results/looking.json
# make test-statistics   the statistics against SciPy, statsmodels and Otava, which it installs in .build (CASES=… SEED=… WRITE=1)
# make test-formats   every report format against readers of others: promtool, the JUnit schema, OpenTelemetry's, a browser's view
# make test-browser   report.html in Chromium: controls, keyboard, accessibility, no script; pictures in docs/images
# make bench-exits   those of them that are about ways out of the guest, against the minimal C runner: results/exits
# make bench-history   the bars of the history on made-up nights: speed, memory, steps found, kills (NIGHTS=… CELLS=… KILLS=…)
# Everything needs Swift 6.3 and Debian 12 (or a system with the same packages).
SHELL := /bin/bash
PACKAGES := libnuma-dev liburing-dev libsqlite3-dev pkg-config
SVM_PACKAGES := qemu-system-x86 busybox-static cpio lz4 e2fsprogs
PEER_PACKAGES := qemu-system-x86
PYTHON_PACKAGES := python3-venv
BROWSER_PACKAGES := chromium chromium-driver
FORMAT_PACKAGES := prometheus libxml2-utils
LINUX_PACKAGES := busybox-static cpio xz-utils fio iperf3 sysbench
SOURCES := Package.swift Sources Tests workloads/Package.swift workloads/Plugins workloads/Sources
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: $(shell grep -oE '^[a-z-]+:' $(firstword $(MAKEFILE_LIST)) | tr -d :)

bench: build
	.build/release/pvbench run --suite disk --quick

build: packages
	swift build -c release

test: build packages-peer lint
	swift build --build-tests
	PVBENCH_VM="$(CURDIR)/.build/release/pvbench-vm" swift test --skip-build

test-svm: test-svm-suites test-svm-linux

test-svm-suites: build packages-svm
	Tests/SVM/test.sh

test-svm-linux: build packages-svm linux-guest
	Tests/SVM/linux.sh

linux-guest: packages-linux
	Tests/SVM/linux-guest.sh .build/linux-guest

test-svm-deterministic: build packages-svm
	Tests/SVM/deterministic.sh

test-statistics: packages-python
	swift build -c release --product statistics-answers
	python3 -m venv .build/statistics
	.build/statistics/bin/pip install -q -r Tests/Reference/statistics/requirements.txt
	.build/statistics/bin/python -B Tests/Reference/statistics/check.py .build/release/statistics-answers \
	  --cases $(or $(CASES),1000) --seed $(or $(SEED),1) $(if $(WRITE),--write Tests/Fixtures/statistics/vectors.json)

test-formats: build packages-python packages-formats
	Tests/Reference/formats/check.sh .build/formats .build/release/pvbench

test-browser: build packages-python packages-browser
	python3 -m venv .build/browser
	.build/browser/bin/pip install -q -r Tests/Reference/browser/requirements.txt
	.build/browser/bin/python -B Tests/Reference/browser/check.py .build/release/pvbench Tests/Fixtures/report/run.json docs/images

bench-aa: build
	-.build/release/pvbench run --suite $(or $(SUITE),exits) $(QUICK) --out results/aa
	-.build/release/pvbench run --suite $(or $(SUITE),exits) $(QUICK) --out results/aa
	.build/release/pvbench compare $$(ls -d results/aa/*/ | tail -n 2)

bench-calibration: build
	.build/release/pvbench calibrate --slowdown 10% --out results/calibration $(if $(RUNS),--runs $(RUNS))

bench-peers: build packages-peer
	$(or $(shell command -v clang),cc) -O2 -static -o .build/reference Tests/Reference/reference.c
	.build/release/bench-peers .build/release/pvbench-vm .build/reference results/peers $(ROUNDS)

bench-looking: build
	.build/release/pvbench looking --rounds $(or $(ROUNDS),20)

bench-exits: build
	$(or $(shell command -v clang),cc) -O2 -static -o .build/reference Tests/Reference/reference.c
	.build/release/bench-peers .build/release/pvbench-vm .build/reference results/exits $(or $(ROUNDS),10) exit

bench-history: build
	.build/release/bench-history .build/release/pvbench .build/bench-history $(or $(NIGHTS),1000) $(or $(CELLS),500) $(or $(KILLS),200)

lint:
	swift format lint --strict --configuration .swift-format --recursive $(SOURCES)

fuzz: packages
	RUNS=$(or $(RUNS),1000000) Tests/Fuzz/fuzz.sh $(TARGET)

define install
	@missing=$$(for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  echo "installing $$missing"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

packages:
	$(call install,$(PACKAGES))

packages-peer:
	$(call install,$(PEER_PACKAGES))

packages-svm:
	$(call install,$(SVM_PACKAGES))

packages-python:
	$(call install,$(PYTHON_PACKAGES))

packages-browser:
	$(call install,$(BROWSER_PACKAGES))

packages-formats:
	$(call install,$(FORMAT_PACKAGES))

packages-linux:
	$(call install,$(LINUX_PACKAGES))

clean:
	swift package clean
