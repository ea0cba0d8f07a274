# Everything that is for developers: demo, tests, linters, the builds they need. The top Makefile includes this.

BUILD_NEEDS := gcc make libc6-dev pkg-config libcurl4-openssl-dev libconfig-dev libjansson-dev libmicrohttpd-dev
DEMO_NEEDS  := $(BUILD_NEEDS) python3 util-linux procps
TEST_NEEDS  := $(DEMO_NEEDS) git tini dumb-init catatonit iproute2 libcmocka-dev clang-tidy cppcheck clang-format shellcheck groff-base openssl curl \
                python3-grpcio python3-fastapi python3-uvicorn nginx-light redis-server

UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
UNIT         := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/unit/%)

.PHONY: demo test needs-demo needs-test asan seal unit fmt lint lint-analyze lint-tidy lint-cppcheck lint-shellcheck lint-format
needs-demo:
	@.ci/needs $(DEMO_NEEDS)
needs-test:
	@.ci/needs $(TEST_NEEDS)

demo: needs-demo
	@$(MAKE) -s all
	@tests/paper/demo.sh $(BUILD)/tinysup

test: needs-test
	@$(MAKE) -s all
	@$(MAKE) -s seal
	@$(MAKE) -s asan unit-asan
	@$(if $(filter-out false,$(CI)),$(MAKE) -s static)
	@tests/run.py $(T)

# warnings are errors where the compiler is the one they were read with
ifneq ($(filter-out false,$(CI)),)
WERROR := -Werror
endif

# --- variants ---

ASAN := BUILD=build-asan SAN="-fsanitize=address,undefined -fno-sanitize-recover=all -U_FORTIFY_SOURCE" CFLAGS="-O1 -g"

asan:
	@$(MAKE) all $(ASAN)
.PHONY: unit-asan
unit-asan:
	@$(MAKE) unit $(ASAN)

# process 1 whose malloc() ends it once it has sealed itself
seal:
	@$(MAKE) all BUILD=build-seal EXTRA=-DTINYSUP_SEAL SEAL=build-seal/tests/seal.o
$(BUILD)/tinysup: $(SEAL)

unit: $(UNIT)
$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(LINK) -lcmocka
-include $(UNIT_SOURCES:%.c=$(BUILD)/%.d)

# a page and the listener without a supervisor: tests/probes/listener.py makes it for the build that it is run with
.PHONY: listener listener-asan
listener: $(BUILD)/tests/listener_driver
listener-asan:
	@$(MAKE) listener $(ASAN)
$(BUILD)/tests/listener_driver: $(BUILD)/tests/probes/listener_driver.o $(LIBRARY)
	$(LINK)
-include $(BUILD)/tests/probes/listener_driver.d

# --- linters ---

C_FILES := $(sort $(wildcard init/*.[ch] init/*/*.[ch] docs/*.c probes/*.[ch] hooks/*.[ch] config/*.[ch] tests/*.[ch] tests/*/*.[ch]))
SCRIPTS := .ci/run .ci/needs .ci/static/deps.sh $(wildcard tests/*/*.sh)

fmt:
	clang-format -i $(C_FILES)

lint: needs-test lint-analyze lint-tidy lint-cppcheck lint-shellcheck lint-format
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

# --- install ---

.PHONY: install
install: all
	install -D -m 755 $(BUILD)/tinysup $(DESTDIR)$(PREFIX)/sbin/tinysup
	for page in docs/*.[1-8]; do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit; done
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/tinysup/LICENSE

# --- manual: the settings' reference comes from the schema ---

.PHONY: docs lint-docs
MANPAGE = sed 's/@VERSION@/$(VERSION)/' docs/tinysup.conf.5.in && $(BUILD)/manpage && \
	printf '.SH SEE ALSO\n.BR tinysup (8)\n'

$(BUILD)/manpage: $(BUILD)/docs/manpage.o $(LIBRARY)
	$(LINK)

docs: $(BUILD)/manpage
	@{ $(MANPAGE); } > docs/tinysup.conf.5
lint-docs: $(BUILD)/manpage
	@{ $(MANPAGE); } | diff docs/tinysup.conf.5 - || { echo 'the manual is not what the schema says: make docs'; exit 1; }
	@! groff -man -Tutf8 -ww -z docs/*.[1-8] 2>&1 | grep .

include tests/bench/bench.mk
include tests/e2e/e2e.mk
