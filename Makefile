# tinysup: `make demo` shows the main job, `make test` runs every test, `make help` lists the rest.
VERSION := 0.1.0
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build

PKGS     := libcurl libconfig jansson libmicrohttpd libcrypto
# pkg-config is asked when something is compiled, not by `make clean` or by a first `make setup`
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wformat=2 \
            -Wswitch-enum -Wvla -Wno-format-truncation
HARDEN   := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
HARDLINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack
CFLAGS   ?= -O2 -g
ifdef STATIC
# the release: see static.mk; position-independent code would cost 300 KiB of relocated memory a process
include $(STATIC)/tinysup.mk
CC         := $(STATIC_CC)
CFLAGS     := $(STATIC_CFLAGS)
HARDEN     := -fstack-protector-strong
HARDLINK   := $(STATIC_LDFLAGS) -Wl,-T,static.ld
PKG_CFLAGS :=
PKG_LIBS   := $(STATIC_LIBS)
endif
DEFINES  := -D_GNU_SOURCE -DTINYSUP_VERSION='"$(VERSION)"' -DTINYSUP_COMMIT='"$(COMMIT)"' -I.
# SAN, WERROR and EXTRA are set by the variants below
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(WERROR) $(DEFINES) $(HARDEN) $(CFLAGS) $(SAN) $(EXTRA) $(PKG_CFLAGS)
LINK       = $(CC) $(ALL_CFLAGS) $(LDFLAGS) $(HARDLINK) -o $@ $(filter %.o,$^) $(PKG_LIBS)

SOURCES := $(sort $(wildcard init/*.c init/*/*.c probes/*.c hooks/*.c config/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(filter-out $(BUILD)/init/main.o,$(OBJECTS))

.PHONY: all
all: $(BUILD)/tinysup

$(BUILD)/tinysup: $(OBJECTS) $(if $(STATIC),static.ld)
	$(LINK)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# --version tells the commit: compiled anew when that changes, and only then
.PHONY: always
$(BUILD)/commit: always
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' > $@
$(BUILD)/init/usage.o: LICENSE $(BUILD)/commit

-include $(OBJECTS:.o=.d)

.PHONY: install
install: all
	install -D -m 755 $(BUILD)/tinysup $(DESTDIR)$(PREFIX)/sbin/tinysup
	for page in docs/*.[1-8]; do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit; done
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/tinysup/LICENSE
	install -D -m 644 docs/completions/tinysup.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tinysup
	install -D -m 644 docs/completions/_tinysup $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_tinysup
	install -D -m 644 docs/completions/tinysup.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/tinysup.fish

include static.mk
include docs/docs.mk
include tests/test.mk

.PHONY: clean help
clean:
	rm -rf build build-asan build-seal build-analyze build-dist
	find build-static* -mindepth 1 -maxdepth 1 ! -name deps ! -name sources -exec rm -rf {} + 2>/dev/null || true

help:
	@echo 'make              build $(BUILD)/tinysup with the distribution'"'"'s libraries'
	@echo 'make setup        install what tests and linters need (apt, by root or sudo); FOR=build, demo, test, bench, e2e or static'
	@echo 'make check        build, and run the unit tests; seconds, installs nothing'
	@echo 'make test         every test, after make setup; T=NAME: those whose file::test contains NAME'
	@echo 'make e2e          the tests that need a Docker engine'
	@echo 'make lint         layers, analyzer, clang-tidy, cppcheck, shellcheck, format, manual; warnings are errors'
	@echo 'make fmt          format the C sources'
	@echo 'make docs         write docs/tinysup.conf.5 from the schema'
	@echo 'make demo         a paper trading bot, stopped in order'
	@echo 'make shell        a shell in a PID namespace whose process 1 is tinysup with that bot'
	@echo 'make money        a bot whose container dies in thirty ways: what is left open, done twice, told; N=MOMENTS of SIGKILL, ROW=WORD'
	@echo 'make drain        requests that a rolling restart loses, with tinysup and without: uvicorn, gunicorn, nginx, Node'
	@echo 'make static       build-static/tinysup, the release: one static binary; ARCH=aarch64 or x86_64: cross-built, build-static-ARCH/tinysup'
	@echo 'make dist         build-dist/: the release for x86_64 and aarch64 (ARCH=...: for that alone): tarball, .deb, image, SBOM, and SHA256SUMS'
	@echo 'make asan         build-asan/tinysup, with the address and undefined behavior sanitizers'
	@echo 'make seal         build-seal/tinysup, whose process 1 aborts if it allocates memory after start-up'
	@echo 'make bench        side by side with other inits and supervisors; CHECKS=1, DENSITY=1, PROFILE=1, DOCKER=1'
	@echo 'make race         SIGTERM at random moments of the start; N=MOMENTS'
	@echo 'make install      into DESTDIR and PREFIX (default /usr/local)'
	@echo 'make clean'
