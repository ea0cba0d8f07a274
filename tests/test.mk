# Everything that is for developers: setup, demo, tests, linters, the builds they need. The top Makefile includes this.

# the one that has the distribution's pytest; what the tests start with Python runs with it too
PYTHON ?= /usr/bin/python3

NEEDS_build := gcc make libc6-dev pkg-config libcurl4-openssl-dev libconfig-dev libjansson-dev libmicrohttpd-dev libssl-dev
NEEDS_demo  := $(NEEDS_build) python3 util-linux procps
NEEDS_test  := $(NEEDS_demo) git tini dumb-init catatonit iproute2 libcmocka-dev clang-tidy cppcheck clang-format shellcheck groff-base openssl curl \
               python3-pytest python3-pytest-xdist python3-pytest-timeout python3-grpcio python3-fastapi python3-uvicorn nginx-light redis-server \
               python3-aiosmtpd prometheus prometheus-alertmanager gunicorn python3-yaml zsh fish chromium chromium-driver python3-selenium \
               $(if $(wildcard /usr/bin/kubectl /usr/local/bin/kubectl),,kubernetes-client)

UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
UNIT         := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/unit/%)

# The only target that installs anything, as root or by sudo, and says what; FOR: build, demo, test (linters too), bench, e2e, static.
# For the tests it also puts the packages of tests/node into build/node.
FOR ?= test
.PHONY: setup
setup:
	@.ci/needs $(NEEDS_$(FOR))
	@$(if $(filter test e2e,$(FOR)),.ci/node $(BUILD)/node)

.PHONY: demo shell check test
demo:
	@$(MAKE) -s setup FOR=demo
	@$(MAKE) -s all
	@tests/paper/demo.sh $(BUILD)/tinysup

shell: all
	@tests/paper/shell.sh $(BUILD)/tinysup

check: all unit
	@for program in $(UNIT); do \
		$$program >$$program.log 2>&1 || { cat $$program.log; exit 1; }; done
	@cat $(UNIT:%=%.log) | grep -c '^\[       OK \]' | sed 's/$$/ unit tests passed/'

# a PID namespace takes with it whatever a test has started; its shell takes in what tests leave behind
ALONE = setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc sh -c '"$$@"; exit $$?' sh

# T=NAME: the tests whose `file::test` contains NAME
test:
	@$(MAKE) -s setup FOR=$(if $(filter-out false,$(CI)),e2e,test)
	@$(MAKE) -s all drivers
	@$(MAKE) -s seal drivers-seal
	@$(MAKE) -s asan unit-asan drivers-asan
	@$(if $(filter-out false,$(CI)),$(MAKE) -s releases)
	@PYTHONDONTWRITEBYTECODE=1 $(ALONE) $(PYTHON) -m pytest $(if $(T),--only '$(T)')

# Whatever way the container of a bot dies: what is left open. N=MOMENTS of SIGKILL (200), ROW=WORD: only rows with it in their name
.PHONY: money
money:
	@$(MAKE) -s setup
	@$(MAKE) -s all
	@PYTHONDONTWRITEBYTECODE=1 $(ALONE) $(PYTHON) tests/money/money.py $(if $(N),--moments $(N)) $(if $(ROW),--row '$(ROW)')

# Requests that a rolling restart loses, with tinysup and without, for each of four servers
.PHONY: drain
drain:
	@$(MAKE) -s setup
	@$(MAKE) -s all
	@PYTHONDONTWRITEBYTECODE=1 $(ALONE) $(PYTHON) tests/drain/drain.py

# warnings are errors where the compiler is the one they were read with
ifneq ($(filter-out false,$(CI)),)
WERROR := -Werror
endif

# --- variants ---

ASAN := BUILD=build-asan SAN="-fsanitize=address,undefined -fno-sanitize-recover=all -U_FORTIFY_SOURCE" CFLAGS="-O1 -g"

SEALED := BUILD=build-seal EXTRA=-DTINYSUP_SEAL SEAL=build-seal/tests/seal.o

.PHONY: asan unit-asan seal unit
asan:
	@$(MAKE) all $(ASAN)
unit-asan drivers-asan: asan # two makes at once would write the same files
unit-asan:
	@$(MAKE) unit $(ASAN)

# process 1 whose malloc() ends it once it has sealed itself
seal:
	@$(MAKE) all $(SEALED)
drivers-seal: seal
$(BUILD)/tinysup: $(SEAL)

unit: $(UNIT)
$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(LINK) -lcmocka
-include $(UNIT_SOURCES:%.c=$(BUILD)/%.d)

# what tests in Python start: a page and the listener without a supervisor; a worker's work, and a journal's, told by words
DRIVERS := $(BUILD)/tests/listener_driver $(BUILD)/tests/probe_driver $(BUILD)/tests/journal_driver
.PHONY: drivers drivers-asan drivers-seal
drivers: $(DRIVERS)
drivers-asan:
	@$(MAKE) drivers $(ASAN)
drivers-seal:
	@$(MAKE) $(SEALED) build-seal/tests/journal_driver
$(BUILD)/tests/listener_driver $(BUILD)/tests/probe_driver: $(BUILD)/tests/%: $(BUILD)/tests/probes/%.o $(LIBRARY)
	$(LINK)
$(BUILD)/tests/journal_driver: $(BUILD)/tests/integration/journal_driver.o $(LIBRARY) $(SEAL)
	$(LINK)
-include $(wildcard $(BUILD)/tests/probes/*_driver.d $(BUILD)/tests/integration/*_driver.d)

# --- linters: tests/lint/test_lint.py runs each as a test ---

C_FILES := $(sort $(wildcard init/*.[ch] init/*/*.[ch] docs/*.c probes/*.[ch] hooks/*.[ch] config/*.[ch] tests/*.[ch] tests/*/*.[ch]))
SCRIPTS := .ci/run .ci/needs .ci/node .ci/static/deps.sh .ci/static/sbom.sh .ci/static/image.sh $(wildcard tests/*/*.sh) docs/completions/tinysup.bash examples/postgresql/app/init-database

.PHONY: fmt lint lint-analyze lint-tidy lint-cppcheck lint-shellcheck lint-format lint-layers
fmt:
	clang-format -i $(C_FILES)

lint: lint-layers lint-analyze lint-tidy lint-cppcheck lint-shellcheck lint-format lint-docs
lint-layers: all
	@.ci/layers $(BUILD)
lint-analyze:
	@$(MAKE) -s all BUILD=build-analyze WERROR=-Werror SAN=-fanalyzer
lint-tidy:
	@clang-tidy --quiet --warnings-as-errors='*' $(SOURCES) -- -std=gnu11 $(DEFINES) $(PKG_CFLAGS) 2>/dev/null
lint-cppcheck:
	@cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -I. $(DEFINES) \
		--suppress=missingIncludeSystem $(SOURCES)
lint-shellcheck:
	@shellcheck -x -P SCRIPTDIR $(SCRIPTS)
lint-format:
	@clang-format --dry-run --Werror $(C_FILES)

include tests/bench/bench.mk
include tests/e2e/e2e.mk
