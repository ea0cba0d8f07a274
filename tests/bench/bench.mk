# Side by side with the peers, and signals at random moments.

# TINYSUP=FILE, else the release where it is built, else the development build; the table says which
BENCHED      = $(firstword $(TINYSUP) $(wildcard build-static/tinysup) $(BUILD)/tinysup)
BENCH_TOOLS := build/bench
BENCH_NEEDS := musl-tools tini dumb-init catatonit strace curl wget busybox nginx-light openssl python3-grpcio util-linux
# the app and the no-op start as little as can be: what is measured is the init
BENCH_CC     = musl-gcc -static -Os $(WARNINGS) $(WERROR) -D_GNU_SOURCE -Itests/bench -I.
# unshare ignores SIGTERM: a time-out has to kill it, and its namespace goes with it
RACE         = timeout -s KILL 7200 unshare --pid --fork --kill-child --mount-proc $(BENCH_TOOLS)/race --config tests/bench/race.conf \
               --helper $(BENCH_TOOLS)/helper

TEST_NEEDS  += musl-tools wget busybox

.PHONY: bench race bench-tools
bench-tools:
	@.ci/needs $(BENCH_NEEDS)
	@$(MAKE) -s all $(addprefix $(BENCH_TOOLS)/,bench race helper floor noop cost serve get)

# make bench [N=ROUNDS] [JSON=FILE]; PROFILE=1 tells process 1's system calls instead, CHECKS=1 only what health checks cost, DOCKER=1
# what an engine takes to start one (JSON too)
BENCH = tests/bench/$(if $(PROFILE),profile,$(if $(DOCKER),docker,$(if $(CHECKS),cost,table))).py
bench: bench-tools
	@$(BENCH) --tools $(BENCH_TOOLS) $(if $(PROFILE),,$(if $(N),--rounds $(N)) $(if $(JSON),--json $(JSON))) $(BENCHED)

# make race N=100000 [WAY=open] [PEERS=1]
race: bench-tools
	@$(RACE) $(if $(N),--moments $(N)) $(if $(WAY),--way $(WAY)) $(if $(PEERS),--peers) $(BENCHED)

$(BENCH_TOOLS)/bench: tests/bench/bench.c tests/bench/launch.c tests/bench/launch.h
$(BENCH_TOOLS)/race: tests/bench/race.c tests/bench/moment.c tests/bench/launch.c tests/bench/moment.h tests/bench/launch.h
$(BENCH_TOOLS)/cost: tests/bench/cost.c tests/bench/launch.c probes/page.c probes/page_valid.c probes/utf8.c probes/clock.c tests/bench/launch.h probes/page.h
$(BENCH_TOOLS)/serve: tests/bench/serve.c
$(BENCH_TOOLS)/get: tests/bench/get.c
$(BENCH_TOOLS)/helper: tests/bench/helper.c
$(BENCH_TOOLS)/floor: tests/bench/floor.c
$(BENCH_TOOLS)/noop: tests/bench/noop.c
$(BENCH_TOOLS)/%:
	@mkdir -p $(@D)
	$(BENCH_CC) -o $@ $(filter %.c,$^)
