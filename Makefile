# Pintle's commands. `make help` lists them.
SHELL := /bin/bash
BUILD ?= build
JOBS  ?= $(shell nproc)
VENV  := $(BUILD)/venv
PY    := $(VENV)/bin/python3
WIRE  ?= test/wire
# ASan's frames are several times the size: documents nested as deep as the limit allows need more than 8 MiB of stack.
ASAN_STACK_KB := 131072
# A checkout elsewhere compiles to the same objects, so that ccache may share them.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: help all deps build test unit tsan integration sanitize integration-asan fuzz simulation wire demo demo-down machine-test bench differential swap soak scale scale-simulation idle peers ecosystem images conformance conformance-fast beyond lint coverage format clean
all: build

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

deps:            ## install what build and tests need (Debian packages; idempotent)
	@tools/deps $(DEPS_FOR)

build: $(BUILD)/build.ninja   ## the binary: build/pintle
	@start=$$(date +%s); ninja -C $(BUILD) -j $(JOBS) pintle && echo "built $(BUILD)/pintle in $$(( $$(date +%s) - start )) s"

$(BUILD)/build.ninja: CMakeLists.txt
	@cmake -G Ninja -S . -B $(BUILD) $(CMAKE_ARGS) > /dev/null

$(PY): test/requirements.txt
	@python3 -m venv $(VENV) && $(PY) -m pip install --quiet --disable-pip-version-check -r test/requirements.txt && touch $(PY)

test: unit sanitize integration   ## everything CI runs

unit: $(BUILD)/build.ninja $(PY)   ## unit tests beside the code, the layer check, the schema check
	@ninja -C $(BUILD) -j $(JOBS) pintle unit_tests
	@rm -rf $(BUILD)/gtest
	@cd $(BUILD) && GTEST_OUTPUT=xml:$(abspath $(BUILD))/gtest/ ctest --output-on-failure -j $(JOBS) --timeout 600
	@$(PY) test/support/skips.py $(BUILD)/gtest
	@$(PY) -m pytest -q test/layers test/wire tools

# The folders whose unit tests CI runs under ASan and UBSan: what decodes and what others stand on. All: make sanitize SANITIZED='...'.
SANITIZED ?= base codec rt os net api apimachinery component storage proxy cni dns

sanitize:        ## unit tests under ASan and UBSan, decoders fuzzed for a bounded time
	@cmake -G Ninja -S . -B $(BUILD)-asan -DPINTLE_SANITIZE=address -DPINTLE_FUZZ=ON > /dev/null
	@ninja -C $(BUILD)-asan -j $(JOBS) $(SANITIZED:%=%_test) fuzz
	@ulimit -s $(ASAN_STACK_KB) && cd $(BUILD)-asan && ASAN_OPTIONS=detect_leaks=1 ctest --output-on-failure -j $(JOBS) --timeout 900 -R "^($$(echo $(SANITIZED) | tr ' ' '|'))$$"
	@test/fuzz/run $(BUILD)-asan 5 1

fuzz:            ## every fuzz target for longer: make fuzz SECONDS_EACH=600
	@cmake -G Ninja -S . -B $(BUILD)-asan -DPINTLE_SANITIZE=address -DPINTLE_FUZZ=ON > /dev/null
	@ninja -C $(BUILD)-asan -j $(JOBS) fuzz_all
	@test/fuzz/run $(BUILD)-asan $${SECONDS_EACH:-600}

tsan:            ## unit tests of rt, net, storage and client under TSan
	@cmake -G Ninja -S . -B $(BUILD)-tsan -DPINTLE_SANITIZE=thread > /dev/null
	@ninja -C $(BUILD)-tsan -j $(JOBS) rt_test net_test storage_test client_test
	@cd $(BUILD)-tsan && ctest --output-on-failure -R '^(rt|net|storage|client)$$'

integration: build $(PY)   ## kubectl and client libraries against a running server, and the golden conversation
	@$(PY) test/wire/run.py --pintle $(BUILD)/pintle
	@$(PY) -m pytest -q -x test/integration --ignore=test/integration/swap --ignore=test/integration/ecosystem

integration-asan: $(PY)    ## the integration tests against an ASan build
	@cmake -G Ninja -S . -B $(BUILD)-asan -DPINTLE_SANITIZE=address > /dev/null
	@ninja -C $(BUILD)-asan -j $(JOBS) pintle
	@PINTLE_SLOWNESS=10 PINTLE=$(BUILD)-asan/pintle $(PY) -m pytest -q test/integration --ignore=test/integration/swap --ignore=test/integration/ecosystem --ignore=test/integration/hostile

wire: build $(PY)          ## the golden conversation: share of answers that agree with upstream, by class, and its floor [SHOW=20] [RAISE=1]
	@$(PY) test/wire/run.py --wire $(WIRE) --pintle $(BUILD)/pintle --show $${SHOW:-0} $(if $(RAISE),--raise)

peers:                     ## upstream's components as Go modules into build/peers (needs Go)
	@test/peers/build $(BUILD)/peers

ecosystem: DEPS_FOR := ecosystem
ecosystem: deps build $(PY)     ## projects from their Go modules, installed unmodified (needs Go and root; builds for many minutes at first): make ecosystem [ONLY=helm]
	@test/ecosystem/build $(BUILD)/ecosystem
	@$(PY) -m pytest -q test/integration/ecosystem $(if $(ONLY),-k '$(ONLY)')

images:                    ## the container images of tests and demo, into build/images (those with upstream's programs need Go)
	@python3 test/images/build.py $(BUILD)/images all

conformance: build         ## upstream's conformance suite on two nodes (needs Go and root): make conformance FOCUS='...' [SERIAL=skip|only] [CONTAINERD=2]
	@test/peers/build $(BUILD)/peers kubectl
	@$(if $(CONTAINERD),test/ecosystem/build $(BUILD)/ecosystem $(addprefix containerd-$(CONTAINERD)/,containerd containerd-shim-runc-v2 runc))
	@python3 test/conformance/run.py --focus '$(FOCUS)' --serial $${SERIAL:-both} $(if $(CONTAINERD),--containerd $(BUILD)/ecosystem/containerd-$(CONTAINERD))

# The areas whose specs beyond conformance are counted; those of autoscaling take hours.
AREAS ?= apps,scheduling,autoscaling

beyond: build              ## upstream's specs beyond conformance on Pintle's nodes and on upstream's, counted (needs Go and root; hours): make beyond [AREAS=apps] [FOCUS='...']
	@test/peers/build $(BUILD)/peers
	@test/ecosystem/build $(BUILD)/ecosystem metrics-server
	@-python3 test/conformance/run.py --beyond $(AREAS) --upstream --focus '$(FOCUS)' --timeout 6h --procs 3 --agents $${AGENTS:-3} --out $(BUILD)/conformance/beyond-upstream
	@-python3 test/conformance/run.py --beyond $(AREAS) --focus '$(FOCUS)' --timeout 6h --procs 3 --agents $${AGENTS:-3} --out $(BUILD)/conformance/beyond
	@python3 test/conformance/beside.py $(BUILD)/conformance/beyond/results.json $(BUILD)/conformance/beyond-upstream/results.json

demo: DEPS_FOR := demo
demo: deps build           ## a one-node cluster that runs examples/day-service, step by step
	@tools/demo up

demo-down:                 ## removes the demo's cluster without a trace
	@tools/demo down

conformance-fast: build    ## the specs of test/conformance/fast.txt, on one node
	@test/peers/build $(BUILD)/peers kubectl
	@python3 test/conformance/run.py --agents 0 --serial skip --list test/conformance/fast.txt

bench: build $(PY)         ## the API server (apiload, fairness, custom resources) and a whole node (needs root), each beside upstream's
	@test/peers/build $(BUILD)/peers || echo "bench: Go is missing or a peer did not build: upstream's column is left out"
	@ninja -C $(BUILD) -j $(JOBS) cri_bench
	@$(PY) test/bench/api.py --pintle $(BUILD)/pintle --peers $(BUILD)/peers
	@$(PY) test/bench/fairness.py --pintle $(BUILD)/pintle --peers $(BUILD)/peers
	@$(PY) test/bench/custom_resources.py --pintle $(BUILD)/pintle --peers $(BUILD)/peers
	@$(PY) test/bench/node.py

machine-test: build $(PY)  ## on an emulated Debian machine with systemd and cgroup v2 (needs root; the first time some minutes more)
	@tools/deps machine
	@$(PY) -m pytest -q test/machine

soak: build $(PY)          ## churn of every kind for MINUTES (30), then the memory must be back: make soak MINUTES=5
	@$(PY) test/soak/run.py --pintle $(BUILD)/pintle --minutes $${MINUTES:-30}

scale: build $(PY)         ## 5,000 hollow nodes and 150,000 pods on one server: make scale ARGS='--nodes 2000 --pods 30000'
	@ninja -C $(BUILD) -j $(JOBS) hollow_nodes
	@$(PY) test/bench/scale.py $(ARGS)

scale-simulation: $(BUILD)/build.ninja   ## a control plane with hollow nodes in simulated time: make scale-simulation ARGS='NODES PODS PODS-A-SECOND'
	@ninja -C $(BUILD) -j $(JOBS) scale_simulation
	@$(BUILD)/test/simulation/scale_simulation $(ARGS)

idle: build $(PY)          ## what 1,000 settled Deployments of 5,000 pods cost in a minute: make idle ARGS='--pods 20000'
	@ninja -C $(BUILD) -j $(JOBS) hollow_nodes
	@$(PY) test/bench/idle.py $(ARGS)

differential: build $(PY)  ## scenarios under our controller manager and under upstream's, compared: make differential SCENARIOS='jobs.*'
	@test/peers/build $(BUILD)/peers
	@$(PY) test/differential/controllers/run.py --pintle $(BUILD)/pintle --peers $(BUILD)/peers $(SCENARIOS)

swap: build $(PY)          ## components in one another's place: upstream's on ours, ours on upstream's, and all eight combinations of three
	@test/peers/build $(BUILD)/peers
	@$(PY) -m pytest -q test/integration/swap

lint: $(BUILD)/build.ninja   ## formatting, clang-tidy and what mutexes guard, over all sources
	@ninja -C $(BUILD) apigen > /dev/null
	@tools/lint $(BUILD)

# Folders whose tests make coverage runs.
COVERED ?= base codec rt os net api apimachinery component storage client cri cni cli dns proxy kubelet controller scheduler apiserver

coverage:        ## the share of lines that unit tests run, by folder: make coverage COVERED='base codec'
	@cmake -G Ninja -S . -B $(BUILD)-coverage -DPINTLE_COVERAGE=ON > /dev/null
	@ninja -C $(BUILD)-coverage -j $(JOBS) $(COVERED:%=%_test)
	@cd $(BUILD)-coverage && find . -name '*.gcda' -delete && ctest --output-on-failure -j $(JOBS) --timeout 1800 -R "^($$(echo $(COVERED) | tr ' ' '|'))$$"
	@tools/coverage.py $(BUILD)-coverage

format:          ## clang-format in place
	@git ls-files 'src/*.h' 'src/*.cpp' 'test/*.cpp' | xargs clang-format-16 -i

clean:           ## remove the build folders
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-coverage
