# Side by side with the peers, and signals at random moments.

# TINYSUP=FILE, else the release where it is built, else the development build; the table says which
BENCHED      = $(firstword $(TINYSUP) $(wildcard build-static/tinysup) $(BUILD)/tinysup)
BENCH_TOOLS := build/bench
NEEDS_bench := $(NEEDS_build) musl-tools tini dumb-init catatonit strace curl wget busybox nginx-light openssl python3-grpcio util-linux monit supervisor
# the app and the no-op start as little as can be: what is measured is the init
BENCH_CC     = musl-gcc -static -Os $(WARNINGS) $(WERROR) -D_GNU_SOURCE -Itests/bench -I.
# unshare ignores SIGTERM: a time-out has to kill it, and its namespace goes with it
RACE         = timeout -s KILL 7200 unshare --pid --fork --kill-child --mount-proc $(BENCH_TOOLS)/race --config tests/bench/race.conf \
               --helper $(BENCH_TOOLS)/helper

NEEDS_test  += musl-tools wget busybox

.PHONY: bench race bench-tools
bench-tools:
	@$(MAKE) -s setup FOR=bench
	@$(MAKE) -s all $(addprefix $(BENCH_TOOLS)/,bench race helper floor noop cost serve get)

# make bench [N=ROUNDS] [JSON=FILE]; instead of the tables of start and stop: CHECKS=1 only what health checks cost, beside monit and
# supervisord; DENSITY=1 what N supervised apps take; DOCKER=1 what an engine takes to start one; OUTPUT=1 the rate of app.output;
# PROFILE=1 process 1's system calls
BENCH = $(if $(PROFILE),profile,$(if $(DENSITY),density,$(if $(DOCKER),docker,$(if $(CHECKS),cost,$(if $(OUTPUT),output,table))))).py
bench: bench-tools
	@tests/bench/$(BENCH) --tools $(BENCH_TOOLS) \
		$(if $(PROFILE),,$(if $(N),--$(if $(DENSITY),apps,rounds) $(N)) $(if $(JSON),--json $(JSON))) $(BENCHED)

# make race N=100000 [WAY=open] [PEERS=1]
race: bench-tools
	@$(RACE) $(if $(N),--moments $(N)) $(if $(WAY),--way $(WAY)) $(if $(PEERS),--peers) $(BENCHED)

$(BENCH_TOOLS)/bench: tests/bench/bench.c tests/bench/launch.c tests/bench/launch.h
$(BENCH_TOOLS)/race: tests/bench/race.c tests/bench/moment.c tests/bench/launch.c tests/bench/moment.h tests/bench/launch.h
$(BENCH_TOOLS)/cost: tests/bench/cost.c tests/bench/launch.c probes/page.c probes/page_valid.c probes/utf8.c probes/clock.c init/journal/record.c \
    config/names.c config/signame.c tests/bench/launch.h probes/page.h
$(BENCH_TOOLS)/serve: tests/bench/serve.c
$(BENCH_TOOLS)/get: tests/bench/get.c
$(BENCH_TOOLS)/helper: tests/bench/helper.c
$(BENCH_TOOLS)/floor: tests/bench/floor.c
$(BENCH_TOOLS)/noop: tests/bench/noop.c
$(BENCH_TOOLS)/%:
	@mkdir -p $(@D)
	$(BENCH_CC) -o $@ $(filter %.c,$^)
