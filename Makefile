# tinysup: `make demo` shows the main job, `make test` runs every test, `make help` lists the rest.
VERSION := 0.1.0
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build

PKGS     := libcurl libconfig jansson
# pkg-config is asked when something is compiled, not by `make clean` or by a first `make setup`
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wformat=2 \
            -Wswitch-enum -Wvla -Wno-format-truncation
HARDEN   := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
HARDLINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack
CFLAGS   ?= -O2 -g
DEFINES  := -D_GNU_SOURCE -DTINYSUP_VERSION='"$(VERSION)"' -DTINYSUP_COMMIT='"$(COMMIT)"' -I.
# SAN, WERROR and EXTRA are set by the variants below
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(WERROR) $(DEFINES) $(HARDEN) $(CFLAGS) $(SAN) $(EXTRA) $(PKG_CFLAGS)
LINK       = $(CC) $(ALL_CFLAGS) $(LDFLAGS) $(HARDLINK) -o $@ $(filter %.o,$^) $(PKG_LIBS)

SOURCES := $(sort $(wildcard init/*.c probes/*.c hooks/*.c config/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(filter-out $(BUILD)/init/main.o,$(OBJECTS))

.PHONY: all
all: $(BUILD)/tinysup

$(BUILD)/tinysup: $(OBJECTS)
	$(LINK)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/init/usage.o: LICENSE

-include $(OBJECTS:.o=.d)

include tests/test.mk

.PHONY: clean help
clean:
	rm -rf build

help:
	@echo 'make             build $(BUILD)/tinysup with the distribution'"'"'s libraries'
	@echo 'make demo        a paper trading bot, stopped in order (installs what is missing)'
	@echo 'make test        every test (installs what is missing); make test T=NAME runs what matches NAME'
	@echo 'make lint        compiler analysis, clang-tidy, cppcheck, shellcheck; warnings are errors'
	@echo 'make fmt         format the C sources'
	@echo 'make asan        build $(BUILD)-asan/tinysup with the address and undefined behaviour sanitizers'
	@echo 'make install     into DESTDIR and PREFIX (default /usr/local)'
	@echo 'make clean'
