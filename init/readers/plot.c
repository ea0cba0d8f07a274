#include "init/readers/plot.h"

#include <inttypes.h>

#include "init/readers/html.h"
#include "init/readers/page_view.h"

#define STEP   5 /* units a bucket */
#define WIDTH  (STEP * HOUR_BUCKETS)
#define TOP    2
#define BASE   44 /* of the latencies */
#define LANE   48 /* of the failures, to the bottom */
#define HEIGHT 60

/* How high a bucket is drawn; 0: not at all. */
typedef int height(const struct hour_bucket *bucket, uint32_t most);

static int of_latency(int64_t us, uint32_t most)
{
	if (us >= most)
		return BASE - TOP;
	int high = (int)(us * (BASE - TOP) / most);
	return high < 1 ? 1 : high;
}

static int longest(const struct hour_bucket *bucket, uint32_t most)
{
	return bucket->ok + bucket->failed > 0 ? of_latency(bucket->longest_us, most) : 0;
}

static int mean(const struct hour_bucket *bucket, uint32_t most)
{
	const int64_t results = (int64_t)bucket->ok + bucket->failed;

	return results > 0 ? of_latency(bucket->total_us / results, most) : 0;
}

static int failures(const struct hour_bucket *bucket, uint32_t most)
{
	(void)most;
	return bucket->failed > 0 ? HEIGHT - LANE : 0;
}

static int errors(const struct hour_bucket *bucket, uint32_t most)
{
	(void)most;
	return bucket->failed == 0 && bucket->errors > 0 ? (HEIGHT - LANE) / 2 : 0;
}

/* One area for each stretch of buckets that are drawn: gaps stay gaps. */
static void print_path(FILE *to, const struct hour *hour, size_t check, int64_t now, height *of, uint32_t most, int base,
		       const char *class)
{
	int last = 0;

	fprintf(to, "<path class=\"%s\" d=\"", class);
	for (int age = HOUR_BUCKETS - 1; age >= 0; age--) {
		const struct hour_bucket *bucket = hour_bucket(hour, check, age, now);
		int high = bucket != NULL ? of(bucket, most) : 0;
		if (high > 0 && last == 0)
			fprintf(to, "M%d %d", WIDTH - STEP * (age + 1), base);
		else if (high == 0 && last > 0)
			fprintf(to, "V%dz", base);
		if (high > 0 && high != last)
			fprintf(to, "v%d", last - high);
		if (high > 0)
			fprintf(to, "h%d", STEP);
		last = high;
	}
	if (last > 0)
		fprintf(to, "V%dz", base);
	fputs("\"/>", to);
}

/* What was before the first sample. */
static void print_unknown(FILE *to, const struct hour *hour, size_t check, int64_t now)
{
	int age = HOUR_BUCKETS;

	while (age > 0 && hour_bucket(hour, check, age - 1, now) == NULL)
		age--;
	if (age < HOUR_BUCKETS)
		fprintf(to, "<rect class=\"unknown\" width=\"%d\" height=\"%d\"/>", WIDTH - STEP * age, HEIGHT);
}

static void print_title(FILE *to, const struct hour *hour, size_t check, const struct hour_bucket *sum, int64_t now)
{
	const int64_t results = (int64_t)sum->ok + sum->failed;
	int64_t known = hour->known ? now - hour->recorded : 0;
	char span[DURATION_TEXT];

	fputs("<title>", to);
	html_text(to, check < hour->count ? hour->checks[check].name : "");
	if (known >= HOUR_BUCKET * HOUR_BUCKETS)
		fputs(", the last hour: ", to);
	else
		fprintf(to, ", the last %s: ", view_span(known, span));
	if (results == 0) {
		fputs("no result", to);
	} else {
		fprintf(to, "%" PRIu32 " ok, %" PRIu32 " failed, latency ", sum->ok, sum->failed);
		html_latency(to, sum->total_us / results);
		fputs(" on average, at most ", to);
		html_latency(to, sum->longest_us);
	}
	if (sum->errors > 0)
		fprintf(to, ", %" PRIu32 " times it could not run", sum->errors);
	fputs("</title>", to);
}

void plot_print(FILE *to, const struct hour *hour, size_t check, int64_t now)
{
	const struct hour_bucket sum = hour_sum(hour, check, now);

	fprintf(to, "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">", WIDTH, HEIGHT);
	print_title(to, hour, check, &sum, now);
	print_unknown(to, hour, check, now);
	print_path(to, hour, check, now, longest, sum.longest_us, BASE, "most");
	print_path(to, hour, check, now, mean, sum.longest_us, BASE, "mean");
	fprintf(to, "<path class=\"rule\" d=\"M0 %dH%d\"/>", BASE, WIDTH);
	print_path(to, hour, check, now, failures, 0, HEIGHT, "fill-bad");
	print_path(to, hour, check, now, errors, 0, HEIGHT, "fill-warn");
	fputs("</svg>", to);
}
