/*
 * One SIGTERM at a random moment of the start, many times: none lost, none doubled.
 *
 *   race [--moments N] [--seed N] [--patience MS] [--way TEXT] [--peers] --helper FILE --config FILE TINYSUP
 *
 * --way takes only those whose name begins so. Must be process 1 of a PID namespace with a /proc of its own, so that it can end
 * whatever a contestant leaves behind.
 *
 * From outside, the kernel drops a signal that process 1 of a namespace neither blocks nor handles. So contestants start with
 * all signals blocked: one that comes before their main() stays pending. tinysup hands the mask on, and the app counts at its
 * leisure. Of a signal such as SIGTERM no more than one can be pending: of two in a row the app may see one. So the chain's
 * stop signal is a real-time one, and the ways called queued send one. In the ways called open nothing is blocked, as in a
 * container, and the moments begin when the contestant blocks SIGTERM by itself; the app may then die of it before it counts.
 * Moments are uniform from 10 % of the start (clone to the app's first line, measured before) before the contestant's exec to
 * 50 % after its end.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "moment.h"

#define WAYS_MAX    16
#define LOST_ENOUGH 30 /* then there is nothing left to learn: each costs our whole patience */

static const char *only = "";
static long patience = 5000;
static uint64_t seed;

static nsec_t random_below(nsec_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (nsec_t)(seed % (uint64_t)(limit > 0 ? limit : 1));
}

static struct tally race(const struct contestant *who, long moments)
{
	struct tally tally = {0};
	const struct way *ways[WAYS_MAX];
	nsec_t windows[WAYS_MAX];
	long count = 0;

	for (size_t i = 0; i < who->count; i++) {
		const struct way *way = &who->ways[i];
		if (strncmp(way->name, only, strlen(only)) != 0)
			continue;
		ways[count] = way;
		windows[count] = moment_calibrate(who, way);
		fprintf(stderr, "race: %s (%s): starts in %lld us\n", who->name, way->name, (long long)windows[count] / 1000);
		count++;
	}
	for (long i = 0; count > 0 && i < moments && tally.lost < LOST_ENOUGH; i++) {
		const struct way *way = ways[i % count];
		nsec_t window = windows[i % count];
		/* from 10 % before the exec to 50 % after the app's first line */
		nsec_t moment = random_below(way->open ? window * 3 / 2 : window * 16 / 10);
		moment_try(who, way, window, moment, patience, &tally);
	}
	return tally;
}

static void print(const char *name, const struct tally *tally)
{
	printf("race: %s%s%ld moments, %ld lost, %ld doubled, %ld wrong\n", name, name[0] != '\0' ? ": " : "", tally->moments,
	       tally->lost, tally->doubled, tally->wrong);
	fflush(stdout);
}

/* Peers need not hand on the mask: their app may always die before it counts. A line each: only open is what containers do. */
#define PEER_WAYS 4

#define PEER(name, ...)                                                                                                        \
	static const struct way name[] = {                                                                                     \
	    {"forward", true, false, SIGTERM, {__VA_ARGS__}, "7", 7, 128 + SIGTERM},                                           \
	    {"queued", true, false, QUEUED, {__VA_ARGS__}, "7", 7, 128 + QUEUED},                                              \
	    {"not process 1", false, false, SIGTERM, {__VA_ARGS__}, "7", 7, 128 + SIGTERM},                                    \
	    {"open", true, true, SIGTERM, {__VA_ARGS__}, "7", 7, 128 + SIGTERM},                                               \
	}

static void race_peers(long moments)
{
	PEER(plain, NULL);
	PEER(tini_group, "-g");
	PEER(dumb_init_child, "-c");
	const struct contestant peers[] = {
	    {"tini-static", "/usr/bin/tini-static", plain, PEER_WAYS},
	    {"tini-static -g", "/usr/bin/tini-static", tini_group, PEER_WAYS},
	    {"dumb-init", "/usr/bin/dumb-init", plain, PEER_WAYS},
	    {"dumb-init -c", "/usr/bin/dumb-init", dumb_init_child, PEER_WAYS},
	    {"catatonit", "/usr/bin/catatonit", plain, PEER_WAYS},
	    {"catatonit -g", "/usr/bin/catatonit", tini_group, PEER_WAYS},
	};

	for (size_t i = 0; i < sizeof peers / sizeof *peers * PEER_WAYS; i++) {
		struct contestant one = peers[i / PEER_WAYS];
		char label[64];
		one.ways += i % PEER_WAYS;
		one.count = 1;
		snprintf(label, sizeof label, "%s (%s)", one.name, one.ways->name);
		if (access(one.file, X_OK) != 0) {
			fprintf(stderr, "race: %s is not installed: left out\n", one.file);
			continue;
		}
		struct tally tally = race(&one, moments);
		if (tally.moments > 0)
			print(label, &tally);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"moments", required_argument, NULL, 'm'}, {"seed", required_argument, NULL, 's'},
	    {"helper", required_argument, NULL, 'h'},  {"patience", required_argument, NULL, 't'},
	    {"config", required_argument, NULL, 'c'},  {"way", required_argument, NULL, 'w'},
	    {"peers", no_argument, NULL, 'p'},         {NULL, 0, NULL, 0},
	};
	const char *config = NULL, *helper = NULL;
	long moments = 2000;
	bool peers = false;
	int option;

	seed = (uint64_t)now();
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			moments = atol(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'h':
			helper = optarg;
			break;
		case 't':
			patience = atol(optarg);
			break;
		case 'c':
			config = optarg;
			break;
		case 'w':
			only = optarg;
			break;
		case 'p':
			peers = true;
			break;
		default:
			return 64;
		}
	}
	if (helper == NULL || config == NULL || optind != argc - 1 || seed == 0)
		fail("usage: see race.c");
	if (getpid() != 1)
		fail("must be process 1 of a PID namespace: unshare --pid --fork --kill-child --mount-proc race ...");
	moment_prepare(helper);
	const struct way ways[] = {
	    {"forward", true, false, SIGTERM, {NULL}, "7", 7, -1},
	    {"chain", true, false, SIGTERM, {"--config", config}, "143", 0, -1},
	    {"group", true, false, SIGTERM, {"-g"}, "7", 7, -1},
	    {"queued", true, false, QUEUED, {NULL}, "7", 7, -1},
	    {"queued, group", true, false, QUEUED, {"-g"}, "7", 7, -1},
	    {"not process 1", false, false, SIGTERM, {NULL}, "7", 7, -1},
	    {"not process 1, chain", false, false, SIGTERM, {"--config", config}, "143", 0, -1},
	    {"open", true, true, SIGTERM, {NULL}, "7", 7, 128 + SIGTERM},
	    {"open, chain", true, true, SIGTERM, {"--config", config}, "143", 0, 0},
	    {"open, group", true, true, SIGTERM, {"-g"}, "7", 7, 128 + SIGTERM},
	};
	const struct contestant tinysup = {"tinysup", argv[optind], ways, sizeof ways / sizeof *ways};
	fprintf(stderr, "race: seed %llu\n", (unsigned long long)seed);
	struct tally tally = race(&tinysup, moments);
	print("", &tally);
	if (peers) {
		patience = 500; /* there is nothing to prove */
		race_peers(moments < 1000 ? moments : 1000);
	}
	return tally.lost + tally.doubled + tally.wrong > 0;
}
